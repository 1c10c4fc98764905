"""Rows of the augmentation: nnU-Net's chain on a processor (P7) and the intensity chain on an accelerator (G2).

All peers of P7 augment the same 16 samples, each with a seed of its own. Draws differ between libraries, and a sample
that is resampled costs many times one that is not, so the seeds are picked such that 6 of 16 are resampled for every
peer: nnU-Net's 36 % (1 - 0.8 x 0.8). batchgeneratorsv2 is set up as nnU-Net's trainer does; once more with labels by
the nearest voxel, which is what the others do. MONAI's and torchio's chains are the nearest to it in their own
transforms; torchio has neither brightness nor contrast, and goes without.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from row import Row
from scipy import stats

from deephealth.core.seeds import counter_seed
from deephealth.kernels.compilers import using
from deephealth.kernels.intensity import intensity_chain
from deephealth.kernels.intensity_steps import Bias, Contrast, Gamma, Linear, Noise
from deephealth.transforms.volume.nnunet import nnunet_augmentation

__all__ = ["ROWS"]

SIZE, SAMPLES, RESAMPLED = 128, 16, 6
ANGLE, GAMMA = math.radians(30), (0.7, 1.5)
Sample = tuple[torch.Tensor, torch.Tensor]


@cache
def sample(size: int) -> Sample:
    """Return an image 1×size³, normalised as nnU-Net does, and a label of four ids."""
    numbers = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 1, 8, 8, 8, generator=numbers)
    smooth = torch.nn.functional.interpolate(coarse, size=(size,) * 3, mode="trilinear")[0]
    image = smooth + 0.05 * torch.randn(smooth.shape, generator=numbers)
    return (image - image.mean()) / image.std(), (smooth * 3.99).to(torch.int16)


def picked(resampled: Callable[[int], bool]) -> list[int]:
    """Return the first seeds of which the right number is resampled."""
    yes = itertools.islice((seed for seed in itertools.count() if resampled(seed)), RESAMPLED)
    no = itertools.islice((seed for seed in itertools.count() if not resampled(seed)), SAMPLES - RESAMPLED)
    return [*yes, *no]


def many(one: Callable[[int], Sample], seeds: list[int]) -> list[Sample]:
    return [one(seed) for seed in seeds]


def ours(size: int) -> tuple[Callable[[int], Sample], Callable[[int], bool]]:
    chain = nnunet_augmentation((size,) * 3)
    image, label = sample(size)
    batch = {"image": image[None], "label": label[None]}

    def one(seed: int) -> Sample:
        found = chain(batch, [counter_seed(seed)])
        return found["image"][0], found["label"][0]

    def resampled(seed: int) -> bool:
        from deephealth.transforms.volume.base import Draws

        first = chain.transforms[0]
        found = first.draw(Draws(counter_seed(seed), "0/RotateScaleMirror"), {"image": image, "label": label})
        return found is not None and "flips" not in found

    return one, resampled


def batchgenerators(size: int, **labels: Any) -> tuple[Callable[[int], Sample], Callable[[int], bool]]:
    chain = batchgenerators_chain(size, **labels)
    image, label = sample(size)

    def one(seed: int) -> Sample:
        np.random.seed(seed)
        torch.manual_seed(seed)
        found = chain(image=image.clone(), segmentation=label.clone())  # it writes into what it is given
        return found["image"], found["segmentation"]

    def resampled(seed: int) -> bool:
        np.random.seed(seed)
        return bool(min(np.random.uniform(), np.random.uniform()) < 0.2)

    return one, resampled


def batchgenerators_chain(size: int, **labels: Any) -> Any:
    """Return the chain of nnU-Net's trainer."""
    from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
    from batchgeneratorsv2.transforms.intensity.contrast import BGContrast, ContrastTransform
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    turn = {"p_rotation": 0.2, "rotation": (-ANGLE, ANGLE), "p_scaling": 0.2, "scaling": (0.7, 1.4)}
    about_one = BGContrast((0.75, 1.25))
    chances = [
        (0.1, GaussianNoiseTransform((0, 0.1), 1, True)),
        (0.2, GaussianBlurTransform((0.5, 1.0), False, False, 0.5, benchmark=True)),
        (0.15, MultiplicativeBrightnessTransform(about_one, False, 1)),
        (0.15, ContrastTransform(about_one, True, False, 1)),
        (0.25, SimulateLowResolutionTransform((0.5, 1), False, True, None, None, 0.5)),
        (0.1, GammaTransform(BGContrast(GAMMA), 1, False, 1, 1)),
        (0.3, GammaTransform(BGContrast(GAMMA), 0, False, 1, 1)),
    ]
    first = SpatialTransform((size,) * 3, 0, False, p_synchronize_scaling_across_axes=1, **turn, **labels)
    middle = [RandomTransform(transform, chance) for chance, transform in chances]
    return ComposeTransforms([first, *middle, MirrorTransform((0, 1, 2))])


