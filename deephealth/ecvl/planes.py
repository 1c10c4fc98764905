"""Between an image's own axes and the H x W x C arrays that OpenCV works on, without copies where memory allows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.ecvl.enums import DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["from_hwc", "like", "picture_axes", "to_hwc"]

_PICTURE_RANK = 3
_MOST_PLANES = 512  # channels of an OpenCV matrix


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
    channels = image.channels_
    if image.IsEmpty():
        raise EcvlError(f"{what}: the image is empty")
    third = [at for at, letter in enumerate(channels) if letter in "czo"]
    if len(channels) != _PICTURE_RANK or "x" not in channels or "y" not in channels or len(third) != 1:
        raise EcvlError(
            f"{what}: the image has the axes '{channels}'",
            allowed="x, y and one of c, z, o, in any order",
            hint="cut or rename axes first (dims_, channels_), or take single slices",
        )
    return channels.index("y"), channels.index("x"), third[0]


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
        return hwc
    count = hwc.shape[2]
    planes = hwc.transpose(2, 0, 1)
    if 1 < count <= _MOST_PLANES and planes.flags.c_contiguous and hwc.dtype != np.int64:
        merged = cv2.merge(list(planes))  # several times as fast as NumPy's transposing copy
        return merged.reshape(hwc.shape)
    return np.ascontiguousarray(hwc)


def like(image: Image, hwc: np.ndarray) -> np.ndarray:
    """Return an H x W x C (or H x W) array as a view in the order of the image's own axes."""
    y, x, third = picture_axes(image, "like")
    if hwc.ndim < _PICTURE_RANK:
        hwc = hwc[:, :, None]
    order = [0, 0, 0]
    order[y], order[x], order[third] = 0, 1, 2
    return hwc.transpose(order)


def from_hwc(src: Image, dst: Image, hwc: np.ndarray, *, spacings: Iterable[float] | None = None) -> None:
    """Give ``dst`` the result of an operation on ``src``: its axes, colour type, metadata, and spacings.

    Args:
        src: what the operation read.
        dst: what it writes; may be ``src``.
        hwc: H x W x C or H x W, memory of its own.
        spacings: of the result; ``None`` keeps those of ``src``. Strict mode drops them, as the original does.
    """
    steps = list(src.spacings_ if spacings is None else spacings)
    dst.rebind(
        like(src, hwc),
        channels=src.channels_,
        colortype=src.colortype_,
        spacings=() if is_strict() else steps,
        meta=src.meta_,
    )
