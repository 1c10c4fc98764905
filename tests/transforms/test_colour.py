"""The colour matrix: identity, directions, clipping."""

from __future__ import annotations

import numpy as np
import pytest

from deephealth.transforms.colour import Colour


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 180, (10, 12, 3), dtype=np.uint8)


def draws(**places: float) -> np.ndarray:
    order = ["brightness", "contrast", "saturation", "red", "green", "blue"]
    return np.array([places.get(name, 0.5) for name in order] + [0.5, 0.5])


def test_without_ranges_levels_stay(image):
    assert np.array_equal(Colour(0, 0, 0, 0).apply(image, np.linspace(0, 0.99, 8)), image)


def test_middle_draws_change_nothing(image):
    assert np.array_equal(Colour(0.5, 0.5, 0.5, 0.5).apply(image, draws()), image)


def test_brightness_scales_every_channel(image):
    got = Colour(0.2, 0, 0, 0).apply(image, draws(brightness=1.0))
    assert np.abs(got - np.clip(image * np.exp(0.2), 0, 255)).max() <= 0.51


def test_contrast_keeps_the_mean(image):
    got = Colour(0, 0.3, 0, 0).apply(image, draws(contrast=0.0))
    assert abs(got.mean() - image.mean()) < 3
    assert got.std() < image.std()


def test_contrast_level_stays():
    level = np.full((2, 2, 3), 140, np.uint8)
    assert Colour(0, 0.5, 0, 0, contrast_level=140).apply(level, draws(contrast=1.0)).tolist() == level.tolist()


def test_saturation_zero_is_grey(image):
    got = Colour(0, 0, 1.0, 0).apply(image, draws(saturation=0.0))
    assert np.ptp(got.astype(int), axis=2).max() <= 1


def test_cast_moves_one_channel(image):
    got = Colour(0, 0, 0, 0.2).apply(image, draws(red=1.0))
    assert (got[..., 0] > image[..., 0]).all()
    assert np.array_equal(got[..., 1:], image[..., 1:])


def test_clips_at_white():
    assert Colour(3.0, 0, 0, 0).apply(np.full((2, 2, 3), 200, np.uint8), draws(brightness=1.0)).min() == 255
