"""``mask_zeros`` on fused kernels: time steps whose input is all zeros are moved to the end instead of looped over."""

from __future__ import annotations

from typing import NamedTuple

import torch

__all__ = ["Compacted", "compact", "spread_back", "valid_steps"]


class Compacted(NamedTuple):
    """A batch of sequences whose valid steps come first.

    Attributes:
        x: ``[T, B, in]``, each sequence's valid steps in order, then the others.
        idle: ``[T, B, 1]``, 1 where ``x`` holds a step that must not count.
        seen: ``[T, B]``, for each step of the original order, how many valid steps there are up to and with it.
    """

    x: torch.Tensor
    idle: torch.Tensor
    seen: torch.Tensor


def valid_steps(x: torch.Tensor) -> torch.Tensor:
    """Return ``[T, B]``, true where ``x`` (``[T, B, in]``) is not all zeros."""
    return (x != 0).any(dim=2)


def compact(x: torch.Tensor) -> Compacted:
    """Move the valid steps of each sequence to its beginning.

    Args:
        x: ``[T, B, in]``.

    Example:
        >>> compact(torch.tensor([[[0.0]], [[7.0]], [[8.0]]])).x.flatten()
        tensor([7., 8., 0.])
    """
    valid = valid_steps(x)
    steps = torch.arange(x.shape[0], device=x.device).unsqueeze(1)
    order = torch.argsort(steps + x.shape[0] * (~valid).long(), dim=0)  # distinct keys, so that any sort will do
    seen = valid.long().cumsum(0)
    idle = (steps >= seen[-1:]).to(x.dtype).unsqueeze(2)
    return Compacted(x.gather(0, order.unsqueeze(2).expand_as(x)), idle, seen)


def spread_back(outputs: torch.Tensor, initial: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Return the outputs in the original order, where a step that does not count repeats the one before it.

    Args:
        outputs: ``[T, B, units]`` of the compacted sequences.
        initial: ``[B, units]``, what is repeated before the first valid step.
        seen: ``[T, B]``, as in :class:`Compacted`.
    """
    before = torch.cat((initial.unsqueeze(0), outputs))
    return before.gather(0, seen.unsqueeze(2).expand_as(outputs))
