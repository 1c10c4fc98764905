"""Mathematical morphology with OpenCV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.ecvl.enums import BorderType, ColorType, MorphType
from deephealth.ecvl.errors import EcvlError
from deephealth.ecvl.imgproc.stacks import MOST_CHANNELS, from_opencv, in_groups, opencv, single_plane, to_stack
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from deephealth.ecvl.image import Image

__all__ = ["Morphology"]

# element types that OpenCV's filters lack -> one that holds the same numbers
_HELD = {np.dtype(np.int8): np.int16, np.dtype(np.int32): np.float64}


def Morphology(
    src: Image,
    dst: Image,
    op: MorphType | int,
    kernel: Image,
    anchor: Sequence[int] | None = None,
    iterations: int = 1,
    border_type: BorderType | int = BorderType.BORDER_CONSTANT,
    border_value: int = 0,
) -> None:
    """Erode, dilate, or combine both, every plane on its own.

    Outside the image lies ``border_value``, 0 by default, so that erosion eats from the frame; OpenCV's own default
    would not.

    Args:
        src: any image with x and y.
        dst: becomes the result; may be ``src``.
        op: the operation. ``MORPH_HITMISS`` takes 8-bit images.
        kernel: one plane; what is not 0 belongs to the element. For ``MORPH_HITMISS`` 1 is foreground, -1 background.
        anchor: position in the kernel as [x, y]; ``None`` or [-1, -1] for its middle.
        iterations: how often erosion and dilation are applied.
        border_type: what lies outside.
        border_value: for ``BORDER_CONSTANT``, on every channel. In strict mode on the first of BGR only.

    Raises:
        EcvlError: no x and y, ``DataType.int64``, an anchor outside the kernel, or a border that OpenCV can't do.

    Source: Serra, "Image Analysis and Mathematical Morphology", Academic Press 1982.

    Example:
        >>> from deephealth.ecvl.image import Image
        >>> src, box = Image.fromarray(np.eye(4)[..., None], "xyc", 1), Image.fromarray(np.ones((3, 3, 1)), "xyc", 1)
        >>> Morphology(src, src, MorphType.MORPH_DILATE, box)
        >>> np.array(src)[0, :, 0].tolist()
        [1.0, 1.0, 1.0, 0.0]
    """
    op, border = MorphType(op), BorderType(border_type)
    pixels = to_stack(src, "Morphology")
    if pixels.dtype == np.int64:
        raise EcvlError(
            "Morphology: the image is DataType.int64", allowed="all other types", hint="convert it with ConvertTo first"
        )
    element = single_plane(kernel, "Morphology, the kernel")
    at = (-1, -1) if anchor is None else (int(anchor[0]), int(anchor[1]))
    if op is MorphType.MORPH_HITMISS:
        element = element.astype(np.int8)
        if pixels.dtype != np.uint8:
            raise EcvlError(f"Morphology: MORPH_HITMISS on {src.elemtype_}", allowed="DataType.uint8")
    else:
        element = (element != 0).astype(np.uint8)
    held = _HELD.get(pixels.dtype)
    work = pixels if held is None else pixels.astype(held)
    value = _border(src, border_value)

    def apply(part: np.ndarray) -> np.ndarray:
        outside = BorderType.BORDER_CONSTANT if border is BorderType.BORDER_WRAP else border
        return cv2.morphologyEx(part, int(op), element, None, at, int(iterations), int(outside), value)

    with opencv("Morphology"):
        if op is MorphType.MORPH_HITMISS:
            found = _plane_by_plane(work, apply)
        elif border is BorderType.BORDER_WRAP:
            found = _wrapped(work, element.shape, int(iterations), apply)
        else:
            found = in_groups(work, MOST_CHANNELS, apply)
    from_opencv(src, dst, found.astype(pixels.dtype, copy=False))


def _border(src: Image, value: int) -> tuple[float, float, float, float]:
    """Return OpenCV's four-channel constant; the original sets one channel, and its matrices are BGR."""
    if not is_strict():
        return (value, value, value, value)
    return (0, 0, value, 0) if src.colortype_ is ColorType.RGB else (value, 0, 0, 0)


def _plane_by_plane(stack: np.ndarray, apply: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    planes = [apply(np.ascontiguousarray(stack[:, :, at])) for at in range(stack.shape[2])]
    return np.stack(planes, axis=2)


def _wrapped(
    stack: np.ndarray, size: Sequence[int], iterations: int, apply: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Surround the image with enough of itself, which OpenCV's filters can't do on their own, and cut that off."""
    reach_y, reach_x = (2 * extent * max(iterations, 1) for extent in size)
    wide = np.pad(stack, ((reach_y, reach_y), (reach_x, reach_x), (0, 0)), mode="wrap")
    found = in_groups(wide, MOST_CHANNELS, apply)
    return np.ascontiguousarray(found[reach_y : reach_y + stack.shape[0], reach_x : reach_x + stack.shape[1]])
