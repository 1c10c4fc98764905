"""MONAI's transforms in a chain: MONAI's own results, exact places in the patient, and MONAI's inverse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.volume.base import TRACE, Batch
from deephealth.transforms.volume.chain import Chain
from deephealth.transforms.volume.intensity import GaussianNoise
from deephealth.transforms.volume.monai import MonaiTransform, is_monai

monai = pytest.importorskip("monai.transforms")
BOTH = ["image", "label"]


def some_batch() -> Batch:
    """A batch whose image holds, in three channels, the world position of each voxel."""
    affine = torch.eye(4, dtype=torch.float64).repeat(2, 1, 1)
    affine[:, :3, :3] = torch.tensor([[0, 2, 0], [-1.5, 0, 0], [0, 0.3, 3]], dtype=torch.float64)
    affine[:, :3, 3] = torch.tensor([[1.0, 2, 3], [-4, 5, 6]], dtype=torch.float64)
    image = positions(affine, (8, 9, 10)).float()
    return {"image": image, "label": torch.arange(720).view(1, 1, 8, 9, 10).repeat(2, 1, 1, 1, 1), "affine": affine}


def positions(affine: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Return B×3×D×H×W, the RAS+ mm of each voxel; (i, j, k) = (W, H, D)."""
    d, h, w = torch.meshgrid(*[torch.arange(size, dtype=torch.float64) for size in shape], indexing="ij")
    index = torch.stack([w, h, d, torch.ones_like(w)])
    return torch.einsum("bij,jdhw->bidhw", affine, index)[:, :3]


def spatial() -> list[Any]:
    return [
        monai.RandFlipd(BOTH, prob=1.0, spatial_axis=0),
        monai.RandRotate90d(BOTH, prob=1.0, max_k=1, spatial_axes=(0, 2)),
        monai.Orientationd(BOTH, "LPS"),
        monai.RandSpatialCropd(BOTH, (5, 6, 7), random_size=False),
        monai.Zoomd(BOTH, 1.7, mode=["bilinear", "nearest"], keep_size=False, align_corners=[True, None]),
        monai.RandAffined(
            BOTH, prob=1.0, rotate_range=0.2, shear_range=0.1, scale_range=0.1, mode=["bilinear", "nearest"]
        ),
        monai.Spacingd(BOTH, (1.1, 2.3, 1.7), mode=["bilinear", "nearest"], padding_mode="zeros"),
        monai.Compose([monai.SpatialPadd(BOTH, (14, 13, 12)), monai.CenterSpatialCropd(BOTH, (7, 8, 9))]),
    ]


@pytest.mark.parametrize("at", range(8))
def test_each_value_stays_at_its_place_in_the_patient(at: int) -> None:
    """Every image holds its own positions: after any transform each voxel must still hold where it is."""
    batch = some_batch()
    found = Chain([spatial()[at]])(batch, [3, 4])
    image, affine = found["image"], found["affine"]
    expected = positions(affine, tuple(image.shape[2:])).float()
    inside = (found["label"] > 0).expand_as(image) if at in (4, 5, 6, 7) else torch.ones_like(image, dtype=torch.bool)
    for axis in (2, 3, 4):  # away from what was padded, where interpolation mixes in the padding
        inside = inside & inside.roll(1, axis) & inside.roll(-1, axis) if at in (4, 5, 6) else inside
    edge = torch.zeros_like(inside)
    edge[:, :, 1:-1, 1:-1, 1:-1] = True
    inside = inside & edge if at in (4, 5, 6) else inside
    assert inside.sum() > 100
    torch.testing.assert_close(image[inside], expected[inside], rtol=0, atol=2e-3)
    assert found["label"].dtype == torch.int64


def test_it_is_what_monai_gives_on_its_own() -> None:
    batch = some_batch()
    flip = MonaiTransform(monai.RandAdjustContrastd(["image"], prob=1.0))
    found = flip.apply(batch, [{"seed": 11}, None])
    alone = monai.RandAdjustContrastd(["image"], prob=1.0).set_random_state(11)
    expected = alone({"image": batch["image"][0].permute(0, 3, 2, 1)})["image"].permute(0, 3, 2, 1)
    torch.testing.assert_close(found["image"][0], torch.as_tensor(np.asarray(expected)))
    assert torch.equal(found["image"][1], batch["image"][1])


