"""Resizing, rotating, flipping, cropping, padding and joining."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth import ecvl
from deephealth.ecvl import BorderType, ColorType, DataType, Image, InterpolationType
from deephealth.ecvl.imgproc.warping import affine_maps, float_maps, separable_maps, warp, warp_affine
from deephealth.ecvl.strictness import strict_mode

RNG = np.random.default_rng(11)
PHOTO = cv2.GaussianBlur(RNG.integers(0, 256, (40, 30, 3), dtype=np.uint8), (5, 5), 1)  # H x W x C


def picture(hwc: np.ndarray = PHOTO, colortype: ColorType = ColorType.BGR, spacings=()) -> Image:
    return Image.fromarray(hwc, "yxc", colortype, spacings)


def done(name: str, image: Image, *arguments, **options) -> Image:
    dst = Image.empty()
    getattr(ecvl, name)(image, dst, *arguments, **options)
    return dst


# ---- resizing


@pytest.mark.parametrize(
    ("interp", "flag"),
    [("nearest", 0), ("linear", 1), ("area", 3), ("cubic", 2), ("lanczos4", 4)],
)
def test_resizing_is_opencvs(interp, flag):
    found = done("ResizeDim", picture(), [17, 23], InterpolationType[interp])
    np.testing.assert_array_equal(np.array(found), cv2.resize(PHOTO, (17, 23), interpolation=flag))


@pytest.mark.parametrize("dt", ["int8", "int32"])
def test_types_that_opencv_can_not_resize_are_rounded_like_others(dt):
    values = (PHOTO // 3).astype(dt)
    found = np.array(done("ResizeDim", picture(values), [17, 23], InterpolationType.cubic)).astype(np.float64)
    exact = cv2.resize(values.astype(np.float64), (17, 23), interpolation=cv2.INTER_CUBIC)
    assert np.abs(found - np.rint(exact)).max() <= 1
    assert (found == np.rint(exact)).mean() > 0.95


def test_the_third_size_interpolates_along_the_planes():
    values = np.repeat(np.array([0.0, 10.0, 20.0, 30.0])[None, None], 5, axis=0).repeat(6, axis=1)
    image = Image.fromarray(values, "yxz", ColorType.none, [1, 1, 3])
    found = done("ResizeDim", image, [3, 5, 2])
    assert found.dims_ == [5, 3, 2]
    assert found.spacings_ == [1, 2, 6]
    np.testing.assert_allclose(np.array(found)[2, 1], [5, 25])


def test_factors_belong_to_x_and_y_and_in_strict_mode_to_the_first_two_axes():
    image = Image([3, 40, 20], DataType.uint8, "cxy", ColorType.RGB, [1, 0.5, 0.5])
    assert done("ResizeScale", image, [0.5, 2]).dims_ == [3, 20, 40]
    assert done("ResizeScale", image, [0.5, 2]).spacings_ == [1, 1, 0.25]
    with strict_mode():
        strict = done("ResizeScale", image, [0.5, 2])
    assert (strict.dims_, strict.spacings_) == ([3, 2, 80], [])


@pytest.mark.parametrize("sizes", [[0, 5], [5], [1, 2, 3, 4], [-3, 3]])
def test_sizes_that_can_not_be(sizes):
    with pytest.raises(RuntimeError, match="ResizeDim"):
        done("ResizeDim", picture(), sizes)


def test_a_size_that_is_no_whole_number():
    with pytest.raises(TypeError):
        done("ResizeDim", picture(), [2.5, 3])


def test_a_colourless_image_gets_a_colour_in_strict_mode():
    volume = Image([8, 8, 3], DataType.uint8, "xyz", ColorType.none)
    assert done("ResizeDim", volume, [4, 4]).colortype_ is ColorType.none
    with strict_mode():
        assert done("ResizeDim", volume, [4, 4]).colortype_ is ColorType.BGR


# ---- warps


@given(
    angle=st.floats(-360, 360),
    scale=st.floats(0.3, 3),
    shift=st.floats(-20, 20),
    nearest=st.booleans(),
)
def test_affine_maps_are_positions_cut_to_a_32nd(angle, scale, shift, nearest):
    matrix = cv2.getRotationMatrix2D((15 + shift, 20), angle, scale)
    whole, fraction = affine_maps(matrix, (31, 45), nearest=nearest)
    inverse = cv2.invertAffineTransform(matrix)
    y, x = np.mgrid[0:45, 0:31]
    exact = np.einsum("ij,j...->...i", inverse, np.stack([x, y, np.ones_like(x)]))
    if nearest:
        assert fraction is None
        assert np.abs(whole - exact).max() <= 0.5 + 2 / 1024
    else:
        found = whole + np.stack([fraction & 31, fraction >> 5], axis=-1) / 32
        assert np.abs(found - exact).max() <= 1 / 64 + 2 / 1024


@given(angle=st.floats(-360, 360), scale=st.floats(0.3, 3), dtype=st.sampled_from(["uint8", "int8", "uint16", "int16"]))
def test_nearest_pixels_are_those_of_the_maps(angle, scale, dtype):
    values = RNG.integers(0, 100, (40, 30, 3)).astype(dtype)
    matrix = cv2.getRotationMatrix2D((15, 20), angle, scale)
    found = warp_affine(values, matrix, (31, 45), cv2.INTER_NEAREST)
    maps = affine_maps(matrix, (31, 45), nearest=True)
    np.testing.assert_array_equal(found, warp(values, maps, cv2.INTER_NEAREST))
    for wide in ("int32", "float32", "float64"):
        np.testing.assert_array_equal(warp_affine(values.astype(wide), matrix, (31, 45), cv2.INTER_NEAREST), found)


def test_positions_beyond_16_bits_are_clamped():
    matrix = np.array([[1e-4, 0, 0], [0, 1e-4, 0]])
    whole, _ = affine_maps(matrix, (5, 6))
    assert whole[:, 4].tolist() == [[32767, y] for y in (0, 10000, 20000, 30000, 32767, 32767)]


def test_separable_and_free_maps_agree():
    x, y = RNG.uniform(-3, 33, 30).astype(np.float32), RNG.uniform(-3, 43, 40).astype(np.float32)
    for nearest in (False, True):
        apart = separable_maps(x, y, nearest=nearest)
        free = float_maps(np.tile(x, (40, 1)), np.repeat(y[:, None], 30, axis=1), nearest=nearest)
        np.testing.assert_array_equal(apart[0], free[0])
        if not nearest:
            np.testing.assert_array_equal(apart[1], free[1])


@given(st.integers(1, 9), st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "float32", "float64"]))
def test_warps_take_any_number_of_planes(count, dtype):
    values = np.random.default_rng(count).integers(0, 100, (7, 6, count)).astype(dtype)
    maps = separable_maps(np.linspace(-1, 6, 5), np.linspace(-1, 7, 4))
    found = warp(values, maps, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, [50.0 + at for at in range(count)])
    for at in range(count):
        alone = warp(values[:, :, at : at + 1].copy(), maps, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, [50.0 + at])
        np.testing.assert_array_equal(found[:, :, at], alone[:, :, 0])
    assert found[0, 0].tolist() == [50 + at for at in range(count)]


def test_a_transparent_border_keeps_the_pixels():
    shifted = separable_maps(np.arange(30) + 100.0, np.arange(40))
    np.testing.assert_array_equal(warp(PHOTO, shifted, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT), PHOTO)


# ---- rotation


@pytest.mark.parametrize("interp", [InterpolationType.nearest, InterpolationType.linear])
def test_positive_angles_turn_clockwise(interp):
    square = picture(PHOTO[:30])
    found = done("Rotate2D", square, 90, [14.5, 14.5], interp=interp)
    np.testing.assert_array_equal(np.array(found), np.rot90(PHOTO[:30], -1))


def test_rotation_is_near_that_of_opencv():
    matrix = cv2.getRotationMatrix2D((15, 20), -33, 1.2)
    wanted = cv2.warpAffine(PHOTO, matrix, (30, 40), flags=cv2.INTER_LINEAR)
    found = np.array(done("Rotate2D", picture(), 33, scale=1.2))
    assert np.abs(found.astype(int) - wanted).mean() < 1


def test_the_whole_of_a_rotated_picture_is_kept():
    found = done("RotateFullImage2D", picture(np.full_like(PHOTO, 200)), 45)
    assert found.dims_ == [49, 49, 3]
    assert np.array(found).sum() == pytest.approx(200 * PHOTO.size, rel=0.02)


def test_enlarging_makes_pixels_smaller():
    assert done("Rotate2D", picture(spacings=[0.5, 0.6, 1]), 10, scale=2).spacings_ == [0.25, 0.3, 1]


@pytest.mark.parametrize("arguments", [(10, [1.0]), (float("nan"),), (10, None, float("inf"))])
def test_rotations_that_can_not_be(arguments):
    with pytest.raises(RuntimeError, match="otat"):
        done("Rotate2D", picture(), *arguments)


# ---- flips


@pytest.mark.parametrize("name", ["Flip2D", "Mirror2D", "Transpose"])
@pytest.mark.parametrize("kind", ["planar", "interleaved"])
def test_flips_undo_themselves(name, kind):
    image = picture() if kind == "planar" else done("Pad", picture(), [0])
    once = done(name, image)
    assert not np.array_equal(np.array(once), np.array(image).reshape(np.array(once).shape))
    np.testing.assert_array_equal(np.array(done(name, once)), np.array(image))


def test_transposing_swaps_the_spacings_save_in_strict_mode():
    image = picture(spacings=[0.5, 0.6, 1])
    assert done("Transpose", image).spacings_ == [0.6, 0.5, 1]
    with strict_mode():
        assert done("Transpose", image).spacings_ == [0.5, 0.6, 1]


# ---- crops and borders


def test_the_middle_leans_to_the_start():
    found = done("CenterCrop", picture(), [7, 13])
    np.testing.assert_array_equal(np.array(found), PHOTO[13:26, 11:18])


def test_random_crops_reach_both_ends():
    row = Image.fromarray(np.arange(5)[None, :, None], "yxc", ColorType.GRAY)
    draw = np.random.default_rng(0)
    starts = {int(np.array(done("RandomCrop", row, [3, 1], rng=draw))[0, 0, 0]) for _ in range(60)}
    assert starts == {0, 1, 2}


def test_what_is_missing_is_padded_on_both_sides_before_a_random_crop():
    small = picture(np.full((4, 5, 1), 9, np.uint8), ColorType.GRAY)
    draw = np.random.default_rng(0)
    filled = [
        np.argwhere(np.array(done("RandomCrop", small, [8, 4], True, rng=draw))[0, :, 0])[0, 0] for _ in range(60)
    ]
    assert set(filled) == {0, 1, 2, 3}
    with pytest.raises(RuntimeError, match="pad_if_needed"):
        done("RandomCrop", small, [8, 4])


@pytest.mark.parametrize("name", ["CenterCrop", "RandomCrop"])
@pytest.mark.parametrize("size", [[31, 5], [5, 41], [0, 5], [5]])
def test_crops_that_can_not_be(name, size):
    with pytest.raises(RuntimeError, match=name):
        done(name, picture(), size)


@pytest.mark.parametrize("border", list(BorderType)[:5])
def test_borders_are_opencvs(border):
    found = done("Pad", picture(), [2, 1, 3, 4], border, 0)
    np.testing.assert_array_equal(np.array(found), cv2.copyMakeBorder(PHOTO, 2, 1, 3, 4, int(border)))


def test_a_number_paints_the_blue_border_of_colours_and_the_whole_border_of_volumes():
    assert np.array(done("Pad", picture(colortype=ColorType.BGR), [1], 0, 7))[0, 0].tolist() == [7, 0, 0]
    assert np.array(done("Pad", picture(colortype=ColorType.RGB), [1], 0, 7))[0, 0].tolist() == [0, 0, 7]
    assert np.array(done("Pad", picture(colortype=ColorType.RGB), [1], 0, [7, 8, 9]))[0, 0].tolist() == [7, 8, 9]
    volume = Image([4, 4, 6], DataType.int16, "xyz", ColorType.none)
    assert np.array(done("Pad", volume, [1], 0, -5))[0, 0].tolist() == [-5] * 6
    with strict_mode():
        assert np.array(done("Pad", volume, [1], 0, -5))[0, 0].tolist() == [-5, 0, 0, 0, -5, 0]


@pytest.mark.parametrize("arguments", [([1, 2, 3],), ([-1],), ([1], BorderType.BORDER_TRANSPARENT), ([1], 0, [1, 2])])
def test_borders_that_can_not_be(arguments):
    with pytest.raises(RuntimeError):
        done("Pad", picture(), *arguments)


# ---- joining


@pytest.mark.parametrize("letters", ["yxc", "cyx", "xyc"])
def test_joining_is_numpys(letters):
    arrays = [np.asarray(PHOTO).transpose(["yxc".index(letter) for letter in letters]) for _ in range(2)]
    images = [Image.fromarray(array, letters, ColorType.BGR) for array in arrays]
    for name, axis in (("HConcat", "x"), ("VConcat", "y")):
        dst = Image.empty()
        getattr(ecvl, name)(images, dst)
        np.testing.assert_array_equal(np.array(dst), np.concatenate(arrays, axis=letters.index(axis)))


def test_stacks_take_planes_of_any_layout():
    dst = Image.empty()
    ecvl.Stack([picture(), Image.fromarray(PHOTO.transpose(2, 1, 0), "zxy", ColorType.none)], dst)
    assert (dst.channels_, dst.dims_, dst.colortype_) == ("xyo", [30, 40, 6], ColorType.none)
    np.testing.assert_array_equal(np.array(dst), np.concatenate([PHOTO, PHOTO], axis=2).transpose(1, 0, 2))


def test_a_stack_of_several_types_has_one_that_holds_all_values():
    dst = Image.empty()
    slices = [np.full((2, 3, 1), value, dtype) for value, dtype in ((200, "uint8"), (-5, "int16"), (60000, "uint16"))]
    ecvl.Stack([picture(part, ColorType.GRAY) for part in slices], dst)
    assert dst.elemtype_ is DataType.int32
    assert np.array(dst)[0, 0].tolist() == [200, -5, 60000]


def test_columns_overlap_in_strict_mode_where_x_follows_y():
    first, second = (np.arange(6, dtype=np.uint8).reshape(2, 3, 1) + start for start in (10, 20))
    images = [Image.fromarray(part, "yxc", ColorType.GRAY) for part in (first, second)]
    dst = Image.empty()
    with strict_mode():
        ecvl.VConcat(images, dst)
    assert dst.dims_ == [4, 3, 1]
    assert np.array(dst).ravel(order="F").tolist() == [10, 13, 20, 23, 21, 24, 22, 25, 0, 0, 0, 0]
    with strict_mode():
        ecvl.VConcat([Image.fromarray(part.transpose(1, 0, 2), "xyc", ColorType.GRAY) for part in (first, second)], dst)
    np.testing.assert_array_equal(np.array(dst)[..., 0].T, np.concatenate([first, second])[..., 0])


@pytest.mark.parametrize("name", ["Pad", "ResizeDim", "Morphology", "Inpaint"])
def test_strict_mode_takes_matrices_for_grey_or_bgr(name):
    box = Image.fromarray(np.ones((3, 3, 1), np.uint8), "xyc", ColorType.GRAY)
    hole = Image.fromarray(np.zeros((40, 30, 1), np.uint8), "yxc", ColorType.GRAY)
    arguments = {
        "Pad": ([0],),
        "ResizeDim": ([30, 40],),
        "Morphology": (ecvl.MorphType.MORPH_DILATE, box),
        "Inpaint": (hole, 1.0),
    }[name]
    found = {}
    for mode in (False, True):
        with strict_mode(mode):
            volume = Image.fromarray(PHOTO, "yxz", ColorType.none)
            found[mode] = done(name, volume, *arguments), done(name, picture(colortype=ColorType.GRAY), *arguments)
    assert [image.colortype_ for image in found[False]] == [ColorType.none, ColorType.GRAY]
    assert [image.Channels() for image in found[False]] == [3, 3]
    assert [image.colortype_ for image in found[True]] == [ColorType.BGR, ColorType.GRAY]
    assert [image.Channels() for image in found[True]] == [3, 1]
    whole = done("ChangeColorSpace", done(name, picture(), *arguments), ColorType.GRAY)
    np.testing.assert_array_equal(np.array(found[True][1]), np.array(whole))


@pytest.mark.parametrize("name", ["HConcat", "VConcat", "Stack"])
def test_images_that_do_not_fit(name):
    other = [picture(PHOTO[1:, 1:].copy()), picture(PHOTO.astype(np.int16)), Image.empty()]
    if name == "Stack":
        del other[1]  # slices of several types are brought to one
    for image in other:
        with pytest.raises(RuntimeError, match=name):
            getattr(ecvl, name)([picture(), image], Image.empty())
    with pytest.raises(ValueError, match="no images"):
        getattr(ecvl, name)([], Image.empty())
