"""Linear filters and the Gaussian blur against sums added up tap by tap, and the integral image."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.filters import Filter2D, IntegralImage, SeparableFilter2D
from deephealth.ecvl.imgproc.gaussian import GaussianBlur, GaussianBlur2
from deephealth.ecvl.strictness import strict_mode

RANDOM = np.random.default_rng(5)


def image(hwc: np.ndarray, layout: str = "xyc") -> Image:
    return Image.fromarray(hwc.transpose(["yxc".index(letter) for letter in layout]), layout, ColorType.none)


def hwc(found: Image) -> np.ndarray:
    return np.array(found).transpose([found.channels_.index(letter) for letter in "yxc"])


def tap_by_tap(pixels: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Add up float64 products one after the other, row by row of the kernel."""
    y, x = kernel.shape[0] // 2, kernel.shape[1] // 2
    wide = np.pad(pixels, ((y, y), (x, x), (0, 0)), mode="edge").astype(np.float64)
    found = np.zeros(pixels.shape)
    for row, column in np.ndindex(*kernel.shape):
        found = found + kernel[row, column] * wide[row : row + len(pixels), column : column + pixels.shape[1]]
    return found


def rows_then_columns(pixels: np.ndarray, across: list[float], down: list[float]) -> np.ndarray:
    rows = tap_by_tap(pixels.astype(np.float64), np.array([across]))
    return tap_by_tap(rows, np.array([down]).T)


def gaussian(size: int, sigma: float) -> list[float]:
    taps = [math.exp(-((at - size // 2) ** 2) / (2 * sigma * sigma)) for at in range(size)]
    total = 0.0
    for tap in taps:
        total += tap
    return [tap / total for tap in taps]


def pictures(height: int, width: int, count: int) -> dict[str, np.ndarray]:
    noise = RANDOM.integers(0, 256, (height, width, count), dtype=np.uint8)
    smooth = np.stack([cv2.GaussianBlur(noise[:, :, at], (0, 0), 5) for at in range(count)], axis=2)
    diagonal = np.add.outer(np.arange(height), np.arange(width))[:, :, None] + np.arange(count)
    return {
        "noise": noise,
        "smooth": smooth,
        "ramp": (diagonal % 256).astype(np.uint8),
        "mask": ((smooth > 127) * 255).astype(np.uint8),
        "white": np.full((height, width, count), 255, np.uint8),
        "dark": np.zeros((height, width, count), np.uint8),
    }


@pytest.mark.parametrize("shape", [(140, 60, 3), (7, 5, 1), (1, 1, 3), (1, 90, 1), (50, 1, 2), (9, 10, 130)])
@pytest.mark.parametrize(
    "sigmas", [(3, 3, 1.0, 0), (5, 3, 1.2, 0.7), (3, 3, 0.25, 0), (15, 15, 2.3, 0), (1, 5, 1.0, 2.0)]
)
def test_blur_of_bytes_is_the_cut_sum_to_the_last_bit(shape, sigmas):
    across, down, sigma, other = sigmas
    for name, pixels in pictures(*shape).items():
        dst = Image.empty()
        GaussianBlur(image(pixels), dst, across, down, sigma, other)
        wanted = rows_then_columns(pixels, gaussian(across, sigma), gaussian(down, other or sigma))
        np.testing.assert_array_equal(hwc(dst), wanted.astype(np.uint8), err_msg=name)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 5]), st.sampled_from([3, 7]), st.floats(0.05, 4))
def test_blur_of_any_bytes_and_sigma(seed, across, down, sigma):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, random.integers(2, 257), (*random.integers(1, 40, 2), 2)).astype(np.uint8)
    dst = Image.empty()
    GaussianBlur(image(pixels), dst, across, down, sigma)
    wanted = rows_then_columns(pixels, gaussian(across, sigma), gaussian(down, sigma))
    np.testing.assert_array_equal(hwc(dst), wanted.astype(np.uint8))


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "int32", "int64", "float32", "float64"])
def test_blur_of_every_type(dtype):
    pixels = (RANDOM.normal(size=(20, 30, 3)) * 60).astype(dtype)
    dst = Image.empty()
    GaussianBlur(image(pixels), dst, 5, 5, 1.0)
    wanted = rows_then_columns(pixels, gaussian(5, 1.0), gaussian(5, 1.0)).astype(dtype)
    np.testing.assert_allclose(hwc(dst), wanted, rtol=1e-6, atol=1e-6 if dtype.startswith("float") else 0)


