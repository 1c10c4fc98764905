"""From stored values to what they mean: modality look-up tables, rescale slope and intercept, VOI windows.

Source: DICOM PS3.3 C.11.1 (Modality LUT) and C.11.2 (VOI LUT).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deephealth.core.errors import DataError, UnreadableFileError
from deephealth.io.dicom.syntaxes import is_big_endian

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["apply_table", "apply_window", "integer_type", "rescale", "rescaled_frames", "stored_range", "window_of"]

_INTEGERS = tuple(map(np.dtype, ("u1", "i1", "u2", "i2", "i4", "u4", "i8")))
_SMALL = 2  # bytes


def integer_type(low: float, high: float) -> np.dtype:
    """Return the smallest integer type that holds a range, unsigned before signed.

    Example:
        >>> integer_type(0, 255), integer_type(-1024, 3071), integer_type(0, 70000)
        (dtype('uint8'), dtype('int16'), dtype('int32'))
    """
    for dtype in _INTEGERS:
        info = np.iinfo(dtype)
        if info.min <= low and high <= info.max:
            return dtype
    raise DataError(f"no integer type holds {low} to {high}", allowed="64 bits")


def stored_range(stored: int, *, signed: bool) -> tuple[int, int]:
    """Return the smallest and the largest value of so many bits.

    Example:
        >>> stored_range(12, signed=False), stored_range(12, signed=True)
        ((0, 4095), (-2048, 2047))
    """
    return (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)


def rescale(values: np.ndarray, slope: float, intercept: float, limits: tuple[int, int]) -> np.ndarray:
    """Return ``values * slope + intercept``.

    Whole numbers stay whole: with integral slope and intercept the result has the smallest integer type that holds
    whatever the stored bits can mean. Where that would take more than 16 bits, the values that occur decide. Otherwise
    it is float32.

    Args:
        values: stored values.
        slope: factor, a finite number.
        intercept: what is added then.
        limits: smallest and largest stored value.

    Example:
        >>> rescale(np.array([0, 4095], np.uint16), 1, -1024, (0, 4095))
        array([-1024,  3071], dtype=int16)
        >>> rescale(np.array([1, 2], np.uint8), 0.5, 0, (0, 255))
        array([0.5, 1. ], dtype=float32)
    """
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise UnreadableFileError(f"rescale slope {slope} and intercept {intercept}", allowed="finite numbers")
    if slope == 1 and intercept == 0:
        return values
    if values.dtype.kind == "f" or not (float(slope).is_integer() and float(intercept).is_integer()):
        return _real(values, slope, intercept)
    dtype = _type_of(limits, int(slope), int(intercept))
    if (dtype is None or dtype.itemsize > _SMALL) and values.size:
        dtype = _type_of((int(values.min()), int(values.max())), int(slope), int(intercept))
    if dtype is None:
        return _real(values, slope, intercept)
    if slope == 1 and dtype.itemsize <= values.dtype.itemsize:
        # wraps in the stored type, and the wrapped bits are the right ones of the result, which holds every value
        step = np.array(int(intercept) & ((1 << 8 * values.dtype.itemsize) - 1)).astype(values.dtype)
        return np.add(values, step).astype(dtype, copy=False)
    wide = values.astype(dtype if dtype.itemsize > values.dtype.itemsize else np.int64)
    wide = wide * wide.dtype.type(slope) if slope != 1 else wide
    return (wide + wide.dtype.type(intercept)).astype(dtype, copy=False)


def rescaled_frames(stack: np.ndarray, pairs: Sequence[tuple[float, float]], limits: tuple[int, int]) -> np.ndarray:
    """Rescale frames, each by its own slope and intercept, to one element type."""
    if len(set(pairs)) <= 1:
        return rescale(stack, *pairs[0], limits) if pairs else stack
    parts = [rescale(frame, *pair, limits) for frame, pair in zip(stack, pairs, strict=True)]
    dtype = np.result_type(*{part.dtype for part in parts})
    if dtype == np.float64 and stack.dtype != np.float64:
        dtype = np.dtype(np.float32)
    return np.stack([part.astype(dtype, copy=False) for part in parts])


def _real(values: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    dtype = np.float64 if values.dtype == np.float64 else np.float32
    if values.dtype.itemsize <= _SMALL or values.dtype.kind == "f":
        out = values.astype(dtype)
        np.multiply(out, dtype(slope), out=out)
        return np.add(out, dtype(intercept), out=out)
    return (values.astype(np.float64) * slope + intercept).astype(dtype)


def _type_of(limits: tuple[int, int], slope: int, intercept: int) -> np.dtype | None:
    ends = sorted(limit * slope + intercept for limit in limits)
    return integer_type(*ends) if max(map(abs, ends)) < 2**62 else None


def apply_table(values: np.ndarray, item: Dataset, syntax: str, name: str) -> np.ndarray:
    """Map stored values through the look-up table of a sequence item; values outside it take its first or last entry.

    Args:
        values: integers.
        item: of ModalityLUTSequence or VOILUTSequence.
        syntax: UID of the transfer syntax; tells the byte order of a table in words.
        name: what errors call the file.

    Raises:
        UnreadableFileError: the table is missing or shorter than its descriptor says.
    """
    descriptor = [int(value) for value in item.get("LUTDescriptor") or ()]
    data = item.get("LUTData")
    if len(descriptor) != 3 or data is None:
        raise UnreadableFileError(f"a look-up table of {name} is incomplete", allowed="LUTDescriptor and LUTData")
    entries, first, depth = descriptor[0] or 65_536, descriptor[1], descriptor[2]
    if not 8 <= depth <= 16 or values.dtype.kind not in "iu":
        raise UnreadableFileError(f"a look-up table of {name} has {depth} bits", allowed="8 to 16, for whole numbers")
    if isinstance(data, bytes):
        table = np.frombuffer(data[: len(data) // 2 * 2], ">u2" if is_big_endian(syntax) else "<u2")
    else:
        table = np.atleast_1d(np.asarray(data, dtype=np.int64))
    if not 1 <= entries <= len(table):
        raise UnreadableFileError(f"a look-up table of {name} holds {len(table)} entries", allowed=f"{entries}")
    table = table[:entries].astype(np.uint8 if depth == 8 else np.uint16)
    return table[np.clip(values.astype(np.int64) - first, 0, entries - 1)]


def window_of(dataset: Dataset, name: str) -> tuple[float, float] | None:
    """Return the first window (centre, width) of a data set, ``None`` if it has none.

    Raises:
        UnreadableFileError: centre or width without the other, or no numbers.
    """
    found = []
    for keyword in ("WindowCenter", "WindowWidth"):
        value = dataset.get(keyword)
        if value is None or value == "":
            return None
        first = value[0] if hasattr(value, "__len__") and not isinstance(value, str | float) else value
        found.append(float(first))
    if not all(map(math.isfinite, found)):
        raise UnreadableFileError(f"the window of {name} is {found}", allowed="finite numbers")
    return found[0], found[1]


def apply_window(
    values: np.ndarray, centre: float, width: float, limits: tuple[float, float], *, function: str = "LINEAR"
) -> np.ndarray:
    """Map values through a VOI window to the range ``limits``.

    Args:
        values: after rescaling.
        centre: of the window.
        width: of the window.
        limits: smallest and largest result.
        function: LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Returns:
        float32.

    Raises:
        DataError: a width of 0 or less (less than 1 for LINEAR), or another function.

    Example:
        >>> apply_window(np.array([-200, 40, 300]), 40, 401, (0, 255)).astype(int).tolist()
        [0, 127, 255]
    """
    low, high = limits
    linear = function == "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise DataError(f"the VOI function '{function}'", allowed="LINEAR, LINEAR_EXACT, SIGMOID")
    if width < 1 if linear else width <= 0:
        raise DataError(f"a window of width {width}", allowed="1 or more" if linear else "more than 0")
    real = values.astype(np.float64)
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            return ((high - low) / (1 + np.exp(-4 * (real - centre) / width)) + low).astype(np.float32)
    if linear:
        centre, width = centre - 0.5, width - 1
    below, above = real <= centre - width / 2, real > centre + width / 2
    if width:
        real = ((real - centre) / width + 0.5) * (high - low) + low
    real[below], real[above] = low, high
    return real.astype(np.float32)
