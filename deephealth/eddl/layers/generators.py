"""Layers without a parent that draw their output at random at every pass."""

from __future__ import annotations

from collections.abc import Sequence

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.noise import NormalGenerator
from deephealth.eddl.ops.noise import UniformGenerator as UniformOp

__all__ = ["GaussGenerator", "LGauss", "LUniform", "UniformGenerator"]


class LGauss(Layer):
    """Draws from a normal distribution."""

    prefix = "generator_gauss"
    is_random_generator = True

    def __init__(self, mean: float, stdev: float, size: Sequence[int], name: str = "") -> None:
        self.mean, self.stdev, self.size = mean, stdev, list(size)
        super().__init__([], NormalGenerator(mean, stdev, size), size, name)


class LUniform(Layer):
    """Draws from a uniform distribution."""

    prefix = "generator_uniform"
    is_random_generator = True

    def __init__(self, low: float, high: float, size: Sequence[int], name: str = "") -> None:
        self.low, self.high, self.size = low, high, list(size)
        super().__init__([], UniformOp(low, high, size), size, name)


def GaussGenerator(mean: float, stdev: float, size: list[int]) -> Layer:
    """Draw from a normal distribution at every pass.

    Args:
        mean: its mean.
        stdev: its standard deviation.
        size: shape of one sample, without the batch.

    Example:
        >>> GaussGenerator(0.0, 1.0, [10]).shape
        [10]
    """
    return LGauss(mean, stdev, size)


def UniformGenerator(low: float, high: float, size: list[int]) -> Layer:
    """Draw from a uniform distribution at every pass.

    Args:
        low: least value.
        high: upper bound, not reached.
        size: shape of one sample, without the batch.

    Example:
        >>> UniformGenerator(0.0, 5.0, [10]).shape
        [10]
    """
    return LUniform(low, high, size)
