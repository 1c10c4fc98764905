"""Moves of voxels: against MONAI's, the place in the patient kept, everything undone, bad input named."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai import transforms as monai
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.volume.base import Draws
from deephealth.transforms.volume.chain import Chain
from deephealth.transforms.volume.crop import (
    CenterSpatialCrop,
    CropForeground,
    RandomCropByPosNegLabel,
    RandomSpatialCrop,
    SpatialCrop,
)
from deephealth.transforms.volume.pad import DivisiblePad, ResizeWithPadOrCrop, SpatialPad
from deephealth.transforms.volume.resample import Resize, Spacing
from deephealth.transforms.volume.spatial_affine import RandomAffineElastic
from deephealth.transforms.volume.spatial_turns import Orientation, RandomFlip, RandomRotate90

SIZE = (9, 12, 10)
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", (4, -7, 95), degrees=True).as_matrix() @ np.diag([0.9, -1.9, 3.0])
OBLIQUE[:3, 3] = 40, -30, 12
RIGID = {"rotation": 1.0, "scale": 1.0, "shear": 1.0, "translation": 1.0, "flip": 0.5, "elastic": 0.0}


def a_batch(size: tuple = SIZE, batch: int = 2, affine: np.ndarray = OBLIQUE) -> dict[str, torch.Tensor]:
    """An image whose three channels say where each voxel lies in the patient (mm), and a label."""
    numbers = torch.Generator().manual_seed(0)
    affines = torch.from_numpy(np.stack([affine] * batch))
    affines[:, 0, 3] += torch.arange(batch)
    return {
        "image": torch.stack([world(one, size) for one in affines]).float(),
        "label": torch.randint(1, 5, (batch, 1, *size), generator=numbers, dtype=torch.uint8),
        "affine": affines,
    }


def world(affine: torch.Tensor, size: tuple) -> torch.Tensor:
    grid = torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing="ij")).flip(0)
    return torch.einsum("ab,bzyx->azyx", affine[:3, :3], grid) + affine[:3, 3].view(3, 1, 1, 1)


def done(transform, batch: dict, seed: int = 0) -> tuple[dict, list]:
    samples = [{key: value[at] for key, value in batch.items()} for at in range(len(batch["image"]))]
    params = [transform.draw(Draws(seed + at, "0/place"), sample) for at, sample in enumerate(samples)]
    return transform.apply(batch, params), params


def theirs(transform, tensor: torch.Tensor, affine: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What a MONAI transform makes of C×D×H×W; its own order is C×W×H×D."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = transform(MetaTensor(tensor.permute(0, 3, 2, 1), affine=affine))
    return found.as_tensor().permute(0, 3, 2, 1), torch.as_tensor(found.affine)


COPIES = [
    RandomFlip(probability=0.7),
    RandomRotate90((0, 2), probability=1.0),
    RandomRotate90((1, 2), probability=1.0),
    SpatialCrop((1, 2, 3), (4, 5, 6)),
    CenterSpatialCrop((5, 6, 4)),
    RandomSpatialCrop((4, 7, 3)),
    RandomCropByPosNegLabel((4, 4, 5)),
    SpatialPad((12, 12, 15)),
    SpatialPad((12, 13, 15), padding="reflection"),
    DivisiblePad((4, 8, 16)),
    ResizeWithPadOrCrop((12, 8, 10)),
    Orientation("LPS"),
    Orientation("SAR"),
]


@pytest.mark.parametrize("transform", COPIES, ids=lambda one: type(one).__name__)
def test_copies_keep_their_place_and_are_undone(transform) -> None:
    batch = a_batch()
    kept = {key: value.clone() for key, value in batch.items()}
    found, params = done(transform, batch)
    for b, one in enumerate(params):
        wanted = world(found["affine"][b], found["image"].shape[2:])
        copied = found["label"][b, 0] > 0
        if getattr(transform, "padding", "") == "reflection":
            size = one["source"]
            start = [-first for first in one["start"]]
            copied = torch.zeros_like(copied)
            copied[tuple(slice(first, first + length) for first, length in zip(start, size, strict=True))] = True
        torch.testing.assert_close(found["image"][b][:, copied].double(), wanted[:, copied], atol=1e-4, rtol=0)
    back = transform.invert(found, params)
    assert torch.equal(back["affine"], batch["affine"])
    there = back["label"] > 0
    assert there.float().mean() > 0.07
    assert torch.equal(back["label"][there], batch["label"][there])
    assert torch.equal(back["image"][there.expand(-1, 3, -1, -1, -1)], batch["image"][there.expand(-1, 3, -1, -1, -1)])
    for key, value in kept.items():
        assert torch.equal(batch[key], value), f"{key} was changed"


RESAMPLED = [
    Spacing((2.0, 1.5, 1.2)),
    Resize((12, 7, 10)),
    Resize((12, 7, 10), mode="cubic"),
    RandomAffineElastic(probability=RIGID, translation=(-1, 1), size=(11, 8, 12)),
]


@pytest.mark.parametrize("transform", RESAMPLED, ids=lambda one: type(one).__name__)
def test_resampling_keeps_the_place_and_the_affine_comes_back(transform) -> None:
    batch = a_batch()
    found, params = done(transform, batch)
    for b, one in enumerate(params):
        size = found["image"].shape[2:]
        where = torch.from_numpy(one["matrix"])
        grid = torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing="ij"))
        source = torch.einsum("ab,bzyx->azyx", where[:, :3], grid) + where[:, 3].view(3, 1, 1, 1)
        rim = 2 if transform.settings["mode"] == "cubic" else 0  # a mirrored spline bends a line near the border
        end = torch.tensor(SIZE).view(3, 1, 1, 1) - 1 - rim
        inside = ((source >= rim) & (source <= end)).all(0)
        assert inside.float().mean() > 0.2
        wanted = world(found["affine"][b], size)
        near = 0.05 if rim else 1e-4
        torch.testing.assert_close(found["image"][b][:, inside].double(), wanted[:, inside], atol=near, rtol=0)
    back = transform.invert(found, params)
    assert torch.equal(back["affine"], batch["affine"])
    assert back["image"].shape == batch["image"].shape
    centre = (slice(None), slice(None), 4, 6, 5)
    torch.testing.assert_close(back["image"][centre], batch["image"][centre], atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("ours", "other"),
    [
        (SpatialCrop((1, 2, 3), (4, 5, 6)), monai.SpatialCrop(roi_start=(3, 2, 1), roi_end=(9, 7, 5))),
        (CenterSpatialCrop((5, 6, 4)), monai.CenterSpatialCrop((4, 6, 5))),
        (SpatialPad((12, 13, 15)), monai.SpatialPad((15, 13, 12))),
        (SpatialPad((12, 13, 15), padding="border"), monai.SpatialPad((15, 13, 12), mode="replicate")),
        (SpatialPad((12, 13, 15), padding="reflection"), monai.SpatialPad((15, 13, 12), mode="reflect")),
        (DivisiblePad((4, 8, 16)), monai.DivisiblePad((16, 8, 4))),
        (ResizeWithPadOrCrop((12, 7, 11)), monai.ResizeWithPadOrCrop((11, 7, 12))),
        (Orientation("RAS"), monai.Orientation("RAS")),
        (Orientation("PIL"), monai.Orientation("PIL")),
        (CropForeground(threshold=0.5, margin=1), monai.CropForeground(lambda x: x > 0.5, margin=1)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_copies_are_monais(ours, other) -> None:
    batch = a_batch(batch=1)
    batch["image"] = torch.zeros(1, 1, *SIZE)
    batch["image"][0, 0, 2:6, 3:9, 4:9] = torch.rand(4, 6, 5, generator=torch.Generator().manual_seed(1)) + 0.6
    found, _ = done(ours, batch)
    image, affine = theirs(other, batch["image"][0], batch["affine"][0])
    assert torch.equal(found["image"][0], image)
    torch.testing.assert_close(found["affine"][0], affine.double(), atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("ours", "image_theirs", "label_theirs"),
    [
        (
            Spacing((2.0, 1.5, 1.2)),
            monai.Spacing((1.2, 1.5, 2.0), mode="bilinear", padding_mode="border"),
            monai.Spacing((1.2, 1.5, 2.0), mode="nearest", padding_mode="border"),
        ),
        (
            Resize((12, 7, 10)),
            monai.Resize((10, 7, 12), mode="trilinear", align_corners=False),
            monai.Resize((10, 7, 12), mode="nearest-exact"),
        ),
    ],
    ids=["Spacing", "Resize"],
)
def test_resampling_is_monais(ours, image_theirs, label_theirs) -> None:
    batch = a_batch(batch=1)
    batch["image"] = torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(1))
    found, _ = done(ours, batch)
    image, affine = theirs(image_theirs, batch["image"][0], batch["affine"][0])
    label, _ = theirs(label_theirs, batch["label"][0].float(), batch["affine"][0])
    torch.testing.assert_close(found["image"][0], image.float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(found["affine"][0], affine.double(), atol=1e-6, rtol=0)
    assert (found["label"][0] == label).float().mean() > 0.98  # ties may fall to either side


def test_spacing_is_simpleitks_resample() -> None:
    sitk = pytest.importorskip("SimpleITK")
    batch = a_batch(batch=1, affine=np.diag([1.0, 2.0, 3.0, 1.0]))
    batch["image"] = torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(1))
    found, _ = done(Spacing((2.5, 1.4, 0.8)), batch)
    volume = sitk.GetImageFromArray(batch["image"][0, 0].numpy())
    volume.SetSpacing((1.0, 2.0, 3.0))
    size = tuple(reversed(found["image"].shape[2:]))
    wanted = sitk.Resample(
        volume, size, sitk.Transform(), sitk.sitkLinear, (0, 0, 0), (0.8, 1.4, 2.5), (1, 0, 0, 0, 1, 0, 0, 0, 1), -1.0
    )
    wanted = sitk.GetArrayFromImage(wanted)
    assert (wanted >= 0).mean() > 0.9
    np.testing.assert_allclose(found["image"][0, 0].numpy()[wanted >= 0], wanted[wanted >= 0], atol=1e-5)


def test_an_elastic_warp_is_undone() -> None:
    size = (28, 32, 30)
    grid = torch.stack(torch.meshgrid(*(torch.arange(float(n)) for n in size), indexing="ij"))
    smooth = (torch.sin(grid[0] / 4) + torch.cos(grid[1] / 5) + torch.sin(grid[2] / 6)) / 3
    batch = {
        "image": smooth.expand(2, 1, *size),
        "label": (smooth > 0).to(torch.int16).expand(2, 1, *size),
        "affine": torch.eye(4, dtype=torch.float64).expand(2, 4, 4),
    }
    chances = {"rotation": 1.0, "elastic": 1.0, "flip": 0.5}
    warp = RandomAffineElastic(
        rotation=(-10, 10), elastic=(0.3, 0.39), elastic_spacing=(10, 14), probability=chances, mode="cubic"
    )
    chain = Chain([warp])
    found = chain(batch, [1, 2])
    back = chain.invert(found)
    middle = (slice(None), slice(None), slice(9, 19), slice(10, 22), slice(9, 21))
    assert (found["image"][middle] - batch["image"][middle]).abs().max() > 0.2
    assert (back["image"][middle] - batch["image"][middle]).abs().max() < 0.02
    assert (back["label"][middle] == batch["label"][middle]).float().mean() > 0.95
    assert torch.equal(back["affine"], batch["affine"])


def test_a_turn_is_rigid_in_millimetres() -> None:
    affine = np.diag([0.7, 0.7, 3.0, 1.0])
    warp = RandomAffineElastic(probability=dict.fromkeys(RIGID, 0.0) | {"rotation": 1.0})
    _, (one, _) = done(warp, a_batch(affine=affine))
    steps = np.diag([3.0, 0.7, 0.7])
    turn = steps @ one["matrix"][:, :3] @ np.linalg.inv(steps)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert abs(turn[0, 1]) > 0.01
    middle = (np.array(SIZE) - 1) / 2
    np.testing.assert_allclose(one["matrix"][:, :3] @ middle + one["matrix"][:, 3], middle, atol=1e-9)


def test_larger_scale_and_shift_do_what_they_say() -> None:
    image = torch.zeros(1, 1, 21, 21, 21)
    image[0, 0, 8:13, 8:13, 8:13] = 1
    chances = dict.fromkeys(RIGID, 0.0)
    grow = RandomAffineElastic(scale=(2, 2), probability=chances | {"scale": 1.0})
    assert done(grow, {"image": image})[0]["image"].sum() == pytest.approx(8 * 125, rel=0.05)
    shift = RandomAffineElastic(translation=(3, 3), probability=chances | {"translation": 1.0})
    assert torch.equal(done(shift, {"image": image})[0]["image"], image.roll((3, 3, 3), (2, 3, 4)))


def test_a_slice_stays_in_its_plane() -> None:
    image = torch.ones(1, 1, 1, 16, 16)
    chances = dict.fromkeys(RIGID, 1.0)
    warp = RandomAffineElastic(rotation=(20, 40), translation=(0, 0), elastic_spacing=(8, 8), probability=chances)
    found, (one,) = done(warp, {"image": image})
    np.testing.assert_allclose(one["matrix"][0, 1:3], 0)
    np.testing.assert_allclose(one["control"][0], 0)
    assert found["image"][0, 0, 0, 6:10, 6:10].min() == 1


def test_a_sample_depends_on_its_seed_alone() -> None:
    chain = Chain(
        [
            RandomAffineElastic(probability=RIGID | {"elastic": 0.5}, elastic_spacing=(3, 6)),
            RandomFlip(),
            RandomSpatialCrop(6),
        ]
    )
    batch = a_batch(batch=4)
    seeds = [11, 12, 13, 14]
    whole = chain(batch, seeds)
    for at in range(4):
        alone = chain({key: value[at : at + 1] for key, value in batch.items()}, seeds[at : at + 1])
        for key in ("image", "label", "affine"):
            assert torch.equal(alone[key][0], whole[key][at])
    back = chain.invert(whole)
    assert back["image"].shape == batch["image"].shape
    assert torch.equal(back["affine"], batch["affine"])


def test_predictions_with_other_channels_are_brought_back() -> None:
    crop = CenterSpatialCrop(4, value=-5.0)
    found, params = done(crop, a_batch())
    back = crop.invert({"image": torch.ones(2, 7, 4, 4, 4), "affine": found["affine"]}, params)
    assert back["image"].shape == (2, 7, *SIZE)
    assert int((back["image"] == 1).sum()) == 2 * 7 * 64
    assert back["image"].min() == -5


def test_labelled_voxels_are_chosen_as_often_as_asked() -> None:
    label = torch.zeros(1, 20, 20, 20, dtype=torch.int32)
    label[0, 4, 5, 6] = label[0, 15, 14, 13] = 3
    crop = RandomCropByPosNegLabel(3, pos=3, neg=1)
    hits, places = 0, set()
    for seed in range(400):
        one = crop.draw(Draws(seed, "0"), {"label": label})
        window = tuple(slice(first, first + 3) for first in one["start"])
        if label[0][window].any() and label[0][tuple(slice(first + 1, first + 2) for first in one["start"])].any():
            hits += 1
            places.add(one["start"])
    assert 0.68 < hits / 400 < 0.82
    assert places == {(3, 4, 5), (14, 13, 12)}
    empty = {"label": torch.zeros_like(label)}
    assert crop.draw(Draws(0, "0"), empty)["shape"] == (3, 3, 3)
    full = {"label": torch.ones_like(label)}
    assert RandomCropByPosNegLabel(3, pos=0).draw(Draws(0, "0"), full)["shape"] == (3, 3, 3)
    with pytest.raises(DataError, match="no voxel of 'label'"):
        RandomCropByPosNegLabel(3, allow_empty=False).draw(Draws(0, "0"), empty)


def test_random_crops_reach_every_place() -> None:
    crop = RandomSpatialCrop((2, 3, 1))
    sample = {"image": torch.zeros(1, 3, 4, 2)}
    found = {crop.draw(Draws(seed, "0"), sample)["start"] for seed in range(200)}
    assert found == {(z, y, x) for z in range(2) for y in range(2) for x in range(2)}


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*(st.integers(1, 7),) * 3),
    st.permutations([0, 1, 2]),
    st.tuples(*(st.booleans(),) * 3),
    st.tuples(*(st.integers(-4, 5),) * 3),
    st.tuples(*(st.integers(1, 8),) * 3),
)
def test_any_copy_is_what_its_matrix_says(size, axes, flips, start, shape) -> None:
    from deephealth.transforms.volume.spatial import copy_params

    volume = torch.arange(float(np.prod(size))).reshape(1, 1, *size) + 1
    flip = RandomFlip()
    params = [copy_params({}, size, shape=shape, start=start, axes=axes, flips=flips)]
    found = flip.apply({"image": volume}, params)
    for at in np.ndindex(shape):
        source = params[0]["matrix"][:, :3] @ at + params[0]["matrix"][:, 3]
        inside = all(0 <= place < length for place, length in zip(source, size, strict=True))
        wanted = float(volume[(0, 0, *(int(place) for place in source))]) if inside else 0.0
        assert float(found["image"][(0, 0, *at)]) == wanted
    back = flip.invert(found, params)["image"]
    assert torch.equal(back[back > 0], volume[back > 0])
    assert int((back > 0).sum()) == int((found["image"] > 0).sum())


def test_an_empty_batch_passes() -> None:
    batch = {"image": torch.zeros(0, 1, 4, 4, 4), "affine": torch.zeros(0, 4, 4, dtype=torch.float64)}
    assert RandomFlip().apply(batch, [])["image"].shape == (0, 1, 4, 4, 4)
    assert RandomAffineElastic().apply(batch, [])["image"].shape == (0, 1, 4, 4, 4)


def test_bad_input_is_named() -> None:
    sample = {key: value[0] for key, value in a_batch().items()}
    draws = Draws(0, "0")
    for crop in (CenterSpatialCrop(10), RandomSpatialCrop(10), RandomCropByPosNegLabel(10)):
        with pytest.raises(DataError, match=r"window \(10, 10, 10\) is larger than the volume \(9, 12, 10\)"):
            crop.draw(draws, sample)
    with pytest.raises(DataError, match="leaves the volume"):
        SpatialCrop((5, 0, 0), 5).draw(draws, sample)
    with pytest.raises(DataError, match="differ in size"):
        CenterSpatialCrop(4).draw(draws, sample | {"label": sample["label"][:, 1:]})
    with pytest.raises(DataError, match="no voxel of 'image' is above 1000"):
        CropForeground(threshold=1000).draw(draws, sample)
    assert CropForeground(threshold=1000, allow_empty=True).draw(draws, sample) is None
    with pytest.raises(DataError, match="no affine"):
        Spacing((1, 1, 1)).draw(draws, {"image": sample["image"]})
    with pytest.raises(DataError, match="no affine"):
        Orientation().draw(draws, {"image": sample["image"]})
    batch = a_batch()
    batch["image"][:, :, :2] = -1e6
    batch["image"][1, :, :4] = -1e6
    with pytest.raises(DataError, match="the samples would get the sizes"):
        done(CropForeground(threshold=-1e5), batch)
    with pytest.raises(ConfigError) as problems:
        RandomAffineElastic(elastic=(0, 0.5), scale=(0, 1), probability={"rotate": 1.0}, elastic_spacing=(0, 1))
    for word in ("may fold", "scale starts at 0", "no part 'rotate'", "elastic_spacing starts"):
        assert word in str(problems.value)
    for wrong in (
        lambda: RandomFlip((3,)),
        lambda: RandomRotate90((1, 1)),
        lambda: Orientation("RRS"),
        lambda: SpatialPad((1, 2)),
        lambda: DivisiblePad(0),
        lambda: Spacing((1, 0, 1)),
        lambda: SpatialPad(4, padding="zeros"),
        lambda: Resize(4, mode="bilinear"),
        lambda: RandomCropByPosNegLabel(4, pos=0, neg=0),
    ):
        with pytest.raises(ConfigError):
            wrong()
