"""nnU-Net's augmentation: the same distributions as batchgeneratorsv2, step by step and as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from deephealth.core.errors import ConfigError
from deephealth.transforms.volume.base import TRACE, Batch, Draws
from deephealth.transforms.volume.chain import Chain
from deephealth.transforms.volume.intensity import BrightnessMultiplicative, Contrast, Gamma, GaussianNoise
from deephealth.transforms.volume.intensity_filters import GaussianBlur, SimulateLowResolution
from deephealth.transforms.volume.nnunet import nnunet_augmentation
from deephealth.transforms.volume.rotate_scale_mirror import RotateScaleMirror

SIZE, COUNT = 20, 250
ANGLE = math.radians(30)
GAMMA, ABOUT_ONE = (0.7, 1.5), (0.75, 1.25)


def sample(at: int, size: int = SIZE) -> tuple[torch.Tensor, torch.Tensor]:
    """Return an image 2×size³ of its own mean and deviation, and a label of three ids."""
    numbers = torch.Generator().manual_seed(at)
    coarse = torch.rand(1, 2, 5, 5, 5, generator=numbers)
    smooth = torch.nn.functional.interpolate(coarse, size=(size,) * 3, mode="trilinear")[0]
    image = smooth * (1 + at % 7) + 0.1 * torch.randn(smooth.shape, generator=numbers) - at % 3
    return image, (smooth[:1] * 2.99).to(torch.int16)


def numbers_of(image: torch.Tensor, label: torch.Tensor) -> list[float]:
    x = image.double()
    energy = sum(float(x.diff(dim=axis).square().mean()) for axis in (1, 2, 3))
    spread = float(x[0].mean() - x[1].mean())
    third = float(((x - x.mean()) ** 3).mean())
    basic = [float(x.mean()), float(x.std()), float(x.min()), float(x.max())]
    middle = float(x[:, 8:12, 8:12, 8:12].mean())
    shares = [float((label == which).double().mean()) for which in (0, 1, 2)]
    corner = float(x[0, :4, :4, :4].mean())
    return [*basic, energy, spread, third, middle, corner, float((x == 0).double().mean()), *shares]


NAMES = ["mean", "std", "min", "max", "gradient", "channels", "skew", "middle", "corner", "zeros", "0", "1", "2"]


def assert_same_distribution(chain: Chain, peer: Callable[..., Any]) -> None:
    ours, theirs = [], []
    np.random.seed(1)
    torch.manual_seed(1)
    for at in range(COUNT):
        image, label = sample(at)
        found = chain({"image": image[None], "label": label[None]}, [at])
        ours.append(numbers_of(found["image"][0], found["label"][0]))
        image, label = sample(at + COUNT)
        made = peer(image=image, segmentation=label)
        theirs.append(numbers_of(made["image"], made["segmentation"]))
    for name, mine, other in zip(NAMES, np.array(ours).T, np.array(theirs).T, strict=True):
        p = stats.ks_2samp(mine, other).pvalue
        assert p > 0.01, f"{name}: p = {p:.4f}, means {mine.mean():.4f} and {other.mean():.4f}"


def peer(name: str) -> Any:
    base = "batchgeneratorsv2.transforms."
    pytest.importorskip("batchgeneratorsv2")
    from importlib import import_module

    def of(module: str, kind: str) -> Any:
        return getattr(import_module(base + module), kind)

    about_one = of("intensity.contrast", "BGContrast")
    gamma = of("intensity.gamma", "GammaTransform")
    spatial = of("spatial.spatial", "SpatialTransform")
    turn = {"rotation": (-ANGLE, ANGLE), "scaling": (0.7, 1.4), "p_synchronize_scaling_across_axes": 1}
    turn["mode_seg"] = "nearest"  # as ours; interpolated labels lose thin parts: 3 % of a label's share at this size
    mirror = of("spatial.mirroring", "MirrorTransform")((0, 1, 2))
    compose = of("utils.compose", "ComposeTransforms")
    return {
        "noise": lambda: of("intensity.gaussian_noise", "GaussianNoiseTransform")((0, 0.5), 1, True),
        "blur": lambda: of("noise.gaussian_blur", "GaussianBlurTransform")((0.5, 1.0), False, False, 0.5),
        "brightness": lambda: of("intensity.brightness", "MultiplicativeBrightnessTransform")(
            about_one(ABOUT_ONE), False, 1
        ),
        "contrast": lambda: of("intensity.contrast", "ContrastTransform")(about_one(ABOUT_ONE), True, False, 1),
        "low resolution": lambda: of("spatial.low_resolution", "SimulateLowResolutionTransform")(
            (0.5, 1), False, True, None, None, 0.5
        ),
        "gamma inverted": lambda: gamma(about_one(GAMMA), 1, False, 1, 1),
        "gamma": lambda: gamma(about_one(GAMMA), 0, False, 1, 1),
        "spatial": lambda: compose([spatial((SIZE,) * 3, 0, False, p_rotation=1, p_scaling=1, **turn), mirror]),
        "rotation": lambda: spatial((SIZE,) * 3, 0, False, p_rotation=1, **turn),
        "scale": lambda: spatial((SIZE,) * 3, 0, False, p_scaling=1, **turn),
        "mirror": lambda: mirror,
    }[name]()


STEPS: dict[str, Any] = {
    "noise": lambda: GaussianNoise((0.0, 0.5), same_for_channels=True),
    "blur": lambda: GaussianBlur((0.5, 1.0), channel_probability=0.5),
    "brightness": lambda: BrightnessMultiplicative(ABOUT_ONE),
    "contrast": lambda: Contrast(ABOUT_ONE),
    "low resolution": lambda: SimulateLowResolution((0.5, 1.0), channel_probability=0.5, same_for_axes=True),
    "gamma inverted": lambda: Gamma(GAMMA, invert_probability=1.0),
    "gamma": lambda: Gamma(GAMMA),
    "spatial": lambda: RotateScaleMirror((SIZE,) * 3, rotation_probability=1.0, scale_probability=1.0),
    "rotation": lambda: RotateScaleMirror((SIZE,) * 3, rotation_probability=1.0, scale_probability=0.0, mirror_axes=()),
    "scale": lambda: RotateScaleMirror((SIZE,) * 3, rotation_probability=0.0, scale_probability=1.0, mirror_axes=()),
    "mirror": lambda: RotateScaleMirror((SIZE,) * 3, rotation_probability=0.0, scale_probability=0.0),
}


@pytest.mark.parametrize("name", STEPS)
def test_each_step_is_distributed_as_batchgenerators(name: str) -> None:
    assert_same_distribution(Chain([STEPS[name]()]), peer(name))


def test_the_whole_chain_is_distributed_as_batchgenerators() -> None:
    pytest.importorskip("batchgeneratorsv2")
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    chances = {"blur": 0.2, "brightness": 0.15, "contrast": 0.15, "low resolution": 0.25}
    chances |= {"gamma inverted": 0.1, "gamma": 0.3}
    turn = {"rotation": (-ANGLE, ANGLE), "scaling": (0.7, 1.4), "p_synchronize_scaling_across_axes": 1}
    steps = [SpatialTransform((SIZE,) * 3, 0, False, p_rotation=0.2, p_scaling=0.2, **turn)]
    steps += [RandomTransform(GaussianNoiseTransform((0, 0.1), 1, True), 0.1)]
    steps += [RandomTransform(peer(name), chance) for name, chance in chances.items()]
    assert_same_distribution(nnunet_augmentation((SIZE,) * 3), ComposeTransforms([*steps, MirrorTransform((0, 1, 2))]))


def test_the_spatial_step_resamples_as_batchgenerators() -> None:
    """The same angles and factor give the same voxels."""
    spatial = pytest.importorskip("batchgeneratorsv2.transforms.spatial.spatial")
    image, _ = sample(3)
    step = RotateScaleMirror((14, 16, 18), rotation_probability=1.0, scale_probability=1.0, mirror_axes=())
    draws = Draws(5, "0/RotateScaleMirror")
    draws.happens(0.5), draws.happens(0.5)
    angles, factor = [draws.uniform(-ANGLE, ANGLE) for _ in range(3)], draws.uniform(0.7, 1.4)
    params = step.draw(Draws(5, "0/RotateScaleMirror"), {"image": image})
    found = step.apply({"image": image[None]}, [params])["image"][0]
    given = iter([*angles, factor])
    theirs = spatial.SpatialTransform(
        (14, 16, 18),
        0,
        False,
        p_rotation=1,
        rotation=lambda **_: next(given),
        p_scaling=1,
        scaling=lambda **_: next(given),
        p_synchronize_scaling_across_axes=1,
    )
    expected = theirs._apply_to_image(image, **theirs.get_parameters(image=image))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def world_batch(size: tuple[int, ...]) -> Batch:
    affine = torch.eye(4, dtype=torch.float64)
    affine[:3] = torch.tensor([[0, 2, 0, 5], [-1.5, 0, 0, 6], [0, 0.3, 3, 7]], dtype=torch.float64)
    return {"image": world(affine, size), "affine": affine[None]}


def world(affine: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    d, h, w = torch.meshgrid(*[torch.arange(many, dtype=torch.float64) for many in size], indexing="ij")
    return torch.einsum("ij,jdhw->idhw", affine, torch.stack([w, h, d, torch.ones_like(w)]))[None, :3].float()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("in_slices", [False, True])
def test_what_is_moved_knows_where_it_is_and_comes_back(seed: int, in_slices: bool) -> None:
    batch = world_batch((30, 31, 32))
    step = RotateScaleMirror((10, 11, 12), rotation_probability=0.5, scale_probability=0.5, in_slices=in_slices)
    chain = Chain([step])
    found = chain(batch, [seed])
    expected = world(found["affine"][0], (10, 11, 12))
    torch.testing.assert_close(found["image"], expected, rtol=0, atol=1e-3)
    back = chain.invert(found)
    torch.testing.assert_close(back["affine"], batch["affine"])
    middle = (slice(None), slice(None), *[slice(14, 17)] * 3)
    torch.testing.assert_close(back["image"][middle], batch["image"][middle], rtol=0, atol=1e-3)


def test_what_is_only_mirrored_is_copied() -> None:
    image, label = sample(0)
    step = RotateScaleMirror((SIZE,) * 3, rotation_probability=0.0, scale_probability=0.0)
    chain = Chain([step])
    for seed in range(8):
        found = chain({"image": image[None], "label": label[None]}, [seed])
        assert torch.equal(found["image"].flatten(2).sort().values, image[None].flatten(2).sort().values)
        back = chain.invert(found)
        assert torch.equal(back["image"], image[None])
        assert torch.equal(back["label"], label[None])


def test_a_patch_may_be_larger_than_the_volume() -> None:
    image, label = sample(0)
    found = nnunet_augmentation((24, 22, 10))({"image": image[None], "label": label[None]}, [3])
    assert found["image"].shape == (1, 2, 24, 22, 10)
    assert found["label"].shape == (1, 1, 24, 22, 10)


def test_flat_patches_are_turned_in_their_slices() -> None:
    for patch in ((1, 32, 32), (8, 40, 40)):
        spatial, low = (nnunet_augmentation(patch).transforms[at] for at in (0, 5))
        assert isinstance(spatial, RotateScaleMirror)
        assert isinstance(low, SimulateLowResolution)
        assert spatial.in_slices
        assert spatial.rotation[1] == 180
        assert low.ignore_axes == (0,)
    flat = torch.rand(1, 1, 1, 32, 32)
    assert nnunet_augmentation((1, 32, 32))({"image": flat}, [1])["image"].shape == flat.shape
    assert not nnunet_augmentation((20, 40, 40)).transforms[0].in_slices  # type: ignore[attr-defined]


def test_another_spatial_step_takes_its_place() -> None:
    step = RotateScaleMirror((8, 8, 8))
    chain = nnunet_augmentation((8, 8, 8), spatial=step)
    assert chain.transforms[0] is step
    found = chain({"image": torch.rand(1, 1, 9, 9, 9)}, [0])
    assert [name for name, _ in found[TRACE][0]][:2] == ["0/RotateScaleMirror", "1/GaussianNoise"]


def test_bad_settings_are_named() -> None:
    for make in (
        lambda: nnunet_augmentation((8, 8)),
        lambda: nnunet_augmentation((8, 8, 0)),
        lambda: RotateScaleMirror((8, 8, 8), mirror_axes=(0, 0)),
        lambda: RotateScaleMirror((8, 8, 8), scale=(1.4, 0.7)),
        lambda: GaussianNoise((-1, 1)),
        lambda: GaussianNoise(probability=1.5),
        lambda: SimulateLowResolution((0.5, 2.0)),
        lambda: Gamma((0.0, 1.0)),
    ):
        with pytest.raises(ConfigError):
            make()
