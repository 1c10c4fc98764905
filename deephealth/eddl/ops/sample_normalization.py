"""Normalisations of each sample that have no parameters: standardised, by the maximum, by the range."""

from __future__ import annotations

from torch import Tensor

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.op import Op
from deephealth.eddl.ops.strict_normalization import extremes_of_first_sample

__all__ = ["Norm", "NormMax", "NormMinMax"]


class Norm(Op):
    """(x - mean) / sqrt(variance + epsilon) over all values of a sample.

    Args:
        epsilon: keeps the divisor above zero.
    """

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.label = type(self).__name__
        """What error messages call it: the layer's name."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a batch [B, ...]."""
        if x.ndim < 2:
            what = f"it wants [batch, ...] and got an input of shape {list(x.shape)}"
            raise EddlShapeError(self.label, what, hint="give every sample at least one axis")
        return self.normalised(x.flatten(1)).view(x.shape)

    def normalised(self, x: Tensor) -> Tensor:
        """Normalise each row of [B, values]."""
        centred = x - x.mean(1, keepdim=True)
        return centred / (centred.square().mean(1, keepdim=True) + self.epsilon).sqrt()

    def extremes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return least and greatest value of each row."""
        if self.strict:
            return extremes_of_first_sample(x)
        return x.amin(1, keepdim=True), x.amax(1, keepdim=True)


class NormMax(Norm):
    """x / (maximum + epsilon) over all values of a sample."""

    def normalised(self, x: Tensor) -> Tensor:
        """Normalise each row of [B, values]."""
        return x / (self.extremes(x)[1] + self.epsilon)


class NormMinMax(Norm):
    """(x - minimum) / (maximum - minimum + epsilon) over all values of a sample."""

    def normalised(self, x: Tensor) -> Tensor:
        """Normalise each row of [B, values]."""
        low, high = self.extremes(x)
        return (x - low) / (high - low + self.epsilon)
