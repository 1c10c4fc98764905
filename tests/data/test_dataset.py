from __future__ import annotations

import numpy as np
import pytest
import torch

from deephealth.core.errors import DataError
from deephealth.core.seeds import counter_seed
from deephealth.data.dataset import ImageDataset, Sizes, class_indices
from deephealth.data.sample import DataIndex
from deephealth.io.raster import read_mask, read_rgb

SIZE = (12, 16)


class Record:
    """Writes its seed into the image, and remembers what it was asked."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None, *, seed: int, size: tuple[int, int]) -> tuple:
        self.seeds.append(seed)
        image[0, 0, 0] = 7  # must be writable
        return image[:, : size[0], : size[1]], None if mask is None else mask[:, : size[0], : size[1]]


def make(index: DataIndex, *, masks: bool = False, augment: object = None, sizes: Sizes | None = None) -> ImageDataset:
    images = [read_rgb(sample.image) for sample in index.samples]
    for image in images:
        image.flags.writeable = False
    masked = [read_mask(sample.mask) for sample in index.samples] if masks else None
    targets = class_indices(index.samples, index.classes)
    return ImageDataset(index.samples, targets, images, masked, sizes=sizes or Sizes(SIZE), augment=augment, seed=5)


def test_classification_batch(index: DataIndex) -> None:
    batch = make(index).__getitems__([(0, 0, 3), (0, 0, 1)])
    assert list(batch) == ["image", "label", "index", "id"]
    assert (batch["image"].shape, batch["image"].dtype) == ((2, 3, *SIZE), torch.float32)
    expected = np.stack([read_rgb(index.samples[at].image) for at in (3, 1)]).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(batch["image"].numpy(), expected)
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
    assert batch["label"].tolist() == [0, 1]
    assert batch["label"].dtype == batch["index"].dtype == torch.int64
    assert batch["index"].tolist() == [3, 1]
    assert batch["id"] == ["s03", "s01"]


def test_segmentation_batch(index: DataIndex) -> None:
    for augment in (None, Record()):
        batch = make(index, masks=True, augment=augment).__getitems__([(0, 0, 3), (0, 0, 1)])
        assert list(batch) == ["image", "mask", "index", "id"]
        assert (batch["mask"].shape, batch["mask"].dtype) == ((2, 1, *SIZE), torch.float32)
        np.testing.assert_array_equal(batch["mask"][0, 0].numpy(), read_mask(index.samples[3].mask))


def test_draws_depend_on_seed_epoch_sample_and_repeat(index: DataIndex) -> None:
    record = Record()
    dataset = make(index, augment=record)
    dataset.__getitems__([(2, 0, 3), (2, 1, 3), (4, 0, 3)])
    assert record.seeds == [
        counter_seed(5, "augment", epoch, "s03", repeat) for epoch, repeat in ((2, 0), (2, 1), (4, 0))
    ]
    assert dataset[3]["image"][0, 0, 0, 0] == 7
    assert make(index)[3]["image"][0, 0, 0, 0] == read_rgb(index.samples[3].image)[0, 0, 0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("augmented", [False, True])
def test_size_of_the_epoch(index: DataIndex, augmented: bool) -> None:
    sizes = Sizes(SIZE, {0: (6, 8), 2: (9, 10)})
    dataset = make(index, masks=True, sizes=sizes, augment=Record() if augmented else None)
    for epoch, size in ((0, (6, 8)), (1, (6, 8)), (2, (9, 10)), (7, (9, 10))):
        batch = dataset.__getitems__([(epoch, 0, 0), (epoch, 0, 5)])
        assert batch["image"].shape[-2:] == batch["mask"].shape[-2:] == size


def test_sizes() -> None:
    assert Sizes((8, 8)).largest() == Sizes((8, 8)).at(9) == (8, 8)
    steps = Sizes((10, 10), {3: (20, 20), 5: (9, 9)})
    assert [steps.at(epoch) for epoch in (0, 3, 4, 5)] == [(10, 10), (20, 20), (20, 20), (9, 9)]
    assert steps.largest() == (20, 20)
    assert Sizes((30, 30), {0: (8, 8)}).largest() == (8, 8)


def test_unknown_label(index: DataIndex) -> None:
    with pytest.raises(DataError, match="'s01' has the label 'nv'"):
        class_indices(index.samples, ["mel"])
