"""Random distortions: repeatable, of the right size, and the identity where they should be."""

from __future__ import annotations

import numpy as np
import pytest

from deephealth import ecvl
from deephealth.ecvl import ColorType, DataType, Image, InterpolationType
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.distortion import _stretched
from deephealth.ecvl.strictness import strict_mode

NAMES = ["GridDistortion", "ElasticTransform", "OpticalDistortion"]
RAMPS = np.stack(np.meshgrid(np.arange(60.0), np.arange(50.0)), axis=-1).astype(np.float32)  # x and y of every pixel


def bent(name: str, *arguments, image: np.ndarray = RAMPS, **options) -> np.ndarray:
    dst = Image.empty()
    getattr(ecvl, name)(Image.fromarray(image, "yxc", ColorType.none), dst, *arguments, **options)
    return np.array(dst)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_repeat_and_generators_run_on(name):
    assert np.array_equal(bent(name, seed=3), bent(name, seed=3))
    assert not np.array_equal(bent(name, seed=3), bent(name, seed=4))
    draws.set_seed(8)
    first, second = bent(name), bent(name)
    draws.set_seed(8)
    assert np.array_equal(first, bent(name))
    assert not np.array_equal(first, second)
    with draws.using(draws.substream(3)):
        assert np.array_equal(bent(name), bent(name, seed=3))


@pytest.mark.parametrize("name", NAMES)
def test_pictures_stay_recognisable(name):
    moved = np.abs(bent(name, seed=5) - RAMPS)
    assert 0.05 < moved.mean() < 12


def test_no_distortion_is_the_identity():
    # a cell of n pixels spreads over n, so that its last pixel comes from the start of the next cell: ECVL's rule
    grid = bent("GridDistortion", 1, [0, 0])
    assert np.abs(grid - RAMPS).max() <= 1 + 1 / 32
    assert np.array_equal(bent("ElasticTransform", 0), RAMPS)
    lens = bent("OpticalDistortion", [0, 0], [0, 0])
    np.testing.assert_allclose(lens[5:-5, 5:-5], RAMPS[5:-5, 5:-5] + 0.5)  # the original's half pixel


def test_elastic_fields_have_the_strength_of_smoothed_noise():
    moved = (bent("ElasticTransform", 20, 3, seed=3) - RAMPS)[10:-10, 10:-10]
    # the variance of U(-1, 1) is 1/3; a Gaussian of sigma 3 keeps 1 / (4 pi 9) of it
    assert moved.std() == pytest.approx(20 * np.sqrt(1 / 3 / (4 * np.pi * 9)), rel=0.2)


def test_the_last_cell_reaches_the_end_save_in_strict_mode():
    shares = np.array([1.0, 1.0, 1.0, 1.0])
    assert _stretched(11, shares).tolist() == [0, 1.5, 3, 3, 4.5, 6, 6, 7.5, 9, 10.5, 12]
    with strict_mode():
        assert _stretched(11, shares).tolist() == [0, 1.5, 3, 3, 4.5, 6, 6, 7.5, 9, 0, 0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 5, 3), (1, 9, 2)])
@pytest.mark.parametrize("strict", [False, True])
def test_tiny_images_of_one_value_stay_as_they_are(name, shape, strict):
    options = {"num_steps": 10} if name == "GridDistortion" else {}
    with strict_mode(strict):
        found = bent(name, image=np.full(shape, 50, np.uint8), seed=2, **options)
    assert found.shape == shape
    assert set(found.ravel().tolist()) == {50}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dt", [DataType.int8, DataType.int32])
def test_types_that_are_not_interpolated(name, dt):
    values = np.random.default_rng(0).choice([3, 77], (20, 20, 1)).astype(dt.name)
    assert set(bent(name, image=values, seed=2).ravel().tolist()) == {3, 77}


def test_constant_borders():
    white = np.full((30, 30, 2), 200, np.uint8)
    found = bent("OpticalDistortion", [3, 3], None, InterpolationType.linear, 0, [7, 8], image=white, seed=2)
    assert found[0, 0].tolist() == [7, 8]


@pytest.mark.parametrize("arguments", [(0,), (5, [0.1]), (5, [0.3, -0.3])])
def test_grids_that_can_not_be(arguments):
    with pytest.raises(RuntimeError):
        bent("GridDistortion", *arguments)
