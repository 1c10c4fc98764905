"""A parameter that is drawn anew each time an augmentation is applied."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.ecvl.errors import EcvlValueError
from deephealth.ecvl.imgproc import draws

__all__ = ["AugmentationParam"]

_PAIR = 2


class AugmentationParam:
    """A range, and the value drawn from it last.

    Args:
        min: smallest value.
        max: largest value.

    Example:
        >>> AugmentationParam.SetSeed(0)
        >>> param = AugmentationParam(2, 5)
        >>> param.GenerateValue()
        >>> 2 <= param.value_ <= 5
        True
    """

    __slots__ = ("max_", "min_", "value_")

    def __init__(self, min: float = 0.0, max: float = 0.0) -> None:
        self.min_, self.max_ = float(min), float(max)
        self.value_ = self.min_

    @classmethod
    def of(cls, limits: Sequence[float], name: str) -> AugmentationParam:
        """Return the parameter of a two-number range.

        Raises:
            EcvlValueError: not two numbers, or the first is above the second.
        """
        try:
            low, high = (float(limit) for limit in limits)
        except (TypeError, ValueError) as error:
            raise EcvlValueError(f"{name} is {limits!r}", allowed="two numbers, [smallest, largest]") from error
        if low > high:
            raise EcvlValueError(f"{name} is [{low:g}, {high:g}]", allowed="the smaller number first")
        return cls(low, high)

    def GenerateValue(self) -> None:
        """Draw a value from the range, every one equally likely."""
        self.value_ = float(draws.current().uniform(self.min_, self.max_))

    @staticmethod
    def SetSeed(seed: int) -> None:
        """Seed all random draws of this process; loaders derive the streams of their workers from it."""
        draws.set_seed(seed)

    def __repr__(self) -> str:
        return f"AugmentationParam({self.min_:g}, {self.max_:g})"
