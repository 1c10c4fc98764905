"""Values that the original's own C++ tests expect, for every element type: 1 x 1, 2 x 2 grey and 2 x 2 RGB images."""

from __future__ import annotations

import numpy as np
import pytest

from deephealth import ecvl
from deephealth.ecvl import DataType, Image, InterpolationType, ThresholdingType
from deephealth.ecvl.casting import dtype_of, saturate_cast

TYPES = [dt for dt in DataType if dt is not DataType.none]
NOT_LONG = [dt for dt in TYPES if dt is not DataType.int64]
VALUES = np.array([[50, 14], [32, 60]])  # [x, y]


def grey(dt: DataType) -> Image:
    return Image.fromarray(VALUES[:, :, None].astype(dtype_of(dt)), "xyc", ecvl.ColorType.GRAY)


def colour(dt: DataType) -> Image:
    return Image.fromarray(np.repeat(VALUES[:, :, None], 3, axis=2).astype(dtype_of(dt)), "xyc", ecvl.ColorType.RGB)


def dot(dt: DataType) -> Image:
    return Image.fromarray(np.full((1, 1, 1), 50, dtype_of(dt)), "xyc", ecvl.ColorType.GRAY)


def rows(image: Image) -> list[list]:
    """The first plane, row by row."""
    return np.array(image)[:, :, 0].T.tolist()


def after(function, image: Image, *arguments) -> Image:
    """What an operation gives; that it gives the same in place is checked on the way."""
    dst, same = Image.empty(), image.copy()
    function(image, dst, *arguments)
    function(same, same, *arguments)
    np.testing.assert_array_equal(np.array(same), np.array(dst))
    return dst


@pytest.mark.parametrize("dt", NOT_LONG)
@pytest.mark.parametrize("make", [grey, colour])
def test_nearest_resizing(dt, make):
    image = make(dt)
    for found in (
        after(ecvl.ResizeDim, image, [2, 1], InterpolationType.nearest),
        after(ecvl.ResizeScale, image, [1, 0.5], InterpolationType.nearest),
    ):
        assert found.dims_ == [2, 1, image.Channels()]
        assert rows(found) == [[50, 32]]


@pytest.mark.parametrize("dt", TYPES)
@pytest.mark.parametrize("make", [grey, colour])
def test_flips(dt, make):
    image = make(dt)
    assert rows(after(ecvl.Flip2D, image)) == [[14, 60], [50, 32]]
    assert rows(after(ecvl.Mirror2D, image)) == [[32, 50], [60, 14]]
    assert rows(after(ecvl.Transpose, image)) == [[50, 14], [32, 60]]


@pytest.mark.parametrize("dt", TYPES)
def test_thresholds(dt):
    assert rows(after(ecvl.Threshold, grey(dt), 35, 127)) == [[127, 0], [0, 127]]
    assert rows(after(ecvl.Threshold, grey(dt), 35, 127, ThresholdingType.BINARY_INV)) == [[0, 127], [127, 0]]


@pytest.mark.parametrize("dt", TYPES)
@pytest.mark.parametrize("make", [grey, colour])
def test_joining(dt, make):
    image, dst = make(dt), Image.empty()
    ecvl.HConcat([image, image], dst)
    assert rows(dst) == [[50, 32, 50, 32], [14, 60, 14, 60]]
    ecvl.VConcat([image, image], dst)
    assert rows(dst) == [[50, 32], [14, 60], [50, 32], [14, 60]]


@pytest.mark.parametrize("dt", TYPES)
def test_labels(dt):
    binary, labels = Image.empty(), Image.empty()
    ecvl.Threshold(grey(dt), binary, 35, 127)
    if dt is DataType.uint8:
        assert ecvl.ConnectedComponentsLabeling(binary, labels) == 2
        assert rows(labels) == [[1, 0], [0, 1]]
    else:
        with pytest.raises(RuntimeError):
            ecvl.ConnectedComponentsLabeling(binary, labels)


@pytest.mark.parametrize("dt", TYPES)
def test_normalisation(dt):
    mean, std = 39, 17.5783958312469
    wanted = saturate_cast((VALUES.T - mean) / std, dtype_of(dt)).astype(float)
    np.testing.assert_allclose(rows(after(ecvl.Normalize, grey(dt), mean, std)), wanted, rtol=1e-6)
    means, stds = [39, 38, 33], [std, 14.5783958312469, 23.5783958312469]
    found = np.array(after(ecvl.Normalize, colour(dt), means, stds), np.float64)
    for plane in range(3):
        wanted = saturate_cast((VALUES - means[plane]) / stds[plane], dtype_of(dt)).astype(float)
        np.testing.assert_allclose(found[:, :, plane], wanted, rtol=1e-6)
    with pytest.raises(RuntimeError):
        ecvl.Normalize(grey(dt), Image.empty(), means, stds)


@pytest.mark.parametrize("dt", TYPES)
@pytest.mark.parametrize("make", [grey, colour, dot])
def test_a_crop_of_one_pixel(dt, make):
    assert rows(after(ecvl.CenterCrop, make(dt), [1, 1])) == [[50]]


