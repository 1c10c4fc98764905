"""Gaussian blur with ECVL's conventions: replicated border, and fractions cut off where OpenCV rounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.kernels import Separable
from deephealth.ecvl.imgproc.separable import filtered

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["GaussianBlur", "GaussianBlur2"]

_LEAST_SIZE = 3


def GaussianBlur(src: Image, dst: Image, sizeX: int, sizeY: int, sigmaX: float, sigmaY: float = 0) -> None:
    """Blur with a Gaussian.

    Sums are exact, and fractions of whole-number images are cut off, so a blur darkens a little.

    Args:
        src: any image with x and y.
        dst: becomes the blurred image; may be ``src``.
        sizeX: taps along x, odd.
        sizeY: taps along y, odd.
        sigmaX: standard deviation along x in pixels; 0 or less: from ``sizeX``, as OpenCV does.
        sigmaY: standard deviation along y in pixels; 0 or less: ``sigmaX``, or from ``sizeY`` where ``sigmaX`` is from
            the size too.

    Raises:
        EcvlError: an even or negative size, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> src, dst = Image.fromarray(np.eye(5, dtype=np.uint8)[..., None] * 90, "xyc", 1), Image.empty()
        >>> GaussianBlur(src, dst, 3, 3, 1.0)
        >>> np.array(dst)[2, :, 0].tolist()
        [6, 22, 31, 22, 6]
    """
    sizes = {"sizeX": int(sizeX), "sizeY": int(sizeY)}
    for name, size in sizes.items():
        if size < 1 or size % 2 == 0:
            raise EcvlError(f"GaussianBlur: {name} is {size}", allowed="odd numbers from 1")
    across = sigmaX if sigmaX > 0 else _sigma_of(sizes["sizeX"])
    down = sigmaY
    if not sigmaY > 0:
        down = sigmaX if sigmaX > 0 else _sigma_of(sizes["sizeY"])
    filtered(src, dst, Separable(_taps(sizes["sizeX"], across), _taps(sizes["sizeY"], down)), "GaussianBlur")


def GaussianBlur2(src: Image, dst: Image, sigma: float) -> None:
    """Blur with a Gaussian whose size follows from its standard deviation; it is 3 at least.

    Args:
        src: any image with x and y.
        dst: becomes the blurred image; may be ``src``.
        sigma: standard deviation in pixels; 0 or less: that of a kernel of three taps.

    Raises:
        EcvlError: no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> dst = Image.empty()
        >>> GaussianBlur2(Image([4, 3, 1], 6, "xyc", 1), dst, 0.8)
        >>> dst.dims_
        [4, 3, 1]
    """
    size = int(((sigma - 0.8) / 0.3 + 1) / 0.5 + 1)
    size = max(size + 1 if size % 2 == 0 else size, _LEAST_SIZE)
    GaussianBlur(src, dst, size, size, sigma, sigma)


def _sigma_of(size: int) -> float:
    """Return the standard deviation that OpenCV gives a kernel of a size."""
    return 0.3 * ((size - 1) * 0.5 - 1) + 0.8


def _taps(size: int, sigma: float) -> np.ndarray:
    """Return the taps; summed one after the other, as their last bits decide about results at whole numbers."""
    middle = (size - 1) // 2
    found = [math.exp(-((at - middle) * (at - middle)) / (2 * sigma * sigma)) for at in range(size)]
    total = 0.0
    for tap in found:
        total += tap
    return np.array([tap / total for tap in found])
