"""The output itself as loss or metric: what losses built from layers use."""

from __future__ import annotations

import torch

from deephealth.eddl.objective.loss import TorchLoss
from deephealth.eddl.objective.metric import TorchMetric

__all__ = ["LMin", "MSum"]


class LMin(TorchLoss):
    """The sum of the output, to be made small: the target is not looked at and the gradient is 1.

    Example:
        >>> LMin().torch_delta(torch.zeros(1, 2), torch.ones(1, 2)).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self) -> None:
        super().__init__("min")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the sum of the output."""
        return y.sum()

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ones."""
        return torch.ones_like(y)


class MSum(TorchMetric):
    """The sum of the output; the target is not looked at.

    Example:
        >>> MSum().torch_value(torch.zeros(1, 2), torch.ones(1, 2)).item()
        2.0
    """

    def __init__(self) -> None:
        super().__init__("sum")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the sum of the output."""
        return y.sum()
