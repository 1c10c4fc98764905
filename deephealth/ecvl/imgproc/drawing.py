"""Drawing into images."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.matrices import whole_numbers
from deephealth.ecvl.imgproc.stacks import from_opencv, opencv
from deephealth.ecvl.planes import to_hwc
from deephealth.ecvl.strictness import is_strict

__all__ = ["DrawEllipse"]


def DrawEllipse(
    src: Image,
    center: Sequence[int],
    axes: Sequence[int],
    angle: float,
    color: Sequence[float],
    thickness: int = 1,
    *,
    own_order: bool = False,
) -> None:
    """Draw an ellipse into an image.

    Args:
        src: image with a colour type, axes x, y and c, at most 4 channels, any type but int64; is changed.
        center: ``[x, y]`` in pixels.
        axes: half lengths in pixels.
        angle: degrees, clockwise.
        color: one number for all channels, or one per channel. On an RGB image the order is blue, green, red, as in
            the original.
        thickness: of the line in pixels; negative fills the ellipse.
        own_order: take the colour in the image's own order.

    Raises:
        EcvlError: an image without colour, other axes, or int64.

    Example:
        >>> image = Image.fromarray(np.zeros((7, 5, 3), np.uint8), "xyc", ColorType.RGB)
        >>> DrawEllipse(image, [3, 2], [2, 1], 0, [255, 0, 0], -1)
        >>> np.array(image)[3, 2].tolist()
        [0, 0, 255]
    """
    if src.colortype_ is ColorType.none:
        raise EcvlError("DrawEllipse: the image has no colour", hint="set colortype_ first")
    (x, y), (half_x, half_y) = whole_numbers(center, (2,), "center"), whole_numbers(axes, (2,), "axes")
    hwc = to_hwc(src, "DrawEllipse")
    values = _values(color, hwc.shape[2], turned=src.colortype_ is ColorType.RGB and not own_order)
    canvas: np.ndarray = hwc.ravel().reshape(hwc.shape)  # OpenCV wants plain steps even where an axis has size 1
    if not src.IsOwner() or not canvas.flags.writeable:
        canvas = canvas.copy()  # whoever owns the memory does not see the drawing
    with opencv("DrawEllipse"):
        cv2.ellipse(canvas, (x, y), (half_x, half_y), float(angle), 0, 360, values, int(thickness), _line(thickness))
    if is_strict():
        from_opencv(src, src, canvas)
        src.meta_ = {}
    elif not np.may_share_memory(canvas, src.pixels):
        from_opencv(src, src, canvas)


def _line(thickness: int) -> int:
    """Return the kind of line with which OpenCV 5 draws the pixels that OpenCV 4 drew by default."""
    return cv2.LINE_4 if thickness in (0, 1) else cv2.LINE_8


def _values(color: Sequence[float], count: int, *, turned: bool) -> list[float]:
    values = [float(value) for value in color]
    if not values:
        raise EcvlValueError("DrawEllipse: no colour", allowed="one number, or one per channel")
    if len(values) == 1 and not is_strict():
        return values * min(count, 4)
    values = values[:4] + [0.0] * (3 - len(values))
    return values[:3][::-1] + values[3:] if turned else values
