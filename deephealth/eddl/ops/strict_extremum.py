"""Maximum and minimum with ``keepdims`` as the original has them, for strict mode.

The result has the input's full shape. Its backward reads only as many of the deltas as there are groups, counted from
the beginning of the tensor; each goes to the winner of the group its position belongs to.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["strict_extremum"]


class _Extremum(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, axes: tuple[int, ...], largest: bool) -> tuple[Tensor, Tensor]:
        place = torch.arange(x.numel(), device=x.device).view_as(x)
        grouped, places = _grouped(x, axes), _grouped(place, axes)
        best = grouped.max(-1, keepdim=True) if largest else grouped.min(-1, keepdim=True)
        winner = places.gather(-1, best.indices)
        return _spread(best.values, x, axes), _spread(winner, x, axes)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        _, axes, _ = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])
        ctx.axes = axes

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (winner,) = ctx.saved_tensors
        size = 1
        for axis in ctx.axes:
            size *= winner.shape[axis]
        groups = winner.numel() // size
        taken = torch.zeros(winner.numel(), dtype=grads[0].dtype, device=winner.device)
        taken.index_add_(0, winner.reshape(-1)[:groups], grads[0].reshape(-1)[:groups])
        return taken.view(winner.shape), None, None


def _grouped(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes))


def _spread(reduced: Tensor, like: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return one value per group, [*others, 1], repeated over the groups in the shape of ``like``."""
    shape = [1 if axis in axes else size for axis, size in enumerate(like.shape)]
    return reduced.reshape(shape).expand_as(like).contiguous()


def strict_extremum(x: Tensor, axes: list[int], *, largest: bool) -> Tensor:
    """Return the maximum or minimum over ``axes``, repeated to the full shape of ``x``.

    Args:
        x: any tensor.
        axes: the axes, batch included.
        largest: maximum instead of minimum.
    """
    return _Extremum.apply(x, tuple(axes), largest)[0]