@pytest.mark.parametrize("dt", TYPES)
def test_scaling(dt):
    image = grey(dt)
    assert rows(after(ecvl.ScaleTo, image, 14, 60)) == rows(image)
    assert rows(after(ecvl.ScaleFromTo, image, 14, 60, 14, 60)) == rows(image)
    wanted = saturate_cast(VALUES.T / 46 + 1 - 60 / 46, dtype_of(dt)).astype(float)
    np.testing.assert_allclose(rows(after(ecvl.ScaleTo, image, 0, 1)), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dt", TYPES)
def test_gamma(dt):
    wanted = saturate_cast(255 * (VALUES.T / 255) ** 3, dtype_of(dt)).astype(float)
    np.testing.assert_allclose(rows(after(ecvl.GammaContrast, grey(dt), 3)), wanted, rtol=1e-6)


@pytest.mark.parametrize("dt", NOT_LONG)
def test_padding(dt):
    assert after(ecvl.Pad, grey(dt), [3]).dims_ == [8, 8, 1]
    assert after(ecvl.Pad, dot(dt), [1, 1]).dims_ == [3, 3, 1]
    assert after(ecvl.Pad, colour(dt), [2, 1, 3, 1]).dims_ == [6, 5, 3]


@pytest.mark.parametrize("dt", NOT_LONG)
def test_random_crops(dt):
    assert after(lambda s, d: ecvl.RandomCrop(s, d, [1, 1], seed=3), grey(dt)).dims_ == [1, 1, 1]
    assert after(lambda s, d: ecvl.RandomCrop(s, d, [4, 4], True, seed=3), colour(dt)).dims_ == [4, 4, 3]
    with pytest.raises(RuntimeError):
        ecvl.RandomCrop(grey(dt), Image.empty(), [4, 4])


@pytest.mark.parametrize("dt", NOT_LONG)
@pytest.mark.parametrize("make", [dot, grey, colour])
@pytest.mark.parametrize(
    "bend",
    [
        lambda s, d: ecvl.GridDistortion(s, d, seed=5),
        lambda s, d: ecvl.ElasticTransform(s, d, seed=5),
        lambda s, d: ecvl.OpticalDistortion(s, d, seed=5),
    ],
    ids=["grid", "elastic", "optical"],
)
def test_distortions_keep_everything_but_the_pixels(dt, make, bend):
    image = make(dt)
    found = after(bend, image)
    assert (found.dims_, found.elemtype_, found.channels_, found.colortype_) == (
        image.dims_,
        dt,
        image.channels_,
        image.colortype_,
    )
    if make is dot:
        assert rows(found) == [[50]]


@pytest.mark.parametrize("dt", TYPES)
def test_salt_keeps_the_shape(dt):
    assert after(lambda s, d: ecvl.Salt(s, d, 0.5, False, 7), grey(dt)).dims_ == [2, 2, 1]


@pytest.mark.parametrize(
    ("name", "number", "wanted"),
    [
        ("Add", 10, [[60, 42], [24, 70]]),
        ("Sub", 10, [[40, 22], [4, 50]]),
        ("Mul", 2, [[100, 64], [28, 120]]),
        ("Div", 2, [[25, 16], [7, 30]]),
    ],
)
@pytest.mark.parametrize("dt", TYPES)
def test_arithmetic_with_a_number(dt, name, number, wanted):
    dst = Image.empty()
    getattr(ecvl, name)(grey(dt), number, dst)
    assert rows(dst) == wanted


@pytest.mark.parametrize(
    "call",
    [
        lambda s, d: ecvl.ResizeDim(s, d, [2, 1]),
        lambda s, d: ecvl.ResizeScale(s, d, [1, 0.5]),
        lambda s, d: ecvl.Pad(s, d, [3]),
        lambda s, d: ecvl.RandomCrop(s, d, [4, 4], True),
        lambda s, d: ecvl.GridDistortion(s, d),
        lambda s, d: ecvl.ElasticTransform(s, d),
        lambda s, d: ecvl.OpticalDistortion(s, d),
    ],
    ids=["ResizeDim", "ResizeScale", "Pad", "RandomCrop", "GridDistortion", "ElasticTransform", "OpticalDistortion"],
)
def test_what_refuses_64_bit_whole_numbers(call):
    with pytest.raises(RuntimeError, match="int64"):
        call(grey(DataType.int64), Image.empty())


def test_slice_timing_of_one_time_step():
    image = Image([2, 2, 2, 1], DataType.uint8, "xyzt", ecvl.ColorType.none, [1, 1, 1, 1])
    image.buffer()[...] = 7
    dst = Image.empty()
    ecvl.SliceTimingCorrection(image, dst)
    assert dst.elemtype_ is DataType.float32
    np.testing.assert_allclose(np.array(dst), 7, rtol=1e-5)
    with pytest.raises(RuntimeError):
        ecvl.SliceTimingCorrection(grey(DataType.uint8), dst)
