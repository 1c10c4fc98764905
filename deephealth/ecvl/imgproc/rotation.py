"""Rotation about a point, clockwise for positive angles, with the numbers of the OpenCV that the original ran on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from deephealth.ecvl.enums import InterpolationType
from deephealth.ecvl.errors import EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.matrices import cv_interpolation, rounded_half_away
from deephealth.ecvl.imgproc.stacks import from_opencv, opencv
from deephealth.ecvl.imgproc.warping import warp_affine
from deephealth.ecvl.planes import picture_axes, to_hwc
from deephealth.ecvl.strictness import is_strict

__all__ = ["Rotate2D", "RotateFullImage2D"]


def Rotate2D(
    src: Image,
    dst: Image,
    angle: float,
    center: Sequence[float] | None = None,
    scale: float = 1.0,
    interp: InterpolationType | int = InterpolationType.linear,
) -> None:
    """Rotate about a point; the result has the sizes of the image, and zeros where nothing comes to lie.

    Args:
        src: axes x, y and one of c, z, o; any type but int64.
        dst: the result; may be ``src``.
        angle: degrees, clockwise.
        center: ``[x, y]`` in pixels; ``None`` or empty for the middle.
        scale: enlargement.
        interp: interpolation; ``area`` is taken for ``linear``.

    Raises:
        EcvlError: other axes, int64, or not two coordinates.

    Example:
        >>> image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2, 1), "yxc", 1)
        >>> Rotate2D(image, image, 90, [0.5, 0.5])
        >>> np.array(image)[:, :, 0].tolist()
        [[2, 0], [3, 1]]
    """
    point = [float(at) for at in (() if center is None else center)]
    if len(point) not in (0, 2):
        raise EcvlValueError(f"Rotate2D: center {point}", allowed="[x, y], or nothing for the middle")
    width, height = _size(src, "Rotate2D")
    middle = (point[0], point[1]) if point else (width / 2, height / 2)
    with opencv("Rotate2D"):
        matrix = cv2.getRotationMatrix2D(middle, -float(angle), float(scale))
        _turn(src, dst, matrix, (width, height), interp, scale)


def RotateFullImage2D(
    src: Image,
    dst: Image,
    angle: float,
    scale: float = 1.0,
    interp: InterpolationType | int = InterpolationType.linear,
) -> None:
    """Rotate about the middle; the result is as large as it takes to hold everything.

    Args:
        src: axes x, y and one of c, z, o; any type but int64.
        dst: the result; may be ``src``.
        angle: degrees, clockwise.
        scale: enlargement.
        interp: interpolation; ``area`` is taken for ``linear``.

    Raises:
        EcvlError: other axes, int64, or a result below 1 pixel.

    Example:
        >>> from deephealth.ecvl.enums import ColorType, DataType
        >>> image = Image([6, 4, 1], DataType.uint8, "xyc", ColorType.GRAY)
        >>> RotateFullImage2D(image, image, 90)
        >>> image.dims_
        [4, 6, 1]
    """
    width, height = _size(src, "RotateFullImage2D")
    with opencv("RotateFullImage2D"):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -float(angle), float(scale))
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        size = (
            rounded_half_away(height * sine + width * cosine),
            rounded_half_away(height * cosine + width * sine),
        )
        if min(size) < 1:
            raise EcvlValueError(f"RotateFullImage2D: the result would have the sizes {size}", allowed="1 or more")
        matrix[0, 2] += size[0] // 2 - width / 2
        matrix[1, 2] += size[1] // 2 - height / 2
        _turn(src, dst, matrix, size, interp, scale)


def _size(src: Image, what: str) -> tuple[int, int]:
    y, x, _ = picture_axes(src, what)
    dims = src.dims_
    return (dims[0], dims[1]) if is_strict() else (dims[x], dims[y])  # the original takes the first two axes


def _turn(
    src: Image, dst: Image, matrix: np.ndarray, size: tuple[int, int], interp: InterpolationType | int, scale: float
) -> None:
    if not np.isfinite(matrix).all():
        raise EcvlValueError("rotation: the angle, center or scale is not a finite number")
    flag = cv_interpolation(interp)
    found = warp_affine(to_hwc(src, "rotation"), matrix, size, flag)
    from_opencv(src, dst, found, spacings=_spacings(src, scale))


def _spacings(src: Image, scale: float) -> list[float]:
    steps = src.spacings_
    if len(steps) == len(src.dims_) and scale not in (0, 1) and math.isfinite(scale):
        for axis in picture_axes(src, "rotation")[:2]:
            steps[axis] /= abs(scale)
    return steps
