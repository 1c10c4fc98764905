from __future__ import annotations

import datetime
import gc
import logging
import os
import pickle
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from deephealth import ecvl
from deephealth.core.errors import DeepHealthError
from deephealth.ecvl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

Maker = Callable[..., Path]


def epoch(data: ecvl.DLDataset, count: int | None = None) -> list[tuple[list[str], np.ndarray, np.ndarray]]:
    data.ResetBatch()
    data.Start()
    found = []
    for _ in range(data.GetNumBatches() if count is None else count):
        samples, x, y = data.GetBatch()
        found.append(([os.path.basename(s.location_[0]) for s in samples], np.array(x), np.array(y)))
    data.Stop()
    return found


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)


def random_chain() -> ecvl.SequentialAugmentationContainer:
    return ecvl.SequentialAugmentationContainer(
        [ecvl.AugMirror(0.5), ecvl.AugFlip(0.5), ecvl.AugAdditivePoissonNoise([0, 40]), ecvl.AugToFloat32(255)]
    )


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_seeds_hold_for_any_number_of_workers(make_set: Maker, workers: int) -> None:
    file = make_set(9)

    def run(workers: int) -> list[np.ndarray]:
        ecvl.AugmentationParam.SetSeed(11)
        ecvl.DLDataset.SetSplitSeed(5)
        data = ecvl.DLDataset(file, 2, [random_chain()], num_workers=workers, queue_ratio_size=2)
        first = epoch(data)
        data.ResetAllBatches(True)
        return [x for _, x, _ in first + epoch(data)]

    wanted, found = run(1), run(workers)
    assert len(wanted) == 10
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(wanted[0], wanted[5])  # epochs differ


def test_a_sample_that_comes_twice_is_augmented_twice(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(2), 8, [ecvl.AugAdditiveLaplaceNoise([1, 50])])
    data.split_.training_ = [0] * 8
    _, x, _ = epoch(data)[0]
    assert len({image.tobytes() for image in x}) == 8


def test_batches_equal_what_load_batch_and_torch_give(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(5, kind="seg"), 2, [ecvl.AugToFloat32(255, 255)])
    batches = epoch(data)
    view = data.torch_dataset()
    data.ResetBatch()
    for at in range(2):
        x, y = Tensor(data.tensors_shape_[0]), Tensor(data.tensors_shape_[1])
        data.LoadBatch(x, y)
        np.testing.assert_array_equal(np.array(x), batches[at][1])
        np.testing.assert_array_equal(np.array(y), batches[at][2])
        for place in range(2):
            np.testing.assert_array_equal(view[2 * at + place][0].numpy(), batches[at][1][place])
            np.testing.assert_array_equal(view[2 * at + place][1].numpy(), batches[at][2][place])
    assert batches[2][1].shape == (1, 3, 6, 8)
    with pytest.raises(RuntimeError, match="1 samples of the split are left"):
        data.LoadBatch(x, y)


def test_load_batch_with_workers_and_foreign_tensors(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(4), 4, None, num_workers=3)
    wanted = epoch(data)[0]
    data.ResetCurrentBatch()
    x, y = torch.zeros(4, 6, 8, 3, dtype=torch.float64).permute(0, 3, 1, 2), torch.zeros(4, 2)
    data.LoadBatch(x, y)
    np.testing.assert_array_equal(x.numpy(), wanted[1])
    np.testing.assert_array_equal(y.numpy(), wanted[2])
    with pytest.raises(RuntimeError, match="images tensor is"):
        data.LoadBatch(torch.zeros(3, 3, 6, 8))
    with pytest.raises(RuntimeError, match="labels tensor is"):
        data.LoadBatch(x, torch.zeros(4, 3))


def test_dividing_at_the_end_is_the_same_as_dividing_in_the_chain(make_set: Maker) -> None:
    file = make_set(3, kind="seg")
    chain = [ecvl.AugMirror(1), ecvl.AugToFloat32(251.0, 3.0)]
    fused = epoch(ecvl.DLDataset(file, 3, [ecvl.SequentialAugmentationContainer(chain)]))
    with strict_mode():
        plain = epoch(ecvl.DLDataset(file, 3, [ecvl.SequentialAugmentationContainer(chain)]))
    np.testing.assert_array_equal(fused[0][1], plain[0][1])
    np.testing.assert_array_equal(fused[0][2], plain[0][2])


