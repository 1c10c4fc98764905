"""What dense layers compute."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deephealth.eddl.graph.op import Op

__all__ = ["DenseOp"]


class DenseOp(Op):
    """``x @ weight + bias`` over the last axis, with ``weight`` [inputs, units] as EDDL stores it.

    Args:
        inputs: length of the last axis of ``x``.
        units: length of the last axis of the result.
        use_bias: whether there is a bias.
    """

    def __init__(self, inputs: int, units: int, *, use_bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, units))
        self.bias: nn.Parameter | None = nn.Parameter(torch.empty(units)) if use_bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the product for ``x`` [B, ..., inputs]."""
        if self.bias is None:
            return x @ self.weight
        if x.dim() == 2:
            return torch.addmm(self.bias, x, self.weight)
        return x @ self.weight + self.bias

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.weight.shape[0]} -> {self.weight.shape[1]}, use_bias={self.bias is not None}"
