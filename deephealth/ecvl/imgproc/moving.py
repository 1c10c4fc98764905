"""Operations that only move pixels: they keep the memory order they find, planar or interleaved, and every type."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deephealth.ecvl.enums import DataType
from deephealth.ecvl.image import Image
from deephealth.ecvl.planes import like, picture_axes

__all__ = ["in_memory_order", "lying", "moved", "plane_axes"]

_OPENCV_CHANNELS = 64  # that go through OpenCV at once; version 5 takes 128 at most

Move = Callable[[np.ndarray], np.ndarray]


def in_memory_order(pixels: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return an array as a C-contiguous one, without a copy if it has no gaps, and the axes that lead back.

    Example:
        >>> flat, back = in_memory_order(np.zeros((4, 3, 2), order="F"))
        >>> flat.shape, flat.transpose(back).shape
        ((2, 3, 4), (4, 3, 2))
    """
    order = sorted(range(pixels.ndim), key=lambda axis: -abs(pixels.strides[axis]))
    if not pixels.transpose(order).flags.c_contiguous and pixels.flags.c_contiguous:
        order = list(range(pixels.ndim))  # axes of size 1 have any stride
    return np.ascontiguousarray(pixels.transpose(order)), [order.index(axis) for axis in range(pixels.ndim)]


def moved(src: Image, what: str, move: Move) -> np.ndarray:
    """Return the pixels after ``move``, which gets H x W x C or H x W arrays, as a view in the image's own axes.

    Args:
        src: axes x, y and one of c, z, o.
        what: name of the operation, for messages.
        move: returns a new array; 64-bit whole numbers come as ``float64``, which OpenCV moves without a change.
    """
    axes = picture_axes(src, what)
    pixels = src.pixels
    if src.elemtype_ is not DataType.int64:
        return _moved(src, pixels.transpose(axes), move)
    memory, back = in_memory_order(pixels)
    bits = memory.view(np.float64).transpose(back)
    return _moved(src, bits.transpose(axes), move).view(np.int64)


def plane_axes(src: Image, what: str) -> tuple[int, int]:
    """Return the positions of y and x in an image of any rank, such as a volume over time.

    Raises:
        EcvlError: empty, or without x, y, or any of c, z and o.
    """
    channels = src.channels_
    if "x" not in channels or "y" not in channels or not set("czo") & set(channels) or src.IsEmpty():
        y, x, _ = picture_axes(src, what)  # which says what is wrong
        return y, x
    return channels.index("y"), channels.index("x")


def lying(src: Image, what: str) -> np.ndarray | None:
    """Return the pixels as H x W x C if they lie so in memory and OpenCV moves them as they are, else ``None``.

    Args:
        src: axes x, y and one of c, z, o.
        what: name of the operation, for messages.
    """
    hwc = src.pixels.transpose(picture_axes(src, what))
    count = hwc.shape[2]
    if not hwc.flags.c_contiguous or not hwc.size or count > _OPENCV_CHANNELS or src.elemtype_ is DataType.int64:
        return None
    return hwc if count > 1 else hwc.ravel().reshape(hwc.shape)  # OpenCV copies where the step of an axis is odd


def _moved(src: Image, hwc: np.ndarray, move: Move) -> np.ndarray:
    if hwc.flags.c_contiguous:
        return like(src, move(hwc))
    planes = hwc.transpose(2, 0, 1)
    if not planes.flags.c_contiguous:
        return like(src, move(np.ascontiguousarray(hwc)))
    first = move(planes[0])
    found = np.empty((len(planes), *first.shape), first.dtype)
    found[0] = first
    for at in range(1, len(planes)):
        found[at] = move(planes[at])
    return like(src, found.transpose(1, 2, 0))
