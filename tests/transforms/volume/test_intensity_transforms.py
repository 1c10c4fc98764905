"""The changes of intensity one by one: what they do, what they draw, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.volume import intensity, intensity_filters
from deephealth.transforms.volume.base import Draws, VolumeTransform
from deephealth.transforms.volume.chain import Chain


def run(transform: VolumeTransform, image: torch.Tensor, seed: int = 0) -> torch.Tensor:
    found = Chain([transform])({"image": image}, [seed + at for at in range(len(image))])["image"]
    return torch.as_tensor(found)


def some_image(channels: int = 1) -> torch.Tensor:
    return torch.randn(1, channels, 9, 10, 11, generator=torch.Generator().manual_seed(0)) * 30 + 20


@pytest.mark.parametrize("nonzero", [False, True])
def test_the_dictionary_transforms_of_monai_are_met(nonzero: bool) -> None:
    monai = pytest.importorskip("monai.transforms")
    image = some_image(2).clamp(min=0)
    pairs = [
        (intensity.ScaleIntensityRange(-10, 50, 0, 1, clip=nonzero), monai.ScaleIntensityRange(-10, 50, 0, 1, nonzero)),
        (intensity.NormalizeIntensity(nonzero=nonzero), monai.NormalizeIntensity(nonzero=nonzero, channel_wise=True)),
        (
            intensity.NormalizeIntensity(subtrahend=[1, 2], divisor=[3, 4]),
            monai.NormalizeIntensity(subtrahend=[1, 2], divisor=[3, 4], channel_wise=True),
        ),
        (intensity.BrightnessMultiplicative((1.2, 1.2)), monai.ScaleIntensity(minv=None, maxv=None, factor=0.2)),
        (intensity.Gamma((1.3, 1.3), retain_stats=False), monai.AdjustContrast(1.3)),
        (intensity.Gamma((0.8, 0.8)), monai.AdjustContrast(0.8, retain_stats=True)),
    ]
    for ours, theirs in pairs:
        if isinstance(theirs, monai.AdjustContrast):  # of a channel alone: ours takes the range of each channel
            expected = torch.cat([torch.as_tensor(theirs(channel[None])) for channel in image[0]])
        else:
            expected = torch.as_tensor(theirs(image[0].clone()))  # it writes into what it is given
        torch.testing.assert_close(run(ours, image)[0], expected, rtol=1e-4, atol=1e-2)


def test_percentiles_are_numpys() -> None:
    image = some_image(2).clamp(min=0)
    for nonzero in (False, True):
        found = run(intensity_filters.ClipPercentiles(5, 90, nonzero=nonzero), image)
        for channel, given in zip(found[0].numpy(), image[0].numpy(), strict=True):
            low, high = np.percentile(given[given != 0] if nonzero else given, [5, 90])
            np.testing.assert_allclose(channel, given.clip(low, high), rtol=1e-6)
    zeros = torch.zeros(1, 1, 2, 2, 2)
    assert torch.equal(run(intensity_filters.ClipPercentiles(nonzero=True), zeros), zeros)


def test_brightness_is_added() -> None:
    image = some_image()
    apart = run(intensity.BrightnessAdditive(5.0, 0.0), image) - image
    torch.testing.assert_close(apart, torch.full_like(apart, 5.0))


def test_each_channel_has_its_own_noise() -> None:
    noise = run(intensity.GaussianNoise((1.0, 1.0), same_for_channels=True), torch.zeros(1, 2, 20, 20, 20))
    assert abs(float((noise[0, 0] * noise[0, 1]).mean())) < 0.05
    assert abs(float(noise.std()) - 1) < 0.03


def test_channels_share_an_amount_if_asked() -> None:
    image = torch.ones(1, 3, 2, 2, 2)
    shared = run(intensity.BrightnessMultiplicative((0.5, 2.0), same_for_channels=True), image)
    assert shared.unique().numel() == 1
    assert run(intensity.BrightnessMultiplicative((0.5, 2.0)), image).unique().numel() == 3


def test_probabilities_are_kept() -> None:
    image = torch.ones(2000, 1, 1, 1, 1)
    half = intensity.BrightnessMultiplicative((2.0, 2.0), probability=0.5, channel_probability=0.5)
    assert abs(float((run(half, image) == 2).double().mean()) - 0.25) < 0.03
    amounts = run(intensity.BrightnessMultiplicative((0.8, 3.0)), image)
    assert abs(float((amounts < 1).double().mean()) - 0.5) < 0.04
    uniform = run(intensity.BrightnessMultiplicative((0.8, 3.0), balanced=False), image)
    assert abs(float((uniform < 1).double().mean()) - 0.2 / 2.2) < 0.02


def test_a_bias_field_is_smooth_and_positive() -> None:
    field = run(intensity.BiasField((-0.3, 0.3)), torch.ones(1, 1, 16, 16, 16))[0, 0]
    assert float(field.min()) > 0
    assert float(field.std()) > 0.05
    assert float(field.diff(dim=2).abs().max()) < 0.5 * float(field.max())


def test_absent_and_several_entries() -> None:
    keys = ("t1", "t2", "absent")
    batch = {"t1": some_image(), "t2": some_image(2), "image": some_image()}
    found = Chain([intensity.GaussianNoise(image_keys=keys), intensity_filters.GaussianBlur(image_keys=keys)])(
        batch, [0]
    )
    assert torch.equal(found["image"], batch["image"])
    assert not torch.equal(found["t1"], batch["t1"])
    assert not torch.equal(found["t2"], batch["t2"])


def test_a_filter_copies_what_it_does_not_change() -> None:
    image = some_image(3)
    step = intensity_filters.SimulateLowResolution((0.3, 0.3), channel_probability=0.5)
    params = next(p for seed in range(99) if (p := step.draw(Draws(seed, "0"), {"image": image[0]})) is not None)
    found = step.apply({"image": image}, [params])["image"]
    for channel, amounts in enumerate(params["amounts"]["image"]):
        assert torch.equal(found[0, channel], image[0, channel]) == (amounts is None)


@pytest.mark.parametrize(
    "make",
    [
        lambda: intensity.ScaleIntensityRange(2, 1),
        lambda: intensity.NormalizeIntensity(subtrahend=[1]),
        lambda: intensity.NormalizeIntensity(subtrahend=[1], divisor=[0]),
        lambda: intensity.NormalizeIntensity(subtrahend=[1], divisor=[1], nonzero=True),
        lambda: intensity.BiasField(degree=0),
        lambda: intensity.BrightnessAdditive(0, -1),
        lambda: intensity.Contrast((1.2, float("nan"))),
        lambda: intensity_filters.GaussianBlur((2.0, 1.0)),
        lambda: intensity_filters.SimulateLowResolution(ignore_axes=(3,)),
        lambda: intensity_filters.ClipPercentiles(50, 50),
    ],
)
def test_bad_settings_are_named(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def test_numbers_for_the_wrong_channels_are_named() -> None:
    with pytest.raises(DataError, match="2 channels"):
        run(intensity.NormalizeIntensity(subtrahend=[1], divisor=[2]), some_image(2))
