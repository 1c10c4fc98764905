"""Random values: noise on a layer's output, and layers that generate their output."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from deephealth.eddl.graph.op import Op, Slot

__all__ = ["GaussianNoise", "Generator", "NormalGenerator", "UniformGenerator"]

_STRICT_DEVIATION = 0.5**0.5
"""The original's normal draws miss a factor: their deviation is 0.7071 times what was asked."""


class GaussianNoise(Op):
    """Adds normal noise in training; nothing in test mode.

    Args:
        stddev: standard deviation of the noise.
    """

    def __init__(self, stddev: float) -> None:
        super().__init__()
        self.stddev = stddev * _STRICT_DEVIATION if self.strict else stddev

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with noise."""
        return x + torch.randn_like(x) * self.stddev if self.training else x


class Generator(Op):
    """A source that draws its output anew at every pass.

    Args:
        size: shape of one sample.

    Attributes:
        batch_size: how many samples the next pass draws; the net sets it.
    """

    place: Tensor

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__()
        self.size = list(size)
        self.batch_size = 1
        # Empty; it goes where the net goes, and so says on which device to draw.
        self.register_buffer("place", torch.empty(0), persistent=False)

    def slots(self) -> list[Slot]:
        """Return nothing: there are no parameters."""
        return []

    def forward(self) -> Tensor:
        """Draw a batch."""
        return self.draw([self.batch_size, *self.size])

    def draw(self, shape: list[int]) -> Tensor:
        """Draw a tensor of a shape."""
        raise NotImplementedError


class NormalGenerator(Generator):
    """Draws from a normal distribution.

    Args:
        mean: its mean.
        stdev: its standard deviation.
        size: shape of one sample.
    """

    def __init__(self, mean: float, stdev: float, size: Sequence[int]) -> None:
        super().__init__(size)
        self.mean = mean
        self.stdev = stdev * _STRICT_DEVIATION if self.strict else stdev

    def draw(self, shape: list[int]) -> Tensor:
        """Draw a tensor of a shape."""
        return torch.randn(shape, device=self.place.device) * self.stdev + self.mean


class UniformGenerator(Generator):
    """Draws from a uniform distribution; the original never wrote its output.

    Args:
        low: least value.
        high: upper bound, not reached.
        size: shape of one sample.
    """

    def __init__(self, low: float, high: float, size: Sequence[int]) -> None:
        super().__init__(size)
        self.low, self.high = low, high

    def draw(self, shape: list[int]) -> Tensor:
        """Draw a tensor of a shape."""
        return torch.rand(shape, device=self.place.device) * (self.high - self.low) + self.low
