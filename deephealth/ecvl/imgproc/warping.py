"""Affine and free warps with OpenCV 4's numbers: positions are cut to 1/32 pixel and computed in whole numbers.

From version 4.11 on OpenCV computes linear warps at full precision, and affine ones by another formula: results differ
by a few grey levels from those of the original ECVL, which ran on 4.6. A warp through whole-number maps still takes the
old path, so the maps are made here, as version 4 made them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from deephealth.ecvl.imgproc.matrices import computed
from deephealth.ecvl.imgproc.stacks import in_groups

__all__ = ["Band", "Maps", "affine_maps", "float_maps", "separable_maps", "warp", "warp_affine"]

Maps = tuple[np.ndarray, np.ndarray | None]  # whole positions (H x W x 2, int16), fractions (H x W, uint16)

Band = tuple[slice, np.ndarray, np.ndarray]  # rows, and the two maps of them
_BITS = 10  # of a fraction, while positions are computed
_FRACTION = 5  # of a fraction, in the maps
_ONES = (1 << _FRACTION) - 1
_SHORT = np.iinfo(np.int16)
_ROWS = 64  # at a time: what fits into the processor's cache
_GROUP = 4
_LOW, _HIGH = (0, 1) if sys.byteorder == "little" else (1, 0)  # halves of a 32-bit number
_HALVES = [_HIGH, 0, 2 + _HIGH, 1, _LOW, 2, 2 + _LOW, 3]
_SAME_BITS = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.float64}


def warp(
    hwc: np.ndarray,
    maps: Maps,
    flag: int,
    border: int = cv2.BORDER_CONSTANT,
    values: Sequence[float] = (),
) -> np.ndarray:
    """Return an H x W x C array sampled at the positions of ``maps``.

    Args:
        hwc: the array.
        maps: from one of the functions here.
        flag: OpenCV's interpolation.
        border: OpenCV's border.
        values: of a constant border, one per channel.
    """
    flag = cv2.INTER_LINEAR if flag == cv2.INTER_AREA else flag
    whole, fraction = maps

    def sample(part: np.ndarray, at: int) -> np.ndarray:
        value = [float(entry) for entry in values[at : at + _GROUP]] + [0.0] * _GROUP
        start = part.copy() if border == cv2.BORDER_TRANSPARENT and part.shape[:2] == whole.shape[:2] else None
        return cv2.remap(part, whole, fraction, flag, start, borderMode=border, borderValue=value[:_GROUP])

    starts = iter(range(0, hwc.shape[2], _GROUP))
    return computed(
        hwc,
        moves=flag == cv2.INTER_NEAREST,
        call=lambda wide: in_groups(wide, _GROUP, lambda part: sample(part, next(starts))),
    )


def warp_affine(hwc: np.ndarray, matrix: np.ndarray, size: tuple[int, int], flag: int) -> np.ndarray:
    """Return an H x W x C array moved by a matrix, with zeros where nothing comes to lie.

    Args:
        hwc: the array.
        matrix: 2 x 3, from the source to the result.
        size: width and height of the result, in pixels.
        flag: OpenCV's interpolation.
    """
    if flag != cv2.INTER_NEAREST and hwc.shape[2] > _GROUP:
        return warp(hwc, affine_maps(matrix, size), flag)
    if flag != cv2.INTER_NEAREST:
        kind = cv2.INTER_LINEAR if flag == cv2.INTER_AREA else flag
        return computed(hwc, moves=False, call=lambda wide: _by_band(wide, matrix, size, kind))
    bits = hwc.view(_SAME_BITS[hwc.dtype.itemsize])  # for these types OpenCV 5 still goes the old way
    found = in_groups(bits, _GROUP, lambda part: cv2.warpAffine(part, matrix, size, flags=flag))
    return found.view(hwc.dtype)


def affine_maps(matrix: np.ndarray, size: tuple[int, int], *, nearest: bool = False) -> Maps:
    """Return the maps of ``cv2.warpAffine`` in OpenCV 4.

    Args:
        matrix: 2 x 3, from the source to the result.
        size: width and height of the result, in pixels.
        nearest: positions are rounded to whole pixels, without fractions.

    Example:
        >>> whole, fraction = affine_maps(np.array([[1.0, 0.0, -0.5], [0.0, 1.0, 0.0]]), (2, 1))
        >>> whole.tolist(), fraction.tolist()
        ([[[0, 0], [1, 0]]], [[16, 16]])
    """
    whole = np.empty((size[1], size[0], 2), np.int16)
    fraction = None if nearest else np.empty((size[1], size[0]), np.uint16)
    for rows, pixels, rest in _bands(matrix, size, nearest=nearest):
        whole[rows] = pixels
        if fraction is not None:
            fraction[rows] = rest
    return whole, fraction


def separable_maps(columns: np.ndarray, rows: np.ndarray, *, nearest: bool = False) -> Maps:
    """Return the maps of a warp whose x depends on the column alone, and y on the row alone.

    Args:
        columns: x of each column, in pixels.
        rows: y of each row.
        nearest: positions are rounded to whole pixels, without fractions.
    """
    bits = 0 if nearest else _FRACTION
    x, y = (np.rint(positions.astype(np.float64) * (1 << bits)).astype(np.int64) for positions in (columns, rows))
    whole = np.empty((len(y), len(x), 2), np.int16)
    whole[:, :, 0] = np.clip(x >> bits, _SHORT.min, _SHORT.max)
    whole[:, :, 1] = np.clip(y >> bits, _SHORT.min, _SHORT.max)[:, None]
    if nearest:
        return whole, None
    low, high = (x & _ONES).astype(np.uint16), ((y & _ONES) << _FRACTION).astype(np.uint16)
    return whole, high[:, None] | low


def float_maps(x: np.ndarray, y: np.ndarray, *, nearest: bool = False) -> Maps:
    """Return the maps of a free warp.

    Args:
        x: H x W, float32, in pixels.
        y: the same.
        nearest: positions are rounded to whole pixels, without fractions.
    """
    whole, fraction = cv2.convertMaps(x, y, cv2.CV_16SC2, nninterpolation=nearest)
    return whole, None if nearest else fraction


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Invert a 2 x 3 matrix in OpenCV's order of operations, so that roundings are the same."""
    (a, b, c), (d, e, f) = matrix.astype(np.float64)
    determinant = a * e - b * d
    one = 1.0 / determinant if determinant != 0 else 0.0
    first, second, third, fourth = e * one, -b * one, -d * one, a * one
    return np.array([[first, second, -first * c - second * f], [third, fourth, -third * c - fourth * f]])


