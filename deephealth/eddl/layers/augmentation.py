"""Layers that transform each image at random in training, and leave it as it is in test mode."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from deephealth.eddl.geometry import drawn as random_geometry
from deephealth.eddl.geometry import fixed as geometry
from deephealth.eddl.geometry.modes import coordinate_mode, wrapping_mode
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.augmentation import RandomTransformation
from deephealth.eddl.strictness import is_strict

__all__ = [
    "LCropRandom",
    "LCropScaleRandom",
    "LCutoutRandom",
    "LFlipRandom",
    "LRotateRandom",
    "LScaleRandom",
    "LShiftRandom",
    "RandomCrop",
    "RandomCropScale",
    "RandomCutout",
    "RandomFlip",
    "RandomHorizontalFlip",
    "RandomLayer",
    "RandomRotation",
    "RandomScale",
    "RandomShift",
    "RandomVerticalFlip",
]


class RandomLayer(Layer):
    """Base of the layers that run one random transformation.

    Args:
        parent: the layer it reads.
        op: the transformation.
        shape: the output's shape.
        name: the user's name.
    """

    def __init__(self, parent: Layer, op: RandomTransformation, shape: Sequence[int], name: str) -> None:
        super().__init__([parent], op, shape, name)
        op.label = self.name


class LShiftRandom(RandomLayer):
    """Moves each image by a random part of its size; in strict mode fills with zero, as the original does."""

    prefix = "shift_random"

    def __init__(
        self,
        parent: Layer,
        factor_x: Sequence[float],
        factor_y: Sequence[float],
        da_mode: str,
        cval: float,
        name: str = "",
    ) -> None:
        self.factor_x, self.factor_y = list(factor_x), list(factor_y)
        self.da_mode, self.cval = wrapping_mode(da_mode), cval
        wrap, filling = ("constant", 0.0) if is_strict() else (self.da_mode, cval)
        transform = partial(
            random_geometry.shift_random, factor_x=self.factor_x, factor_y=self.factor_y, wrap=wrap, cval=filling
        )
        super().__init__(parent, RandomTransformation(transform), parent.shape, name)


class LRotateRandom(RandomLayer):
    """Turns each image by a random angle."""

    prefix = "rotate_random"

    def __init__(
        self,
        parent: Layer,
        factor: Sequence[float],
        offset_center: Sequence[int],
        da_mode: str,
        cval: float,
        name: str = "",
    ) -> None:
        self.factor, self.offset_center = list(factor), list(offset_center)
        self.da_mode, self.cval = wrapping_mode(da_mode), cval
        transform = partial(
            random_geometry.rotate_random, factor=self.factor, center=self.offset_center, wrap=self.da_mode, cval=cval
        )
        super().__init__(parent, RandomTransformation(transform), parent.shape, name)


class LScaleRandom(RandomLayer):
    """Zooms each image by a random factor, keeping the size."""

    prefix = "scale_random"

    def __init__(
        self,
        parent: Layer,
        factor: Sequence[float],
        da_mode: str,
        cval: float,
        coordinate_transformation_mode: str,
        name: str = "",
    ) -> None:
        self.factor, self.da_mode, self.cval = list(factor), wrapping_mode(da_mode), cval
        self.coordinate_transformation_mode = coordinate_mode(coordinate_transformation_mode)
        transform = partial(
            random_geometry.scale_random,
            factor=self.factor,
            wrap=self.da_mode,
            cval=cval,
            coordinate=self.coordinate_transformation_mode,
        )
        super().__init__(parent, RandomTransformation(transform), parent.shape, name)


class LFlipRandom(RandomLayer):
    """Reverses rows (axis 0) or columns (axis 1) of about half of the images."""

    prefix = "flip_random"

    def __init__(self, parent: Layer, axis: int, name: str = "") -> None:
        self.axis = axis
        transform = partial(random_geometry.flip_random, axis=axis)
        super().__init__(parent, RandomTransformation(transform), parent.shape, name)


class LCropRandom(RandomLayer):
    """Cuts a rectangle out of each image at a random place; in test mode the middle one."""

    prefix = "crop_random"

    def __init__(self, parent: Layer, new_shape: Sequence[int], name: str = "") -> None:
        self.new_shape = list(new_shape)
        height, width = self.new_shape
        transform = partial(random_geometry.crop_random, height=height, width=width)
        # The original cannot run this layer in test mode unless the shapes are equal.
        op = RandomTransformation(transform, at_test=partial(geometry.centred_crop, size=self.new_shape))
        super().__init__(parent, op, [*parent.shape[:1], *self.new_shape], name)


class LCropScaleRandom(RandomLayer):
    """Cuts a random rectangle out of each image and enlarges it to the image's size."""

    prefix = "crop_scale"
    family = "crop_scale_random"  # the original's name of the fixed layer, counted by itself

    def __init__(self, parent: Layer, factor: Sequence[float], da_mode: str, name: str = "") -> None:
        self.factor, self.da_mode = list(factor), wrapping_mode(da_mode)
        transform = partial(random_geometry.crop_scale_random, factor=self.factor, wrap=self.da_mode)
        super().__init__(parent, RandomTransformation(transform), parent.shape, name)


class LCutoutRandom(RandomLayer):
    """Paints a random rectangle of each image over."""

    prefix = "cutout_random"

    def __init__(
        self, parent: Layer, factor_x: Sequence[float], factor_y: Sequence[float], cval: float, name: str = ""
    ) -> None:
        self.factor_x, self.factor_y, self.cval = list(factor_x), list(factor_y), cval
        transform = partial(random_geometry.cutout_random, factor_x=self.factor_x, factor_y=self.factor_y, cval=cval)
        super().__init__(parent, RandomTransformation(transform), parent.shape, name)


