"""Gamma, normalisation, scaling and inpainting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deephealth import ecvl
from deephealth.ecvl import ColorType, DataType, Image, InpaintType
from deephealth.ecvl.strictness import strict_mode

BYTES = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
RGB = np.random.default_rng(1).normal(100, 40, (6, 7, 3))


def done(name: str, array: np.ndarray, *arguments, layout: str = "yxc") -> np.ndarray:
    image = Image.fromarray(array.transpose(["yxc".index(letter) for letter in layout]), layout, ColorType.none)
    dst = Image.empty()
    getattr(ecvl, name)(image, dst, *arguments)
    return np.array(dst).transpose([layout.index(letter) for letter in "yxc"])


@given(st.floats(0, 4))
def test_gamma_of_bytes_is_cut_from_double_precision(gamma):
    wanted = [int(math.pow(value / 255.0, gamma) * 255) for value in range(256)]
    assert done("GammaContrast", BYTES, gamma).ravel().tolist() == wanted


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "int32", "int64", "float32", "float64"])
def test_gamma_takes_255_for_white_in_every_type(dtype):
    found = done("GammaContrast", (BYTES // 3).astype(dtype), 1.5).astype(np.float64)
    wanted = ((BYTES // 3) / 255.0) ** 1.5 * 255
    cut = np.trunc(wanted) if not dtype.startswith("float") else wanted
    assert np.abs(found - cut).max() <= 1e-4


@given(
    arrays(np.uint8, (3, 4, 2), elements=st.integers(0, 255)),
    st.integers(-300, 300),
    st.integers(-300, 300),
)
def test_scaling_bytes_is_cut_and_clamped(array, low, high):
    least, most = float(array.min()), float(array.max())
    found = done("ScaleTo", array, low, high)
    if least == most:
        assert set(found.ravel()) == {min(255, max(0, low))}
        return
    slope = (high - low) / (most - least)
    exact = array * slope + (high - slope * most)
    np.testing.assert_array_equal(found, np.clip(exact, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "int64", "float32", "float64"])
def test_scaling_other_types(dtype):
    values = (np.arange(24).reshape(4, 3, 2) * 100).astype(dtype)
    found = done("ScaleTo", values, 0, 1000).astype(np.float64)
    assert (found.min(), found.max()) == (0, pytest.approx(1000, abs=1))
    assert np.abs(found - np.arange(24).reshape(4, 3, 2) * 1000 / 23).max() <= 1
    limits = done("ScaleFromTo", values, 500, 1500, 0, 10).astype(np.float64)
    assert (limits.min(), limits.max()) == (0, 10)


def test_a_constant_image_becomes_the_least_value_and_in_strict_mode_what_it_was_in_the_original():
    flat = np.full((2, 2, 1), 4.0)
    assert set(done("ScaleTo", flat, 3, 9).ravel()) == {3.0}
    with strict_mode():
        assert np.isnan(done("ScaleTo", flat, 3, 9)).all()


def test_an_old_range_without_extent():
    with pytest.raises(RuntimeError, match="range"):
        done("ScaleFromTo", RGB, 1, 1, 0, 1)


@pytest.mark.parametrize("layout", ["xyc", "cxy", "yxc"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_normalisation_by_channel(layout, dtype, count):
    values = np.random.default_rng(count).integers(0, 256, (6, 7, count)).astype(dtype)
    means, deviations = [20.5 + at for at in range(count)], [3.5 + at for at in range(count)]
    exact = (values - np.array(means)) / np.array(deviations)
    wanted = exact if dtype.startswith("float") else np.clip(np.trunc(exact), np.iinfo(dtype).min, np.iinfo(dtype).max)
    found = done("Normalize", values, means, deviations, layout=layout)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    alone = done("Normalize", values, means[0], [deviations[0]], layout=layout)
    np.testing.assert_allclose(alone[:, :, 0], found[:, :, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("mean", "std"), [(1, 0), ([1, 2], [1, 2]), ([1, 2, 3], [1, 0, 1]), ([1, 2, 3], 1)])
def test_normalisations_that_can_not_be(mean, std):
    with pytest.raises(RuntimeError, match="Normalize"):
        done("Normalize", RGB, mean, std)


def test_lists_need_an_axis_of_channels():
    with pytest.raises(RuntimeError, match="no channels"):
        ecvl.Normalize(Image([2, 2], DataType.float32, "xy", ColorType.none), Image.empty(), [1, 2], [1, 2])


@pytest.mark.parametrize("flag", InpaintType)
@pytest.mark.parametrize("colortype", [ColorType.GRAY, ColorType.RGB])
def test_inpainting_fills_the_hole_from_around_it(flag, colortype):
    count = 1 if colortype is ColorType.GRAY else 3
    values = np.full((9, 9, count), 90, np.uint8)
    values[4, 4] = 255
    hole = Image.fromarray((values[:, :, :1] == 255).astype(np.uint8), "yxc", ColorType.GRAY)
    image, dst = Image.fromarray(values, "yxc", colortype), Image.empty()
    ecvl.Inpaint(image, dst, hole, 3.0, flag)
    assert set(np.array(dst).ravel().tolist()) == {90}
    assert dst.colortype_ is colortype


@pytest.mark.parametrize(("dtype", "count", "mask"), [("uint8", 2, 1), ("int16", 1, 1), ("uint8", 1, 3)])
def test_inpainting_that_can_not_be(dtype, count, mask):
    image = Image.fromarray(np.zeros((5, 5, count), dtype), "yxc", ColorType.none)
    hole = Image.fromarray(np.zeros((5, 5, mask), np.uint8), "yxc", ColorType.none)
    with pytest.raises(RuntimeError, match="Inpaint"):
        ecvl.Inpaint(image, Image.empty(), hole, 3.0)


def test_scaling_single_precision_to_a_wide_range_keeps_the_least_value_exact():
    values = np.random.default_rng(5).normal(0, 1, (20, 30, 1)).astype(np.float32)
    found = done("ScaleTo", values, -3e6, 1e6)
    low, high = values.min(), values.max()
    slope = 4e6 / float(high - low)
    wanted = (values.astype(np.float64) * slope + (1e6 - slope * float(high))).astype(np.float32)
    np.testing.assert_array_equal(found, wanted)
    assert done("ScaleTo", values, 0, 3e38).max() == np.float32(3e38)


def test_what_is_below_both_ends_becomes_the_new_minimum_first():
    assert done("ScaleFromTo", BYTES, 100, 50, 0, 10).ravel()[[10, 75, 200]].tolist() == [0, 0, 10]
    assert done("ScaleFromTo", BYTES.astype(np.float64), 100, 50, 0, 10).ravel()[[10, 75, 200]].tolist() == [0, 0, 10]


def test_an_old_range_of_no_extent():
    assert done("ScaleFromTo", BYTES, 5, 5, 0, 9).max() == 0
    with pytest.raises(ValueError, match="old range"):
        done("ScaleFromTo", RGB, 5, 5, 0, 9)
    with strict_mode():
        assert np.isnan(done("ScaleFromTo", RGB, 5, 5, 0, 9)).all()


def test_numbers_beyond_single_precision_are_the_largest():
    values = np.array([[[0.0], [1.0], [2.0]]], np.float32)
    assert done("ScaleFromTo", values, 0, 1, 0, 1e39).ravel().tolist() == [0, *[float(np.finfo(np.float32).max)] * 2]