@pytest.mark.parametrize("augs", [None, [], [None], ecvl.DatasetAugmentations([])])
def test_no_augmentation_at_all(make_set: Maker, augs: object) -> None:
    data = ecvl.DLDataset(make_set(3), 2, augs)
    assert data.resize_dims_ == [6, 8]
    assert [x.shape for _, x, _ in epoch(data)] == [(2, 3, 6, 8), (1, 3, 6, 8)]


def test_fewer_augmentations_than_splits(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(3, splits={"training": [0, 1], "test": [2]}), 1, [ecvl.AugFlip(0.5)])
    data.SetSplit("test")
    with pytest.raises(RuntimeError, match="no augmentation for split 1"):
        data.Start()


def test_drop_last(make_set: Maker, caplog: pytest.LogCaptureFixture) -> None:
    file = make_set(7, splits={"training": [0, 1, 2, 3, 4], "test": [5, 6]})
    with caplog.at_level(logging.WARNING):
        data = ecvl.DLDataset(file, 2, None, drop_last={"training": True, "validation": True})
    assert "'validation'" in caplog.text
    assert [len(names) for names, _, _ in epoch(data)] == [2, 2]
    assert data.GetNumBatches("test") == data.GetNumBatches(ecvl.SplitType.test) == 1
    with pytest.raises(RuntimeError, match="all 0 batches"):
        epoch(ecvl.DLDataset(file, 9, None, drop_last={"training": True}), 1)


def test_unlabelled_splits_have_no_y(make_set: Maker) -> None:
    names, x, y = epoch(ecvl.DLDataset(make_set(3, kind="none"), 3, None))[0]
    assert (names, x.shape, y.size) == (["0.png", "1.png", "2.png"], (3, 3, 6, 8), 0)


def test_segmentation_that_lists_classes(make_set: Maker) -> None:
    file = make_set(3, kind="seg")
    file.write_text(file.read_text().replace("name: toy", "name: toy\nclasses: [skin]"))
    _, _, y = epoch(ecvl.DLDataset(file, 3, None))[0]
    assert y.shape == (3, 1, 6, 8)


def test_class_numbers_without_names(make_set: Maker) -> None:
    file = make_set(3)
    text = file.read_text().replace("classes: [nv, mel]\n", "").replace("label: nv", "label: 0").replace("mel", "2")
    file.write_text(text)
    assert epoch(ecvl.DLDataset(file, 3, None))[0][2].tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]


def test_capacity_of_one_does_not_block(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(6), 1, None)
    assert [names for names, _, _ in epoch(data)] == [[f"{at}.png"] for at in range(6)]
    data = ecvl.DLDataset(make_set(6), 5, None, queue_ratio_size=0.1)
    assert [len(names) for names, _, _ in epoch(data)] == [5, 1]


def test_a_damaged_file_is_named_and_the_rest_goes_on(make_set: Maker) -> None:
    file = make_set(8)
    (file.parent / "3.png").write_bytes(b"\x89PNG nothing")
    data = ecvl.DLDataset(file, 2, None, num_workers=2)
    data.Start()
    data.GetBatch()
    with pytest.raises(RuntimeError, match=r"sample 3, '.*3\.png'") as raised:
        data.GetBatch()
    assert isinstance(raised.value, DeepHealthError)
    assert os.path.basename(data.GetBatch()[0][0].location_[0]) == "4.png"
    data.Stop()


def test_another_size_is_named(make_set: Maker) -> None:
    file = make_set(4)
    cv2.imwrite(str(file.parent / "2.png"), np.zeros((6, 9, 3), np.uint8))
    data = ecvl.DLDataset(file, 4, None)
    data.Start()
    with pytest.raises(RuntimeError, match=r"2\.png.*3 x 6 x 9(.|\n)*3 x 6 x 8"):
        data.GetBatch()
    data.Stop()


def test_a_worker_that_dies(make_set: Maker) -> None:
    class Broken(ecvl.DLDataset):
        def ProduceImageLabel(self, augs: ecvl.DatasetAugmentations, elem: ecvl.Sample) -> None:
            if elem.location_[0].endswith("1.png"):
                raise SystemExit
            super().ProduceImageLabel(augs, elem)

    data = Broken(make_set(4), 1, None)
    data.Start()
    data.GetBatch()
    with pytest.raises(SystemExit):
        data.GetBatch()
    data.Stop()


def test_start_and_stop(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(40), 2, None, num_workers=3, queue_ratio_size=4)
    with pytest.raises(RuntimeError, match="not running"):
        data.Stop()
    with pytest.raises(RuntimeError, match="call Start first"):
        data.GetBatch()
    data.Start()
    with pytest.raises(RuntimeError, match="running already"):
        data.Start()
    data.GetBatch()
    time.sleep(0.1)
    assert 0 < data.GetQueueSize() <= 24
    before = time.perf_counter()
    data.Stop()  # with a full queue
    assert time.perf_counter() - before < 5
    assert data.GetQueueSize() == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("DLDataset")]


