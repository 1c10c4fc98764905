"""What activations compute: one torch call each, and EDDL's own backward passes where strict mode asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.graph.op import Op

__all__ = ["ACTIVATIONS", "SELU", "ActivationOp", "activation_function"]

Function = Callable[[Tensor], Tensor]

SELU = (1.6732632423543772, 1.0507009873554805)
"""Alpha and scale of the self-normalising unit."""


class _PassGradient(torch.autograd.Function):
    """An activation whose backward hands the gradient on unchanged, for losses that give the delta before it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Function) -> Tensor:  # type: ignore[override]  # no setup_context: 35 us
        return function(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0], None


class _KeepsOutput(torch.autograd.Function):
    """Base of the functions whose backward reads the output alone."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(output)


class _SoftplusAtOutput(_KeepsOutput):
    """Softplus with the original's backward, which puts the output where the input belongs."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return torch.log(1 + torch.exp(x))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grads[0] * torch.sigmoid(y)


class _SoftsignAtOutput(_KeepsOutput):
    """Softsign with the original's backward, which puts the output where the input belongs."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return F.softsign(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grads[0] / (1 + y.abs()).square()


class _DiagonalSoftmax(_KeepsOutput):
    """The deprecated softmax: over the last axis, with only the diagonal of the Jacobian in its backward."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return torch.softmax(x, -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grads[0] * y * (1 - y)


def _hard_sigmoid(x: Tensor) -> Tensor:
    return (0.2 * x + 0.5).clamp(0, 1)


def _scaled_elu(x: Tensor, alpha: float, scale: float) -> Tensor:
    return F.elu(x, alpha) * scale


def _selu(params: Sequence[float]) -> Function:
    alpha, scale = (*params, *SELU[len(params) :])[:2]
    close = abs(alpha - SELU[0]) < 1e-6 and abs(scale - SELU[1]) < 1e-6
    return F.selu if close else partial(_scaled_elu, alpha=alpha, scale=scale)


def _first(params: Sequence[float], default: float) -> float:
    return float(params[0]) if params else default


_MAKERS: dict[str, Callable[[Sequence[float], bool], Function]] = {
    "relu": lambda params, strict: F.relu,
    "thresholded_relu": lambda params, strict: partial(F.threshold, threshold=_first(params, 1.0), value=0.0),
    "leaky_relu": lambda params, strict: partial(F.leaky_relu, negative_slope=_first(params, 0.01)),
    "elu": lambda params, strict: partial(F.elu, alpha=_first(params, 1.0)),
    "selu": lambda params, strict: _selu(params),
    "exp": lambda params, strict: torch.exp,
    "softplus": lambda params, strict: _SoftplusAtOutput.apply if strict else F.softplus,
    "softsign": lambda params, strict: _SoftsignAtOutput.apply if strict else F.softsign,
    "softmax": lambda params, strict: partial(torch.softmax, dim=int(_first(params, -1))),
    "softmax_deprecated": lambda params, strict: _DiagonalSoftmax.apply,
    "sigmoid": lambda params, strict: torch.sigmoid,
    "hard_sigmoid": lambda params, strict: _hard_sigmoid,
    "tanh": lambda params, strict: torch.tanh,
    "linear": lambda params, strict: partial(torch.mul, other=_first(params, 1.0)),
}

ACTIVATIONS = tuple(_MAKERS)
"""The names that ``Activation`` knows."""


def activation_function(name: str, params: Sequence[float] = (), *, strict: bool = False) -> Function:
    """Return the function of an activation's name.

    Args:
        name: one of :data:`ACTIVATIONS`.
        params: alpha (and scale), or the softmax axis; the usual defaults where missing.
        strict: use the original's backward passes.

    Raises:
        EddlValueError: an unknown name.

    Example:
        >>> activation_function("linear", [2.0])(torch.ones(2))
        tensor([2., 2.])
    """
    if name not in _MAKERS:
        raise EddlValueError(f"unknown activation {name!r}", allowed=", ".join(ACTIVATIONS))
    return _MAKERS[name](params, strict)


class ActivationOp(Op):
    """An activation.

    Args:
        name: one of :data:`ACTIVATIONS`.
        params: alpha (and scale), or the softmax axis.

    Attributes:
        bypass: the loss of the net gives its delta before this activation, so a training pass hands the gradient on
            unchanged; the net sets it around its own steps.
    """

    def __init__(self, name: str, params: Sequence[float] = ()) -> None:
        super().__init__()
        self.name = name
        self.bypass = False
        self.function = activation_function(name, params, strict=self.strict)

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of ``x``, same shape."""
        if self.bypass and self.training and torch.is_grad_enabled():
            return _PassGradient.apply(x, self.function)
        return self.function(x)

    def extra_repr(self) -> str:
        """Return the activation's name."""
        return self.name
