"""From real values to the whole numbers that a DICOM image stores, with the slope and intercept that lead back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.valuerep import format_number_as_ds

from deephealth.core.errors import DataError

__all__ = ["StoredValues", "decimal", "stored_values"]

_TYPES = (np.int16, np.uint16)
_STEPS = 65535


@dataclass(frozen=True, slots=True)
class StoredValues:
    """What goes into the pixel data: ``values = pixels * slope + intercept``.

    Args:
        pixels: int16 or uint16, the shape of the values.
        slope: real units per step.
        intercept: real value of a stored 0.
        exact: whether the way back gives the very values; otherwise they are within half a step.
    """

    pixels: np.ndarray
    slope: float
    intercept: float
    exact: bool


def decimal(value: float) -> str:
    """Return a number as a DICOM decimal string: at most 16 characters.

    Example:
        >>> decimal(1 / 3), decimal(-2.0), decimal(0.1 + 0.2)
        ('0.33333333333333', '-2.0', '0.3')
    """
    return format_number_as_ds(float(f"{float(value) + 0.0:.14g}"))


def stored_values(values: np.ndarray, name: str = "the volume") -> StoredValues:
    """Choose 16-bit numbers for real values: as they are if they fit, shifted if their range fits, in steps otherwise.

    Args:
        values: any shape; bool, integer or floating point, all finite.
        name: what errors call it.

    Raises:
        DataError: NaN or infinity, complex numbers, or nothing at all.

    Example:
        >>> stored = stored_values(np.array([0.0, 0.5, 1.0]))
        >>> stored.exact, bool(np.abs(stored.pixels * stored.slope + stored.intercept - [0, 0.5, 1]).max() < 1e-5)
        (False, True)
        >>> stored_values(np.array([-1024, 3071])).pixels.dtype
        dtype('int16')
    """
    low, high = _range(values, name)
    if _is_whole(values):
        for dtype in _TYPES:
            limits = np.iinfo(dtype)
            if limits.min <= low and high <= limits.max:
                return StoredValues(values.astype(dtype, copy=False), 1.0, 0.0, exact=True)
        if high - low <= _STEPS:
            # subtracted in a type that holds both ends, whatever the type of the values
            wide = values.astype(np.float64) if values.dtype.kind == "f" else values.astype(object)
            return StoredValues((wide - low).astype(np.uint16), 1.0, float(low), exact=abs(low) < 2**46)
    return _in_steps(values, float(low), float(high), name)


def _range(values: np.ndarray, name: str) -> tuple[float | int, float | int]:
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {values.dtype}", allowed="bool, integers or floating point")
    if not values.size:
        raise DataError(f"{name} has the shape {values.shape}", allowed="at least one voxel")
    low, high = values.min().item(), values.max().item()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{name} holds NaN or infinity", allowed="finite values", hint="replace them before writing")
    return low, high


def _is_whole(values: np.ndarray) -> bool:
    return values.dtype.kind in "biu" or bool((np.rint(values) == values).all())


def _in_steps(values: np.ndarray, low: float, high: float, name: str) -> StoredValues:
    slope = float(decimal((high - low) / _STEPS)) if high > low else 1.0
    intercept = float(decimal(low))
    if not (np.isfinite(slope) and slope > 0):
        raise DataError(f"{name} reaches from {low} to {high}", allowed="a range that 65,536 steps can divide")
    pixels = np.clip(np.rint((values.astype(np.float64) - intercept) / slope), 0, _STEPS).astype(np.uint16)
    return StoredValues(pixels, slope, intercept, exact=False)