def test_sizes_and_sigmas_follow_from_each_other():
    pixels, one, two = pictures(30, 31, 1)["noise"], Image.empty(), Image.empty()
    GaussianBlur2(image(pixels), one, 2.3)
    GaussianBlur(image(pixels), two, 13, 13, 2.3, 2.3)
    np.testing.assert_array_equal(hwc(one), hwc(two))
    GaussianBlur(image(pixels), one, 5, 3, 0)
    GaussianBlur(image(pixels), two, 5, 3, 1.1, 0.8)
    np.testing.assert_array_equal(hwc(one), hwc(two))
    GaussianBlur2(image(pixels), one, 0)
    GaussianBlur(image(pixels), two, 3, 3, 0)
    np.testing.assert_array_equal(hwc(one), hwc(two))


def test_a_tiny_sigma_changes_nothing_and_copies():
    src, dst = image(pictures(9, 9, 3)["noise"]), Image.empty()
    GaussianBlur2(src, dst, 0.1)
    np.testing.assert_array_equal(hwc(dst), hwc(src))
    dst.pixels[...] = 0
    assert hwc(src).any()


@pytest.mark.parametrize("size", [0, -3, 4])
def test_even_sizes_are_refused(size):
    with pytest.raises(EcvlError, match="odd"):
        GaussianBlur(image(pictures(5, 5, 1)["noise"]), Image.empty(), 3, size, 1.0)


