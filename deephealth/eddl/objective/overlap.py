"""Dice overlap, as a loss and as a metric."""

from __future__ import annotations

import torch

from deephealth.eddl.objective.loss import TorchLoss
from deephealth.eddl.objective.metric import TorchMetric

__all__ = ["LDice", "MDice"]


def _sums(t: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return of each sample, as columns, the sum of both tensors and the sum of their product."""
    t, y = t.flatten(1), y.flatten(1)
    return (t + y).sum(1, keepdim=True), (t * y).sum(1, keepdim=True)


def _overlap(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    both, common = (t, y) if t.dim() > 1 else (t[:, None], y[:, None])
    total, product = _sums(both, common)
    return product.div_(total).sum().mul_(2)


class MDice(TorchMetric):
    """Soft Dice ``2 sum(t y) / (sum t + sum y)`` of each sample, summed over the batch.

    No threshold and no epsilon: a sample where both are empty gives NaN, as in EDDL.

    Example:
        >>> MDice().torch_value(torch.ones(2, 4), torch.ones(2, 4)).item()
        2.0
    """

    def __init__(self) -> None:
        super().__init__("dice")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the Dice overlaps, summed."""
        return _overlap(t, y)


class LDice(TorchLoss):
    """One minus soft Dice of each sample, summed over the batch.

    The gradient is EDDL's: half the true one, and not divided by the batch size.

    Example:
        >>> LDice().torch_value(torch.ones(2, 4), torch.ones(2, 4)).item()
        0.0
    """

    def __init__(self) -> None:
        super().__init__("dice")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the batch size less the Dice overlaps."""
        return torch.rsub(_overlap(t, y), y.shape[0])

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``(sum(t y) - t s) / s**2`` with ``s = sum t + sum y`` of the sample."""
        flat = t.reshape(y.shape[0], -1)
        total, product = _sums(flat, y.reshape(flat.shape))
        return product.sub(flat * total).div_(total.square()).view(y.shape)
