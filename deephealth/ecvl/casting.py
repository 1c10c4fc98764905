"""The one place where numbers change type: clamp to the range, then cut the fraction off (ECVL never rounds)."""

from __future__ import annotations

from typing import Any

import numpy as np

from deephealth.ecvl.enums import DataType
from deephealth.ecvl.errors import EcvlError, EcvlValueError

__all__ = ["cast", "data_type_of", "dtype_of", "saturate_cast", "saturate_scalar", "wrap_cast"]

_DTYPES = {dt: np.dtype(dt.name) for dt in DataType if dt is not DataType.none}
_TYPES = {dtype: dt for dt, dtype in _DTYPES.items()}
_WIDE = 4  # bytes of the types whose largest number a float32 can't tell from the next
_WIDENED = {np.dtype(bool): np.uint8, np.dtype(np.uint32): np.int64, np.dtype(np.float16): np.float32}


def dtype_of(elemtype: DataType | int) -> np.dtype[Any]:
    """Return the NumPy type of an element type.

    Raises:
        EcvlError: ``DataType.none``.

    Example:
        >>> dtype_of(DataType.int16)
        dtype('int16')
    """
    elemtype = DataType(elemtype)
    if elemtype is DataType.none:
        raise EcvlError("the element type is DataType.none", allowed="one of the eight real types")
    return _DTYPES[elemtype]


def data_type_of(array: np.ndarray) -> tuple[DataType, np.ndarray]:
    """Return the element type of an array and the array in that type: exact, or widened without loss.

    Raises:
        EcvlValueError: a type that no element type can hold (complex, text, 64-bit unsigned ...).

    Example:
        >>> data_type_of(np.array([True]))
        (<DataType.uint8: 6>, array([1], dtype=uint8))
    """
    exact = _TYPES.get(array.dtype)
    if exact is not None:
        return exact, array
    native = array.dtype.newbyteorder("=")
    if native in _TYPES:
        return _TYPES[native], array.astype(native, copy=False)
    if native in _WIDENED:
        wide = np.dtype(_WIDENED[native])
        return _TYPES[wide], array.astype(wide)
    raise EcvlValueError(
        f"an array of {array.dtype} can't become an image",
        allowed=", ".join(str(dtype) for dtype in _TYPES) + ", bool, uint32, float16",
        hint="convert it with array.astype(...)",
    )


def saturate_cast(array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Clamp to the range of ``dtype`` and cut fractions off towards zero.

    NaN becomes what the original gives on x86: 0 in 8 and 16 bits, the smallest number in 32 and 64.

    Example:
        >>> saturate_cast(np.array([-1.5, 2.9, 300.0]), np.dtype(np.uint8))
        array([  0,   2, 255], dtype=uint8)
    """
    if array.dtype == dtype:
        return array.copy()
    if np.can_cast(array.dtype, dtype, "safe"):
        return array.astype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.clip(array.astype(dtype), np.finfo(dtype).min, np.finfo(dtype).max)
    info = np.iinfo(dtype)
    if array.dtype.kind != "f":
        low, high = max(info.min, np.iinfo(array.dtype).min), min(info.max, np.iinfo(array.dtype).max)
        return np.clip(array, low, high).astype(dtype)
    if dtype.itemsize >= _WIDE:
        return _saturate_wide(array, dtype)
    with np.errstate(invalid="ignore"):
        clipped = np.clip(array, float(info.min), float(info.max))
        if np.isnan(clipped).any():
            clipped = np.nan_to_num(clipped, nan=0.0)
        return clipped.astype(dtype)


def wrap_cast(array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Cast as C does: fractions are cut off, whole numbers wrap round.

    Example:
        >>> wrap_cast(np.array([128, 300]), np.dtype(np.int8))
        array([-128,   44], dtype=int8)
    """
    with np.errstate(invalid="ignore", over="ignore"):
        if array.dtype.kind == "f" and dtype.kind in "iu" and dtype.itemsize < 8:
            return array.astype(np.int64).astype(dtype)
        return array.astype(dtype)


def cast(array: np.ndarray, dtype: np.dtype[Any], *, saturate: bool = True) -> np.ndarray:
    """Return a new array of another type, saturating or wrapping."""
    return saturate_cast(array, dtype) if saturate else wrap_cast(array, dtype)


def saturate_scalar(value: float, dtype: np.dtype[Any]) -> Any:
    """Return one number in another type, clamped and cut.

    Example:
        >>> int(saturate_scalar(-3.7, np.dtype(np.int8))), int(saturate_scalar(999, np.dtype(np.uint8)))
        (-3, 255)
    """
    return saturate_cast(np.asarray(value), dtype)[()]


def _saturate_wide(array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Saturate to 32 or 64 bits, where the largest number may have no exact floating-point twin."""
    info = np.iinfo(dtype)
    with np.errstate(invalid="ignore"):
        wide = array.astype(np.float64)
        found = np.clip(np.where(np.isnan(wide), float(info.min), wide), float(info.min), float(info.max))
        over = found >= float(info.max)
        whole = np.where(over, 0, found).astype(dtype)
    return np.where(over, np.array(info.max, dtype), whole)
