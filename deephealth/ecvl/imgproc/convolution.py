"""Correlation as ECVL computes it: replicated border, float64 sums in the order of the taps, fractions cut off.

A whole number that a sum only just reaches or misses comes out as it is or one lower, so the order of the sums matters
there, and only there. An estimate by OpenCV's vectorised filters decides all other pixels; those within its error of a
whole number are summed again as the original sums them, or all are where those are many. OpenCV's float64 filters add
products of 8 and 16 bits in the original's order; that is checked once. Kernels whose products are exact need no second
look.
"""

from __future__ import annotations

import math
import threading
from functools import cache
from typing import Any

import cv2
import numpy as np

from deephealth.ecvl.casting import wrap_cast
from deephealth.ecvl.imgproc.kernels import Full, Kernel, Separable
from deephealth.ecvl.imgproc.stacks import MOST_CHANNELS, in_groups

__all__ = ["correlate"]

_SINGLE, _DOUBLE = 2.0**-24, 2.0**-53
_BYTE_MAX = 255
_ORDERED = (np.uint8, np.uint16, np.int16)  # types whose products OpenCV adds one by one
_WORD = 8
_STRIP = 3 << 16  # floats of a strip of rows: it stays in the second-level cache
_WIDE_STRIP = 1 << 16  # float64
_POINTS = 1 << 16  # pixels below kernels that are gathered at a time
_GATHER_COST = 20  # of one pixel below a kernel, in passes through one element
_MOST_KEPT = 1 << 23  # bytes of scratch memory that a thread keeps


class _Scratch(threading.local):
    """Memory that is used again: getting it fresh costs more than what is done with it."""

    def __init__(self) -> None:
        self.buffers: dict[str, np.ndarray] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        buffer = self.buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = np.empty(size, np.uint8)
            if size <= _MOST_KEPT:
                self.buffers[name] = buffer
        return buffer[:size].view(dtype).reshape(shape)


_SCRATCH = _Scratch()


def correlate(stack: np.ndarray, kernel: Kernel, dtype: np.dtype[Any]) -> np.ndarray:
    """Return the correlation of every plane, cast to ``dtype`` as C casts: fractions cut off, whole numbers wrap.

    Args:
        stack: H x W x K, C-contiguous.
        kernel: what to apply.
        dtype: type of the result.

    Example:
        >>> from deephealth.ecvl.imgproc.kernels import Separable
        >>> box = Separable(np.full(3, 1 / 3), np.full(3, 1 / 3))
        >>> int(correlate(np.full((4, 4, 1), 90, np.uint8), box, np.dtype(np.uint8))[1, 1, 0])
        90
    """
    if stack.dtype == np.uint8 and dtype == np.uint8:
        return in_groups(stack, MOST_CHANNELS, lambda part: _bytes(part, kernel))
    if dtype.kind == "f":
        return in_groups(stack, MOST_CHANNELS, lambda part: _sums(part, kernel).astype(dtype, copy=False))
    return in_groups(stack, MOST_CHANNELS, lambda part: _whole(part, kernel, dtype))


