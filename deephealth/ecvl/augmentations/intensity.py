"""Augmentations that change values and leave the ground truth alone, save for the two that change its type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deephealth.ecvl.augmentations.base import Augmentation
from deephealth.ecvl.augmentations.param import AugmentationParam
from deephealth.ecvl.augmentations.text import Parameters
from deephealth.ecvl.enums import DataType
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.gaussian import GaussianBlur2
from deephealth.ecvl.imgproc.intensity import GammaContrast, Normalize, ScaleFromTo, ScaleTo

__all__ = [
    "AugBrightness",
    "AugDivBy255",
    "AugGammaContrast",
    "AugGaussianBlur",
    "AugNormalize",
    "AugScaleFromTo",
    "AugScaleTo",
    "AugToFloat32",
]


class AugGaussianBlur(Augmentation):
    """Blur with a random width.

    Args:
        sigma: [smallest, largest] standard deviation, pixels.
    """

    def __init__(self, sigma: Sequence[float]) -> None:
        self.ranges["sigma"] = AugmentationParam.of(sigma, "sigma")

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.ranges["sigma"] = AugmentationParam.of(parameters.take("sigma", "range", required=True), "sigma")

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Blur the image."""
        GaussianBlur2(img, img, values["sigma"])


class AugGammaContrast(Augmentation):
    """Raise values, as parts of 255, to a random power.

    Args:
        gamma: [smallest, largest] power.
    """

    def __init__(self, gamma: Sequence[float]) -> None:
        self.ranges["gamma"] = AugmentationParam.of(gamma, "gamma")

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.ranges["gamma"] = AugmentationParam.of(parameters.take("gamma", "range", required=True), "gamma")

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Change the contrast of the image."""
        GammaContrast(img, img, values["gamma"])


class AugBrightness(Augmentation):
    """Add a random number.

    Args:
        beta: [smallest, largest] number, in the image's own units.

    Example:
        >>> from deephealth.ecvl.enums import ColorType
        >>> image = Image([1, 1, 1], DataType.uint8, "xyc", ColorType.GRAY)
        >>> AugBrightness([30, 30]).Apply(image)
        >>> int(image.pixels.max())
        30
    """

    def __init__(self, beta: Sequence[float]) -> None:
        self.ranges["beta"] = AugmentationParam.of(beta, "beta")

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.ranges["beta"] = AugmentationParam.of(parameters.take("beta", "range", required=True), "beta")

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Make the image brighter."""
        img.Add(values["beta"])


class AugNormalize(Augmentation):
    """Subtract a mean and divide by a standard deviation.

    Args:
        mean: number, or one per channel.
        std: number, or one per channel.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean_, self.std_ = mean, std

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text; both are numbers, or both vectors."""
        self.mean_ = parameters.take("mean", "number", "vector", required=True)
        kind = "vector" if isinstance(self.mean_, list) else "number"
        self.std_ = parameters.take("std", kind, required=True)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Normalise the image."""
        Normalize(img, img, self.mean_, self.std_)


class AugToFloat32(Augmentation):
    """Convert to float32 and divide.

    Args:
        divisor: what the image is divided by.
        divisor_gt: what the ground truth is divided by. In a text without it, it is the same as ``divisor``.

    Example:
        >>> AugToFloat32.fromtext("divisor=255").divisor_gt_, AugToFloat32(255).divisor_gt_
        (255.0, 1.0)
    """

    def __init__(self, divisor: float = 1.0, divisor_gt: float = 1.0) -> None:
        self.divisor_, self.divisor_gt_ = float(divisor), float(divisor_gt)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.divisor_ = parameters.take("divisor", "number", default=1.0)
        self.divisor_gt_ = parameters.take("divisor_gt", "number", default=self.divisor_)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Convert the image and its ground truth."""
        for image, divisor in ((img, self.divisor_), (gt, self.divisor_gt_)):
            if image is not None:
                image.ConvertTo(DataType.float32)
                if divisor != 1:
                    image.Div(divisor)


class AugDivBy255(Augmentation):
    """Divide by 255 and keep the type: whole numbers become 0 or 1."""

    def read(self, parameters: Parameters) -> None:
        """Take nothing out of a text: there are no parameters."""

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Divide the image and its ground truth."""
        img.Div(255)
        if gt is not None:
            gt.Div(255)


class AugScaleTo(Augmentation):
    """Stretch the image's own range to a new one.

    Args:
        new_min: smallest value of the result.
        new_max: largest value of the result.
    """

    def __init__(self, new_min: float, new_max: float) -> None:
        self.new_min_, self.new_max_ = float(new_min), float(new_max)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.new_min_ = parameters.take("new_min", "number", required=True)
        self.new_max_ = parameters.take("new_max", "number", required=True)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Stretch the image."""
        ScaleTo(img, img, self.new_min_, self.new_max_)


class AugScaleFromTo(Augmentation):
    """Map one range to another; values outside are clamped first.

    Args:
        old_min: value that becomes ``new_min``.
        old_max: value that becomes ``new_max``.
        new_min: smallest value of the result.
        new_max: largest value of the result.
    """

    def __init__(self, old_min: float, old_max: float, new_min: float, new_max: float) -> None:
        self.old_min_, self.old_max_ = float(old_min), float(old_max)
        self.new_min_, self.new_max_ = float(new_min), float(new_max)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.old_min_ = parameters.take("old_min", "number", required=True)
        self.old_max_ = parameters.take("old_max", "number", required=True)
        self.new_min_ = parameters.take("new_min", "number", required=True)
        self.new_max_ = parameters.take("new_max", "number", required=True)

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Map the image."""
        ScaleFromTo(img, img, self.old_min_, self.old_max_, self.new_min_, self.new_max_)
