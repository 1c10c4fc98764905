"""Filling holes from what surrounds them."""

from __future__ import annotations

import cv2
import numpy as np

from deephealth.ecvl.enums import InpaintType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.stacks import from_opencv, opencv
from deephealth.ecvl.planes import to_hwc

__all__ = ["Inpaint"]

_FLAGS = {InpaintType.INPAINT_NS: cv2.INPAINT_NS, InpaintType.INPAINT_TELEA: cv2.INPAINT_TELEA}


def Inpaint(
    src: Image,
    dst: Image,
    inpaintMask: Image,
    inpaintRadius: float,
    flag: InpaintType | int = InpaintType.INPAINT_TELEA,
) -> None:
    """Fill the pixels under a mask from their surroundings.

    Args:
        src: uint8 with 1 or 3 channels, or uint16 or float32 with 1.
        dst: the result; may be ``src``.
        inpaintMask: uint8, one channel, same width and height; other than 0 is to be filled.
        inpaintRadius: pixels around each one that count.
        flag: method.

    Raises:
        EcvlError: other types, channels or sizes.

    Source: Telea, "An image inpainting technique based on the fast marching method", 2004; Bertalmio, Bertozzi,
    Sapiro, "Navier-Stokes, fluid dynamics, and image and video inpainting", CVPR 2001.

    Example:
        >>> image = Image.fromarray(np.full((9, 9, 1), 90, np.uint8), "xyc", 1)
        >>> hole = Image.fromarray(np.zeros((9, 9, 1), np.uint8), "xyc", 1)
        >>> np.array(hole, copy=False)[4, 4] = 1
        >>> np.array(image, copy=False)[4, 4] = 255
        >>> Inpaint(image, image, hole, 3.0)
        >>> int(np.array(image)[4, 4, 0])
        90
    """
    hwc, mask = to_hwc(src, "Inpaint"), to_hwc(inpaintMask, "Inpaint (mask)")
    if mask.shape[2] != 1 or mask.dtype != np.uint8 or mask.shape[:2] != hwc.shape[:2]:
        raise EcvlError(
            f"Inpaint: the mask is {inpaintMask!r} for {src!r}", allowed="uint8, one channel, same width and height"
        )
    with opencv("Inpaint"):
        found = cv2.inpaint(hwc, mask, float(inpaintRadius), _FLAGS[InpaintType(flag)])
    from_opencv(src, dst, found)
