"""Random numbers into a tensor, the same ones whatever its device and memory layout."""

from __future__ import annotations

import torch

__all__ = ["EDDL_NORMAL", "fill_normal", "fill_uniform"]

EDDL_NORMAL = 0.5**0.5
"""How wide EDDL's normal numbers are: its formula lacks a factor 2 under the root."""


def fill_uniform(tensor: torch.Tensor, low: float, high: float, generator: torch.Generator | None) -> None:
    """Fill with numbers that are equally likely between ``low`` and ``high``.

    Example:
        >>> weight = torch.empty(1000)
        >>> fill_uniform(weight, -2, 2, torch.Generator().manual_seed(0))
        >>> bool(weight.abs().max() <= 2)
        True
    """
    tensor.copy_(torch.empty(tensor.shape).uniform_(low, high, generator=generator))


def fill_normal(tensor: torch.Tensor, mean: float, std: float, generator: torch.Generator | None) -> None:
    """Fill with normal numbers of that mean and standard deviation.

    Example:
        >>> weight = torch.empty(10000)
        >>> fill_normal(weight, 1, 0.1, torch.Generator().manual_seed(0))
        >>> round(weight.mean().item(), 1)
        1.0
    """
    tensor.copy_(torch.empty(tensor.shape).normal_(mean, std, generator=generator))