def monai(size: int) -> tuple[Callable[[int], Sample], Callable[[int], bool]]:
    from monai import transforms as m

    both = ["image", "label"]
    turn = {"rotate_range": (ANGLE,) * 3, "scale_range": [(-0.3, 0.4)] * 3, "mode": ("bilinear", "nearest")}
    affine = m.RandAffined(both, prob=0.36, spatial_size=(size,) * 3, padding_mode="zeros", cache_grid=True, **turn)
    chain = m.Compose(
        [
            affine,
            m.RandGaussianNoised(["image"], prob=0.1, std=0.1),
            m.RandGaussianSmoothd(["image"], (0.5, 1), (0.5, 1), (0.5, 1), prob=0.1),
            m.RandScaleIntensityd(["image"], factors=0.25, prob=0.15),
            m.RandScaleIntensityFixedMeand(["image"], factors=0.25, preserve_range=True, prob=0.15),
            m.RandSimulateLowResolutiond(["image"], prob=0.125, zoom_range=(0.5, 1)),
            m.RandAdjustContrastd(["image"], prob=0.1, gamma=GAMMA, invert_image=True, retain_stats=True),
            m.RandAdjustContrastd(["image"], prob=0.3, gamma=GAMMA, retain_stats=True),
            *(m.RandFlipd(both, prob=0.5, spatial_axis=axis) for axis in range(3)),
        ]
    )
    image, label = sample(size)

    def one(seed: int) -> Sample:
        found = chain.set_random_state(seed)({"image": image, "label": label})
        return torch.as_tensor(found["image"]), torch.as_tensor(found["label"])

    def resampled(seed: int) -> bool:
        chain.set_random_state(seed)
        affine.randomize(None)
        return bool(affine._do_transform)

    return one, resampled


def torchio(size: int) -> tuple[Callable[[int], Sample], Callable[[int], bool]]:
    import torchio as tio

    turn = {"scales": (0.7, 1.4), "degrees": math.degrees(ANGLE), "isotropic": True, "default_pad_value": 0}
    chain = tio.Compose(
        [
            tio.RandomAffine(p=0.36, **turn),
            tio.RandomNoise(std=(0, 0.1), p=0.1),
            tio.RandomBlur(std=(0.5, 1), p=0.1),
            tio.RandomAnisotropy(downsampling=(1, 2), p=0.125),
            tio.RandomGamma(log_gamma=(math.log(GAMMA[0]), math.log(GAMMA[1])), p=0.37),
            tio.RandomFlip((0, 1, 2)),
        ]
    )
    image, label = sample(size)

    def one(seed: int) -> Sample:
        torch.manual_seed(seed)
        subject = tio.Subject(image=tio.ScalarImage(tensor=image), label=tio.LabelMap(tensor=label))
        found = chain(subject)
        return found["image"].data, found["label"].data

    def resampled(seed: int) -> bool:
        torch.manual_seed(seed)
        torch.rand(1)  # whether the composition itself happens
        return bool(torch.rand(1).item() <= 0.36)

    return one, resampled


def chains() -> Mapping[str, Callable[[], Any]]:
    made = {
        "deephealth": ours(SIZE),
        "batchgeneratorsv2": batchgenerators(SIZE),
        "batchgeneratorsv2, nearest": batchgenerators(SIZE, mode_seg="nearest"),
        "MONAI": monai(SIZE),
        "torchio": torchio(SIZE),
    }
    return {name: partial(many, one, picked(resampled)) for name, (one, resampled) in made.items()}


def statistics_of(samples: list[Sample]) -> dict[str, np.ndarray]:
    """Return for each sample: mean, deviation, ends, energy of the gradient, share of zeros, shares of the labels."""
    found = []
    for image, label in samples:
        x = image.double()
        energy = sum(float(x.diff(dim=axis).square().mean()) for axis in (1, 2, 3))
        ends = float(x.min()), float(x.max())
        shares = [float((label == which).double().mean()) for which in (0, 1, 2)]
        found.append([float(x.mean()), float(x.std()), *ends, energy, float((x == 0).double().mean()), *shares])
    names = ("mean", "std", "min", "max", "gradient", "zeros", "label 0", "label 1", "label 2")
    return dict(zip(names, np.array(found).T, strict=True))


