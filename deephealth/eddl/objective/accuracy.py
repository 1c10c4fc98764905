"""Accuracies: the share of right answers."""

from __future__ import annotations

import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.objective.metric import TorchMetric
from deephealth.eddl.objective.shapes import features

__all__ = ["MBinAccuracy", "MCategoricalAccuracy"]


class MCategoricalAccuracy(TorchMetric):
    """How many rows have their largest value at the same place in target and output (the first of equal ones).

    A row whose largest value is NaN makes the result NaN.

    Example:
        >>> MCategoricalAccuracy().torch_value(torch.eye(2), torch.tensor([[0.9, 0.1], [0.8, 0.2]])).item()
        1.0
    """

    def __init__(self) -> None:
        super().__init__("categorical_accuracy")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the number of right rows.

        Raises:
            EddlShapeError: if the tensors are not ``[batch, classes]``.
        """
        if y.dim() != 2:
            raise EddlShapeError(
                f"metric {self.name}",
                f"the output has shape {list(y.shape)}",
                allowed="2 dimensions, [batch, classes]",
                hint="flatten the last layer to [batch, classes]; for maps use 'dice' or 'binary_accuracy'",
            )
        best_t, where_t = t.max(1)
        best_y, where_y = y.max(1)
        return torch.add(where_t == where_y, best_t.add_(best_y), alpha=0.0).sum()  # 0 x NaN keeps the NaN


class MBinAccuracy(TorchMetric):
    """How many answers are on the right side of 0.5, as a mean over the values of a sample, summed over the batch.

    Targets count as right only when they are exactly 0 or 1. In strict mode only the first ``batch`` values of the
    whole tensor are looked at, as in EDDL: the same for outputs ``[batch, 1]``, wrong for wider ones.

    Example:
        >>> t, y = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.9, 0.2], [0.7, 0.1]])
        >>> MBinAccuracy().torch_value(t, y).item()
        1.5
    """

    def __init__(self) -> None:
        super().__init__("binary_accuracy")

    def compute_value(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the mean share of right answers of a sample, summed."""
        if self.strict:
            return self._right(t.flatten()[: t.shape[0]], y.flatten()[: y.shape[0]])
        return self._right(t, y).div_(features(y))

    @staticmethod
    def _right(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.add((y > 0.5) == t, t + y, alpha=0.0).sum()  # 0 x NaN keeps the NaN
