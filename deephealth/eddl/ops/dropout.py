"""What dropout computes in EDDL: nothing is scaled up in training, everything is scaled down in a test."""

from __future__ import annotations

import torch
from torch import Tensor

from deephealth.eddl.graph.op import Op

__all__ = ["DropoutOp"]


class DropoutOp(Op):
    """Zero elements with probability ``rate`` in training; scale by ``1 - rate`` otherwise.

    Args:
        rate: probability that an element is zeroed.
        iw: whether the test pass scales; without it the test pass changes nothing.
    """

    def __init__(self, rate: float, *, iw: bool = True) -> None:
        super().__init__()
        self.rate, self.iw = rate, iw
        self.keep = 1.0 - rate

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with the dropout of this mode."""
        if self.training:
            return x * torch.empty_like(x).bernoulli_(self.keep)
        return x * self.keep if self.iw else x

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"rate={self.rate}, iw={self.iw}"
