"""Grey values of colours, to the bit as the original computes them: in double precision, and cut."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from deephealth.ecvl.casting import saturate_cast

__all__ = ["grey_values"]

_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue; ITU-R BT.601
_THOUSANDTHS = (299.0, 587.0, 114.0)
_BLOCK = 1 << 14  # pixels at a time: what fits into the processor's cache
_PICTURE_RANK = 3


def grey_values(colours: np.ndarray, *, red: int) -> np.ndarray:
    """Return ``0.299 R + 0.587 G + 0.114 B``, clamped and cut to the array's type, with a last axis of 1.

    Args:
        colours: the last axis has red, green and blue first, or blue, green and red.
        red: index of red, 0 or 2.

    Example:
        >>> grey_values(np.array([[200, 100, 50]], np.uint8), red=0).tolist()
        [[124]]
    """
    found = np.empty((*colours.shape[:-1], 1), colours.dtype)
    if _interleaved_bytes(colours):
        _fill_bytes(colours, found[..., 0], red)
        return found
    for rows in _blocks(colours):
        _fill(colours[rows], found[rows], red)
    return found


def _interleaved_bytes(colours: np.ndarray) -> bool:
    return colours.dtype == np.uint8 and colours.ndim == _PICTURE_RANK and bool(colours.flags.c_contiguous)


def _fill(colours: np.ndarray, found: np.ndarray, red: int) -> None:
    total = colours[..., red] * _WEIGHTS[0]
    total += colours[..., 1] * _WEIGHTS[1]
    total += colours[..., 2 - red] * _WEIGHTS[2]
    whole = found.dtype.kind in "iu" and found.dtype.itemsize < np.dtype(np.int64).itemsize
    # a mean of numbers of a type lies within it; C's cast cuts as the original does
    found[..., 0] = total if whole else saturate_cast(total, found.dtype)


def _fill_bytes(colours: np.ndarray, found: np.ndarray, red: int) -> None:
    """Fill with single precision, which holds a thousand times the mean exactly, and correct what double misses.

    Where the exact mean is a whole number the sum in double precision, of rounded terms, may fall short of it; cut, it
    loses one. Everywhere else the two agree. The pixels with such means are found, and computed in double precision.
    """
    weights = np.array([_THOUSANDTHS[:: 1 if red == 0 else -1]], np.float32)
    below = np.empty_like(found)
    for rows in _blocks(colours):
        thousandfold = cv2.transform(colours[rows].astype(np.float32), weights)
        cv2.convertScaleAbs(thousandfold, found[rows], 1e-3, -0.4995)  # rounding half a unit less is cutting
        cv2.convertScaleAbs(thousandfold, below[rows], 1e-3, -0.5005)
    exact = np.flatnonzero(found != below)
    if exact.size:
        corrected = np.empty((exact.size, 1), np.uint8)
        _fill(colours.reshape(-1, 3)[exact], corrected, red)
        found.reshape(-1)[exact] = corrected[:, 0]


def _blocks(colours: np.ndarray) -> Iterator[slice]:
    rows = max(1, _BLOCK // max(1, colours.shape[1])) if colours.ndim == _PICTURE_RANK else 1
    for at in range(0, colours.shape[0], rows):
        yield slice(at, at + rows)
