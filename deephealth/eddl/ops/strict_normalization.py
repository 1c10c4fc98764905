"""The original's normalisation bugs, value and gradient, for strict mode."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

__all__ = ["extremes_of_first_sample", "twice_centred"]


class _TwiceCentred(torch.autograd.Function):
    """(x - 2 mean) / deviation per row, with the gradient formula of the right normalisation fed with that value."""

    @staticmethod
    def forward(x: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
        mean = x.mean(1, keepdim=True)
        deviation = ((x - mean).square().mean(1, keepdim=True) + epsilon).sqrt()
        return (x - mean - mean) / deviation, mean, deviation

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
        plain, mean, deviation = output
        ctx.mark_non_differentiable(mean, deviation)
        ctx.save_for_backward(plain, deviation)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        plain, deviation = ctx.saved_tensors
        delta = gradients[0]
        along = (delta * plain).mean(1, keepdim=True)
        return (delta - plain * along - delta.mean(1, keepdim=True)) / deviation, None


def twice_centred(x: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise each row with the mean taken off twice, as the original's layer and group normalisation do.

    Args:
        x: [rows, values].
        epsilon: added to the variance.

    Returns:
        The result, and each row's mean and deviation, [rows, 1].

    Example:
        >>> twice_centred(torch.tensor([[1.0, 3.0]]), 0.0)[0].tolist()
        [[-3.0, -1.0]]
    """
    return cast("tuple[Tensor, Tensor, Tensor]", _TwiceCentred.apply(x, epsilon))


class _Extremes(torch.autograd.Function):
    """Least and greatest value per row, repeated along the row; the gradient is the original's."""

    @staticmethod
    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.amin(1, keepdim=True).expand_as(x).clone(), x.amax(1, keepdim=True).expand_as(x).clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        rows, values = x.shape
        # Its reduction reads as many of the repeated values' gradients as there are samples, from the start of memory,
        # so only the first samples are seen, and their gradients go to the extremes of these samples.
        read = torch.arange(rows, device=x.device)
        owner = read // values
        found = torch.zeros_like(x).flatten()
        for place, gradient in zip((x.argmin(1), x.argmax(1)), gradients, strict=True):
            found = found.index_add(0, owner * values + place[owner], gradient.flatten()[:rows])
        return found.view(x.shape)


def extremes_of_first_sample(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return each row's least and greatest value, repeated, with the original's gradient: only first samples get any.

    Args:
        x: [rows, values].

    Returns:
        Two tensors of the shape of ``x``.

    Example:
        >>> extremes_of_first_sample(torch.tensor([[1.0, 3.0]]))[0].tolist()
        [[1.0, 1.0]]
    """
    return cast("tuple[Tensor, Tensor]", _Extremes.apply(x))
