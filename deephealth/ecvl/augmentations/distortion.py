"""Augmentations that bend the image: grid, elastic and optical distortion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deephealth.ecvl.augmentations.base import Augmentation
from deephealth.ecvl.augmentations.param import AugmentationParam
from deephealth.ecvl.augmentations.text import Parameters, border_type, interpolation
from deephealth.ecvl.enums import BorderType, InterpolationType
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.distortion import ElasticTransform, GridDistortion, OpticalDistortion
from deephealth.ecvl.strictness import is_strict

__all__ = ["AugElasticTransform", "AugGridDistortion", "AugOpticalDistortion"]

_LINEAR, _NEAREST = InterpolationType.linear, InterpolationType.nearest
_REFLECT = BorderType.BORDER_REFLECT_101


class _Distortion(Augmentation):
    """What the three share: interpolations, border, and one draw for the image and its ground truth."""

    interp_: InterpolationType
    gt_interp_: InterpolationType
    border_type_: BorderType
    border_value_: int

    def distort(
        self, image: Image, interp: InterpolationType, values: Mapping[str, float], rng: np.random.Generator
    ) -> None:
        """Bend one image."""
        raise NotImplementedError

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Bend the image and its ground truth alike; labels are not mixed, except in strict mode."""
        stream = int(draws.current().integers(2**63))
        self.distort(img, self.interp_, values, np.random.Generator(np.random.Philox(stream)))
        if gt is not None:
            interp = self.interp_ if is_strict() else self.gt_interp_
            self.distort(gt, interp, values, np.random.Generator(np.random.Philox(stream)))

    def _border(self, interp: int, kind: int, value: int, gt_interp: int) -> None:
        self.interp_, self.gt_interp_ = InterpolationType(interp), InterpolationType(gt_interp)
        self.border_type_, self.border_value_ = BorderType(kind), int(value)

    def _read_border(self, parameters: Parameters) -> None:
        owner = type(self).__name__
        self._border(
            interpolation(owner, parameters.take("interp", "string", default="linear")),
            border_type(owner, parameters.take("border_type", "string", default="reflect_101")),
            int(parameters.take("border_value", "number", default=0)),
            interpolation(owner, parameters.take("gt_interp", "string", default="nearest")),
        )


class AugGridDistortion(_Distortion):
    """Stretch the cells of a grid at random.

    Args:
        num_steps: [fewest, most] cells a side.
        distort_limit: [smallest, largest] relative change of a cell's size.
        interp: interpolation for the image.
        border_type: what lies outside the image.
        border_value: the value of a constant border.
        gt_interp: interpolation for the ground truth.
    """

    def __init__(
        self,
        num_steps: Sequence[int],
        distort_limit: Sequence[float],
        interp: InterpolationType | int = _LINEAR,
        border_type: BorderType | int = _REFLECT,
        border_value: int = 0,
        *,
        gt_interp: InterpolationType | int = _NEAREST,
    ) -> None:
        self._limits(num_steps, distort_limit)
        self._border(interp, border_type, border_value, gt_interp)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self._limits(
            parameters.take("num_steps", "range", required=True),
            parameters.take("distort_limit", "range", required=True),
        )
        self._read_border(parameters)

    def distort(
        self, image: Image, interp: InterpolationType, values: Mapping[str, float], rng: np.random.Generator
    ) -> None:
        """Bend one image."""
        steps = int(values["num_steps"])
        GridDistortion(image, image, steps, self.distort_limit_, interp, self.border_type_, self.border_value_, rng=rng)

    def _limits(self, num_steps: Sequence[float], distort_limit: Sequence[float]) -> None:
        self.ranges["num_steps"] = AugmentationParam.of(num_steps, "num_steps")
        self.distort_limit_ = list(distort_limit)


class AugElasticTransform(_Distortion):
    """Move pixels along a smooth random field.

    Args:
        alpha: [smallest, largest] strength.
        sigma: [smallest, largest] smoothness of the field, pixels.
        interp: interpolation for the image.
        border_type: what lies outside the image.
        border_value: the value of a constant border.
        gt_interp: interpolation for the ground truth.
    """

    def __init__(
        self,
        alpha: Sequence[float],
        sigma: Sequence[float],
        interp: InterpolationType | int = _LINEAR,
        border_type: BorderType | int = _REFLECT,
        border_value: int = 0,
        *,
        gt_interp: InterpolationType | int = _NEAREST,
    ) -> None:
        self._limits(alpha, sigma)
        self._border(interp, border_type, border_value, gt_interp)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self._limits(parameters.take("alpha", "range", required=True), parameters.take("sigma", "range", required=True))
        self._read_border(parameters)

    def distort(
        self, image: Image, interp: InterpolationType, values: Mapping[str, float], rng: np.random.Generator
    ) -> None:
        """Bend one image."""
        ElasticTransform(
            image, image, values["alpha"], values["sigma"], interp, self.border_type_, self.border_value_, rng=rng
        )

    def _limits(self, alpha: Sequence[float], sigma: Sequence[float]) -> None:
        self.ranges["alpha"] = AugmentationParam.of(alpha, "alpha")
        self.ranges["sigma"] = AugmentationParam.of(sigma, "sigma")


class AugOpticalDistortion(_Distortion):
    """Bend as a lens does.

    Args:
        distort_limit: [smallest, largest] radial coefficient.
        shift_limit: [smallest, largest] shift of the optical centre, pixels.
        interp: interpolation for the image.
        border_type: what lies outside the image.
        border_value: the value of a constant border.
        gt_interp: interpolation for the ground truth.
    """

    def __init__(
        self,
        distort_limit: Sequence[float],
        shift_limit: Sequence[float],
        interp: InterpolationType | int = _LINEAR,
        border_type: BorderType | int = _REFLECT,
        border_value: int = 0,
        *,
        gt_interp: InterpolationType | int = _NEAREST,
    ) -> None:
        self.distort_limit_, self.shift_limit_ = list(distort_limit), list(shift_limit)
        self._border(interp, border_type, border_value, gt_interp)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.distort_limit_ = parameters.take("distort_limit", "range", required=True)
        self.shift_limit_ = parameters.take("shift_limit", "range", required=True)
        self._read_border(parameters)

    def distort(
        self, image: Image, interp: InterpolationType, values: Mapping[str, float], rng: np.random.Generator
    ) -> None:
        """Bend one image."""
        OpticalDistortion(
            image,
            image,
            self.distort_limit_,
            self.shift_limit_,
            interp,
            self.border_type_,
            self.border_value_,
            rng=rng,
        )
