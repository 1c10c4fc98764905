"""Morphology against minima and maxima taken pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from deephealth.ecvl.enums import BorderType, ColorType, DataType, MorphType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.morphology import Morphology
from deephealth.ecvl.strictness import strict_mode

RANDOM = np.random.default_rng(6)
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


def image(array: np.ndarray, colortype: ColorType = ColorType.none) -> Image:
    return Image.fromarray(array if array.ndim == 3 else array[:, :, None], "yxc", colortype)


def extreme(
    pixels: np.ndarray, element: np.ndarray, reduce: object, outside: float, mode: str = "constant"
) -> np.ndarray:
    y, x = element.shape[0] // 2, element.shape[1] // 2
    around = {"constant_values": outside} if mode == "constant" else {}
    wide = np.pad(pixels, ((y, y), (x, x), (0, 0)), mode=mode, **around)
    shifted = [
        wide[row : row + len(pixels), column : column + pixels.shape[1]]
        for row, column in np.argwhere(element).tolist()
    ]
    return reduce(np.stack(shifted), axis=0)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "float32", "float64"])
def test_zero_outside_eats_from_the_frame(dtype):
    pixels = RANDOM.integers(1, 100, (7, 9, 3)).astype(dtype)
    dst = Image.empty()
    Morphology(image(pixels), dst, MorphType.MORPH_ERODE, image(CROSS))
    np.testing.assert_array_equal(np.array(dst), extreme(pixels, CROSS, np.min, 0))
    assert dst.pixels.dtype == dtype
    assert not np.array(dst)[0].any()
    Morphology(image(pixels), dst, MorphType.MORPH_DILATE, image(CROSS), border_value=200 if dtype == "uint16" else 101)
    np.testing.assert_array_equal(np.array(dst), extreme(pixels, CROSS, np.max, 200 if dtype == "uint16" else 101))


def test_compound_operations():
    pixels = RANDOM.integers(0, 256, (12, 11, 1)).astype(np.uint8)
    eroded, dilated = extreme(pixels, CROSS, np.min, 0), extreme(pixels, CROSS, np.max, 0)
    wanted = {
        MorphType.MORPH_OPEN: extreme(eroded, CROSS, np.max, 0),
        MorphType.MORPH_CLOSE: extreme(dilated, CROSS, np.min, 0),
        MorphType.MORPH_GRADIENT: dilated - eroded,
        MorphType.MORPH_TOPHAT: pixels - np.minimum(extreme(eroded, CROSS, np.max, 0), pixels),
    }
    for op, result in wanted.items():
        dst = Image.empty()
        Morphology(image(pixels), dst, int(op), image(CROSS))
        np.testing.assert_array_equal(np.array(dst), result, err_msg=op.name)


@pytest.mark.parametrize(
    ("border", "mode"), [("REPLICATE", "edge"), ("REFLECT", "symmetric"), ("REFLECT_101", "reflect"), ("WRAP", "wrap")]
)
def test_borders(border, mode):
    pixels = RANDOM.integers(0, 256, (6, 5, 2)).astype(np.uint8)
    element, dst = np.ones((5, 3), np.uint8), Image.empty()
    Morphology(image(pixels), dst, MorphType.MORPH_ERODE, image(element), None, 1, BorderType[f"BORDER_{border}"])
    np.testing.assert_array_equal(np.array(dst), extreme(pixels, element, np.min, 0, mode))


def test_a_constant_border_is_on_all_channels_save_in_strict_mode():
    pixels, element = np.zeros((4, 4, 3), np.uint8), image(CROSS)
    for strict, wanted in ((False, [9, 9, 9]), (True, [0, 0, 9])):
        src = Image.fromarray(pixels, "yxc", ColorType.RGB, [1, 1, 1])
        with strict_mode(strict):
            Morphology(src, src, MorphType.MORPH_DILATE, element, border_value=9)
        assert np.array(src)[0, 0].tolist() == wanted
        assert src.spacings_ == ([] if strict else [1, 1, 1])


def test_hit_or_miss_finds_a_pattern():
    pixels = np.zeros((5, 6), np.uint8)
    pixels[2, 3] = pixels[0, 0] = 1
    alone, dst = np.full((3, 3), -1, np.int8), Image.empty()
    alone[1, 1] = 1
    Morphology(image(pixels), dst, MorphType.MORPH_HITMISS, image(alone))
    assert (2, 3) in {tuple(at) for at in np.argwhere(np.array(dst)[:, :, 0]).tolist()}
    with pytest.raises(EcvlError, match="uint8"):
        Morphology(image(pixels.astype(np.int16)), dst, MorphType.MORPH_HITMISS, image(alone))


def test_an_empty_element_an_anchor_and_repetitions():
    src, dst = image(RANDOM.integers(0, 256, (20, 40, 3)).astype(np.uint8)), Image.empty()
    element = Image([5, 5, 1], DataType.uint8, "xyc", ColorType.BGR)
    Morphology(src, dst, MorphType.MORPH_BLACKHAT, element, [3, 3], 2, BorderType.BORDER_REFLECT, 1)
    assert dst.dims_ == src.dims_
    corner = np.ones((3, 3), np.uint8)
    Morphology(src, dst, MorphType.MORPH_DILATE, image(corner), [0, 0], 2)
    once = Image.empty()
    Morphology(src, once, MorphType.MORPH_DILATE, image(corner), [0, 0])
    Morphology(once, once, MorphType.MORPH_DILATE, image(corner), [0, 0])
    np.testing.assert_array_equal(np.array(dst), np.array(once))
    with pytest.raises(EcvlError, match="Morphology"):
        Morphology(src, dst, MorphType.MORPH_DILATE, image(corner), [7, 7])


def test_volumes_of_any_depth():
    volume = RANDOM.integers(0, 256, (6, 5, 200), dtype=np.uint8)
    for layout in ("yxz", "zxy"):
        src = Image.fromarray(volume.transpose(["yxz".index(axis) for axis in layout]), layout, ColorType.none)
        Morphology(src, src, MorphType.MORPH_DILATE, image(CROSS))
        found = np.array(src).transpose([layout.index(axis) for axis in "yxz"])
        np.testing.assert_array_equal(found, extreme(volume, CROSS, np.max, 0))


def test_64_bit_whole_numbers_are_refused():
    with pytest.raises(EcvlError, match="int64"):
        Morphology(image(np.ones((3, 3), np.int64)), Image.empty(), MorphType.MORPH_ERODE, image(CROSS))
