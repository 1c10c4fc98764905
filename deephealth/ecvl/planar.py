"""An image into the float32 memory of a batch: type and memory order change in one go, without a copy between."""

from __future__ import annotations

import threading

import cv2
import numpy as np

from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.planes import picture_axes

__all__ = ["write_planes"]

_MOST_PLANES = 512  # channels of an OpenCV matrix
_STRIP = 96 * 1024  # numbers that stay in the second-level cache while they are converted and sorted into planes
_LOCAL = threading.local()


def write_planes(image: Image, out: np.ndarray, divisor: float = 1.0) -> None:
    """Write an image into float32 memory C x H x W, converting type and order in one go.

    Args:
        image: image with the axes x, y and one of c, z, o.
        out: C-contiguous float32 array of the image's sizes.
        divisor: what the values are divided by; a number that single precision holds exactly.

    Raises:
        EcvlError: other axes or sizes.

    Example:
        >>> image = Image.fromarray(np.full((1, 2, 3), 51, np.uint8), "yxc", 2)
        >>> planes = np.empty((3, 1, 2), np.float32)
        >>> write_planes(image, planes, 255)
        >>> planes[2].tolist()
        [[0.20000000298023224, 0.20000000298023224]]
    """
    y, x, third = picture_axes(image, "ImageToTensor")
    pixels = image.pixels
    planar, interleaved = pixels.transpose(third, y, x), pixels.transpose(y, x, third)
    if planar.shape != out.shape:
        raise EcvlError(
            f"the image is {' x '.join(map(str, planar.shape))} (channels, height, width)",
            allowed=" x ".join(map(str, out.shape)),
        )
    if interleaved.flags.c_contiguous and 1 < interleaved.shape[2] <= _MOST_PLANES:
        _sort_into_planes(interleaved, out, divisor)
    elif divisor == 1:
        np.copyto(out, planar, casting="unsafe")
    else:
        np.divide(planar, np.float32(divisor), out=out, dtype=np.float32, casting="unsafe")


def _sort_into_planes(hwc: np.ndarray, out: np.ndarray, divisor: float) -> None:
    height, width, count = hwc.shape
    rows = max(1, _STRIP // max(1, width * count))
    for row in range(0, height, rows):
        strip = hwc[row : row + rows]
        if divisor != 1 or strip.dtype != np.float32:
            scratch = _scratch(strip.size).reshape(strip.shape)
            if divisor == 1:
                np.copyto(scratch, strip, casting="unsafe")
            else:
                np.divide(strip, np.float32(divisor), out=scratch, dtype=np.float32, casting="unsafe")
            strip = scratch
        cv2.split(strip, [plane[row : row + rows] for plane in out])


def _scratch(count: int) -> np.ndarray:
    """Return memory of this thread: the allocator would hand large pieces back and fetch them anew for each image."""
    memory: np.ndarray | None = getattr(_LOCAL, "memory", None)
    if memory is None or memory.size < count:
        memory = _LOCAL.memory = np.empty(max(count, _STRIP), dtype=np.float32)
    return memory[:count]