def test_start_goes_on_where_the_epoch_was_left(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(6), 2, None)
    data.Start()
    data.GetBatch()
    data.Stop()
    data.Start()
    assert os.path.basename(data.GetBatch()[0][0].location_[0]) == "2.png"
    data.GetBatch()
    with pytest.raises(RuntimeError, match="all 3 batches"):
        data.GetBatch()
    data.Stop()


def test_an_abandoned_data_set_ends_its_workers(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(40), 1, None, num_workers=2)
    data.Start()
    data.GetBatch()
    seen = weakref.ref(data)
    del data
    gc.collect()
    assert seen() is None
    for _ in range(100):
        if not [thread for thread in threading.enumerate() if thread.name.startswith("DLDataset")]:
            break
        time.sleep(0.02)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("DLDataset")]


def test_sizes_and_workers_can_change(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(6), 2, None)
    data.SetBatchSize(6)
    assert data.tensors_shape_ == ([6, 3, 6, 8], [6, 2])
    data.SetWorkers(4)
    assert [len(names) for names, _, _ in epoch(data)] == [6]
    data.SetBatchSize(4)
    assert [len(names) for names, _, _ in epoch(data)] == [4, 2]
    data.Start(0)
    with pytest.raises(RuntimeError, match="can't change"):
        data.SetBatchSize(1)
    data.Stop()
    for call in (data.SetBatchSize, data.SetWorkers):
        with pytest.raises(RuntimeError, match="1 or more"):
            call(0)
    with strict_mode(), pytest.raises(RuntimeError, match="less than"):
        data.SetBatchSize(6)


def test_augmentations_can_change(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(2), 2, [ecvl.AugFlip(1)])
    data.SetAugmentations(ecvl.DatasetAugmentations([ecvl.AugResizeDim([4, 3])]))
    assert data.resize_dims_ == [3, 4]
    assert epoch(data)[0][1].shape == (2, 3, 3, 4)


def test_first_augmentation_decides_the_split(make_set: Maker) -> None:
    file = make_set(4, splits={"training": [0, 1], "test": [2, 3]})
    data = ecvl.DLDataset(file, 2, [None, ecvl.AugResizeDim([5, 5])])
    assert (data.current_split_, data.resize_dims_) == (1, [5, 5])


def test_older_generation(make_set: Maker) -> None:
    file = make_set(4)
    data = ecvl.DLDataset(file, 2, None, ecvl.ColorType.BGR, ecvl.ColorType.GRAY, True)
    assert (data.num_workers_, data.ctype_) == (1, ecvl.ColorType.BGR)
    order = data.GetSplit()[::-1]
    data.split_.training_ = order
    data.ResetCurrentBatch()
    x, y = torch.zeros(2, 3, 6, 8), torch.zeros(2, 2)
    data.LoadBatch(x, y)
    assert y.tolist() == [[0, 1], [1, 0]]
    picture = cv2.imread(str(file.parent / "3.png"))
    np.testing.assert_array_equal(x[0].numpy(), picture.transpose(2, 0, 1))


class Slices(ecvl.DLDataset):
    """Each row of a picture is a sample of its own."""

    def ProduceImageLabel(self, augs: ecvl.DatasetAugmentations, elem: ecvl.Sample) -> None:
        image = elem.LoadImage(self.ctype_)
        augs.Apply(self.current_split_, image)
        pixels = np.array(image)
        for row in range(pixels.shape[1]):
            part = ecvl.Image.fromarray(pixels[:, row : row + 1], "xyc", ecvl.ColorType.RGB)
            self.queue_.Push(elem, ecvl.ImageToTensor(part), self.ToTensorPlane(elem.label_ or []))


