"""Layers that move, turn, flip and resize images in a fixed way, in training and in test mode alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from deephealth.eddl.geometry import fixed as geometry
from deephealth.eddl.geometry.modes import coordinate_mode, wrapping_mode
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.augmentation import Resizing, Transformation

__all__ = [
    "Flip",
    "HorizontalFlip",
    "LFlip",
    "LRotate",
    "LScale",
    "LShift",
    "Rotate",
    "Scale",
    "Shift",
    "TransformationLayer",
    "VerticalFlip",
]


class TransformationLayer(Layer):
    """Base of the layers that run one transformation of images or volumes.

    Args:
        parent: the layer it reads.
        op: the transformation.
        shape: what the output's shape would be if the parent's is not that of images (such a net cannot run).
        name: the user's name.
    """

    def __init__(self, parent: Layer, op: Resizing, shape: Sequence[int], name: str) -> None:
        if len(parent.shape) == op.ndim - 1:
            # Running it without data finds the shape, and what cannot fit, such as a crop outside the image.
            shape = list(op(torch.empty([1, *parent.shape], device="meta")).shape[1:])
        super().__init__([parent], op, shape, name)
        op.label = self.name


class LShift(TransformationLayer):
    """Moves images by whole pixels."""

    prefix = "shift"

    def __init__(self, parent: Layer, shift: Sequence[int], da_mode: str, cval: float, name: str = "") -> None:
        self.shift, self.da_mode, self.cval = list(shift), wrapping_mode(da_mode), cval
        transform = partial(geometry.shift, shift=self.shift, wrap=self.da_mode, cval=cval)
        super().__init__(parent, Transformation(transform), parent.shape, name)


class LRotate(TransformationLayer):
    """Turns images about their middle."""

    prefix = "rotate"

    def __init__(
        self, parent: Layer, angle: float, offset_center: Sequence[int], da_mode: str, cval: float, name: str = ""
    ) -> None:
        self.angle, self.offset_center = angle, list(offset_center)
        self.da_mode, self.cval = wrapping_mode(da_mode), cval
        transform = partial(geometry.rotate, angle=angle, center=self.offset_center, wrap=self.da_mode, cval=cval)
        super().__init__(parent, Transformation(transform), parent.shape, name)


class LScale(TransformationLayer):
    """Resizes images; with ``reshape=False`` inside their old size."""

    prefix = "scale"

    def __init__(
        self,
        parent: Layer,
        new_shape: Sequence[int],
        reshape: bool,
        da_mode: str,
        cval: float,
        coordinate_transformation_mode: str,
        name: str = "",
    ) -> None:
        self.new_shape, self.reshape, self.cval = list(new_shape), reshape, cval
        self.da_mode = wrapping_mode(da_mode)
        self.coordinate_transformation_mode = coordinate_mode(coordinate_transformation_mode)
        transform = partial(
            geometry.scale,
            new_shape=self.new_shape,
            wrap=self.da_mode,
            cval=cval,
            coordinate=self.coordinate_transformation_mode,
            keep_size=not reshape,
        )
        shape = [*parent.shape[:1], *new_shape] if reshape else parent.shape
        super().__init__(parent, Transformation(transform), shape, name)


class LFlip(TransformationLayer):
    """Reverses rows (axis 0) or columns (axis 1)."""

    prefix = "flip"

    def __init__(self, parent: Layer, axis: int, name: str = "") -> None:
        self.axis = axis
        super().__init__(parent, Transformation(partial(geometry.flip, axis=axis)), parent.shape, name)


def Shift(parent: Layer, shift: list[int], da_mode: str = "nearest", constant: float = 0.0, name: str = "") -> Layer:
    """Move images by whole pixels.

    Args:
        parent: a layer of images [C, H, W].
        shift: pixels down and to the right, [y, x].
        da_mode: what comes in at the border: constant, reflect, nearest, mirror, wrap or original.
        constant: its value, for ``"constant"``.
        name: a name for the layer.

    Raises:
        EddlError: a shift as large as the image.
        EddlValueError: unknown mode.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Shift(Input([3, 8, 8]), [1, -2], "constant").shape
        [3, 8, 8]
    """
    return LShift(parent, shift, da_mode, constant, name)


def Rotate(
    parent: Layer,
    angle: float,
    offset_center: list[int] = [0, 0],
    da_mode: str = "original",
    constant: float = 0.0,
    name: str = "",
) -> Layer:
    """Turn images about their middle.

    Args:
        parent: a layer of images [C, H, W].
        angle: degrees, clockwise as the image is shown.
        offset_center: rows and columns from the middle to the centre of rotation.
        da_mode: what comes in from outside: constant, reflect, nearest, mirror, wrap or original.
        constant: its value, for ``"constant"``.
        name: a name for the layer.

    Raises:
        EddlValueError: unknown mode.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Rotate(Input([3, 8, 8]), 30.0).shape
        [3, 8, 8]
    """
    return LRotate(parent, angle, offset_center, da_mode, constant, name)


def Scale(
    parent: Layer,
    new_shape: list[int],
    reshape: bool = True,
    da_mode: str = "constant",
    constant: float = 0.0,
    coordinate_transformation_mode: str = "asymmetric",
    name: str = "",
) -> Layer:
    """Resize images, taking the nearest pixel.

    Args:
        parent: a layer of images [C, H, W].
        new_shape: height and width to resize to.
        reshape: give images of that shape; ``False`` keeps the old size and shows the middle.
        da_mode: what stands in the margin when ``reshape`` is off and the new shape smaller.
        constant: its value, for ``"constant"``.
        coordinate_transformation_mode: half_pixel, pytorch_half_pixel, align_corners, asymmetric or tf_crop_and_resize.
        name: a name for the layer.

    Raises:
        EddlError: a shape that is not positive.
        EddlValueError: unknown mode.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Scale(Input([3, 8, 8]), [16, 12]).shape
        [3, 16, 12]
    """
    return LScale(parent, new_shape, reshape, da_mode, constant, coordinate_transformation_mode, name)


def Flip(parent: Layer, axis: int = 0, name: str = "") -> Layer:
    """Reverse the rows or the columns of images.

    Args:
        parent: a layer of images [C, H, W].
        axis: 0 reverses rows, 1 columns.
        name: a name for the layer.

    Raises:
        EddlError: another axis.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Flip(Input([3, 8, 8]), 1).shape
        [3, 8, 8]
    """
    return LFlip(parent, axis, name)


def HorizontalFlip(parent: Layer, name: str = "") -> Layer:
    """Reverse the rows of images (EDDL's meaning: axis 0).

    Args:
        parent: a layer of images [C, H, W].
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> HorizontalFlip(Input([3, 8, 8])).axis
        0
    """
    return LFlip(parent, 0, name)


def VerticalFlip(parent: Layer, name: str = "") -> Layer:
    """Reverse the columns of images (EDDL's meaning: axis 1).

    Args:
        parent: a layer of images [C, H, W].
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> VerticalFlip(Input([3, 8, 8])).axis
        1
    """
    return LFlip(parent, 1, name)