def RandomShift(
    parent: Layer,
    factor_x: list[float],
    factor_y: list[float],
    da_mode: str = "nearest",
    constant: float = 0.0,
    name: str = "",
) -> Layer:
    """Move each image by a random part of its size, in training.

    Args:
        parent: a layer of images [C, H, W].
        factor_x: least and greatest shift to the right, as a part of the width, in [-1, 1].
        factor_y: least and greatest shift down, as a part of the height, in [-1, 1].
        da_mode: what comes in at the border: constant, reflect, nearest, mirror, wrap or original.
        constant: its value, for ``"constant"``.
        name: a name for the layer.

    Raises:
        EddlError: when it runs, a factor out of range.
        EddlValueError: unknown mode.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomShift(Input([3, 8, 8]), [-0.1, 0.1], [-0.1, 0.1]).shape
        [3, 8, 8]
    """
    return LShiftRandom(parent, factor_x, factor_y, da_mode, constant, name)


def RandomRotation(
    parent: Layer,
    factor: list[float],
    offset_center: list[int] = [0, 0],
    da_mode: str = "original",
    constant: float = 0.0,
    name: str = "",
) -> Layer:
    """Turn each image by a random angle, in training.

    Args:
        parent: a layer of images [C, H, W].
        factor: least and greatest angle in degrees.
        offset_center: rows and columns from the middle to the centre of rotation.
        da_mode: what comes in from outside: constant, reflect, nearest, mirror, wrap or original.
        constant: its value, for ``"constant"``.
        name: a name for the layer.

    Raises:
        EddlValueError: unknown mode.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomRotation(Input([3, 8, 8]), [-10.0, 10.0]).shape
        [3, 8, 8]
    """
    return LRotateRandom(parent, factor, offset_center, da_mode, constant, name)


def RandomScale(
    parent: Layer,
    factor: list[float],
    da_mode: str = "nearest",
    constant: float = 0.0,
    coordinate_transformation_mode: str = "asymmetric",
    name: str = "",
) -> Layer:
    """Zoom each image by a random factor about its middle, in training.

    Args:
        parent: a layer of images [C, H, W].
        factor: least and greatest factor.
        da_mode: what stands in the margin when the factor is below one.
        constant: its value, for ``"constant"``.
        coordinate_transformation_mode: half_pixel, pytorch_half_pixel, align_corners, asymmetric or tf_crop_and_resize.
        name: a name for the layer.

    Raises:
        EddlError: when it runs, a negative factor.
        EddlValueError: unknown mode.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomScale(Input([3, 8, 8]), [0.8, 1.2]).shape
        [3, 8, 8]
    """
    return LScaleRandom(parent, factor, da_mode, constant, coordinate_transformation_mode, name)


def RandomFlip(parent: Layer, axis: int, name: str = "") -> Layer:
    """Reverse the rows or columns of about half of the images, in training.

    Args:
        parent: a layer of images [C, H, W].
        axis: 0 reverses rows, 1 columns.
        name: a name for the layer.

    Raises:
        EddlError: when it runs, another axis.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomFlip(Input([3, 8, 8]), 1).shape
        [3, 8, 8]
    """
    return LFlipRandom(parent, axis, name)


def RandomHorizontalFlip(parent: Layer, name: str = "") -> Layer:
    """Reverse the rows of about half of the images, in training (EDDL's meaning: axis 0).

    Args:
        parent: a layer of images [C, H, W].
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomHorizontalFlip(Input([3, 8, 8])).axis
        0
    """
    return LFlipRandom(parent, 0, name)


def RandomVerticalFlip(parent: Layer, name: str = "") -> Layer:
    """Reverse the columns of about half of the images, in training (EDDL's meaning: axis 1).

    Args:
        parent: a layer of images [C, H, W].
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomVerticalFlip(Input([3, 8, 8])).axis
        1
    """
    return LFlipRandom(parent, 1, name)


def RandomCrop(parent: Layer, new_shape: list[int], name: str = "") -> Layer:
    """Cut a rectangle out of each image at a random place, in training; in test mode out of the middle.

    Args:
        parent: a layer of images [C, H, W].
        new_shape: height and width of the rectangle.
        name: a name for the layer.

    Raises:
        EddlError: when it runs, a rectangle larger than the images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomCrop(Input([3, 8, 8]), [6, 5]).shape
        [3, 6, 5]
    """
    return LCropRandom(parent, new_shape, name)


def RandomCropScale(parent: Layer, factor: list[float], da_mode: str = "nearest", name: str = "") -> Layer:
    """Cut a random rectangle out of each image and enlarge it to the image's size, in training.

    Args:
        parent: a layer of images [C, H, W].
        factor: least and greatest part of the height and width, in [0, 1].
        da_mode: accepted as in the original; no pixel comes from outside.
        name: a name for the layer.

    Raises:
        EddlError: when it runs, a factor out of range.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomCropScale(Input([3, 8, 8]), [0.8, 1.0]).shape
        [3, 8, 8]
    """
    return LCropScaleRandom(parent, factor, da_mode, name)


def RandomCutout(
    parent: Layer, factor_x: list[float], factor_y: list[float], constant: float = 0.0, name: str = ""
) -> Layer:
    """Paint a random rectangle of each image over, in training.

    Args:
        parent: a layer of images [C, H, W].
        factor_x: least and greatest part of the width, in [0, 1].
        factor_y: least and greatest part of the height, in [0, 1].
        constant: the value painted.
        name: a name for the layer.

    Raises:
        EddlError: when it runs, a factor out of range.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> RandomCutout(Input([3, 8, 8]), [0.1, 0.3], [0.1, 0.3]).shape
        [3, 8, 8]
    """
    return LCutoutRandom(parent, factor_x, factor_y, constant, name)