def same_distribution(found: Mapping[str, Any]) -> str:
    """Check that all augmented the samples, and that ours are distributed as batchgeneratorsv2's."""
    for name, samples in found.items():
        for image, label in samples:
            assert image.shape == label.shape == (1, SIZE, SIZE, SIZE), name
            assert bool(torch.isfinite(image).all()), name
            assert set(label.unique().tolist()) <= {0, 1, 2, 3}, name
    size, count = 32, 300
    ours_of, theirs_of = (
        statistics_of([one(seed) for seed in range(count)]) for one, _ in (ours(size), batchgenerators(size))
    )
    tests = {name: float(stats.ks_2samp(ours_of[name], theirs_of[name]).pvalue) for name in ours_of}
    least = min(tests, key=tests.__getitem__)
    assert tests[least] > 0.01, tests
    return f"{len(tests)} statistics of {count} samples: KS p of batchgeneratorsv2 >= {tests[least]:.2f} ({least})"


SHAPE = (8, 1, 192, 192, 192)
NUMBERS = {"scale": 1.2, "shift": 0.1, "contrast": 1.1, "gamma": 1.3, "noise": 0.1}


def on_accelerator() -> Mapping[str, Callable[[], Any]]:
    images = torch.rand(SHAPE, device="cuda")
    field = np.random.default_rng(0).uniform(-0.1, 0.1, (4, 4, 4))
    first = [Linear(NUMBERS["scale"], NUMBERS["shift"]), Contrast(NUMBERS["contrast"], False)]
    programs = [[[*first, Gamma(NUMBERS["gamma"]), Bias(field), Noise(NUMBERS["noise"], at)]] for at in range(SHAPE[0])]
    bias = Bias(field).on(torch.ones(SHAPE[2:], device="cuda"))

    def by_triton() -> torch.Tensor:
        with using("triton"):
            return intensity_chain(images, programs)

    compiled = torch.compile(plain)
    return {
        "deephealth": by_triton,
        "eager": lambda: plain(images, bias),
        "torch.compile": lambda: compiled(images, bias),
    }


def plain(x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Return the same chain as one writes it in torch, batched; the bias field is given, the noise is torch's."""
    axes = (2, 3, 4)
    x = x * NUMBERS["scale"] + NUMBERS["shift"]
    mean = x.mean(axes, keepdim=True)
    x = (x - mean) * NUMBERS["contrast"] + mean
    deviation, mean = torch.std_mean(x, axes, keepdim=True)
    low, high = x.amin(axes, keepdim=True), x.amax(axes, keepdim=True)
    x = ((x - low) / (high - low)) ** NUMBERS["gamma"] * (high - low) + low
    deviation_now, mean_now = torch.std_mean(x, axes, keepdim=True)
    x = (x - mean_now) * (deviation / deviation_now) + mean
    return x * bias + NUMBERS["noise"] * torch.randn_like(x)


def equal_moments(found: Mapping[str, torch.Tensor]) -> str:
    """Check that the results differ by their noise alone."""
    ours_ = found["deephealth"]
    for other in found.values():
        apart = float((ours_ - other).std()) if other is not ours_ else NUMBERS["noise"] * math.sqrt(2)
        assert abs(apart - NUMBERS["noise"] * math.sqrt(2)) < 1e-3
        assert abs(float(ours_.mean() - other.mean())) < 1e-3
    return "the results differ by their noise, to 1e-3"


ROWS = [
    Row(
        "nnunet-chain",
        f"nnU-Net's augmentation of image and label, {SAMPLES} samples of {SIZE}³",
        chains,
        same_distribution,
        goals={"batchgeneratorsv2": 1.3, "batchgeneratorsv2, nearest": 1.3, "MONAI": 3.0, "torchio": 5.0},
        packages=("torch", "numba", "batchgeneratorsv2", "monai", "torchio"),
    ),
    Row(
        "intensity-chain-gpu",
        "brightness, contrast, gamma, bias field, noise, 8×1×192³",
        on_accelerator,
        equal_moments,
        goals={"eager": 6.0, "torch.compile": 1.5},
        packages=("torch", "triton"),
        device="cuda",
        bytes_moved=2 * 4 * math.prod(SHAPE),
    ),
]