def _sums(stack: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Return sums for floating-point results: in float32 where that is exact, else in float64."""
    depth = cv2.CV_32F if _is_short(stack, kernel) else cv2.CV_64F
    return kernel.estimate(_taken(stack), depth).reshape(stack.shape)


def _taken(stack: np.ndarray) -> np.ndarray:
    """Return an array of a type that OpenCV's filters take."""
    return stack if stack.dtype in (np.uint8, np.uint16, np.int16, np.float64) else stack.astype(np.float64)


def _is_short(stack: np.ndarray, kernel: Kernel) -> bool:
    """Return whether float32 holds all sums exactly."""
    return stack.dtype == np.uint8 and not kernel.is_large and kernel.exact(_BYTE_MAX, 24)


def _whole(stack: np.ndarray, kernel: Kernel, dtype: np.dtype[Any]) -> np.ndarray:
    """Correlate to whole numbers."""
    if _is_short(stack, kernel):
        return _exact(stack, kernel, dtype)
    if kernel.is_large:
        return wrap_cast(_transformed(stack, kernel), dtype)
    return _in_order(stack, kernel, dtype)


def _exact(stack: np.ndarray, kernel: Kernel, dtype: np.dtype[Any]) -> np.ndarray:
    """Correlate bytes where OpenCV's sums are exact: at most the fraction is to be cut off."""
    whole = kernel.grain >= 1
    if whole and kernel.weight * _BYTE_MAX <= np.iinfo(np.int16).max:
        return kernel.estimate(stack, cv2.CV_16S).reshape(stack.shape).astype(dtype)
    if dtype == np.uint8 and kernel.lowest >= 0 and kernel.total <= 1:
        # rounded to the nearest byte half a unit lower: the multiples of the grain never meet a tie
        return kernel.estimate(stack, cv2.CV_8U, delta=(kernel.grain - 1) / 2).reshape(stack.shape)
    return kernel.estimate(stack, cv2.CV_32F).reshape(stack.shape).astype(np.int32).astype(dtype)


def _transformed(stack: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Return float64 sums of a large kernel, by Fourier transform and, next to whole numbers, one by one."""
    found = kernel.estimate(stack.astype(np.float64), cv2.CV_64F).reshape(stack.shape)
    most = float(np.abs(stack.astype(np.float64)).max(initial=0))
    error = kernel.weight * most * _DOUBLE * 8 * (kernel.roundings + 32)
    near = np.flatnonzero(np.abs(found - np.rint(found)) <= error)
    found.reshape(-1)[near] = _at_points(stack, kernel, near)
    return found


def _bytes(stack: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Correlate bytes to bytes: the case that has to be fast."""
    if kernel.is_identity:
        return stack.copy()
    narrow = isinstance(kernel, Separable) and kernel.lowest >= 0 and kernel.total <= 1 + 1e-6
    if not narrow or _is_short(stack, kernel):
        return _whole(stack, kernel, np.dtype(np.uint8))
    found = np.empty(stack.shape, np.uint8)
    near = _floor(stack, kernel, found)
    if near is None:
        return _in_order(stack, kernel, np.dtype(np.uint8))
    found.reshape(-1)[near] = _at_points(stack, kernel, near).astype(np.uint8)
    return found


def _floor(stack: np.ndarray, kernel: Kernel, found: np.ndarray) -> np.ndarray | None:
    """Write the floors of the sums; return where they are uncertain, or ``None`` as soon as that is in many places."""
    height, width, count = stack.shape
    error = (kernel.weight * _BYTE_MAX + 1) * _SINGLE * (kernel.roundings + 4)
    reach = kernel.height // 2
    rows = min(-(-max(_STRIP // (width * count), 2 * reach + 1) // _WORD) * _WORD, height)  # a strip is whole words
    sums = _SCRATCH.take("sums", (rows + 2 * reach, width, count), np.float32)
    above = _SCRATCH.take("above", (rows, width, count), np.uint8)
    near, total = [np.empty(0, np.int64)], 0
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = max(top - reach, 0), min(bottom + reach, height)
        strip = kernel.estimate(stack[first:last], cv2.CV_32F, delta=-error, dst=sums[: last - first])
        strip = strip.reshape(-1, width, count)[top - first : bottom - first]
        # the floors of (sum + error), by rounding half a unit lower, and of (sum - error): equal ones are the result;
        # a negative sum, at most 2 errors below 0, becomes 0 in both
        low, high = found[top:bottom], above[: bottom - top]
        cv2.convertScaleAbs(strip, dst=high, alpha=1, beta=2 * error - 0.5)
        np.copyto(low, strip, casting="unsafe")
        at = _unequal(low.reshape(-1), high.reshape(-1))
        total += at.size
        if _is_many(total, bottom * width * count, kernel) and total > _WORD:
            return None
        if at.size:
            near.append(at + top * width * count)
    return np.concatenate(near)


def _unequal(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return where two rows of bytes differ."""
    whole = one.size // _WORD * _WORD
    differ = one[:whole].view(np.uint64) != other[:whole].view(np.uint64)
    if whole != one.size or np.count_nonzero(differ) * _WORD > differ.size:
        return np.flatnonzero(one != other)
    at = (np.flatnonzero(differ)[:, None] * _WORD + np.arange(_WORD)).reshape(-1)
    return at[one[at] != other[at]]


def _is_many(points: int, size: int, kernel: Kernel) -> bool:
    """Return whether summing everything again is less work than summing single pixels."""
    return points * kernel.height * kernel.width * _GATHER_COST > size * kernel.passes


def _at_points(stack: np.ndarray, kernel: Kernel, near: np.ndarray) -> np.ndarray:
    """Return the sums at flat positions of H x W x K, added up in the original's order."""
    found = np.empty(near.size)
    step = max(_POINTS // (kernel.height * kernel.width), 1)
    for start in range(0, near.size, step):
        part = near[start : start + step]
        found[start : start + step] = kernel.at_points(_gathered(stack, kernel, part).astype(np.float64))
    return found


def _gathered(stack: np.ndarray, kernel: Kernel, at: np.ndarray) -> np.ndarray:
    """Return the pixels below the kernel at N flat positions of H x W x K, height x width x N."""
    height, width, count = stack.shape
    rows = np.arange(kernel.height)[:, None] - kernel.height // 2
    columns = np.arange(kernel.width)[:, None] - kernel.width // 2
    y, inside = np.divmod(at, width * count)
    x, channel = np.divmod(inside, count)
    lines = np.minimum(np.maximum(y + rows, 0), height - 1) * (width * count)
    places = np.minimum(np.maximum(x + columns, 0), width - 1) * count + channel
    return stack.reshape(-1).take(lines[:, None] + places[None])


def _in_order(stack: np.ndarray, kernel: Kernel, dtype: np.dtype[Any]) -> np.ndarray:
    """Return all sums, added up in the original's order, in strips of rows that fit the cache."""
    height, width, count = stack.shape
    reach = kernel.height // 2
    found = np.empty(stack.shape, dtype)
    rows = max(_WIDE_STRIP // (width * count), 4 * reach, 1)
    by_opencv = stack.dtype in _ORDERED and _opencv_adds_in_order()
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = max(top - reach, 0), min(bottom + reach, height)
        part = stack[first:last]
        sums = kernel.in_order(part) if by_opencv else _by_numpy(_taken(part), kernel)
        sums = sums.reshape(-1, width, count)[top - first : bottom - first]
        bounded = dtype == np.uint8 and stack.dtype == np.uint8 and kernel.lowest >= 0 and kernel.total <= 1 + 1e-6
        if bounded:
            np.copyto(found[top:bottom], sums, casting="unsafe")
        else:
            found[top:bottom] = wrap_cast(sums, dtype)
    return found


@cache
def _opencv_adds_in_order() -> bool:
    """Return whether this build of OpenCV adds products one by one, without fusing them, where it is relied on."""
    random = np.random.default_rng(0)
    taps = random.random((5, 7)) / 9
    for kernel in (Full(taps), Separable(taps[0], taps[1]), Separable(taps[0], taps[1, :5] + taps[1, 4::-1])):
        for dtype in _ORDERED:
            pixels = random.integers(0, np.iinfo(dtype).max + 1, (40, 50, 3)).astype(dtype)
            if not np.array_equal(kernel.in_order(pixels).reshape(pixels.shape), _by_numpy(pixels, kernel)):
                return False
    return True


def _by_numpy(stack: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Return all sums in the original's order without OpenCV's filters."""
    y, x = kernel.height // 2, kernel.width // 2
    wide = cv2.copyMakeBorder(stack, y, y, x, x, cv2.BORDER_REPLICATE).astype(np.float64)
    return kernel.on_rows(wide.reshape(len(wide), -1), stack.shape[2]).reshape(stack.shape)
