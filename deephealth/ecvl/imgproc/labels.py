"""Connected components and contours of binary images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.stacks import from_stack, opencv, single_plane

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["ConnectedComponentsLabeling", "FindContours"]


def ConnectedComponentsLabeling(src: Image, dst: Image) -> int:
    """Number the groups of pixels other than 0 that touch at an edge or a corner.

    Args:
        src: uint8, one plane.
        dst: becomes the int32 image of numbers; 0 is the background. May be ``src``.

    Returns:
        How many numbers there are, the background's included.

    Raises:
        EcvlError: another element type, more than one plane, or no x and y.

    Source: Bolelli, Allegretti, Baraldi and Grana, "Spaghetti labeling: directed acyclic graphs for block-based
    connected components labeling", IEEE Trans. Image Processing 29 (2020) 1999-2012. Numbers follow the order in which
    a scan by blocks of 2 x 2 pixels meets the groups.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> image = Image.fromarray(np.array([[1, 0, 0, 0], [0, 1, 0, 9]], np.uint8), "xy", 0)
        >>> ConnectedComponentsLabeling(image, image), np.array(image).tolist()
        (3, [[1, 0, 0, 0], [0, 1, 0, 2]])
    """
    if src.elemtype_ is not DataType.uint8 and not src.IsEmpty():
        raise EcvlError(
            f"ConnectedComponentsLabeling: the image is {src.elemtype_}",
            allowed="DataType.uint8",
            hint="apply Threshold first, or ConvertTo",
        )
    binary = single_plane(src, "ConnectedComponentsLabeling")
    with opencv("ConnectedComponentsLabeling"):
        count, labels = cv2.connectedComponentsWithAlgorithm(binary, 8, cv2.CV_32S, cv2.CCL_SPAGHETTI)
    from_stack(src, dst, labels[:, :, None], colortype=ColorType.GRAY)
    return int(count)


def FindContours(src: Image) -> list[list[list[int]]]:
    """Return the borders of groups of pixels other than 0, and of the holes in them.

    Args:
        src: one plane.

    Returns:
        For each border its pixels as [x, y], every one of them.

    Raises:
        EcvlError: more than one plane, or no x and y.

    Source: Suzuki and Abe, "Topological structural analysis of digitized binary images by border following", CVGIP 30
    (1985) 32-46.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> FindContours(Image.fromarray(np.array([[0, 0, 0], [0, 7, 7]], np.uint8), "yx", 0))
        [[[1, 1], [2, 1]]]
    """
    plane = single_plane(src, "FindContours")
    binary = plane if plane.dtype == np.uint8 else (plane != 0).astype(np.uint8)
    with opencv("FindContours"):
        found, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [contour.reshape(-1, 2).tolist() for contour in found]