@pytest.mark.parametrize("workers", [1, 3])
def test_subclasses_may_yield_many_elements_per_sample(make_set: Maker, workers: int) -> None:
    file = make_set(3)
    ecvl.AugmentationParam.SetSeed(3)
    data = Slices(file, 4, [ecvl.AugAdditiveLaplaceNoise([1, 20])], num_workers=workers)
    batches = epoch(data, 5)  # 18 rows
    assert [len(names) for names, _, _ in batches] == [4, 4, 4, 4, 2]
    assert batches[1][0] == ["0.png", "0.png", "1.png", "1.png"]
    assert batches[0][1].shape == (4, 3, 1, 8)
    ecvl.AugmentationParam.SetSeed(3)
    again = epoch(Slices(file, 4, [ecvl.AugAdditiveLaplaceNoise([1, 20])], num_workers=2), 5)
    for one, other in zip(batches, again, strict=True):
        np.testing.assert_array_equal(one[1], other[1])
        np.testing.assert_array_equal(one[2], other[2])
    data.Start()
    with pytest.raises(RuntimeError, match="all 5 batches"):
        data.GetBatch()
    data.Stop()


def test_errors_of_subclasses_name_the_file(make_set: Maker) -> None:
    class Broken(ecvl.DLDataset):
        def ProduceImageLabel(self, augs: ecvl.DatasetAugmentations, elem: ecvl.Sample) -> None:
            raise ValueError("no such slice")

    data = Broken(make_set(2), 1, None)
    data.Start()
    with pytest.raises(RuntimeError, match=r"0\.png.*ValueError: no such slice"):
        data.GetBatch()
    data.Stop()


def test_producing_by_hand(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(3, kind="seg"), 2, [ecvl.AugMirror(1)])
    data.ProduceImageLabel(data.augs_, data.samples_[0])
    data.ThreadFunc(0)
    assert data.GetQueueSize() == 2
    _, x, y = data.GetBatch()
    assert (x.shape, y.shape) == ([2, 3, 6, 8], [2, 1, 6, 8])
    with pytest.raises(RuntimeError, match="worker 3"):
        data.ThreadFunc(3)


def test_memory_of_batches_is_used_again(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(20), 2, None)
    data.Start()
    places = set()
    for _ in range(10):
        _, x, _ = data.GetBatch()
        places.add(x.torch.data_ptr())
        del x
    data.Stop()
    assert len(places) <= 6
    held = epoch(data, 1)[0][1].copy()
    x = np.asarray(epoch(data, 1)[0][1])
    epoch(data)
    np.testing.assert_array_equal(x, held)


def test_loader_processes_give_the_same(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(4), 2, [random_chain()])
    view = data.torch_dataset(seed=4)
    wanted = [view[at][0] for at in range(4)]
    loader = torch.utils.data.DataLoader(view, batch_size=4, num_workers=2)
    x, y = next(iter(loader))
    assert torch.equal(x, torch.stack(wanted))
    assert y.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    again = pickle.loads(pickle.dumps(view))  # as loaders that spawn their processes do
    assert torch.equal(again[2][0], wanted[2])
    view.set_epoch(1)
    assert not torch.equal(view[0][0], wanted[0]) or not torch.equal(view[1][0], wanted[1])


def test_label_planes(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(2), 2, None)
    assert np.array(data.ToTensorPlane([1, 0])).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="class index 2"):
        data.ToTensorPlane([2])


def test_channels_can_be_announced(make_set: Maker) -> None:
    data = ecvl.DLDataset(make_set(2, kind="seg"), 2, None)
    data.SetNumChannels(1, 2)
    assert data.tensors_shape_ == ([2, 1, 6, 8], [2, 2, 6, 8])


def test_stacked_acquisitions(make_set: Maker, tmp_path: Path) -> None:
    root = make_set(2).parent
    for at in range(2):
        cv2.imwrite(str(root / f"g{at}.png"), np.full((6, 8), at + 1, np.uint8))
    file = root / "stack.yml"
    file.write_text("images: [[g0.png, g1.png]]\nsplit: {test: [0]}\n")
    data = ecvl.DLDataset(file, 1, None, ecvl.ColorType.none)
    _, x, _ = epoch(data)[0]
    assert x.shape == (1, 2, 6, 8)
    assert x[0, :, 0, 0].tolist() == [1, 2]


def test_waiting(make_set: Maker) -> None:
    before = time.perf_counter()
    ecvl.DLDataset.sleep_for(datetime.timedelta(milliseconds=5))
    ecvl.DLDataset.sleep_for(0.005)
    assert time.perf_counter() - before >= 0.01


def test_data_sets_without_images_or_splits(make_set: Maker) -> None:
    file = make_set(1)
    file.write_text("images: []\n")
    with pytest.raises(RuntimeError, match="lists no images"):
        ecvl.DLDataset(file, 1, None)
    file.write_text("images: [0.png]\n")
    data = ecvl.DLDataset(file, 1, [ecvl.AugFlip(1)])
    with pytest.raises(RuntimeError, match="has no splits"):
        data.Start()
