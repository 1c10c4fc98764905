"""Initializers that look at no sizes: a constant, or one distribution for every parameter of the layer."""

from __future__ import annotations

import torch

from deephealth.eddl.initial.draws import EDDL_NORMAL, fill_normal, fill_uniform
from deephealth.eddl.initial.initializer import Initializer

__all__ = ["IConstant", "IRandomNormal", "IRandomUniform"]


class IConstant(Initializer):
    """Every value the same.

    Args:
        value: the value.

    Example:
        >>> IConstant(0.1).name
        'constant'
    """

    def __init__(self, value: float) -> None:
        super().__init__("constant")
        self.value = float(value)

    def fill(self, tensor: torch.Tensor, generator: torch.Generator | None) -> None:
        """Fill ``tensor`` in place."""
        tensor.fill_(self.value)


class IRandomNormal(Initializer):
    """Normal numbers; in strict mode 0.7071 times as wide as asked for, as EDDL's are.

    Args:
        mean: their mean.
        stdev: their standard deviation.
        seed: a whole number; a negative one draws from torch's global generator.

    Example:
        >>> IRandomNormal(0.0, 0.1, seed=7).seed
        7
    """

    def __init__(self, mean: float, stdev: float, seed: int = -1) -> None:
        super().__init__("random_normal", seed)
        self.mean = float(mean)
        self.stdev = float(stdev)

    def fill(self, tensor: torch.Tensor, generator: torch.Generator | None) -> None:
        """Fill ``tensor`` in place."""
        fill_normal(tensor, self.mean, self.stdev * (EDDL_NORMAL if self.strict else 1), generator)


class IRandomUniform(Initializer):
    """Numbers that are equally likely between two bounds.

    Args:
        minval: lower bound.
        maxval: upper bound.
        seed: a whole number; a negative one draws from torch's global generator.

    Example:
        >>> IRandomUniform(-0.05, 0.05).name
        'random_uniform'
    """

    def __init__(self, minval: float, maxval: float, seed: int = -1) -> None:
        super().__init__("random_uniform", seed)
        self.minval = float(minval)
        self.maxval = float(maxval)

    def fill(self, tensor: torch.Tensor, generator: torch.Generator | None) -> None:
        """Fill ``tensor`` in place."""
        low, high = sorted((self.minval, self.maxval))
        fill_uniform(tensor, low, high, generator)
