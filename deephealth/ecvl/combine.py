"""Element by element: two images, or an image and a number, in exact arithmetic, brought to the target type at the end.

The original first casts the left operand to the target type (wrapping), and computes products of 8-bit numbers in 16
bits; strict mode computes as it does. A division of whole numbers by zero, which killed its process, is an error here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from deephealth.ecvl.casting import cast, saturate_cast, wrap_cast
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["combine", "combine_into", "operand"]

Number = int | float
Operand = np.ndarray | int | float
_FLOAT = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
_SATURATING: dict[str, Callable[..., Any]] = {"add": cv2.add, "sub": cv2.subtract}
_SHORT = frozenset(map(np.dtype, ("uint8", "int8", "uint16", "int16")))
_LONG = 8  # bytes


def combine_into(name: str, image: Image, other: Image | Number, saturate: bool) -> None:
    """Combine ``image`` with ``other`` in its own type and memory.

    Args:
        name: ``"add"``, ``"sub"``, ``"mul"`` or ``"div"``.
        image: left operand and result.
        other: image of the same dims and axes, or a number.
        saturate: clamp to the range of the type; else wrap.

    Raises:
        EcvlError: other dims or axes, or a division of whole numbers by zero.
    """
    pixels = image.pixels
    pixels[...] = combine(name, pixels, operand(image, other), pixels.dtype, saturate=saturate)


def operand(image: Image, other: Image | Number) -> Operand:
    """Return the right operand's pixels, or the number it is; checked against the left one.

    Raises:
        EcvlError: other dims or axes.
        TypeError: neither an image nor a number.
    """
    if isinstance(other, int | float | np.number | np.bool_):
        return float(other) if isinstance(other, float | np.floating) else int(other)
    if not hasattr(other, "pixels"):
        msg = f"the operand is a {type(other).__name__}, and must be an Image or a number"
        raise TypeError(msg)
    right = other.pixels
    other_axes = other.channels_ != image.channels_ and not is_strict()  # the original looks at neither
    if other.dims_ != image.dims_ or other_axes:
        raise EcvlError(
            f"an image of {image.dims_} '{image.channels_}' and one of {other.dims_} '{other.channels_}'",
            allowed="the same dims_ and channels_",
        )
    return right


def combine(name: str, left: Operand, right: Operand, dtype: np.dtype[Any], *, saturate: bool = True) -> np.ndarray:
    """Return ``left name right`` as ``dtype``.

    Args:
        name: ``"add"``, ``"sub"``, ``"mul"`` or ``"div"``.
        left: array of any shape, or a number.
        right: array of the same shape, or a number.
        dtype: type of the result.
        saturate: clamp to its range; else wrap.

    Raises:
        EcvlError: a division of whole numbers by zero.

    Example:
        >>> combine("mul", np.array([200], np.uint8), np.array([200], np.uint8), np.dtype(np.uint8))
        array([255], dtype=uint8)
    """
    if is_strict():
        return _as_original(name, left, right, dtype, saturate)
    quick = _quick(name, left, right, dtype) if saturate else None
    if quick is not None:
        return quick
    if dtype.kind == "f" or _is_float(left) or _is_float(right):
        return _fractions(name, left, right, dtype, saturate)
    return _whole(name, np.asarray(left), np.asarray(right), dtype, saturate)


def _fractions(name: str, left: Operand, right: Operand, dtype: np.dtype[Any], saturate: bool) -> np.ndarray:
    """Compute in double precision, or in single where that gives the same; saturated infinities are largest numbers."""
    single = dtype == np.float32 and _is_single(left) and _is_single(right)
    wide = np.float32 if single else np.float64
    with np.errstate(all="ignore"):
        found: np.ndarray = _FLOAT[name](np.asarray(left, wide), np.asarray(right, wide))
        if dtype.kind == "f" and saturate:
            found = found if found.dtype == dtype else found.astype(dtype)
            return _without_infinities(found) if np.isinf(found).any() else found
    return cast(found, dtype, saturate=saturate)


def _is_single(value: Operand) -> bool:
    """Return whether single precision holds the operand exactly; one operation on such numbers rounds alike in both."""
    return value.dtype == np.float32 if isinstance(value, np.ndarray) else float(np.float32(value)) == value


def _without_infinities(found: np.ndarray) -> np.ndarray:
    top = np.finfo(found.dtype).max
    return np.clip(found, -top, top)


def _is_float(value: Operand) -> bool:
    return np.asarray(value).dtype.kind == "f"


def _quick(name: str, left: Operand, right: Operand, dtype: np.dtype[Any]) -> np.ndarray | None:
    """Add or subtract short whole numbers of one type and one memory order with saturating vector instructions."""
    if name not in _SATURATING or dtype not in _SHORT:
        return None
    if not (isinstance(left, np.ndarray) and isinstance(right, np.ndarray)):
        return None
    if not left.dtype == right.dtype == dtype or left.strides != right.strides or not left.size:
        return None
    order = sorted(range(left.ndim), key=lambda axis: -left.strides[axis])
    rows, columns = left.transpose(order), right.transpose(order)
    if not rows.flags.c_contiguous or min(left.strides) < 0:
        return None
    found = _SATURATING[name](rows.reshape(rows.shape[0], -1), columns.reshape(rows.shape[0], -1))
    return found.reshape(rows.shape).transpose(np.argsort(order))  # type: ignore[no-any-return]


def _whole(name: str, left: np.ndarray, right: np.ndarray, dtype: np.dtype[Any], saturate: bool) -> np.ndarray:
    """Whole numbers: exact in 64 bits, and where 64 bits don't suffice, saturated at the ends of their range."""
    a, b = left.astype(np.int64), right.astype(np.int64)
    if name == "div":
        _check_divisor(b)
        found = np.floor_divide(a, b)
        found += ((found < 0) | ((a < 0) != (b < 0))) & (found * b != a)  # towards zero
        return cast(found, dtype, saturate=saturate)
    with np.errstate(over="ignore"):
        found = _FLOAT[name](a, b)
    if saturate and _LONG in (left.dtype.itemsize, right.dtype.itemsize):
        rough = _FLOAT[name](a.astype(np.float64), b.astype(np.float64))
        found = np.where(rough >= 2.0**63, np.iinfo(np.int64).max, found)
        found = np.where(rough < -(2.0**63), np.iinfo(np.int64).min, found)
    return cast(found, dtype, saturate=saturate)


