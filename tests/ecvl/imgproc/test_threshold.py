"""Thresholds against their definitions; Otsu's criterion against a search through all thresholds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deephealth.ecvl.enums import ColorType, DataType, ThresholdingType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.statistics import Histogram, MeanStdDev
from deephealth.ecvl.imgproc.threshold import MultiThreshold, OtsuMultiThreshold, OtsuThreshold, Threshold
from deephealth.ecvl.strictness import strict_mode

RANDOM = np.random.default_rng(7)


def gray(array: np.ndarray, colortype: ColorType = ColorType.GRAY) -> Image:
    return Image.fromarray(array, "yx" if array.ndim == 2 else "yxc", colortype)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("inverse", [0, 1])
def test_threshold_of_every_type(dtype, inverse):
    pixels = RANDOM.integers(-128, 128, (9, 11, 3)).astype(dtype)
    src, dst = gray(pixels, ColorType.RGB), Image.empty()
    for level, most in ((35, 100), (0, 1), (-5.9, 99.9), (1e30, 1e30), (-1e30, 7)):
        Threshold(src, dst, level, most, ThresholdingType(inverse))
        info = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype)
        cut = [min(max(number, float(info.min)), float(info.max)) for number in (level, most)]
        if info.bits and not dtype.startswith("float"):
            cut = [min(int(number), int(info.max)) for number in cut]
        above = pixels > np.array(cut[0]).astype(dtype)
        wanted = np.where(above != bool(inverse), np.array(cut[1]).astype(dtype), 0)
        np.testing.assert_array_equal(np.array(dst), wanted)


def test_nan_is_neither_above_nor_below():
    for kind in ThresholdingType:
        image = gray(np.array([[np.nan, 1.0]]))
        Threshold(image, image, 0.5, 9, kind)
        assert np.array(image)[0, 0] == 0


def test_threshold_keeps_layout_spacings_and_metadata():
    src = Image([4, 3, 2, 2], DataType.uint8, "xyzt", ColorType.none, [1, 2, 3, 4])
    src.SetMeta("key", "x")
    Threshold(src, src, 3, 9, ThresholdingType.BINARY_INV)
    assert (src.channels_, src.spacings_, src.GetMeta("key").Get()) == ("xyzt", [1, 2, 3, 4], "x")
    assert np.array(src).min() == 9
    with pytest.raises(EcvlError, match="empty"):
        Threshold(Image.empty(), src, 3, 9)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("thresholds", [[50, 90], [3], [], [60, 20, 100]])
def test_several_thresholds(dtype, thresholds):
    pixels = RANDOM.integers(-128, 128, (9, 11, 3)).astype(dtype)
    src, dst = gray(pixels), Image.empty()
    for low, high in ((0, 255), (1, 254), (100, -7)):
        MultiThreshold(src, dst, thresholds, low, high)
        count = len(thresholds)
        steps = [int(at * (high - low) / count) + low if count else low for at in range(count + 1)]
        found = np.array(dst).ravel()
        for pixel, result in zip(pixels.ravel().tolist(), found.tolist(), strict=True):
            k = next((at for at, limit in enumerate(thresholds) if pixel <= limit), count)
            assert result == np.array(steps[k]).astype(np.int64).astype(dtype)


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_otsu_takes_the_first_best_level(pixels):
    found = OtsuThreshold(gray(pixels))
    values = pixels.ravel().astype(np.float64)

    def between(level: int) -> float:
        low, high = values[values <= level], values[values > level]
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else 0.0

    scores = [between(level) for level in range(255)]
    best = max(scores)
    assert found == 0 if best == 0 else scores[found] >= best * (1 - 1e-9)
    assert not any(score > best * (1 + 1e-9) for score in scores[:found])


def criterion(pixels: np.ndarray, cuts: tuple[int, ...]) -> float:
    """Return the sum over classes of (sum of values)^2 / pixels, a cut's own pixels being in both classes."""
    ends = [0, *cuts, 255]
    parts = [pixels[(pixels >= low) & (pixels <= high)].astype(float) for low, high in itertools.pairwise(ends)]
    if not len(parts[0]):
        return -np.inf
    return sum(part.sum() ** 2 / len(part) for part in parts if len(part))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["few", "blobs"])
def test_multiple_otsu_finds_the_best_cuts(count, kind):
    pixels = RANDOM.integers(0, 18, 60).astype(np.uint8)
    if kind == "blobs":
        pixels = np.concatenate([RANDOM.normal(mean, 2, 40) for mean in (5, 10, 16)]).clip(0, 20).astype(np.uint8)
    found = OtsuMultiThreshold(gray(pixels[None]), count)
    best = max(criterion(pixels, cuts) for cuts in itertools.combinations(range(1, 24), count))
    assert len(found) == count
    assert sorted(set(found)) == found
    assert criterion(pixels, tuple(found)) == pytest.approx(best, rel=1e-9)


def test_images_of_zeros_and_wrong_arguments():
    zeros = Image([20, 40, 1], DataType.uint8, "xyc", ColorType.GRAY)
    assert OtsuThreshold(zeros) == 0
    for count in (1, 2, 3):
        assert OtsuMultiThreshold(zeros, count) == []
    MultiThreshold(zeros, zeros, [], 4)
    assert np.array(zeros).min() == np.array(zeros).max() == 4
    for call in (OtsuThreshold, OtsuMultiThreshold):
        with pytest.raises(EcvlError, match="GRAY"):
            call(gray(np.zeros((2, 2, 3), np.uint8), ColorType.RGB))
        with pytest.raises(EcvlError, match="uint8"):
            call(gray(np.zeros((2, 2), np.int16)))
        with pytest.raises(EcvlError, match="empty"):
            call(Image.empty())
    with pytest.raises(EcvlError, match="255 thresholds"):
        OtsuMultiThreshold(zeros, 255)


def test_histogram_counts_shares():
    pixels = RANDOM.integers(0, 256, (9, 7, 2)).astype(np.uint8)
    wanted = np.bincount(pixels.ravel(), minlength=256) / pixels.size
    assert Histogram(gray(pixels)) == pytest.approx(wanted.tolist())


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_means_and_deviations_of_any_number_of_channels(dtype, count):
    pixels = RANDOM.normal(100, 20, (9, 7, count)).astype(dtype)
    mean, deviation = MeanStdDev(gray(pixels, ColorType.RGB), own_order=True)
    assert mean == pytest.approx(pixels.astype(np.float64).mean(axis=(0, 1)).tolist())
    assert deviation == pytest.approx(pixels.astype(np.float64).std(axis=(0, 1)).tolist())
    for mode in (True, False):
        with strict_mode(mode):
            found = MeanStdDev(gray(pixels, ColorType.RGB))
            assert found == ((mean[::-1], deviation[::-1]) if count == 3 else (mean, deviation))
            assert MeanStdDev(gray(pixels, ColorType.BGR)) == (mean, deviation)
