"""Backward conventions of the original that are not the derivative: gradients passed straight through, or scaled."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

__all__ = ["scale_gradient", "straight_through"]


class _StraightThrough(torch.autograd.Function):
    """Value of ``changed``, gradient to ``x`` unchanged."""

    @staticmethod
    def forward(x: Tensor, changed: Tensor) -> Tensor:
        return changed.view_as(changed)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing of the forward pass is needed."""

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


class _ScaleGradient(torch.autograd.Function):
    """The same value, gradient times a factor."""

    @staticmethod
    def forward(x: Tensor, factor: float) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.factor, None


def straight_through(x: Tensor, changed: Tensor) -> Tensor:
    """Return ``changed``; in the backward pass its gradient goes to ``x`` unchanged.

    Args:
        x: what the gradient goes to.
        changed: the value, of the same shape.

    Example:
        >>> x = torch.ones(2, requires_grad=True)
        >>> straight_through(x, x.detach().flip(0) * 3).backward(torch.tensor([1.0, 2.0]))
        >>> x.grad.tolist()
        [1.0, 2.0]
    """
    return cast("Tensor", _StraightThrough.apply(x, changed))


def scale_gradient(x: Tensor, factor: float) -> Tensor:
    """Return ``x``; in the backward pass its gradient is multiplied by ``factor``.

    Args:
        x: any tensor.
        factor: what its gradient is multiplied by.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> scale_gradient(x, 0.5).backward()
        >>> x.grad.tolist()
        [0.5]
    """
    return cast("Tensor", _ScaleGradient.apply(x, factor))
