"""Colour spaces, the colour axis, and drawing."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth import ecvl
from deephealth.ecvl import ColorType, DataType, Image
from deephealth.ecvl.strictness import strict_mode

RNG = np.random.default_rng(2)
COLOURS = RNG.integers(0, 256, (5, 6, 3), dtype=np.uint8)  # H x W x RGB
TYPES = ["uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64"]
LAYOUTS = ["xyc", "cxy", "yxc", "cyx"]


def changed(array: np.ndarray, layout: str, source: ColorType, target: ColorType) -> np.ndarray:
    image = Image.fromarray(array.transpose(["yxc".index(letter) for letter in layout]), layout, source, [1, 1, 1])
    dst = Image.empty()
    ecvl.ChangeColorSpace(image, dst, target)
    assert (dst.channels_, dst.colortype_, dst.elemtype_, dst.spacings_) == (layout, target, image.elemtype_, [1, 1, 1])
    ecvl.ChangeColorSpace(image, image, target)
    np.testing.assert_array_equal(np.array(image), np.array(dst))
    return np.array(dst).transpose([layout.index(letter) for letter in "yxc"])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TYPES)
def test_grey_is_cut_and_colours_change_places(layout, dtype):
    array = (COLOURS // 2).astype(dtype)
    red, green, blue = (array[:, :, at].astype(np.float64) for at in range(3))
    wanted = (0.299 * red + 0.587 * green + 0.114 * blue).astype(dtype)
    np.testing.assert_allclose(changed(array, layout, ColorType.RGB, ColorType.GRAY)[:, :, 0], wanted, rtol=1e-6)
    np.testing.assert_allclose(
        changed(array[:, :, ::-1], layout, ColorType.BGR, ColorType.GRAY)[:, :, 0], wanted, rtol=1e-6
    )
    np.testing.assert_array_equal(changed(array, layout, ColorType.RGB, ColorType.BGR), array[:, :, ::-1])
    np.testing.assert_array_equal(changed(array[:, :, :1], layout, ColorType.GRAY, ColorType.BGR), array[:, :, [0] * 3])
    opaque = changed(array, layout, ColorType.BGR, ColorType.RGBA)
    np.testing.assert_array_equal(opaque[:, :, :3], array[:, :, ::-1])
    assert set(opaque[:, :, 3].ravel()) == {1 if dtype.startswith("float") else np.iinfo(dtype).max}
    np.testing.assert_array_equal(changed(opaque, layout, ColorType.RGBA, ColorType.RGB), array[:, :, ::-1])


def test_every_shade_of_grey_is_cut_as_double_precision_has_it():
    shades = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    exact = np.array([int(0.299 * v + 0.587 * v + 0.114 * v) for v in range(256)], np.uint8)
    np.testing.assert_array_equal(changed(shades, "xyc", ColorType.RGB, ColorType.GRAY)[0, :, 0], exact)
    assert (exact != np.arange(256)).any()  # the sum falls short of some shades, in the original too


@given(st.tuples(*[st.integers(0, 255)] * 3), st.sampled_from([ColorType.RGB, ColorType.BGR]))
def test_grey_is_exact_for_any_colour(values, source):
    red, green, blue = values
    order = values if source is ColorType.RGB else values[::-1]
    array = np.array(order, np.uint8)[None, None].repeat(4, axis=0).repeat(3, axis=1)
    found = changed(array, "yxc", source, ColorType.GRAY)
    assert set(found.ravel().tolist()) == {int(0.299 * red + 0.587 * green + 0.114 * blue)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hsv_is_that_of_the_standard_library(layout):
    array = (COLOURS / 255).astype(np.float32)
    found = changed(array, layout, ColorType.RGB, ColorType.HSV)
    wanted = np.array([[colorsys.rgb_to_hsv(*pixel) for pixel in row] for row in array.tolist()]) * [360, 1, 1]
    np.testing.assert_allclose(found, wanted, atol=1e-2)
    bytes_ = changed(COLOURS, layout, ColorType.RGB, ColorType.HSV)
    assert np.abs(bytes_ - wanted * [0.5, 255, 255]).max() <= 1.5


@pytest.mark.parametrize("space", [ColorType.HSV, ColorType.YCbCr])
@pytest.mark.parametrize("other", [ColorType.RGB, ColorType.BGR, ColorType.RGBA])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_there_and_back(space, other, dtype):
    array = COLOURS if dtype == "uint8" else (COLOURS / 255).astype(dtype)
    start = changed(array, "yxc", ColorType.RGB, other)
    back = changed(changed(start, "yxc", other, space), "yxc", space, other)
    assert np.abs(back.astype(np.float64) - start).max() <= (6 if dtype == "uint8" else 1e-3)


def test_ycbcr_is_that_of_jpeg():
    found = changed(np.array([[[255, 0, 0]]], np.uint8), "yxc", ColorType.RGB, ColorType.YCbCr)
    assert np.abs(found.astype(int) - [76, 85, 255]).max() <= 1
    assert changed(found, "yxc", ColorType.YCbCr, ColorType.GRAY)[0, 0, 0] in (75, 76)


@pytest.mark.parametrize(
    ("dtype", "source", "target"),
    [("uint8", 0, 2), ("uint8", 2, 0), ("int16", 2, 5), ("uint16", 2, 5), ("int32", 4, 6), ("uint8", 3, 2)],
)
def test_colours_that_can_not_be(dtype, source, target):
    with pytest.raises(RuntimeError, match="ChangeColorSpace"):
        changed(COLOURS.astype(dtype), "xyc", ColorType(source), ColorType(target))


def test_volumes_of_colours_change_too():
    volume = Image.fromarray(RNG.integers(0, 256, (4, 5, 6, 3), dtype=np.uint8), "xyzc", ColorType.RGB)
    dst = Image.empty()
    ecvl.ChangeColorSpace(volume, dst, ColorType.GRAY)
    values = np.array(volume).astype(np.float64)
    wanted = (0.299 * values[..., 0] + 0.587 * values[..., 1] + 0.114 * values[..., 2]).astype(np.uint8)
    np.testing.assert_array_equal(np.array(dst)[..., 0], wanted)


def test_the_same_space_is_a_copy():
    image, dst = Image.fromarray(COLOURS, "yxc", ColorType.RGB), Image.empty()
    ecvl.ChangeColorSpace(image, dst, ColorType.RGB)
    np.array(image, copy=False)[...] = 0
    np.testing.assert_array_equal(np.array(dst), COLOURS)


@pytest.mark.parametrize(("layout", "kept"), [("xyc", "xy"), ("cxy", "xy"), ("yxc", "yx")])
def test_dropping_the_colour_axis_keeps_the_first_plane(layout, kept):
    image = Image.fromarray(COLOURS.transpose(["yxc".index(at) for at in layout]), layout, ColorType.GRAY)
    ecvl.DropColorChannel(image)
    assert (image.channels_, image.colortype_) == (kept, ColorType.none)
    np.testing.assert_array_equal(np.array(image), COLOURS[:, :, 0].T if kept == "xy" else COLOURS[:, :, 0])
    ecvl.DropColorChannel(Image([2, 2], DataType.uint8, "xy", ColorType.GRAY))
    with pytest.raises(RuntimeError, match="GRAY"):
        ecvl.DropColorChannel(Image([2, 2, 3], DataType.uint8, "xyc", ColorType.RGB))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int32"])
def test_ellipses(layout, dtype):
    wanted = np.zeros((20, 24, 3), dtype)
    cv2.ellipse(wanted, (9, 8), (5, 3), 30, 0, 360, (1, 2, 3), -1)
    image = Image.fromarray(np.zeros_like(wanted).transpose(["yxc".index(a) for a in layout]), layout, ColorType.BGR)
    ecvl.DrawEllipse(image, [9, 8], [5, 3], 30, [1, 2, 3], -1)
    back = [layout.index(letter) for letter in "yxc"]
    np.testing.assert_array_equal(np.array(image).transpose(back), wanted)
    image.colortype_ = ColorType.RGB
    ecvl.DrawEllipse(image, [9, 8], [5, 3], 30, [1, 2, 3], -1)
    np.testing.assert_array_equal(np.array(image).transpose(back), wanted[:, :, ::-1])
    ecvl.DrawEllipse(image, [9, 8], [5, 3], 30, [1, 2, 3], -1, own_order=True)
    np.testing.assert_array_equal(np.array(image).transpose(back), wanted)


def test_one_number_colours_all_channels_save_in_strict_mode():
    for strict, wanted in ((False, [9, 9, 9]), (True, [0, 0, 9])):
        image = Image([9, 9, 3], DataType.uint8, "xyc", ColorType.RGB, [1, 1, 1])
        with strict_mode(strict):
            ecvl.DrawEllipse(image, [4, 4], [2, 2], 0, [9], -1)
        assert np.array(image)[4, 4].tolist() == wanted
        assert image.spacings_ == ([] if strict else [1, 1, 1])


def test_ellipses_that_can_not_be():
    with pytest.raises(RuntimeError, match="no colour"):
        ecvl.DrawEllipse(Image([9, 9, 3], DataType.uint8, "xyc", ColorType.none), [4, 4], [2, 2], 0, [9])
    image = Image([9, 9, 1], DataType.uint8, "xyc", ColorType.GRAY)
    for bad in (([4], [2, 2], 0, [9]), ([4, 4], [2, 2], 0, []), ([4, 4], [-2, 2], 0, [9])):
        with pytest.raises(RuntimeError):
            ecvl.DrawEllipse(image, *bad)
