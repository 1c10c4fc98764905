"""Augmentations that are applied with a probability: flips and the transpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from deephealth.ecvl.augmentations.base import Augmentation
from deephealth.ecvl.augmentations.param import AugmentationParam
from deephealth.ecvl.augmentations.text import Parameters
from deephealth.ecvl.image import Image
from deephealth.ecvl.imgproc.flips import Flip2D, Mirror2D, Transpose

__all__ = ["AugFlip", "AugMirror", "AugTranspose"]


class _ByChance(Augmentation):
    operation: ClassVar[Callable[..., None]]

    def __init__(self, p: float = 0.5) -> None:
        self._set(p)

    def read(self, parameters: Parameters) -> None:
        """Take ``p`` out of a text."""
        self._set(parameters.take("p", "number", default=0.5))

    def transform(self, img: Image, gt: Image | None, values: Mapping[str, float]) -> None:
        """Change the image and its ground truth alike, or neither."""
        if values["p"] <= self.p_:
            operation = type(self).operation
            operation(img, img)
            if gt is not None:
                operation(gt, gt)

    def _set(self, p: float) -> None:
        self.p_ = float(p)
        self.ranges["p"] = AugmentationParam(0, 1)


class AugFlip(_ByChance):
    """Turn the image upside down.

    Args:
        p: probability.

    Example:
        >>> from deephealth.ecvl.enums import ColorType, DataType
        >>> image = Image([1, 2, 1], DataType.uint8, "xyc", ColorType.GRAY)
        >>> image.buffer()[0, 1, 0] = 9
        >>> AugFlip(1).Apply(image)
        >>> image.pixels.ravel().tolist()
        [9, 0]
    """

    operation = staticmethod(Flip2D)


class AugMirror(_ByChance):
    """Exchange left and right.

    Args:
        p: probability.
    """

    operation = staticmethod(Mirror2D)


class AugTranspose(_ByChance):
    """Exchange x and y.

    Args:
        p: probability.
    """

    operation = staticmethod(Transpose)
