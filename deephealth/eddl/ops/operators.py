"""What arithmetic layers compute, on one or two tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from deephealth.eddl.graph.op import Op

__all__ = ["BINARY", "UNARY", "BinaryOp", "ClampOp", "ConstantOp", "PowOp", "UnaryOp"]

UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "exp": torch.exp,
    "log": torch.log,
    "log2": torch.log2,
    "log10": torch.log10,
    "sqrt": torch.sqrt,
}
"""Functions of one tensor."""

BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sum": torch.add,
    "diff": torch.sub,
    "mult": torch.mul,
    "div": torch.div,
}
"""Functions of two tensors."""

_RIGHT: dict[str, Callable[[Tensor, float], Tensor]] = {
    "sum": lambda x, k: x + k,
    "diff": lambda x, k: x - k,
    "mult": lambda x, k: x * k,
    "div": lambda x, k: x / k,
}
_LEFT: dict[str, Callable[[Tensor, float], Tensor]] = {
    "sum": lambda x, k: x + k,
    "diff": lambda x, k: k - x,
    "mult": lambda x, k: x * k,
    "div": lambda x, k: k / x,
}


class UnaryOp(Op):
    """A function of one tensor.

    Args:
        kind: one of :data:`UNARY`.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.function = kind, UNARY[kind]

    def forward(self, x: Tensor) -> Tensor:
        """Return the function of ``x``."""
        return self.function(x)

    def extra_repr(self) -> str:
        """Return the kind."""
        return self.kind


class BinaryOp(Op):
    """A function of two tensors.

    Args:
        kind: one of :data:`BINARY`.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.function = kind, BINARY[kind]

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the function of ``a`` and ``b``."""
        return self.function(a, b)

    def extra_repr(self) -> str:
        """Return the kind."""
        return self.kind


class ConstantOp(Op):
    """A function of a tensor and a number.

    Args:
        kind: one of :data:`BINARY`.
        number: the number.
        left: whether the tensor is the left operand.
    """

    def __init__(self, kind: str, number: float, *, left: bool) -> None:
        super().__init__()
        self.kind, self.number, self.left = kind, float(number), left
        self.function = (_RIGHT if left else _LEFT)[kind]

    def forward(self, x: Tensor) -> Tensor:
        """Return the function of ``x`` and the number."""
        return self.function(x, self.number)

    def extra_repr(self) -> str:
        """Return the kind and the number."""
        return f"{self.kind}, {self.number}, left={self.left}"


class PowOp(Op):
    """``x`` to a power.

    Args:
        exponent: the power.
    """

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = float(exponent)

    def forward(self, x: Tensor) -> Tensor:
        """Return the power of ``x``."""
        return torch.pow(x, self.exponent)


class _Clamp(torch.autograd.Function):
    """Clipping whose gradient passes at the ends of the range too; torch's own differs there between versions."""

    @staticmethod
    def forward(x: Tensor, low: float, high: float) -> Tensor:
        return x.clamp(low, high)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.low, ctx.high = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return grads[0] * ((x >= ctx.low) & (x <= ctx.high)), None, None


class ClampOp(Op):
    """``x`` clipped to a range; the gradient passes inside it, ends included.

    Args:
        low: smallest value.
        high: largest value.
    """

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = float(low), float(high)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` clipped."""
        return _Clamp.apply(x, self.low, self.high)
