"""Resizing, as OpenCV does it: pixel centres aligned, no smoothing before shrinking except with ``area``."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deephealth.ecvl.enums import InterpolationType
from deephealth.ecvl.errors import EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.matrices import computed, cv_interpolation, rounded_half_away, whole_numbers
from deephealth.ecvl.imgproc.stacks import from_opencv, in_groups, opencv
from deephealth.ecvl.planes import picture_axes, room, to_hwc
from deephealth.ecvl.strictness import is_strict

__all__ = ["ResizeDim", "ResizeScale"]

_MOST = 64  # channels that go through OpenCV at once; version 5 takes 128 at most
_MOST_AREA = 4
_AS_THEY_ARE = frozenset(map(np.dtype, ("uint8", "uint16", "int16", "float32", "float64")))  # OpenCV resizes them


def ResizeDim(
    src: Image, dst: Image, newdims: Sequence[int], interp: InterpolationType | int = InterpolationType.linear
) -> None:
    """Resize to given sizes.

    Args:
        src: axes x, y and one of c, z, o; any type but int64.
        dst: the result; may be ``src``.
        newdims: ``[width, height]``, or ``[width, height, planes]`` to interpolate along the third axis too.
        interp: interpolation.

    Raises:
        EcvlError: other axes, int64, or sizes below 1.

    Example:
        >>> from deephealth.ecvl.enums import ColorType, DataType
        >>> image = Image([640, 480, 3], DataType.uint8, "xyc", ColorType.RGB, spacings=[0.1, 0.1, 1])
        >>> ResizeDim(image, image, [320, 120])
        >>> image.dims_, image.spacings_
        ([320, 120, 3], [0.2, 0.4, 1.0])
    """
    sizes = whole_numbers(newdims, (2, 3), "ResizeDim")
    _resize(src, dst, sizes, interp, "ResizeDim")


def ResizeScale(
    src: Image, dst: Image, scales: Sequence[float], interp: InterpolationType | int = InterpolationType.linear
) -> None:
    """Resize by factors; the new sizes are rounded.

    Args:
        src: axes x, y and one of c, z, o; any type but int64.
        dst: the result; may be ``src``.
        scales: ``[x, y]``.
        interp: interpolation.

    Raises:
        EcvlError: other axes, int64, not two factors, or a result below 1 pixel.

    Example:
        >>> from deephealth.ecvl.enums import ColorType, DataType
        >>> image = Image([3, 640, 480], DataType.uint8, "cxy", ColorType.RGB)
        >>> ResizeScale(image, image, [0.5, 0.25])
        >>> image.dims_
        [3, 320, 120]
    """
    factors = [float(factor) for factor in scales]
    if len(factors) != 2:
        raise EcvlValueError(f"ResizeScale: {factors}", allowed="two factors, [x, y]")
    y, x, _ = picture_axes(src, "ResizeScale")
    first, second = (0, 1) if is_strict() else (x, y)  # the original takes the first two axes for x and y
    dims = src.dims_
    sizes = [rounded_half_away(dims[first] * factors[0]), rounded_half_away(dims[second] * factors[1])]
    _resize(src, dst, sizes, interp, "ResizeScale")


def _resize(src: Image, dst: Image, sizes: list[int], interp: InterpolationType | int, what: str) -> None:
    if min(sizes) < 1:
        raise EcvlValueError(f"{what}: the result would have the sizes {sizes}", allowed="1 or more")
    hwc = to_hwc(src, what)
    flag = cv_interpolation(interp)
    count = hwc.shape[2]
    if len(sizes) == 2 and count <= _MOST_AREA and (hwc.dtype in _AS_THEY_ARE or flag == cv2.INTER_NEAREST):
        place = room(src, dst, (sizes[1], sizes[0], count))
        with opencv(what):
            found = cv2.resize(hwc, (sizes[0], sizes[1]), dst=place, interpolation=flag)
        found = found if count > 1 else found.reshape(sizes[1], sizes[0], 1)
        from_opencv(src, dst, found, spacings=_spacings(src, found.shape) if src.spacings_ else ())
        return
    with opencv(what):
        found = computed(hwc, moves=flag == cv2.INTER_NEAREST, call=lambda part: _resized(part, sizes, flag))
    before = src.spacings_
    from_opencv(src, dst, found, spacings=_spacings(src, found.shape) if before else ())
    if found.shape[2] != hwc.shape[2] and is_strict():
        dst.spacings_ = before  # there the original keeps them, as they were


def _resized(hwc: np.ndarray, sizes: list[int], flag: int) -> np.ndarray:
    most = _MOST_AREA if flag == cv2.INTER_AREA else _MOST
    found = in_groups(hwc, most, lambda part: cv2.resize(part, (sizes[0], sizes[1]), interpolation=flag))
    if len(sizes) == 2 or sizes[2] == found.shape[2]:
        return found
    rows = found.reshape(-1, found.shape[2])  # one row per pixel: its planes side by side
    return cv2.resize(rows, (sizes[2], rows.shape[0]), interpolation=flag).reshape(*found.shape[:2], sizes[2])


def _spacings(src: Image, shape: tuple[int, ...]) -> list[float]:
    steps, dims = src.spacings_, src.dims_
    if len(steps) == len(dims):
        for axis, size in zip(picture_axes(src, "resize"), shape, strict=True):
            steps[axis] *= dims[axis] / size
    return steps
