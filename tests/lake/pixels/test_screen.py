"""The screen: pictures with faint, thin and half-hidden writing, no writing, and a network that can't be loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from deephealth.core.errors import QuarantineError, StorageError
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels import screen
from deephealth.lake.pixels.cleaner import PixelCleaner
from tests.lake.pixels.pictures import dataset_of, written

pytest.importorskip("onnxruntime")


@pytest.fixture
def fresh_network() -> Iterator[None]:
    screen.network.cache_clear()
    yield
    screen.network.cache_clear()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_writing_is_seen_in_values_of_every_type(dtype: type) -> None:
    clean, text = written(256, 256)
    assert screen.hot_zones((text * 120).astype(dtype), 1.0)
    assert not screen.hot_zones((clean * 0).astype(dtype), 1.0)


@pytest.mark.parametrize("rows", [255, 256, 261])
@pytest.mark.parametrize("columns", [250, 320])
def test_the_quarter_that_levels_share_gives_what_a_level_alone_gives(rows: int, columns: int) -> None:
    _, text = written(rows, columns)
    for scale, level, least, quarter in screen.levels_of((text * 4000).astype(np.int16)):
        apart = screen.logits(level, least)
        assert apart.shape == (-(-level.shape[0] // 8), -(-level.shape[1] // 8))
        together = screen.logits(level, least, quarter)
        assert np.abs(together - apart).mean() < 0.05, scale


def test_levels_halve_and_hold_means() -> None:
    picture = np.arange(320 * 320, dtype=np.int32).reshape(320, 320)
    (one, first, _, quarter), (two, second, _, last), (four, _, _, nothing) = screen.levels_of(picture)
    assert (one, two, four) == (1, 2, 4)
    assert np.array_equal(first, picture)
    assert np.allclose(second, picture.reshape(160, 2, 160, 2).mean((1, 3)))
    assert quarter is not None
    assert np.allclose(quarter, picture.reshape(80, 4, 80, 4).mean((1, 3)))
    assert last is not None
    assert nothing is None


def test_a_small_picture_is_enlarged_first_and_boxes_are_its_own() -> None:
    scales = [scale for scale, *_ in screen.levels_of(np.zeros((248, 175), np.uint8))]
    assert scales == pytest.approx([2 / 3, 4 / 3, 8 / 3])
    picture = cv2.putText(np.zeros((120, 250), np.uint8), "DOE^JANE 4711", (40, 60), 0, 0.5, 255)
    rows, columns = (np.flatnonzero(picture.any(axis)) for axis in (1, 0))
    x0, y0, x1, y1 = screen.hot_zones(picture, 1.0)[0][:4]
    assert 0 <= x0 <= columns[0]
    assert 0 <= y0 <= rows[0]
    assert columns[-1] < x1 <= 250
    assert rows[-1] < y1 <= 120


def test_thin_letters_across_edges_of_a_small_slice_are_hidden() -> None:
    skull = cv2.ellipse(np.zeros((248, 175), np.uint8), (87, 120), (80, 100), 0, 0, 360, 255, 8)
    slice_ = cv2.GaussianBlur(cv2.rectangle(skull, (50, 96), (80, 126), 160, -1), (0, 0), 1.5)
    image = Image.fromarray(slice_)
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif-Italic.ttf"), 10)
    ImageDraw.Draw(image).text((40, 97), "Dr. O'Brien", font=font, fill=255)
    dataset = dataset_of(np.asarray(image)[None])
    assert PixelCleaner().clean(dataset, Identifiers()).status == "hidden"
    assert not screen.hot_zones(dataset.pixel_array, 1.0)


def test_a_picture_is_seen_alike_after_another_one() -> None:
    _, text = written(256, 256)
    picture = (text * 255).astype(np.uint8)
    before = screen.hot_zones(picture, 0.0)
    screen.hot_zones(np.random.default_rng(0).integers(0, 4000, (300, 200)).astype(np.uint16), 0.0)
    assert screen.hot_zones(picture, 0.0) == before


def test_neither_offset_nor_scale_of_the_values_matters() -> None:
    _, text = written(256, 256)
    near = screen.normalised((text * 2000).astype(np.int16))
    far = screen.normalised((text * 2000 * 4 - 5000).astype(np.float32))
    assert np.abs(near - far).mean() < 0.05


def test_the_picture_is_not_changed() -> None:
    picture = np.random.default_rng(1).normal(0, 1, (128, 128)).astype(np.float32)
    before = picture.copy()
    screen.find_lines(picture)
    assert np.array_equal(picture, before)


def test_hershey_letters_of_one_pixel_are_found() -> None:
    picture = cv2.putText(np.zeros((256, 256), np.uint8), "DOE^JANE 4711", (20, 60), 0, 0.5, 60, 1)
    assert screen.find_lines(picture)


@pytest.mark.parametrize("content", [None, b"", b"no network"])
def test_a_network_that_cannot_be_loaded_stops_the_run(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_network: None
) -> None:
    path = tmp_path / "screen.onnx"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(screen, "_WEIGHTS", path)
    dataset = dataset_of(np.zeros((1, 96, 96), np.uint8))
    with pytest.raises(StorageError, match="can't be loaded") as caught:
        PixelCleaner().clean(dataset, Identifiers())
    assert not isinstance(caught.value, QuarantineError)
    assert str(tmp_path) not in str(caught.value)


def test_onnxruntime_writes_nothing_and_sends_nothing(tmp_path: Path) -> None:
    code = "import numpy as np; from deephealth.lake.pixels.screen import find_lines; find_lines(np.zeros((64, 64)))"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    assert [path for path in tmp_path.rglob("*") if path.name == ".ses" or "onnxruntime" in path.name] == []


def test_a_thumbnail_is_not_enlarged() -> None:
    assert next(iter(screen.levels_of(np.zeros((60, 80), np.uint8))))[0] == 1
