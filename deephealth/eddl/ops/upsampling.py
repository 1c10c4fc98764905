"""What enlarging by whole factors computes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from deephealth.eddl.graph.op import Op

__all__ = ["UpSamplingOp"]


class UpSamplingOp(Op):
    """Repeat every pixel.

    Args:
        factors: how often, per axis.
    """

    def __init__(self, factors: Sequence[int]) -> None:
        super().__init__()
        self.factors = [float(factor) for factor in factors]

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` [B, channels, *sizes] enlarged."""
        return F.interpolate(x, scale_factor=self.factors, mode="nearest")

    def extra_repr(self) -> str:
        """Return the factors."""
        return str(self.factors)
