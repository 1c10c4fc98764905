"""Linear filters and the integral image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.ecvl.casting import dtype_of, saturate_cast
from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.convolution import correlate
from deephealth.ecvl.imgproc.kernels import Full, Separable
from deephealth.ecvl.imgproc.separable import filtered, result_type
from deephealth.ecvl.imgproc.stacks import from_stack, single_plane, to_stack

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["Filter2D", "IntegralImage", "SeparableFilter2D"]


def Filter2D(src: Image, dst: Image, ker: Image, type: DataType | int = DataType.none) -> None:
    """Correlate every plane with a kernel: the kernel is not flipped, the border replicated, the sums are float64.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        ker: one plane with an odd number of taps on each axis.
        type: element type of the result, ``DataType.none`` for that of ``src``; fractions are cut off and whole
            numbers out of range wrap, so ask for ``float32`` where sums can leave the range.

    Raises:
        EcvlError: an even kernel, more than one plane in it, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> src, dst = Image.fromarray(np.eye(3, dtype=np.uint8)[..., None] * 9, "xyc", 1), Image.empty()
        >>> Filter2D(src, dst, Image.fromarray(np.ones((3, 3, 1)) / 9, "xyc", 1), DataType.float32)
        >>> float(np.array(dst)[1, 1, 0])
        3.0
    """
    stack = to_stack(src, "Filter2D")
    taps = single_plane(ker, "Filter2D, the kernel").astype(np.float64)
    _check_odd("Filter2D", taps.shape)
    from_stack(src, dst, correlate(stack, Full(taps), result_type(src, type)))


def SeparableFilter2D(
    src: Image,
    dst: Image,
    kerX: Sequence[float],
    kerY: Sequence[float],
    type: DataType | int = DataType.none,
) -> None:
    """Correlate every row with one kernel, then every column with another; border replicated, sums in float64.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        kerX: taps along x, an odd number.
        kerY: taps along y, an odd number.
        type: element type of the result, ``DataType.none`` for that of ``src``; fractions are cut off and whole
            numbers out of range wrap.

    Raises:
        EcvlError: an even number of taps, or no x and y.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> src, dst = Image.fromarray(np.eye(3)[..., None], "xyc", 1), Image.empty()
        >>> SeparableFilter2D(src, dst, [1, 2, 1], [1])
        >>> np.array(dst)[:, :, 0].T.tolist()
        [[3.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 3.0]]
    """
    rows = np.array(kerX, np.float64).reshape(-1), np.array(kerY, np.float64).reshape(-1)
    _check_odd("SeparableFilter2D", (rows[1].size, rows[0].size))
    filtered(src, dst, Separable(*rows), "SeparableFilter2D", type)


def IntegralImage(src: Image, dst: Image, dst_type: DataType | int = DataType.float64) -> None:
    """Sum the pixels above and to the left of each corner between pixels.

    Args:
        src: any image with x and y.
        dst: becomes the sums, one larger along x and y; its first row and column are 0. May be ``src``.
        dst_type: element type of the sums; they saturate.

    Raises:
        EcvlError: no x and y.

    Source: Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> dst = Image.empty()
        >>> IntegralImage(Image.fromarray(np.full((2, 3, 1), 5, np.uint8), "xyc", 1), dst)
        >>> dst.dims_, float(np.array(dst)[2, 3, 0])
        ([3, 4, 1], 30.0)
    """
    stack = to_stack(src, "IntegralImage")
    if stack.dtype == np.uint8 and stack.shape[2] == 1:
        sums = cv2.integral(stack[:, :, 0], sdepth=cv2.CV_64F)[:, :, None]
    else:
        exact = stack.astype(np.float64 if stack.dtype.kind == "f" else np.int64)
        sums = np.zeros((stack.shape[0] + 1, stack.shape[1] + 1, stack.shape[2]), exact.dtype)
        np.cumsum(np.cumsum(exact, axis=0), axis=1, out=sums[1:, 1:])
    wanted = dtype_of(dst_type)
    array = sums if sums.dtype == wanted else saturate_cast(sums, wanted)
    from_stack(src, dst, array, colortype=ColorType.GRAY if stack.shape[2] == 1 else src.colortype_)


def _check_odd(what: str, sizes: Sequence[int]) -> None:
    if any(size % 2 == 0 for size in sizes):
        raise EcvlError(f"{what}: a kernel of {' x '.join(map(str, sizes))} taps", allowed="odd numbers of taps")
