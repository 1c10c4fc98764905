"""The noise layer."""

from __future__ import annotations

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops import noise

__all__ = ["GaussianNoise", "LGaussianNoise"]


class LGaussianNoise(Layer):
    """Adds normal noise in training."""

    prefix = "gaussiannoise"

    def __init__(self, parent: Layer, stdev: float, name: str = "") -> None:
        self.stdev = stdev
        super().__init__([parent], noise.GaussianNoise(stdev), parent.shape, name)


def GaussianNoise(parent: Layer, stddev: float, name: str = "") -> Layer:
    """Add normal noise in training, nothing in test mode.

    Args:
        parent: the layer it reads.
        stddev: standard deviation of the noise.
        name: a name for the layer.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> GaussianNoise(Input([16]), 0.3).shape
        [16]
    """
    return LGaussianNoise(parent, stddev, name)
