"""Layers that cut rectangles out of images, paint them over, or put a margin around, in training and in test mode."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.geometry import fixed as geometry
from deephealth.eddl.geometry.modes import wrapping_mode
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.names import count
from deephealth.eddl.layers.transformations import TransformationLayer
from deephealth.eddl.ops.augmentation import Resizing, Transformation

__all__ = [
    "CenteredCrop",
    "Crop",
    "CropScale",
    "Cutout",
    "LCrop",
    "LCropScale",
    "LCutout",
    "LPad",
    "Pad",
]


class LCrop(TransformationLayer):
    """Cuts a rectangle out; with ``reshape=False`` paints what is around it."""

    prefix = "crop"

    def __init__(
        self,
        parent: Layer,
        from_coords: Sequence[int],
        to_coords: Sequence[int],
        reshape: bool,
        cval: float,
        name: str = "",
    ) -> None:
        self.from_coords, self.to_coords = list(from_coords), list(to_coords)
        self.reshape, self.cval = reshape, cval
        cut = [last - first + 1 for first, last in zip(from_coords, to_coords, strict=False)]
        shape = [*parent.shape[:1], *cut] if reshape else parent.shape
        super().__init__(parent, self.make_op(), shape, name)

    def make_op(self) -> Resizing:
        """Return what the layer computes with."""
        return Transformation(
            partial(
                geometry.crop,
                from_yx=self.from_coords,
                to_yx=self.to_coords,
                cval=self.cval,
                keep_size=not self.reshape,
            )
        )


class LCropScale(LCrop):
    """Cuts a rectangle out and enlarges it to the image's size."""

    prefix = "crop_scale"

    def __init__(
        self,
        parent: Layer,
        from_coords: Sequence[int],
        to_coords: Sequence[int],
        da_mode: str,
        cval: float,
        name: str = "",
    ) -> None:
        self.da_mode = wrapping_mode(da_mode)
        super().__init__(parent, from_coords, to_coords, False, cval, name)

    def make_name(self) -> str:
        """Return the next name; the original counts a ``crop`` too, as this layer is one."""
        count(LCrop.prefix)
        return super().make_name()

    def make_op(self) -> Resizing:
        """Return what the layer computes with."""
        return Transformation(
            partial(
                geometry.crop_scale,
                from_yx=self.from_coords,
                to_yx=self.to_coords,
                wrap=self.da_mode,
                cval=self.cval,
            )
        )


class LCutout(TransformationLayer):
    """Paints a rectangle over."""

    prefix = "cutout"

    def __init__(
        self, parent: Layer, from_coords: Sequence[int], to_coords: Sequence[int], cval: float, name: str = ""
    ) -> None:
        self.from_coords, self.to_coords, self.cval = list(from_coords), list(to_coords), cval
        transform = partial(geometry.cutout, from_yx=self.from_coords, to_yx=self.to_coords, cval=cval)
        super().__init__(parent, Transformation(transform), parent.shape, name)


class LPad(TransformationLayer):
    """Puts a margin around images; the gradient is the true one."""

    prefix = "pad"

    def __init__(self, parent: Layer, padding: Sequence[int], constant: float, name: str = "") -> None:
        self.padding, self.constant = geometry.four_sides(padding), constant
        if len(parent.shape) != 3:
            what = f"it needs images [channels, height, width] and layer {parent.name} gives {parent.shape}"
            raise EddlShapeError("Pad", what, hint="reshape before padding")
        op = Resizing(partial(geometry.pad, padding=self.padding, cval=constant))
        super().__init__(parent, op, parent.shape, name)


def Crop(
    parent: Layer,
    from_coords: list[int],
    to_coords: list[int],
    reshape: bool = True,
    constant: float = 0.0,
    name: str = "",
) -> Layer:
    """Cut a rectangle out of images.

    Args:
        parent: a layer of images [C, H, W].
        from_coords: first row and column.
        to_coords: last row and column, which belong to the rectangle.
        reshape: give images of the rectangle's shape; ``False`` keeps size and place.
        constant: the value around it when ``reshape`` is off.
        name: a name for the layer.

    Raises:
        EddlError: corners outside the images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Crop(Input([3, 8, 8]), [0, 2], [3, 7]).shape
        [3, 4, 6]
    """
    return LCrop(parent, from_coords, to_coords, reshape, constant, name)


def CenteredCrop(parent: Layer, size: list[int], reshape: bool = True, constant: float = 0.0, name: str = "") -> Layer:
    """Cut the middle out of images.

    Args:
        parent: a layer of images [C, H, W].
        size: height and width of the rectangle.
        reshape: give images of that shape; ``False`` keeps size and place.
        constant: the value around it when ``reshape`` is off.
        name: a name for the layer.

    Raises:
        EddlError: a rectangle larger than the images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> CenteredCrop(Input([3, 9, 9]), [4, 3]).from_coords
        [2, 3]
    """
    spatial = parent.shape[1:3] if len(parent.shape) == 3 else size  # not images: made all the same, fails when run
    first, last = geometry.centred_corners(spatial, size)
    return LCrop(parent, first, last, reshape, constant, name)


def CropScale(
    parent: Layer,
    from_coords: list[int],
    to_coords: list[int],
    da_mode: str = "constant",
    constant: float = 0.0,
    name: str = "",
) -> Layer:
    """Cut a rectangle out of images and enlarge it to their size.

    Args:
        parent: a layer of images [C, H, W].
        from_coords: first row and column.
        to_coords: last row and column, which belong to the rectangle.
        da_mode: accepted as in the original; no pixel comes from outside.
        constant: likewise.
        name: a name for the layer.

    Raises:
        EddlError: corners outside the images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> CropScale(Input([3, 8, 8]), [0, 2], [3, 7]).shape
        [3, 8, 8]
    """
    return LCropScale(parent, from_coords, to_coords, da_mode, constant, name)


def Cutout(parent: Layer, from_coords: list[int], to_coords: list[int], constant: float = 0.0, name: str = "") -> Layer:
    """Paint a rectangle of images over.

    Args:
        parent: a layer of images [C, H, W].
        from_coords: first row and column.
        to_coords: last row and column, which belong to the rectangle.
        constant: its new value.
        name: a name for the layer.

    Raises:
        EddlError: corners outside the images.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Cutout(Input([3, 8, 8]), [0, 2], [3, 7]).shape
        [3, 8, 8]
    """
    return LCutout(parent, from_coords, to_coords, constant, name)


def Pad(parent: Layer, padding: list[int], constant: float = 0.0, name: str = "") -> Layer:
    """Put a margin around images.

    Args:
        parent: a layer of images [C, H, W].
        padding: [top and bottom, left and right], or [top, right, bottom, left], in pixels.
        constant: the value of the margin.
        name: a name for the layer.

    Raises:
        EddlError: another number of sides, or a negative one.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Pad(Input([3, 8, 8]), [0, 1, 1, 0]).shape
        [3, 9, 9]
    """
    return LPad(parent, padding, constant, name)
