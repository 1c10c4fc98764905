"""The names under the calling conventions of the compiled module ``pyecvl._core.ecvl``.

Classes and functions are those of :mod:`deephealth.ecvl`: their constructors take what both modules' do. The few that
the compiled module calls in another way stand here.
"""

from __future__ import annotations

from typing import Any

import deephealth.ecvl as ecvl
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import gaussian

__all__ = sorted({*ecvl.__all__, "GaussianBlur"})


def GaussianBlur(src: Image, dst: Image, *sizes: float) -> None:
    """Blur; with one number after the images it is sigma, with more they are those of ``ecvl.GaussianBlur``.

    Args:
        src: the image.
        dst: becomes the blurred image.
        *sizes: ``sigma``, or ``sizeX, sizeY, sigmaX[, sigmaY]``.

    Example:
        >>> image = Image([5, 5, 1], ecvl.DataType.uint8, "xyc", ecvl.ColorType.GRAY)
        >>> GaussianBlur(image, image, 0.8)
        >>> GaussianBlur(image, image, 3, 3, 0.8)
    """
    if len(sizes) == 1:
        gaussian.GaussianBlur2(src, dst, sizes[0])
    else:
        gaussian.GaussianBlur(src, dst, *sizes)  # type: ignore[arg-type]


def __getattr__(name: str) -> Any:
    return getattr(ecvl, name)


def __dir__() -> list[str]:
    return __all__
