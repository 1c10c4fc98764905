"""The names of the wrapping and coordinate modes, and what an unknown one does."""

from __future__ import annotations

from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.strictness import is_strict

__all__ = ["COORDINATES", "WRAPPINGS", "coordinate_mode", "wrapping_mode"]

WRAPPINGS = ("constant", "reflect", "nearest", "mirror", "wrap", "original")
"""What stands outside the image, in the order of EDDL's ``WrappingMode``."""

COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize")
"""How a pixel of a resized image finds its source, in the order of EDDL's ``TransformationMode``."""


def wrapping_mode(name: str) -> str:
    """Return ``name`` if it is a wrapping mode.

    Args:
        name: one of :data:`WRAPPINGS`.

    Raises:
        EddlValueError: unknown name (in strict mode it means ``"constant"``, as in the original).

    Example:
        >>> wrapping_mode("mirror")
        'mirror'
    """
    return _checked("da_mode", name, WRAPPINGS, "constant")


def coordinate_mode(name: str) -> str:
    """Return ``name`` if it is a coordinate transformation mode.

    Args:
        name: one of :data:`COORDINATES`.

    Raises:
        EddlValueError: unknown name (in strict mode it means ``"half_pixel"``, as in the original).

    Example:
        >>> coordinate_mode("asymmetric")
        'asymmetric'
    """
    return _checked("coordinate_transformation_mode", name, COORDINATES, "half_pixel")


def _checked(argument: str, name: str, allowed: tuple[str, ...], fallback: str) -> str:
    if name in allowed:
        return name
    if is_strict():
        return fallback
    raise EddlValueError(f"{argument}={name!r} is not known", allowed=", ".join(allowed), hint="use one of these names")
