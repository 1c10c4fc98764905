"""Augmentations that move pixels by a rule: rotation, sizes, crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deephealth.ecvl.augmentations.base import Augmentation
from deephealth.ecvl.augmentations.param import AugmentationParam
from deephealth.ecvl.augmentations.text import Parameters, border_type, interpolation
from deephealth.ecvl.enums import BorderType, InterpolationType
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.cropping import CenterCrop, RandomCrop
from deephealth.ecvl.imgproc.resizing import ResizeDim, ResizeScale
from deephealth.ecvl.imgproc.rotation import Rotate2D
from deephealth.ecvl.strictness import is_strict

__all__ = ["AugCenterCrop", "AugRandomCrop", "AugResizeDim", "AugResizeScale", "AugRotate"]

_LINEAR, _NEAREST = InterpolationType.linear, InterpolationType.nearest


def _read_interpolations(owner: str, parameters: Parameters) -> tuple[InterpolationType, InterpolationType]:
    """Return the interpolation for images and the one for ground truth."""
    return (
        interpolation(owner, parameters.take("interp", "string", default="linear")),
        interpolation(owner, parameters.take("gt_interp", "string", default="nearest")),
    )


def _passed_on(gt_interp: InterpolationType | int) -> InterpolationType:
    """Return what a constructor's ``gt_interp`` means: in strict mode nothing, as in the original."""
    return _NEAREST if is_strict() else InterpolationType(gt_interp)


class AugRotate(Augmentation):
    """Rotate by a random angle; the size stays.

    Args:
        angle: [smallest, largest], degrees, clockwise positive.
        center: [x, y] of the fixed point, pixels; ``None`` for the middle.
        scale: magnification.
        interp: interpolation for the image.
        gt_interp: interpolation for the ground truth.

    Example:
        >>> AugRotate.fromtext('angle=[-5,5] interp="cubic"')
        AugRotate(angle=[-5, 5])
    """

    def __init__(
        self,
        angle: Sequence[float],
        center: Sequence[float] | None = None,
        scale: float = 1.0,
        interp: InterpolationType | int = _LINEAR,
        gt_interp: InterpolationType | int = _NEAREST,
    ) -> None:
        self._set(angle, center, scale, InterpolationType(interp), _passed_on(gt_interp))

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self._set(
            parameters.take("angle", "range", required=True),
            parameters.take("center", "vector"),
            parameters.take("scale", "number", default=1.0),
            *_read_interpolations("AugRotate", parameters),
        )

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Rotate the image and its ground truth by the same angle."""
        center = list(self.center_) if self.center_ else None
        Rotate2D(img, img, values["angle"], center, self.scale_, self.interp_)
        if gt is not None:
            Rotate2D(gt, gt, values["angle"], center, self.scale_, self.gt_interp_)

    def _set(
        self,
        angle: Sequence[float],
        center: Sequence[float] | None,
        scale: float,
        interp: InterpolationType,
        gt_interp: InterpolationType,
    ) -> None:
        self.ranges["angle"] = AugmentationParam.of(angle, "angle")
        self.center_, self.scale_, self.interp_, self.gt_interp_ = center, float(scale), interp, gt_interp


class AugResizeDim(Augmentation):
    """Resize to fixed sizes.

    Args:
        dims: [width, height].
        interp: interpolation for the image.
        gt_interp: interpolation for the ground truth.
    """

    def __init__(
        self,
        dims: Sequence[int],
        interp: InterpolationType | int = _LINEAR,
        gt_interp: InterpolationType | int = _NEAREST,
    ) -> None:
        self.dims_ = [int(size) for size in dims]
        self.interp_, self.gt_interp_ = InterpolationType(interp), _passed_on(gt_interp)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.dims_ = [int(size) for size in parameters.take("dims", "vector", required=True)]
        self.interp_, self.gt_interp_ = _read_interpolations("AugResizeDim", parameters)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Resize the image and its ground truth."""
        ResizeDim(img, img, self.dims_, self.interp_)
        if gt is not None:
            ResizeDim(gt, gt, self.dims_, self.gt_interp_)


class AugResizeScale(Augmentation):
    """Resize by fixed factors.

    Args:
        scale: [factor for x, factor for y]; not a range.
        interp: interpolation for the image.
        gt_interp: interpolation for the ground truth.
    """

    def __init__(
        self,
        scale: Sequence[float],
        interp: InterpolationType | int = _LINEAR,
        gt_interp: InterpolationType | int = _NEAREST,
    ) -> None:
        self.scale_ = [float(factor) for factor in scale]
        self.interp_, self.gt_interp_ = InterpolationType(interp), _passed_on(gt_interp)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.scale_ = list(parameters.take("scale", "vector", required=True))
        self.interp_, self.gt_interp_ = _read_interpolations("AugResizeScale", parameters)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Resize the image and its ground truth."""
        ResizeScale(img, img, self.scale_, self.interp_)
        if gt is not None:
            ResizeScale(gt, gt, self.scale_, self.gt_interp_)


class AugCenterCrop(Augmentation):
    """Cut the middle out.

    Args:
        size: [width, height]; ``None`` for the largest square.
    """

    def __init__(self, size: Sequence[int] | None = None) -> None:
        self.size_ = None if size is None else [int(extent) for extent in size]

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        size = parameters.take("size", "vector")
        self.size_ = None if size is None else [int(extent) for extent in size]

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Crop the image and its ground truth."""
        size = self.size_ or [min(img.Width(), img.Height())] * 2
        CenterCrop(img, img, size)
        if gt is not None:
            CenterCrop(gt, gt, size)


class AugRandomCrop(Augmentation):
    """Cut a random window out; an image that is too small is padded first.

    Args:
        size: [width, height].
        border_type: what lies outside the image.
        border_value: the value of a constant border.
    """

    def __init__(
        self,
        size: Sequence[int],
        border_type: BorderType | int = BorderType.BORDER_CONSTANT,
        border_value: int = 0,
    ) -> None:
        self.size_ = [int(extent) for extent in size]
        self.border_type_, self.border_value_ = BorderType(border_type), int(border_value)
        if is_strict():  # the original's constructor takes both and passes neither on
            self.border_type_, self.border_value_ = BorderType.BORDER_CONSTANT, 0

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.size_ = [int(extent) for extent in parameters.take("size", "vector", required=True)]
        self.border_type_ = border_type("AugRandomCrop", parameters.take("border_type", "string", default="constant"))
        self.border_value_ = int(parameters.take("border_value", "number", default=0))

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Crop the image and its ground truth at the same place."""
        stream = int(draws.current().integers(2**63))
        for image in (img, gt):
            if image is not None:
                rng = np.random.Generator(np.random.Philox(stream))
                RandomCrop(image, image, self.size_, True, self.border_type_, self.border_value_, rng=rng)
