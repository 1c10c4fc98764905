"""Resizing layers that networks train through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from deephealth.eddl.geometry import fixed as geometry
from deephealth.eddl.geometry.modes import coordinate_mode, wrapping_mode
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.transformations import TransformationLayer
from deephealth.eddl.ops.augmentation import Resizing

__all__ = ["LResize", "LUpSampling3D", "Resize", "UpSampling3D"]


class LResize(TransformationLayer):
    """Resizes images, taking the nearest pixel; the gradient is the true one."""

    prefix = "resize"
    ndim = 4

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
        super().__init__(parent, Resizing(transform, self.ndim), shape, name)


class LUpSampling3D(LResize):
    """Resizes volumes, taking the nearest voxel; the gradient is the true one."""

    prefix = "upsampling3d"
    ndim = 5


def Resize(
    parent: Layer,
    new_shape: list[int],
    reshape: bool = True,
    da_mode: str = "constant",
    constant: float = 0.0,
    coordinate_transformation_mode: str = "asymmetric",
    name: str = "",
) -> Layer:
    """Resize images, taking the nearest pixel; networks train through it.

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
        >>> Resize(Input([3, 8, 8]), [16, 12]).shape
        [3, 16, 12]
    """
    return LResize(parent, new_shape, reshape, da_mode, constant, coordinate_transformation_mode, name)


def UpSampling3D(
    parent: Layer,
    new_shape: list[int],
    reshape: bool = True,
    da_mode: str = "constant",
    constant: float = 0.0,
    coordinate_transformation_mode: str = "asymmetric",
    name: str = "",
) -> Layer:
    """Resize volumes to a shape (not by a factor), taking the nearest voxel.

    Args:
        parent: a layer of volumes [C, D, H, W].
        new_shape: depth, height and width to resize to.
        reshape: give volumes of that shape; ``False`` keeps the old size and shows the middle.
        da_mode: what stands in the margin when ``reshape`` is off and the new shape smaller.
        constant: its value, for ``"constant"``.
        coordinate_transformation_mode: half_pixel, pytorch_half_pixel, align_corners, asymmetric or tf_crop_and_resize.
        name: a name for the layer.

    Raises:
        EddlError: a shape that is not positive.
        EddlValueError: unknown mode.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> UpSampling3D(Input([2, 4, 4, 4]), [8, 8, 6]).shape
        [2, 8, 8, 6]
    """
    return LUpSampling3D(parent, new_shape, reshape, da_mode, constant, coordinate_transformation_mode, name)
