"""Queue, counters, splits, samples, augmentations by split, downloads."""

from __future__ import annotations

import http.server
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from deephealth import ecvl
from deephealth.ecvl.dataset.download import fetch
from deephealth.io.dataset_yaml import read_dataset_yaml


def test_queue_hands_out_the_same_objects_in_order() -> None:
    queue = ecvl.ProducersConsumerQueue(5, 2)
    elements = [(ecvl.Sample(), object(), object()) for _ in range(3)]
    for element in elements:
        queue.Push(*element)
    assert queue.Length() == 3
    for element in elements:
        assert all(one is other for one, other in zip(queue.Pop(), element, strict=True))
    assert queue.IsEmpty()


@pytest.mark.parametrize("free", ["pop", "size", "clear", "free"])
def test_a_full_queue_lets_producers_go(free: str) -> None:
    queue = ecvl.ProducersConsumerQueue(1)
    queue.Push(1, None, None)
    producer = threading.Thread(target=queue.Push, args=(2, None, None))
    producer.start()
    producer.join(0.05)
    assert producer.is_alive()
    {"pop": queue.Pop, "size": lambda: queue.SetSize(2), "clear": queue.Clear, "free": queue.FreeLockedOnPush}[free]()
    producer.join(5)
    assert not producer.is_alive()
    assert queue.Length() == {"pop": 1, "size": 2, "clear": 1, "free": 1}[free]


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        ecvl.ProducersConsumerQueue(0)
    assert not ecvl.ProducersConsumerQueue().IsFull()


@pytest.mark.parametrize("numbers", [(), (1,), (1, 2, 3, 4)])
def test_counters_want_two_or_three_numbers(numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="min and max"):
        ecvl.ThreadCounters(*numbers)


@pytest.mark.parametrize(
    ("count", "drop", "batches", "last"), [(7, False, 3, 1), (7, True, 2, 3), (9, False, 3, 3), (0, False, 0, 3)]
)
def test_split_sizes(count: int, drop: bool, batches: int, last: int) -> None:
    split = ecvl.Split("any", range(count), drop)
    split.SetNumBatches(3)
    split.SetLastBatch(3)
    assert (split.num_batches_, split.last_batch_, split.split_type_) == (batches, last, None)
    with pytest.raises(ValueError, match="batch size of 0"):
        split.SetNumBatches(0)


def test_loading_pictures(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "deep.png"), picture.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "clear.png"), np.dstack([picture, picture[:, :, 0]]))
    cv2.imwrite(str(tmp_path / "grey.png"), picture[:, :, 0])
    for name in ("a", "deep", "clear"):
        sample = ecvl.Sample([tmp_path / f"{name}.png"], label_path=tmp_path / "grey.png")
        image = sample.LoadImage()
        assert (image.colortype_, image.channels_, sample.size_) == (ecvl.ColorType.RGB, "xyc", [4, 5])
        np.testing.assert_array_equal(image.to_hwc(), picture[:, :, ::-1])
        assert sample.LoadImage(ecvl.ColorType.none).colortype_ is ecvl.ColorType.BGR  # as the file has it
        np.testing.assert_array_equal(sample.LoadImage(ecvl.ColorType.BGR).to_hwc(), picture[:, :, ::-1])
        mask = sample.LoadImage(ecvl.ColorType.GRAY, is_gt=True)
        np.testing.assert_array_equal(mask.to_hwc(), picture[:, :, 0])
    grey = ecvl.Sample([tmp_path / "grey.png"]).LoadImage()
    np.testing.assert_array_equal(grey.to_hwc(), np.dstack([picture[:, :, 0]] * 3))


def test_what_can_not_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"none\.png' does not exist"):
        ecvl.Sample([tmp_path / "none.png"]).LoadImage()
    with pytest.raises(RuntimeError, match="no ground truth"):
        ecvl.Sample(["x.png"]).LoadImage(is_gt=True)
    with pytest.raises(RuntimeError, match="no location"):
        ecvl.Sample().LoadImage()
    for name in ("bad.png", "bad.jpg", "bad.dcm"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(RuntimeError, match=name):
            ecvl.Sample([tmp_path / name]).LoadImage()


def test_stacks_need_one_size(tmp_path: Path) -> None:
    for at in (1, 2):
        cv2.imwrite(str(tmp_path / f"{at}.png"), np.zeros((4, at), np.uint8))
    with pytest.raises(RuntimeError, match=r"1\.png.*2\.png"):
        ecvl.Sample([tmp_path / "1.png", tmp_path / "2.png"]).LoadImage(ecvl.ColorType.none)


def test_augmentations_by_split() -> None:
    image = ecvl.Image([4, 3, 1], ecvl.DataType.uint8, "xyc", ecvl.ColorType.GRAY)
    augs = ecvl.DatasetAugmentations([ecvl.AugResizeDim([2, 2]), None])
    assert augs.Apply(ecvl.SplitType.training, image)
    assert image.dims_ == [2, 2, 1]
    assert not augs.Apply(1, image)
    with pytest.raises(RuntimeError, match="no augmentation for split 2"):
        augs.Apply(ecvl.SplitType.test, image)
    with pytest.raises(TypeError, match="no method Apply"):
        ecvl.DatasetAugmentations(["AugFlip"])


class _Server(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        self.send_response(200 if self.path != "/none" else 404)
        self.end_headers()
        self.wfile.write(b"picture")

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def address() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_downloads_happen_once(address: str, tmp_path: Path) -> None:
    first = fetch(f"{address}/a%20b.png?x=;rm", tmp_path / "cache")
    assert first.read_bytes() == b"picture"
    assert first.parent == tmp_path / "cache"
    assert first.name.endswith("-a_b.png")
    before = len(_Server.asked)
    assert fetch(f"{address}/a%20b.png?x=;rm", tmp_path / "cache") == first
    assert len(_Server.asked) == before


@pytest.mark.parametrize(("path", "message"), [("/away", "not allowed"), ("/none", "404")])
def test_downloads_that_fail(address: str, tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        fetch(address + path, tmp_path)
    with pytest.raises(RuntimeError, match="refused"):
        fetch("file:///etc/passwd", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    "remote" not in inspect.signature(read_dataset_yaml).parameters, reason="the reader has no hook yet"
)
def test_a_data_set_with_addresses(address: str, tmp_path: Path) -> None:
    file = tmp_path / "d.yml"
    file.write_text(f"images: ['{address}/x.png']\n")
    with pytest.raises(RuntimeError, match="is the address"):
        ecvl.Dataset(file)
    data = ecvl.Dataset(file, download=tmp_path / "cache")
    assert Path(data.samples_[0].location_[0]).read_bytes() == b"picture"
