"""Augmentations that add noise or take pixels away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from deephealth.ecvl.augmentations.base import Augmentation
from deephealth.ecvl.augmentations.param import AugmentationParam
from deephealth.ecvl.augmentations.text import Parameters
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc import draws
from deephealth.ecvl.imgproc.noise import (
    AdditiveLaplaceNoise,
    AdditivePoissonNoise,
    CoarseDropout,
    Pepper,
    Salt,
    SaltAndPepper,
)

__all__ = [
    "AugAdditiveLaplaceNoise",
    "AugAdditivePoissonNoise",
    "AugCoarseDropout",
    "AugPepper",
    "AugSalt",
    "AugSaltAndPepper",
]


class AugAdditiveLaplaceNoise(Augmentation):
    """Add Laplace noise.

    Args:
        std_dev: [smallest, largest] scale of the noise.
    """

    def __init__(self, std_dev: Sequence[float]) -> None:
        self.ranges["std_dev"] = AugmentationParam.of(std_dev, "std_dev")

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.ranges["std_dev"] = AugmentationParam.of(parameters.take("std_dev", "range", required=True), "std_dev")

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Add noise to the image."""
        AdditiveLaplaceNoise(img, img, values["std_dev"], rng=draws.current())


class AugAdditivePoissonNoise(Augmentation):
    """Add Poisson noise; its mean is not subtracted.

    Args:
        lambda_: [smallest, largest] mean of the noise.
    """

    def __init__(self, lambda_: Sequence[float]) -> None:
        self.ranges["lambda"] = AugmentationParam.of(lambda_, "lambda_")

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self.ranges["lambda"] = AugmentationParam.of(parameters.take("lambda", "range", required=True), "lambda")

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Add noise to the image."""
        AdditivePoissonNoise(img, img, values["lambda"], rng=draws.current())


class AugCoarseDropout(Augmentation):
    """Make random rectangles black.

    Args:
        p: [smallest, largest] probability of a rectangle.
        drop_size: [smallest, largest] size of a rectangle, as part of the image's.
        per_channel: probability that channels are treated one by one.
    """

    def __init__(self, p: Sequence[float], drop_size: Sequence[float], per_channel: float) -> None:
        self._set(p, drop_size, per_channel)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self._set(
            parameters.take("p", "range", required=True),
            parameters.take("drop_size", "range", required=True),
            parameters.take("per_channel", "number", required=True),
        )

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Take rectangles out of the image."""
        each = values["per_channel"] <= self.per_channel_
        CoarseDropout(img, img, values["p"], values["drop_size"], each, rng=draws.current())

    def _set(self, p: Sequence[float], drop_size: Sequence[float], per_channel: float) -> None:
        self.ranges["p"] = AugmentationParam.of(p, "p")
        self.ranges["drop_size"] = AugmentationParam.of(drop_size, "drop_size")
        self.ranges["per_channel"] = AugmentationParam(0, 1)
        self.per_channel_ = float(per_channel)


class _Speckle(Augmentation):
    operation: ClassVar[Callable[..., None]]

    def __init__(self, p: Sequence[float], per_channel: float) -> None:
        self._set(p, per_channel)

    def read(self, parameters: Parameters) -> None:
        """Take the parameters out of a text."""
        self._set(parameters.take("p", "range", required=True), parameters.take("per_channel", "number", required=True))

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Speckle the image."""
        each = values["per_channel"] <= self.per_channel_
        type(self).operation(img, img, values["p"], each, rng=draws.current())

    def _set(self, p: Sequence[float], per_channel: float) -> None:
        self.ranges["p"] = AugmentationParam.of(p, "p")
        self.ranges["per_channel"] = AugmentationParam(0, 1)
        self.per_channel_ = float(per_channel)


class AugSalt(_Speckle):
    """Make random pixels white.

    Args:
        p: [smallest, largest] probability of a pixel.
        per_channel: probability that channels are treated one by one.
    """

    operation = staticmethod(Salt)


class AugPepper(_Speckle):
    """Make random pixels black; arguments as :class:`AugSalt`."""

    operation = staticmethod(Pepper)


class AugSaltAndPepper(_Speckle):
    """Make random pixels white or black; arguments as :class:`AugSalt`."""

    operation = staticmethod(SaltAndPepper)
