"""Epoch-wide sums with exact reduction over processes, and their state for checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from torchmetrics import Metric

__all__ = ["BalancedAccuracy", "MeanJaccard", "WeightedMean", "meter_state", "restore_meter"]


class WeightedMean(Metric):
    """Mean of numbers that stand for several samples each; NaN before the first.

    Example:
        >>> mean = WeightedMean()
        >>> mean.update(torch.tensor(1.0), 3)
        >>> mean.update(torch.tensor(5.0), 1)
        >>> float(mean.compute())
        2.0
    """

    full_state_update = False
    total: torch.Tensor
    weight: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("weight", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, value: torch.Tensor, count: int) -> None:
        """Add ``value``, the mean over ``count`` samples."""
        self.total += value.detach().double() * count
        self.weight += count

    def compute(self) -> torch.Tensor:
        """Return the mean over all samples so far."""
        return self.total / self.weight


class BalancedAccuracy(Metric):
    """Mean over classes of the share found; classes without a sample are left out, as scikit-learn does.

    Args:
        num_classes: number of classes K.

    Example:
        >>> score = BalancedAccuracy(3)
        >>> score.update(torch.tensor([[2.0, 0, 0], [0, 2, 0], [2, 0, 0]]), torch.tensor([0, 1, 1]))
        >>> float(score.compute())
        0.75
    """

    full_state_update = False
    found: torch.Tensor
    present: torch.Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.add_state("found", torch.zeros(num_classes, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("present", torch.zeros(num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: torch.Tensor, target: torch.Tensor) -> None:
        """Add a batch: ``logits`` B×K, ``target`` B class numbers."""
        right = target[logits.argmax(dim=1) == target]
        self.found += torch.bincount(right, minlength=self.num_classes)
        self.present += torch.bincount(target, minlength=self.num_classes)

    def compute(self) -> torch.Tensor:
        """Return the mean recall, 0 to 1."""
        seen = self.present > 0
        return (self.found[seen].double() / self.present[seen]).mean()


class MeanJaccard(Metric):
    """Mean over images of intersection over union of the foreground; 1 where neither has any.

    Args:
        threshold: probability above which a pixel counts as foreground.

    Example:
        >>> score = MeanJaccard(0.5)
        >>> score.update(torch.tensor([[[[3.0, 3.0, -3.0]]]]), torch.tensor([[[[1.0, 0.0, 0.0]]]]))
        >>> float(score.compute())
        0.5
    """

    full_state_update = False
    total: torch.Tensor
    images: torch.Tensor

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("images", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: torch.Tensor, target: torch.Tensor) -> None:
        """Add a batch: ``logits`` and ``target`` (0 or 1) B×1×H×W."""
        found = logits.sigmoid().flatten(1) > self.threshold
        true = target.flatten(1) > 0.5
        both, either = (found & true).sum(dim=1).double(), (found | true).sum(dim=1).double()
        self.total += torch.where(either > 0, both / either.clamp(min=1), 1.0).sum()
        self.images += len(logits)

    def compute(self) -> torch.Tensor:
        """Return the mean over images, 0 to 1."""
        return self.total / self.images


def meter_state(meter: Metric) -> dict[str, Any]:
    """Return the sums over all processes (call it on each of them)."""
    meter.sync(distributed_available=_distributed)
    try:
        return {name: value.detach().cpu().clone() for name, value in meter.metric_state.items()}  # type: ignore[union-attr]
    finally:
        meter.unsync(should_unsync=meter._is_synced)


def restore_meter(meter: Metric, state: dict[str, Any], *, owner: bool = True) -> None:
    """Put sums back; only one process, the ``owner``, takes them, so that the next reduction counts them once."""
    meter.reset()
    if owner:
        for name, value in state.items():
            setattr(meter, name, value.to(meter.device))
        meter._update_count = 1  # else compute() would say that nothing was added yet


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
