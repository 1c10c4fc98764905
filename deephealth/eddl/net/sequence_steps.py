"""What happens between the layers of a recurrent net: time is folded into the batch, taken out of it, cut, spread."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

__all__ = [
    "PerStep",
    "batch_first",
    "first_token",
    "fold",
    "join_steps",
    "last_steps",
    "spread",
    "time_first",
    "unfold",
]


def time_first(x: torch.Tensor) -> torch.Tensor:
    """Return ``[B, T, ...]`` as ``[T, B, ...]``."""
    return x.transpose(0, 1)


def batch_first(x: torch.Tensor) -> torch.Tensor:
    """Return ``[T, B, ...]`` as ``[B, T, ...]``."""
    return x.transpose(0, 1)


def fold(x: torch.Tensor) -> torch.Tensor:
    """Return ``[T, B, ...]`` as ``[T * B, ...]``."""
    return x.flatten(0, 1)


def unfold(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return ``[T * B, ...]`` as ``[T, B, ...]`` with T and B of ``like``."""
    return x.reshape(like.shape[0], like.shape[1], *x.shape[1:])


def last_steps(x: torch.Tensor, count: int) -> torch.Tensor:
    """Return the last ``count`` steps of ``[T, B, ...]``."""
    return x[-count:]


def join_steps(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return several ``[T, B, ...]`` one after the other in time."""
    return torch.cat(list(parts))


def spread(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return ``[B, ...]``, the same at every step, as ``[T, B, ...]`` with T of ``like``."""
    return x.unsqueeze(0).expand(like.shape[0], *x.shape)


def first_token(like: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return the zeros ``[1, B, *shape]`` that a decoder starts with, B of the batch-first ``like``."""
    return like.new_zeros(1, like.shape[0], *shape)


class PerStep(nn.Module):
    """Run an op whose result for a sample depends on the others, such as batch normalisation, step by step.

    The original ran a copy of the layer per step, each with the statistics of its step. While testing, steps do not
    depend on each other and are run together.

    Args:
        step: the op.
    """

    def __init__(self, step: nn.Module) -> None:
        super().__init__()
        self.step = step

    def forward(self, *xs: torch.Tensor) -> torch.Tensor:
        """Run over ``[T, B, ...]``."""
        if not self.training:
            return unfold(self.step(*map(fold, xs)), xs[0])
        return torch.stack([self.step(*each) for each in zip(*(x.unbind(0) for x in xs), strict=True)])
