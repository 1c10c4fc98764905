"""Correction of the time between the slices of a functional volume."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from deephealth.ecvl.casting import wrap_cast
from deephealth.ecvl.errors import EcvlError

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["SliceTimingCorrection"]

_WIDTH = 7  # samples below the kernel
_HALF = (_WIDTH - 1) // 2
_STORED = 1201  # entries of the kernel's table
_DEFAULT_REPEAT = 3.0  # seconds, where the header says 0
_LEAST = 1e-9


def SliceTimingCorrection(src: Image, dst: Image, odd: bool = False, down: bool = False) -> None:
    """Shift every slice in time to when the middle of the volume was taken, by windowed sinc interpolation.

    Args:
        src: volume with the axes x, y, z and t, and spacings; that of t is the repetition time in seconds (0: 3 s).
        dst: becomes the corrected volume, float32; may be ``src``.
        odd: slices 1, 3, 5 ... were taken first, then 2, 4, 6 ...
        down: slices were taken from the last to the first; without effect if ``odd``.

    Raises:
        EcvlError: empty, other axes, or no spacings.

    Source: the algorithm of FSL's slicetimer (Jenkinson et al., "FSL", NeuroImage 62 (2012) 782-790): Hanning-windowed
    sinc over seven samples.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> volume = Image.fromarray(np.ones((2, 2, 3, 5), np.int16), "xyzt", 0, [1, 1, 3, 2])
        >>> SliceTimingCorrection(volume, volume)
        >>> volume, bool(np.allclose(np.array(volume), 1))
        (<Image xyzt 2 x 2 x 3 x 5 float32 none>, True)
    """
    if src.IsEmpty():
        raise EcvlError("SliceTimingCorrection: the image is empty")
    if sorted(src.channels_) != sorted("xyzt"):
        raise EcvlError(f"SliceTimingCorrection: the image has the axes '{src.channels_}'", allowed="x, y, z and t")
    if len(src.spacings_) != len(src.dims_):
        raise EcvlError(
            f"SliceTimingCorrection: the image has the spacings {src.spacings_}",
            allowed="one per axis",
            hint="set spacings_; that of t is the repetition time in seconds",
        )
    order = [src.channels_.index(letter) for letter in "tzyx"]
    series = np.ascontiguousarray(wrap_cast(src.pixels, np.dtype(np.float32)).transpose(order))
    times, slices = series.shape[:2]
    found = np.empty_like(series)
    repeat = np.float32(src.spacings_[order[0]]) or np.float32(_DEFAULT_REPEAT)
    for at, offset in enumerate(_offsets(slices, repeat, odd, down)):
        weights = _weights(times, offset)
        found[:, at] = (weights @ series[:, at].reshape(times, -1)).reshape(series[:, at].shape)
    dst.rebind(
        found.transpose([order.index(axis) for axis in range(len(order))]),
        channels=src.channels_,
        colortype=src.colortype_,
        spacings=src.spacings_,
        meta=src.meta_,
    )


def _offsets(slices: int, repeat: np.float32, odd: bool, down: bool) -> list[np.float32]:
    """Return each slice's shift in repetitions, computed in float32 as the original does."""
    step = (repeat / np.float32(slices)) / repeat
    middle = (np.float32(slices) / np.float32(2) - np.float32(0.5)) / np.float32(slices)
    half = int(np.ceil(slices / 2))
    places = []
    for number in range(slices):
        place = slices - 1 - number if down else number
        if odd:
            place = half + number // 2 if number % 2 else number // 2
        places.append(np.float32(middle - np.float32(place) * step))
    return places


@cache
def _table() -> np.ndarray:
    """Return the windowed sinc at evenly spaced points of -3 to 3."""
    half = np.float32((_STORED - 1) / 2)
    at = ((np.arange(_STORED, dtype=np.float32) - half) / half * np.float32(_HALF)).astype(np.float64)
    window = np.where(np.abs(at) > _HALF, 0, 0.5 + 0.5 * np.cos(np.pi * at / _HALF))
    return np.sinc(at).astype(np.float32) * window.astype(np.float32)


def _kernel(at: np.ndarray) -> np.ndarray:
    """Return the kernel at float32 positions, between two entries of its table."""
    table = _table()
    half = np.float32((_STORED - 1) / 2)
    place = at / np.float32(_HALF) * half + half + np.float32(1)
    whole = np.floor(place).astype(np.int64)
    part = (place - whole.astype(np.float32)).astype(np.float32)
    inside = (np.abs(at) <= _HALF) & (whole <= _STORED - 1) & (whole >= 1)
    low = np.clip(whole, 1, _STORED - 1)
    found = table[low - 1] * (np.float32(1) - part) + table[low] * part
    return np.where(inside, found, np.float32(0)).astype(np.float32)


def _weights(times: int, offset: np.float32) -> np.ndarray:
    """Return the T x T matrix that interpolates a series of T samples at its own times plus ``offset``."""
    moments = (np.arange(1, times + 1, dtype=np.float32) + offset).astype(np.float32)
    first = np.floor(moments).astype(np.int64)
    weights = np.zeros((times, times), np.float32)
    rows = np.arange(times)
    for shift in range(-_HALF, _HALF + 1):
        sample = first + shift
        inside = (sample >= 1) & (sample <= times)
        tap = _kernel((moments - first.astype(np.float32) - np.float32(shift)).astype(np.float32))
        weights[rows[inside], sample[inside] - 1] = tap[inside]
    total = weights.sum(axis=1, dtype=np.float32)
    empty = np.abs(total) <= _LEAST
    weights[~empty] /= total[~empty, None]
    for row in np.flatnonzero(empty):  # no sample below the kernel: the nearest one
        weights[row] = 0
        weights[row, np.clip(first[row] - 1, 0, times - 1)] = 1
    return weights
