"""Errors between numbers: squared, absolute and relative."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from deephealth.eddl.objective.loss import TorchLoss
from deephealth.eddl.objective.metric import TorchMetric
from deephealth.eddl.objective.shapes import features

__all__ = ["LMeanSquaredError", "MMeanAbsoluteError", "MMeanRelativeError", "MMeanSquaredError"]


def _squared(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(y, t, reduction="sum").div_(features(y))


class LMeanSquaredError(TorchLoss):
    """Squared error: the mean over a sample's values, summed over the batch.

    The gradient is EDDL's ``(y - t) / batch``: neither the 2 of the derivative nor the division by the values of a
    sample, so a learning rate means what it means in EDDL.

    Example:
        >>> from deephealth.eddl.tensor import Tensor
        >>> LMeanSquaredError().value(Tensor.zeros([2, 4]), Tensor.full([2, 4], 3))
        18.0
    """

    def __init__(self) -> None:
        super().__init__("mean_squared_error")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the sum of squares over the number of values of a sample."""
        return _squared(t, y)

    def compute_delta(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return ``(y - t) / batch``."""
        return torch.sub(y, t).div_(y.shape[0])


class MMeanSquaredError(TorchMetric):
    """Squared error: the mean over a sample's values, summed over the batch.

    Example:
        >>> MMeanSquaredError().torch_value(torch.zeros(2, 4), torch.full((2, 4), 3.0)).item()
        18.0
    """

    def __init__(self) -> None:
        super().__init__("mean_squared_error")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the sum of squares over the number of values of a sample."""
        return _squared(t, y)


class MMeanAbsoluteError(TorchMetric):
    """Absolute error: the mean over a sample's values, summed over the batch.

    Example:
        >>> MMeanAbsoluteError().torch_value(torch.zeros(2, 4), torch.full((2, 4), -3.0)).item()
        6.0
    """

    def __init__(self) -> None:
        super().__init__("mean_absolute_error")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the sum of absolute differences over the number of values of a sample."""
        return F.l1_loss(y, t, reduction="sum").div_(features(y))


class MMeanRelativeError(TorchMetric):
    """Relative error ``|t - y| / (|t| + eps)``: the mean over a sample's values, summed over the batch.

    Args:
        eps: what keeps the divisor from 0; a target of 0 makes the error about ``|y| / eps``.

    Example:
        >>> round(MMeanRelativeError().torch_value(torch.full((2, 4), 2.0), torch.full((2, 4), 1.0)).item(), 3)
        1.0
    """

    def __init__(self, eps: float = 0.001) -> None:
        super().__init__("mean_relative_error")
        self.eps = eps

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the sum of relative differences over the number of values of a sample."""
        return torch.sub(t, y).abs_().div_(t.abs().add_(self.eps)).sum().div_(features(y))
