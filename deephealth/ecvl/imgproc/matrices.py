"""Between an image and an OpenCV call: element types and channel counts that OpenCV refuses, and its errors."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from deephealth.ecvl.enums import BorderType, ColorType, InterpolationType
from deephealth.ecvl.errors import EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import is_strict

__all__ = [
    "border_values",
    "computed",
    "cv_border",
    "cv_interpolation",
    "rounded_half_away",
    "whole_numbers",
]

_COLOURS = 3
_GROUP = 4  # what OpenCV's warps and constant borders take at once
_CV_INTERPOLATION = {
    InterpolationType.nearest: cv2.INTER_NEAREST,
    InterpolationType.linear: cv2.INTER_LINEAR,
    InterpolationType.area: cv2.INTER_AREA,
    InterpolationType.cubic: cv2.INTER_CUBIC,
    InterpolationType.lanczos4: cv2.INTER_LANCZOS4,
}


def cv_interpolation(interp: InterpolationType | int) -> int:
    """Return OpenCV's number of an interpolation.

    Example:
        >>> cv_interpolation(InterpolationType.cubic)
        2
    """
    return _CV_INTERPOLATION[InterpolationType(interp)]


def cv_border(border_type: BorderType | int) -> int:
    """Return OpenCV's number of a border."""
    return int(BorderType(border_type))


def whole_numbers(values: Sequence[int], counts: Sequence[int], what: str) -> list[int]:
    """Return a list of whole numbers of one of the allowed lengths.

    Raises:
        EcvlValueError: another length.
        TypeError: an entry that is not a whole number.
    """
    found = [operator.index(value) for value in values]
    if len(found) not in counts:
        allowed = " or ".join(str(count) for count in counts)
        raise EcvlValueError(f"{what}: {found} has {len(found)} numbers", allowed=f"{allowed} numbers")
    return found


def rounded_half_away(value: float) -> int:
    """Round as C's ``lround`` does.

    Example:
        >>> rounded_half_away(2.5), rounded_half_away(-2.5), rounded_half_away(0.49999999999999994)
        (3, -3, 0)
    """
    whole = math.floor(abs(value))
    return int(math.copysign(whole + (abs(value) - whole >= 0.5), value))


def computed(hwc: np.ndarray, *, moves: bool, call: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return ``call`` of an array in a type that OpenCV computes with, brought back to its own type by rounding.

    Args:
        hwc: H x W x C.
        moves: whether the call only moves values (nearest neighbour), which every type can do.
        call: what to do.
    """
    if moves or hwc.dtype not in (np.int8, np.int32):
        return call(hwc)
    wide = hwc.astype(np.int16 if hwc.dtype == np.int8 else np.float64)
    found = call(wide)
    if found.dtype.kind == "f":
        np.rint(found, out=found)
    info = np.iinfo(hwc.dtype)
    return np.clip(found, info.min, info.max, out=found).astype(hwc.dtype)


def border_values(src: Image, value: float | Sequence[float], count: int) -> list[float]:
    """Return the constant border of each channel, in the image's own order.

    A number paints the first channel of a BGR picture only (of an RGB one: the blue channel), as the original does;
    other images, which are volumes and stacks, get it in every plane.

    Args:
        src: the image.
        value: a number, or one per channel.
        count: channels.
    """
    if isinstance(value, Sequence | np.ndarray):
        values = [float(entry) for entry in value]
        if len(values) not in (1, count):
            raise EcvlValueError(f"{len(values)} border values for {count} channels", allowed="a number, or one each")
        return values * count if len(values) == 1 else values
    if src.colortype_ in (ColorType.RGB, ColorType.BGR) or is_strict():
        first = _COLOURS - 1 if src.colortype_ is ColorType.RGB and count == _COLOURS else 0
        return [float(value) if at % _GROUP == first else 0.0 for at in range(count)]
    return [float(value)] * count
