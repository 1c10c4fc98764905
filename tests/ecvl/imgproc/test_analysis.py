"""Labels, contours, peaks, moments, and the timing of slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.labels import ConnectedComponentsLabeling, FindContours
from deephealth.ecvl.imgproc.moments import CentralMoments, Moments
from deephealth.ecvl.imgproc.peaks import GetMaxN, NonMaximaSuppression
from deephealth.ecvl.imgproc.slice_timing import SliceTimingCorrection
from deephealth.ecvl.strictness import strict_mode

RANDOM = np.random.default_rng(8)
BINARY = arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.sampled_from([0, 0, 1, 255]))


def plane(array: np.ndarray) -> Image:
    return Image.fromarray(array[:, :, None], "yxc", ColorType.GRAY)


def flooded(binary: np.ndarray) -> tuple[int, np.ndarray]:
    """Number groups in the order in which 2 x 2 blocks are met."""
    labels, count = np.zeros(binary.shape, int), 0
    height, width = binary.shape
    for top in range(0, height, 2):
        for left in range(0, width, 2):
            block = [(y, x) for y in (top, top + 1) for x in (left, left + 1) if y < height and x < width]
            waiting = [at for at in block if binary[at] and not labels[at]][:1]
            count += bool(waiting)
            while waiting:
                y, x = waiting.pop()
                if 0 <= y < height and 0 <= x < width and binary[y, x] and not labels[y, x]:
                    labels[y, x] = count
                    waiting += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return count + 1, labels


@settings(max_examples=80, deadline=None)
@given(BINARY)
def test_groups_are_numbered_as_blocks_meet_them(binary):
    dst = Image.empty()
    count, labels = flooded(binary)
    assert ConnectedComponentsLabeling(plane(binary), dst) == count
    assert dst.elemtype_ is DataType.int32
    np.testing.assert_array_equal(np.array(dst)[:, :, 0], labels)


def test_labels_of_other_types_and_of_colour():
    image = Image.fromarray(np.array([[0.0, 0.3], [0.0, 0.0]]), "yx", ColorType.none)
    with pytest.raises(EcvlError, match="float64") as caught:
        ConnectedComponentsLabeling(image, image)
    assert "Threshold" in str(caught.value)
    image = Image.fromarray(np.array([[0, 3], [0, 0]], np.uint8), "yx", ColorType.none)
    assert ConnectedComponentsLabeling(image, image) == 2
    assert (image.colortype_, image.channels_) == (ColorType.GRAY, "yx")
    with pytest.raises(EcvlError, match="3 planes"):
        ConnectedComponentsLabeling(Image([4, 4, 3], DataType.uint8, "xyc", ColorType.RGB), image)


@settings(max_examples=60, deadline=None)
@given(BINARY)
def test_contours_hold_every_pixel_beside_the_background(binary):
    found = FindContours(plane(binary))
    wide = np.pad(binary != 0, 1)
    middle = wide[1:-1, 1:-1]
    open_to = ~(wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:])
    wanted = {(x, y) for y, x in np.argwhere(middle & open_to).tolist()}
    assert {tuple(at) for contour in found for at in contour} == wanted
    for contour in found:
        steps = np.abs(np.diff([*contour, contour[0]], axis=0)).max(axis=1)
        assert len(contour) == 1 or set(steps.tolist()) <= {1}


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32"])
def test_suppression_keeps_what_no_neighbour_exceeds(dtype):
    pixels = RANDOM.integers(0, 9, (12, 15)).astype(dtype)
    dst = Image.empty()
    NonMaximaSuppression(plane(pixels), dst)
    wanted = np.zeros_like(pixels)
    for y, x in np.ndindex(10, 13):
        if pixels[y + 1, x + 1] == pixels[y : y + 3, x : x + 3].max():
            wanted[y + 1, x + 1] = pixels[y + 1, x + 1]
    np.testing.assert_array_equal(np.array(dst)[:, :, 0], wanted)
    small = plane(pixels[:2])
    NonMaximaSuppression(small, small)
    assert not np.array(small).any()


@pytest.mark.parametrize("dtype", ["int32", "float64", "uint8"])
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_largest_elements(dtype, n):
    pixels = RANDOM.integers(0, 12, (6, 5)).astype(dtype)
    found = GetMaxN(plane(pixels), n)
    real = [at for at in found if at != [-1, -1]]
    enough = pixels[pixels > np.iinfo(np.uint8).min] if dtype == "uint8" else pixels.ravel()
    assert len(found) == n
    assert len(real) == len({tuple(at) for at in real}) == min(n, enough.size)
    assert sorted(pixels[y, x] for x, y in real) == sorted(enough.tolist())[-n:]
    assert GetMaxN(plane(pixels), 0) == []
    with pytest.raises(EcvlError, match="n is -1"):
        GetMaxN(plane(pixels), -1)


def test_the_smallest_of_the_largest_comes_first():
    ordered = GetMaxN(plane(np.arange(8, dtype=np.int32).reshape(2, 4)), 3)
    assert sorted(ordered) == [[1, 1], [2, 1], [3, 1]]
    assert ordered[0] == [1, 1]  # the smallest of them is the heap's root


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("type_", [DataType.float64, DataType.float32])
def test_moments_of_any_rank(rank, type_):
    pixels = RANDOM.integers(0, 50, (6, 5, 4)[:rank]).astype(np.uint8)
    src, dst = Image.fromarray(pixels, "xyz"[:rank], ColorType.none), Image.empty()
    center = [2.5, 2.0, 1.0][:rank]
    for order in (0, 2):
        for middle in ([0.0] * rank, center):
            if middle is center:
                CentralMoments(src, dst, center, order, type_)
            else:
                Moments(src, dst, order, type_)
            assert (dst.dims_, dst.elemtype_, dst.colortype_) == ([order + 1] * rank, type_, ColorType.none)
            for powers in np.ndindex(*dst.dims_):
                terms = pixels.astype(np.float64)
                for axis, power in enumerate(powers):
                    shape = [-1 if at == axis else 1 for at in range(rank)]
                    terms = terms * ((np.arange(pixels.shape[axis]) - middle[axis]) ** power).reshape(shape)
                assert np.array(dst)[powers] == pytest.approx(terms.sum(), rel=1e-5, abs=1e-3)


def test_moments_of_a_colour_axis_take_its_first_channel():
    pixels = RANDOM.integers(0, 50, (6, 5, 3)).astype(np.int16)
    one, two = Image.empty(), Image.empty()
    for colortype in (ColorType.GRAY, ColorType.none):
        Moments(Image.fromarray(pixels, "xyc", colortype), one)
        Moments(Image.fromarray(pixels[:, :, 0], "xy", ColorType.none), two)
        assert one.channels_ == "xy"
        np.testing.assert_array_equal(np.array(one), np.array(two))
    with pytest.raises(EcvlError, match="RGB"):
        Moments(Image.fromarray(pixels, "xyc", ColorType.RGB), one)
    with pytest.raises(EcvlError, match="type"):
        Moments(Image.fromarray(pixels, "xyc", ColorType.GRAY), one, 2, DataType.int32)
    with pytest.raises(EcvlError, match="one for each axis"):
        CentralMoments(Image.fromarray(pixels, "xyc", ColorType.GRAY), one, [1.0])
    with pytest.raises(EcvlError, match="0 or more"):
        CentralMoments(Image.fromarray(pixels, "xyc", ColorType.GRAY), one, [1.0, -1.0])


def test_strict_moments_in_float32_round_at_every_element():
    src, narrow, wide = Image.fromarray(np.full((300, 300), 255, np.uint8), "xy", ColorType.none), Image(), Image()
    with strict_mode():
        Moments(src, narrow, 1, DataType.float32)
    Moments(src, wide, 1, DataType.float32)
    running = np.add.accumulate((np.repeat(np.arange(300.0)[None], 300, 0) * 255).astype(np.float32).ravel())
    assert np.array(narrow)[1, 0] == running[-1]
    assert np.array(wide)[1, 0] == np.float32(255 * 300 * np.arange(300.0).sum())


def wave(times: np.ndarray) -> np.ndarray:
    return 100 + 10 * np.sin(2 * np.pi * times / 8)


@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True), (True, True)])
def test_slices_are_shifted_to_the_middle_of_the_volume(flags):
    odd, down = flags
    slices, times = 5, 40
    order = [0, 3, 1, 4, 2] if odd else list(range(slices))
    if down and not odd:
        order = order[::-1]
    moments = np.arange(times)[None, :] + np.array(order)[:, None] / slices
    series = np.broadcast_to(wave(moments), (2, 3, slices, times)).astype(np.float32)
    src = Image.fromarray(series, "xyzt", ColorType.none, [1, 1, 3, 2])
    dst = Image.empty()
    SliceTimingCorrection(src, dst, odd, down)
    wanted = wave(np.arange(times) + (slices - 1) / 2 / slices)
    found = np.array(dst)
    assert dst.elemtype_ is DataType.float32
    assert np.abs(found[..., 4:-4] - wanted[4:-4]).max() < 0.5 < np.abs(series[..., 4:-4] - wanted[4:-4]).max()


def test_slice_timing_of_one_volume_other_layouts_and_wrong_images():
    series = RANDOM.integers(0, 99, (3, 2, 4, 6)).astype(np.int16)
    one = Image.fromarray(series[..., :1], "xyzt", ColorType.none, [1, 1, 1, 0])
    SliceTimingCorrection(one, one)
    np.testing.assert_array_equal(np.array(one), series[..., :1].astype(np.float32))
    here, there = Image.empty(), Image.empty()
    SliceTimingCorrection(Image.fromarray(series, "xyzt", ColorType.none, [1, 1, 1, 2]), here)
    SliceTimingCorrection(Image.fromarray(series.T, "tzyx", ColorType.none, [2, 1, 1, 1]), there)
    np.testing.assert_array_equal(np.array(here), np.array(there).T)
    assert there.channels_ == "tzyx"
    with pytest.raises(EcvlError, match="spacings"):
        SliceTimingCorrection(Image.fromarray(series, "xyzt", ColorType.none), here)
    with pytest.raises(EcvlError, match="axes 'xyc'"):
        SliceTimingCorrection(Image([2, 2, 1], DataType.uint8, "xyc", ColorType.GRAY), here)
