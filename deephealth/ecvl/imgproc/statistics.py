"""Means, deviations and histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.stacks import to_stack

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["Histogram", "MeanStdDev"]

_COLOURS = 3
_LEVELS = 256
_MOST_AT_ONCE = 1 << 24  # pixels that OpenCV's float32 bins count exactly
_MOST_CHANNELS = 4
_OPENCV_TYPES = (np.uint8, np.uint16, np.int16, np.int8, np.float32, np.float64, np.int32)


def MeanStdDev(src: Image, *, own_order: bool = False) -> tuple[list[float], list[float]]:
    """Return the mean and the population standard deviation of each channel.

    Args:
        src: image with x, y, and any others; any number of channels.
        own_order: give those of an RGB image in its own order: red, green, blue.

    Returns:
        Means and deviations in the order of the channels; those of an RGB image in the order blue, green, red, as in
        the original, unless ``own_order``. :func:`~deephealth.ecvl.Normalize` takes them in the image's own order.

    Raises:
        EcvlError: no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> MeanStdDev(Image.fromarray(np.array([[[1.0], [3.0]]]), "xyc", 1))
        ([2.0], [1.0])
        >>> picture = Image.fromarray(np.array([[[90, 60, 30]]], np.uint8), "xyc", 2)
        >>> MeanStdDev(picture)[0], MeanStdDev(picture, own_order=True)[0]
        ([30.0, 60.0, 90.0], [90.0, 60.0, 30.0])
    """
    stack = to_stack(src, "MeanStdDev")
    if stack.dtype in _OPENCV_TYPES and stack.shape[2] <= _MOST_CHANNELS:
        mean, deviation = (part.reshape(-1).tolist() for part in cv2.meanStdDev(stack))
    else:
        wide = stack.reshape(-1, stack.shape[2]).astype(np.float64)
        mean, deviation = wide.mean(axis=0).tolist(), wide.std(axis=0).tolist()
    if src.colortype_ is ColorType.RGB and len(mean) == _COLOURS and not own_order:
        return mean[::-1], deviation[::-1]
    return mean, deviation


def Histogram(src: Image) -> list[float]:
    """Return the share of the elements that have each of the 256 levels.

    Args:
        src: 8-bit image of any axes.

    Raises:
        EcvlError: empty, or another element type.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> Histogram(Image.fromarray(np.array([[0, 0, 3, 3]], np.uint8), "xy", 0))[:4]
        [0.5, 0.0, 0.0, 0.5]
    """
    if src.IsEmpty():
        raise EcvlError("Histogram: the image is empty")
    if src.elemtype_ is not DataType.uint8:
        raise EcvlError(
            f"Histogram: the image is {src.elemtype_}", allowed="DataType.uint8", hint="convert it with ConvertTo first"
        )
    flat = src.pixels.ravel(order="K")
    counts = np.zeros(_LEVELS)
    for start in range(0, flat.size, _MOST_AT_ONCE):
        part = flat[start : start + _MOST_AT_ONCE].reshape(1, -1)
        counts += cv2.calcHist([part], [0], None, [_LEVELS], [0, _LEVELS]).reshape(-1)
    return (counts / flat.size).tolist()
