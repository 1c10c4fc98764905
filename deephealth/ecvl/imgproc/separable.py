"""Correlation of images, as the functions of :mod:`filters` and :mod:`gaussian` share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.ecvl.casting import dtype_of
from deephealth.ecvl.enums import DataType
from deephealth.ecvl.imgproc.convolution import correlate
from deephealth.ecvl.imgproc.stacks import from_planar, to_stack

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image
    from deephealth.ecvl.imgproc.kernels import Kernel

__all__ = ["filtered", "result_type"]


def filtered(src: Image, dst: Image, kernel: Kernel, what: str, wanted: DataType | int = DataType.none) -> None:
    """Correlate an image with a separable kernel.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        kernel: what to apply.
        what: name of the operation, for messages.
        wanted: element type of the result, ``DataType.none`` for that of ``src``.
    """
    from_planar(src, dst, correlate(to_stack(src, what), kernel, result_type(src, wanted)))


def result_type(src: Image, wanted: DataType | int) -> np.dtype[Any]:
    """Return the NumPy type of a result, that of ``src`` for ``DataType.none``."""
    return dtype_of(src.elemtype_ if DataType(wanted) is DataType.none else wanted)