def _check_divisor(divisor: np.ndarray) -> None:
    if not np.all(divisor):
        raise EcvlError(
            "division of whole numbers by zero",
            allowed="divisors other than 0",
            hint="convert to DataType.float32 first, or replace the zeros",
        )


def _as_original(name: str, left: Operand, right: Operand, dtype: np.dtype[Any], saturate: bool) -> np.ndarray:
    """Compute as the original: left operand cast first (wrapping), then C++ arithmetic in the promoted type."""
    a = wrap_cast(np.asarray(left), dtype) if isinstance(left, np.ndarray) else np.asarray(left)
    b = np.asarray(right) if isinstance(right, np.ndarray) else _c_scalar(right)
    wide = _promoted(a.dtype, b.dtype) if saturate else _usual(a.dtype, b.dtype)
    if wide.kind == "f":
        with np.errstate(all="ignore"):
            found = _FLOAT[name](wrap_cast(a, wide), wrap_cast(b, wide))
            if dtype.kind == "f":
                found = found.astype(dtype)
                return _without_infinities(found) if saturate else found
        return cast(found, dtype, saturate=saturate)
    whole = _whole(name, wrap_cast(a, wide), wrap_cast(b, wide), np.dtype(np.int64), False)
    return (saturate_cast if saturate else wrap_cast)(wrap_cast(whole, wide), dtype)


def _c_scalar(value: Number) -> np.ndarray:
    return np.asarray(value, np.float64 if isinstance(value, float) else np.int32)


def _promoted(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """Type of a saturating operation: double for 8-byte operands, the float, else the next wider whole number."""
    if _LONG in (a.itemsize, b.itemsize):
        return np.dtype(np.float64)
    if "f" in (a.kind, b.kind):
        return np.dtype(np.float32)
    size = max(a.itemsize, b.itemsize)
    return np.dtype({1: np.int16, 2: np.int32, 4: np.int64}[size])


def _usual(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """Type of an operation without saturation: C's usual arithmetic conversions."""
    floats = [dtype for dtype in (a, b) if dtype.kind == "f"]
    if floats:
        return max(floats, key=lambda dtype: dtype.itemsize)
    return np.dtype(np.int64 if _LONG in (a.itemsize, b.itemsize) else np.int32)