@pytest.mark.parametrize("wanted", ["none", "int16", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("name", ["box", "laplace", "random", "large", "thin", "dyadic"])
def test_filter_is_the_sum_row_by_row(wanted, name):
    kernel = {
        "box": np.ones((3, 3)) / 9,
        "laplace": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        "random": RANDOM.normal(size=(3, 5)),
        "large": np.ones((11, 13)) / 143,
        "thin": np.full((1, 3), 0.11),
        "dyadic": np.full((3, 1), 0.25),
    }[name].astype(np.float64)
    for title, pixels in pictures(33, 41, 3).items():
        dst = Image.empty()
        Filter2D(image(pixels), dst, image(kernel[:, :, None]), DataType[wanted])
        dtype = np.uint8 if wanted == "none" else np.dtype(wanted)
        sums = tap_by_tap(pixels, kernel)
        cut = sums.astype(np.int64).astype(dtype) if np.dtype(dtype).kind != "f" else sums
        np.testing.assert_allclose(
            hwc(dst), cut, rtol=1e-6, atol=1e-9 if np.dtype(dtype).kind == "f" else 0, err_msg=title
        )
        assert dst.elemtype_ is (DataType.uint8 if wanted == "none" else DataType[wanted])


def test_filter_of_floats_and_other_layouts():
    pixels, kernel = RANDOM.normal(size=(8, 9, 3)), RANDOM.normal(size=(3, 3))
    for layout in ("xyc", "cxy", "yxc"):
        src = image(pixels.astype(np.float32), layout)
        Filter2D(src, src, image(kernel[:, :, None]))
        assert src.channels_ == layout
        np.testing.assert_allclose(hwc(src), tap_by_tap(pixels.astype(np.float32), kernel), rtol=1e-5, atol=1e-6)


def test_even_kernels_are_refused():
    src = image(pictures(5, 5, 1)["noise"])
    with pytest.raises(EcvlError, match="odd"):
        Filter2D(src, src, image(np.ones((3, 2, 1))))
    with pytest.raises(EcvlError, match="odd"):
        SeparableFilter2D(src, src, [1, 2], [1])
    with pytest.raises(EcvlError, match="one channel"):
        Filter2D(src, src, image(np.ones((3, 3, 2))))


@pytest.mark.parametrize("taps", [([1, 2, 1], [-1, 0, 1]), ([0.25, 0.5, 0.25],) * 2, ([0.1, 0.2, 0.7], [1 / 3] * 3)])
@pytest.mark.parametrize("wanted", ["none", "int16", "uint16", "float32"])
def test_separable_filter_reads_the_source_in_its_own_type(taps, wanted):
    for title, pixels in pictures(33, 41, 2).items():
        src, dst = image(pixels), Image.empty()
        SeparableFilter2D(src, dst, *taps, DataType[wanted])
        dtype = np.uint8 if wanted == "none" else np.dtype(wanted)
        sums = rows_then_columns(pixels, *taps)
        cut = sums.astype(np.int64).astype(dtype) if wanted != "float32" else sums.astype(np.float32)
        np.testing.assert_array_equal(hwc(dst), cut, err_msg=title)


@pytest.mark.parametrize(("strict", "layout"), [(False, "cxy"), (True, "xyc")])
def test_layout_comes_back_save_in_strict_mode(strict, layout):
    pixels = pictures(6, 7, 3)["noise"]
    src = Image.fromarray(pixels.transpose(2, 1, 0), "cxy", ColorType.RGB, [1, 2, 3])
    src.SetMeta("key", 5)
    dst = Image.empty()
    with strict_mode(strict):
        GaussianBlur(src, dst, 3, 3, 1.0)
    assert (dst.channels_, dst.colortype_, sorted(dst.meta_)) == (layout, ColorType.RGB, [] if strict else ["key"])
    assert dst.spacings_ == ([2, 3, 1] if strict else [1, 2, 3])
    np.testing.assert_array_equal(hwc(dst), rows_then_columns(pixels, *[gaussian(3, 1.0)] * 2).astype(np.uint8))


def test_kernels_with_nan_and_images_without_pixels():
    src, dst = image(pictures(4, 4, 1)["noise"]), Image.empty()
    Filter2D(src, dst, image(np.array([[[np.nan]]])), DataType.float32)
    assert np.isnan(np.array(dst)).all()
    with pytest.raises(EcvlError, match="sizes of 1"):
        GaussianBlur2(Image([0, 3, 1], DataType.uint8, "xyc", ColorType.GRAY), dst, 1.0)


def test_volumes_over_time_and_flat_images_are_blurred_plane_by_plane():
    series = RANDOM.integers(0, 256, (8, 6, 4, 2), dtype=np.uint8)
    src, plane = Image.fromarray(series, "xyzt", ColorType.none), Image.empty()
    flat = Image.fromarray(series[:, :, 1, 1], "xy", ColorType.none)
    GaussianBlur(src, src, 3, 3, 1.0)
    GaussianBlur(flat, plane, 3, 3, 1.0)
    np.testing.assert_array_equal(np.array(src)[:, :, 1, 1], np.array(plane))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
@pytest.mark.parametrize("count", [1, 3])
def test_integral_sums_what_is_above_and_to_the_left(dtype, count):
    pixels = RANDOM.integers(0, 100, (5, 7, count)).astype(dtype)
    src, dst = image(pixels), Image.empty()
    for wanted in (DataType.float64, DataType.float32, DataType.int32):
        IntegralImage(src, dst, wanted)
        found = hwc(dst)
        assert dst.elemtype_ is wanted
        assert found.shape == (6, 8, count)
        for y, x in np.ndindex(6, 8):
            assert found[y, x].tolist() == pixels[:y, :x].astype(np.float64).sum(axis=(0, 1)).tolist()


def test_an_image_without_x_is_refused():
    with pytest.raises(EcvlError, match="axes 'zy'"):
        GaussianBlur2(Image([3, 3], DataType.uint8, "zy", ColorType.none), Image.empty(), 1.0)
    with pytest.raises(EcvlError, match="empty"):
        IntegralImage(Image.empty(), Image.empty())