def _by_band(hwc: np.ndarray, matrix: np.ndarray, size: tuple[int, int], flag: int) -> np.ndarray:
    """Warp some rows at a time, so that their maps stay in the processor's cache."""
    found = np.empty((size[1], size[0], hwc.shape[2]), hwc.dtype)
    for rows, whole, fraction in _bands(matrix, size, nearest=False):
        part = cv2.remap(hwc, whole, fraction, flag, found[rows], borderMode=cv2.BORDER_CONSTANT)
        if not np.may_share_memory(part, found):
            found[rows] = part.reshape(found[rows].shape)
    return found


def _bands(matrix: np.ndarray, size: tuple[int, int], *, nearest: bool) -> Iterator[Band]:
    """Yield rows with their maps; the memory of one is that of the next."""
    inverse, scale = _inverse(matrix), 1 << _BITS
    half = scale // 2 if nearest else scale >> (_FRACTION + 1)
    x, y = (np.arange(count, dtype=np.float64) for count in size)
    columns = [np.rint(inverse[row, 0] * x * scale).astype(np.int64) for row in (0, 1)]
    lines = [np.rint((inverse[row, 1] * y + inverse[row, 2]) * scale).astype(np.int64) + half for row in (0, 1)]
    corners = [[a + b for a in (c[0], c[-1]) for b in (r[0], r[-1])] for c, r in zip(columns, lines, strict=True)]
    if np.abs(corners).max() >= _SHORT.max * scale:
        yield slice(0, size[1]), *_clamped(columns, lines)
        return
    for rows, whole, lows in _halves(columns, lines):
        x, y = lows.view(np.uint16)
        y &= _ONES << (16 - _FRACTION)
        y >>= 16 - 2 * _FRACTION
        x >>= 16 - _FRACTION
        y |= x
        yield rows, whole, y


def _halves(columns: list[np.ndarray], lines: list[np.ndarray]) -> Iterator[Band]:
    """Yield the upper and lower halves of 32-bit positions: whole pixels, and fractions of a 65,536th."""
    up = 16 - _BITS
    wide = [[(values << up).astype(np.int32) for values in pair] for pair in zip(columns, lines, strict=True)]
    height, width = len(lines[0]), len(columns[0])
    sums = np.empty((2, min(_ROWS, height), width), np.int32)
    lows = np.empty(sums.shape, np.int16)
    whole = np.empty((*sums.shape[1:], 2), np.int16)
    for at in range(0, height, _ROWS):
        rows = slice(at, min(at + _ROWS, height))
        count = rows.stop - at
        for axis, (column, line) in enumerate(wide):
            np.add(line[rows, None], column, out=sums[axis, :count])
        halves = [part[:count].view(np.int16).reshape(count, width, 2) for part in sums]
        cv2.mixChannels(halves, [whole[:count], lows[0, :count], lows[1, :count]], _HALVES)
        yield rows, whole[:count], lows[:, :count]


def _clamped(columns: list[np.ndarray], lines: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return maps of positions that may lie beyond 16 bits."""
    sums = [line[:, None] + column for column, line in zip(columns, lines, strict=True)]
    whole = np.stack([np.clip(values >> _BITS, _SHORT.min, _SHORT.max) for values in sums], axis=-1).astype(np.int16)
    x, y = ((values >> (_BITS - _FRACTION)) & _ONES for values in sums)
    return whole, ((y << _FRACTION) | x).astype(np.uint16)