@pytest.mark.parametrize("at", [0, 1, 2])
def test_lossless_geometry_is_undone_exactly(at: int) -> None:
    batch = some_batch()
    chain = Chain([GaussianNoise(deviation=(0.0, 0.0)), spatial()[at]])
    found = chain(batch, [3, 4])
    only_label = {"label": found["label"], "affine": found["affine"], TRACE: found[TRACE]}
    back = chain.invert(only_label)
    assert torch.equal(back["label"], batch["label"])
    torch.testing.assert_close(back["affine"], batch["affine"], rtol=0, atol=1e-9)


def test_a_whole_chain_is_undone_by_another_process_too() -> None:
    import pickle

    batch = some_batch()
    chain = Chain([spatial()[5], monai.RandGaussianNoised(["image"], prob=1.0), spatial()[0]])
    found = chain(batch, [3, 4])
    trace = pickle.loads(pickle.dumps(found[TRACE]))
    other = Chain([spatial()[5], monai.RandGaussianNoised(["image"], prob=1.0), spatial()[0]])
    back = other.invert({**found, TRACE: trace})
    middle = (slice(None), slice(None), slice(3, -3), slice(3, -3), slice(3, -3))
    apart = (back["image"][middle] - batch["image"][middle]).abs()
    assert float(apart.median()) < 0.2  # of positions in mm: noise of 0.1, interpolated
    torch.testing.assert_close(back["affine"], batch["affine"], rtol=0, atol=1e-5)


def test_array_transforms_move_image_and_label_together() -> None:
    batch = some_batch()
    chain = Chain([monai.RandFlip(prob=0.5, spatial_axis=2), monai.RandGaussianNoise(prob=1.0)])
    found = chain(batch, [0, 1])
    flipped = [not torch.equal(found["label"][at], batch["label"][at]) for at in range(2)]
    for at, yes in enumerate(flipped):
        expected = batch["image"][at].flip(1) if yes else batch["image"][at]
        assert float((found["image"][at] - expected).abs().max()) < 1
    assert torch.equal(chain.invert(found)["label"], batch["label"])


def test_draws_depend_on_the_sample_alone() -> None:
    batch = some_batch()
    chain = Chain([monai.RandAffined(BOTH, prob=0.7, rotate_range=0.3), monai.RandGaussianNoised(["image"], prob=1.0)])
    found = chain(batch, [7, 8])
    torch.manual_seed(5)
    np.random.seed(5)
    alone = chain({key: value[1:] for key, value in batch.items()}, [8])
    assert torch.equal(found["image"][1], alone["image"][0])


def test_several_samples_or_sizes_are_refused() -> None:
    batch = some_batch()
    with pytest.raises(DataError, match="samples of one"):
        Chain([monai.RandSpatialCropSamplesd(BOTH, (3, 3, 3), num_samples=2, random_size=False)])(batch, [0, 1])
    with pytest.raises(DataError, match="different sizes"):
        Chain([monai.RandSpatialCropd(BOTH, (3, 3, 3), random_size=True)])(batch, [0, 1])


def test_a_lazy_transform_needs_a_composition() -> None:
    with pytest.raises(ConfigError, match="lazy"):
        Chain([monai.Flipd(BOTH, 0, lazy=True)])
    batch = some_batch()
    found = Chain([monai.Compose([monai.Flipd(BOTH, 0), monai.Rotate90d(BOTH, spatial_axes=(0, 1))], lazy=True)])(
        batch, [0, 1]
    )
    expected = positions(found["affine"], tuple(found["image"].shape[2:])).float()
    torch.testing.assert_close(found["image"], expected, rtol=0, atol=2e-3)


def test_monai_is_recognised() -> None:
    assert is_monai(monai.Compose([]))
    assert is_monai(monai.RandFlip())
    assert not is_monai(torch.nn.Identity())
