"""Mirror images: upside down, left to right, and x for y."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.moving import lying, moved, plane_axes
from deephealth.ecvl.imgproc.stacks import in_groups, keep
from deephealth.ecvl.planes import like, room
from deephealth.ecvl.strictness import is_strict

__all__ = ["Flip2D", "Mirror2D", "Transpose"]

_MOST = 64  # channels that go through OpenCV at once; version 5 takes 128 at most
_MOST_TRANSPOSED = 4
_PICTURE_RANK = 3


def Flip2D(src: Image, dst: Image) -> None:
    """Turn an image upside down.

    Args:
        src: any axes with x, y and one of c, z, o; any type.
        dst: the result; may be ``src``.

    Raises:
        EcvlError: empty, or other axes.

    Example:
        >>> image = Image.fromarray(np.array([[[1], [2]]]), "xyc", 1)
        >>> Flip2D(image, image)
        >>> np.array(image).ravel().tolist()
        [2, 1]
    """
    _mirror(src, dst, "Flip2D", 0)


def Mirror2D(src: Image, dst: Image) -> None:
    """Turn an image left to right.

    Args:
        src: any axes with x, y and one of c, z, o; any type.
        dst: the result; may be ``src``.

    Raises:
        EcvlError: empty, or other axes.

    Example:
        >>> image = Image.fromarray(np.array([[[1]], [[2]]]), "xyc", 1)
        >>> Mirror2D(image, image)
        >>> np.array(image).ravel().tolist()
        [2, 1]
    """
    _mirror(src, dst, "Mirror2D", 1)


def Transpose(src: Image, dst: Image) -> None:
    """Swap x and y.

    Args:
        src: any axes with x, y and one of c, z, o; any type.
        dst: the result; may be ``src``.

    Raises:
        EcvlError: empty, or other axes.

    Example:
        >>> image = Image.fromarray(np.zeros((4, 3, 1)), "xyc", 1, [0.5, 0.7, 1])
        >>> Transpose(image, image)
        >>> image.dims_, image.spacings_
        ([3, 4, 1], [0.7, 0.5, 1.0])
    """
    y, x = plane_axes(src, "Transpose")
    flat = len(src.channels_) == _PICTURE_RANK
    found = moved(src, "Transpose", _transposed) if flat else src.pixels.swapaxes(y, x).copy(order="K")
    steps = src.spacings_
    if len(steps) == len(src.dims_) and not is_strict():  # the original forgets to
        steps[x], steps[y] = steps[y], steps[x]
    keep(src, dst, found, spacings=steps)


def _mirror(src: Image, dst: Image, what: str, code: int) -> None:
    y, x = plane_axes(src, what)
    if len(src.channels_) != _PICTURE_RANK:
        keep(src, dst, np.flip(src.pixels, x if code else y).copy(order="K"))
        return
    hwc = lying(src, what)
    if hwc is None:
        keep(src, dst, moved(src, what, partial(_flipped, code=code)))
        return
    found = cv2.flip(hwc, code, dst=room(src, dst, hwc.shape))
    keep(src, dst, like(src, found.reshape(hwc.shape)))


def _flipped(array: np.ndarray, code: int) -> np.ndarray:
    if (array.ndim == _PICTURE_RANK and array.shape[2] > _MOST) or not array.size:
        return np.flip(array, code).copy()
    return cv2.flip(array, code).reshape(array.shape)


def _transposed(array: np.ndarray) -> np.ndarray:
    if not array.size:
        return array.swapaxes(0, 1).copy()
    if array.ndim == _PICTURE_RANK:
        return in_groups(array, _MOST_TRANSPOSED, cv2.transpose)
    return cv2.transpose(array)
