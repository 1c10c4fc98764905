"""Between an image's own axes and the H x W x C arrays that OpenCV works on, without copies where memory allows it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

import cv2
import numpy as np

from deephealth.ecvl.enums import DataType
from deephealth.ecvl.errors import EcvlError

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["like", "picture_axes", "room", "to_hwc"]

_PICTURE_RANK = 3
_MOST_PLANES = 128  # channels of a matrix, from OpenCV 5 on


def picture_axes(image: Image, what: str) -> tuple[int, int, int]:
    """Return the positions of y, x and the one of c, z, o in ``channels_``.

    Args:
        image: the image.
        what: name of the operation, for the message.

    Raises:
        EcvlError: empty, or the axes are not exactly x, y and one of c, z, o.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> picture_axes(Image([3, 8, 6], DataType.uint8, "cxy", 2), "Flip2D")
        (2, 1, 0)
    """
    axes = _axes_of(image.channels_)
    if axes is None or image.IsEmpty():
        _refuse(image, what)
    return axes  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _axes_of(channels: str) -> tuple[int, int, int] | None:
    third = [at for at, letter in enumerate(channels) if letter in "czo"]
    if len(channels) != _PICTURE_RANK or "x" not in channels or "y" not in channels or len(third) != 1:
        return None
    return channels.index("y"), channels.index("x"), third[0]


@lru_cache(maxsize=64)
def _back(channels: str) -> tuple[int, ...]:
    """Return for each axis of an image where it stands in H x W x C."""
    return tuple("yx".find(letter) if letter in "yx" else 2 for letter in channels)


def _refuse(image: Image, what: str) -> NoReturn:
    if image.IsEmpty():
        raise EcvlError(f"{what}: the image is empty")
    raise EcvlError(
        f"{what}: the image has the axes '{image.channels_}'",
        allowed="x, y and one of c, z, o, in any order",
        hint="cut or rename axes first (dims_, channels_), or take single slices",
    )


def room(src: Image, dst: Image, shape: tuple[int, int, int]) -> np.ndarray | None:
    """Return the memory of ``dst`` as H x W x C, if a result of that shape and of the type of ``src`` may go there.

    Writing where the last result was keeps the memory in the processor's cache. It is allowed where nobody else can
    see it: ``dst`` is not ``src``, owns its memory, and never gave it away.

    Args:
        src: what the operation reads.
        dst: what it writes.
        shape: of the result.
    """
    if dst is src or dst.elemtype_ is not src.elemtype_ or dst.channels_ != src.channels_:
        return None
    if dst.is_shared() or not dst.IsOwner() or dst.IsEmpty():
        return None
    axes = _axes_of(dst.channels_)
    hwc = None if axes is None else dst.pixels.transpose(axes)
    if hwc is None or hwc.shape != shape or not hwc.flags.c_contiguous or not hwc.flags.writeable:
        return None
    return hwc if shape[2] > 1 else hwc.ravel().reshape(shape)


def to_hwc(image: Image, what: str, *, any_type: bool = False) -> np.ndarray:
    """Return the pixels as a C-contiguous H x W x C array; it shares memory with the image where that is possible.

    Args:
        image: the image; not written to by callers.
        what: name of the operation, for messages.
        any_type: take 64-bit whole numbers too, which OpenCV can't compute with.

    Raises:
        EcvlError: as :func:`picture_axes`, or ``DataType.int64``.
    """
    axes = picture_axes(image, what)
    if image.elemtype_ is DataType.int64 and not any_type:
        raise EcvlError(
            f"{what}: the image is {image.elemtype_}", allowed="all other types", hint="convert it with ConvertTo first"
        )
    hwc = image.pixels.transpose(axes)
    if hwc.flags.c_contiguous:
        return hwc if hwc.shape[2] > 1 else hwc.ravel().reshape(hwc.shape)  # OpenCV copies where a step is odd
    count = hwc.shape[2]
    planes = hwc.transpose(2, 0, 1)
    if 1 < count <= _MOST_PLANES and planes.flags.c_contiguous and hwc.dtype != np.int64:
        merged = cv2.merge(list(planes))  # several times as fast as NumPy's transposing copy
        return merged.reshape(hwc.shape)
    return np.ascontiguousarray(hwc)


def like(image: Image, hwc: np.ndarray) -> np.ndarray:
    """Return an H x W x C (or H x W) array as a view in the order of the image's own axes."""
    if hwc.ndim < _PICTURE_RANK:
        hwc = hwc[:, :, None]
    return hwc.transpose(_back(image.channels_))
