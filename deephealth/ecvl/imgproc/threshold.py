"""Thresholds: fixed ones, several at once, and those that Otsu's criterion finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from deephealth.ecvl.casting import saturate_scalar, wrap_cast
from deephealth.ecvl.enums import ColorType, ThresholdingType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.stacks import elementwise
from deephealth.ecvl.imgproc.statistics import Histogram

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["MultiThreshold", "OtsuMultiThreshold", "OtsuThreshold", "Threshold"]

_OPENCV = {ThresholdingType.BINARY: cv2.THRESH_BINARY, ThresholdingType.BINARY_INV: cv2.THRESH_BINARY_INV}
_OPENCV_TYPES = (np.uint8, np.uint16, np.int16)
_LEVELS = 256


def Threshold(
    src: Image,
    dst: Image,
    thresh: float,
    maxval: float,
    thresh_type: ThresholdingType | int = ThresholdingType.BINARY,
) -> None:
    """Set every element to ``maxval`` or to 0.

    Args:
        src: any image.
        dst: becomes the result; may be ``src``.
        thresh: elements above it are foreground; first clamped to the element type, and cut to a whole number.
        maxval: value of the foreground (``BINARY``) or the background (``BINARY_INV``); clamped and cut likewise.
        thresh_type: which side gets ``maxval``.

    Raises:
        EcvlError: the image is empty.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image.fromarray(np.array([[50, 32], [14, 60]], np.uint8), "xy", 0)
        >>> Threshold(image, image, 35, 127)
        >>> np.array(image).tolist()
        [[127, 0], [0, 127]]
    """
    kind = ThresholdingType(thresh_type)

    def apply(matrix: np.ndarray) -> np.ndarray:
        level, most = _clamped(thresh, matrix.dtype), _clamped(maxval, matrix.dtype)
        if matrix.dtype in _OPENCV_TYPES:
            return cv2.threshold(matrix, float(level), float(most), _OPENCV[kind])[1]
        chosen = matrix > level if kind is ThresholdingType.BINARY else matrix <= level
        return np.where(chosen, most, matrix.dtype.type(0))

    elementwise(src, dst, "Threshold", apply)


def MultiThreshold(src: Image, dst: Image, thresholds: Sequence[int], minval: int = 0, maxval: int = 255) -> None:
    """Cut the range into steps of equal height between ``minval`` and ``maxval``.

    An element above the first k thresholds becomes ``k * (maxval - minval) / len(thresholds) + minval``, cut to a whole
    number. Without thresholds all become ``minval``.

    Args:
        src: any image.
        dst: becomes the result; may be ``src``.
        thresholds: whole numbers, ascending.
        minval: of elements not above the first threshold.
        maxval: of elements above all.

    Raises:
        EcvlError: the image is empty.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image.fromarray(np.array([[5, 100, 130, 250]], np.uint8), "xy", 0)
        >>> MultiThreshold(image, image, [99, 200])
        >>> np.array(image).tolist()
        [[0, 127, 127, 255]]
    """
    limits = np.maximum.accumulate(np.array(thresholds, np.int64)) if len(thresholds) else np.empty(0, np.int64)
    span, count = int(maxval) - int(minval), len(limits)
    steps = np.array([_cut(at * span, count) + int(minval) for at in range(count + 1)], np.int64)

    def apply(matrix: np.ndarray) -> np.ndarray:
        values = wrap_cast(steps, matrix.dtype)
        if matrix.dtype.kind == "f":
            at = np.searchsorted(limits.astype(np.float64), matrix.astype(np.float64))
            return values[np.where(np.isnan(matrix), 0, at)]
        if matrix.dtype.itemsize == 1:
            levels = np.arange(_LEVELS, dtype=np.uint8).view(matrix.dtype)
            table = values[np.searchsorted(limits, levels.astype(np.int64))]
            return cv2.LUT(matrix.view(np.uint8), table.view(np.uint8)).view(matrix.dtype)
        return values[np.searchsorted(limits, matrix)]

    elementwise(src, dst, "MultiThreshold", apply)


def OtsuThreshold(src: Image) -> int:
    """Return the first level k for which "at most k" and "above k" differ most in their means.

    Args:
        src: 8-bit image of one kind of values, ``GRAY`` or ``none``.

    Returns:
        0 to 254; 0 for an image of one value.

    Raises:
        EcvlError: empty, another element type, or a colour image.

    Source: Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. SMC 9 (1979) 62-66.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> OtsuThreshold(Image.fromarray(np.array([[10, 12, 200, 210]], np.uint8), "xy", 0))
        12
    """
    shares = _shares(src, "OtsuThreshold")
    below = np.cumsum(shares)[:-1]
    first = np.cumsum(shares * np.arange(_LEVELS))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (first[-1] * below - first[:-1]) ** 2 / (below * (1 - below))
    between[np.isnan(between)] = 0
    best = int(np.argmax(between))
    return best if between[best] > 0 else 0


def OtsuMultiThreshold(src: Image, n_thresholds: int = 2) -> list[int]:
    """Return the thresholds that separate an image into classes whose means differ most.

    Args:
        src: 8-bit image, ``GRAY`` or ``none``.
        n_thresholds: how many, 1 to 254.

    Returns:
        Ascending levels from 1; of several best choices the first. Nothing for an image of zeros. As in the original
        the pixels at a threshold count in both classes that meet there.

    Raises:
        EcvlError: as :func:`OtsuThreshold`, or another number of thresholds.

    Source: Liao, Chen and Chung, "A fast algorithm for multilevel thresholding", J. Inf. Sci. Eng. 17 (2001) 713-727.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> levels = np.repeat(np.arange(240, dtype=np.uint8), 10)
        >>> OtsuMultiThreshold(Image.fromarray(levels[None], "xy", 0))
        [85, 166]
    """
    count = int(n_thresholds)
    if not 1 <= count < _LEVELS - 1:
        raise EcvlError(f"OtsuMultiThreshold: {count} thresholds", allowed=f"1 to {_LEVELS - 2}")
    return _best_cuts(_between(_shares(src, "OtsuMultiThreshold")), count)


def _between(shares: np.ndarray) -> np.ndarray:
    """Return the criterion's share of the class of levels u to v, at [u, v]; impossible ones are -inf."""
    weight, first = np.cumsum(shares), np.cumsum(shares * np.arange(_LEVELS))
    before = np.concatenate([[0.0], weight[:-1]]), np.concatenate([[0.0], first[:-1]])
    mass, moment = weight[None, :] - before[0][:, None], first[None, :] - before[1][:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(mass != 0, moment * moment / mass, 0.0)
    found[0] = np.where(weight > 0, found[0], -np.inf)  # a first class without pixels is no candidate
    found[np.tril_indices(_LEVELS, -1)] = -np.inf
    return found


def _best_cuts(between: np.ndarray, count: int) -> list[int]:
    """Return the first of the best lists of cuts, in the order of their numbers.

    Sums of floats never shrink when an addend grows, so dynamic programming finds the very sum of the best list.
    """
    last = _LEVELS - 2
    links = between[1 : last + 1, 1 : last + 1].copy()
    np.fill_diagonal(links, -np.inf)
    ends = between[1 : last + 1, _LEVELS - 1]
    sums = between[0, 1 : last + 1]
    best = _reach(sums, links, ends, count - 1)
    if not best > 0:
        return []
    rest = _rest_at_most(links, ends, count)
    cuts: list[int] = []
    start = sums
    for left in range(count - 1, -1, -1):
        for at in np.flatnonzero(start + rest[left] >= best * (1 - 1e-12)):
            alone = np.full(last, -np.inf)
            alone[at] = start[at]
            if _reach(alone, links, ends, left) == best:
                cuts.append(int(at) + 1)
                start = start[at] + links[at]
                break
    return cuts


def _reach(sums: np.ndarray, links: np.ndarray, ends: np.ndarray, left: int) -> float:
    """Return the largest total from partial sums per last cut, with ``left`` more cuts to make."""
    for _ in range(left):
        sums = (sums[:, None] + links).max(axis=0)
    return float((sums + ends).max())


def _rest_at_most(links: np.ndarray, ends: np.ndarray, count: int) -> list[np.ndarray]:
    """Return for 0, 1, ... more cuts the most that a last cut can still gain, up to rounding."""
    found = [ends]
    for _ in range(count - 1):
        found.append((links + found[-1][None, :]).max(axis=1))
    return found


def _shares(src: Image, what: str) -> np.ndarray:
    """Return the shares of the 256 levels."""
    if not src.IsEmpty() and src.colortype_ not in (ColorType.GRAY, ColorType.none):
        raise EcvlError(
            f"{what}: the image is {src.colortype_}",
            allowed="ColorType.GRAY, ColorType.none",
            hint="convert it with ChangeColorSpace first",
        )
    return np.array(Histogram(src))


def _clamped(value: float, dtype: np.dtype[Any]) -> Any:
    """Return a number in an element type; bytes without NumPy's overhead."""
    if dtype == np.uint8 and value == value:
        return min(max(int(max(min(value, _LEVELS), -1)), 0), _LEVELS - 1)
    return saturate_scalar(value, dtype)


def _cut(number: int, count: int) -> int:
    """Divide as C does."""
    if count == 0:
        return 0
    found = abs(number) // count
    return found if number >= 0 else -found
