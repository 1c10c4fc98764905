"""Metrics that keep one row of numbers per case, and reduce when asked: exact, however the cases are shared out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torchmetrics import Metric

from deephealth.core.errors import ConfigError, did_you_mean

__all__ = ["REDUCTIONS", "PerCaseMetric", "Reduction", "exact_mean", "exact_sums", "reduced"]

Reduction = Literal["mean", "mean_batch", "mean_channel", "none"]
REDUCTIONS = ("mean", "mean_batch", "mean_channel", "none")


def exact_mean(values: torch.Tensor) -> float:
    """Return the mean of what is not NaN: the correctly rounded sum, whatever the order; NaN if nothing is left.

    Example:
        >>> exact_mean(torch.tensor([1.0, float("nan"), 2.0]))
        1.5
    """
    known = values[~values.isnan()].double().tolist()
    return math.fsum(known) / len(known) if known else math.nan


def exact_sums(table: torch.Tensor) -> torch.Tensor:
    """Return the sum of each column of N×C numbers, correctly rounded, whatever the order.

    Example:
        >>> exact_sums(torch.tensor([[1e16, 1.0], [1.0, 2.0], [-1e16, 3.0]], dtype=torch.float64)).tolist()
        [1.0, 6.0]
    """
    return torch.tensor([math.fsum(one) for one in table.T.tolist()], dtype=table.dtype, device=table.device)


def reduced(table: torch.Tensor, reduction: Reduction) -> torch.Tensor:
    """Reduce N×C scores; NaN is left out of every mean.

    Args:
        table: scores.
        reduction: ``mean`` over the classes of each case, then over cases; ``mean_batch`` over cases (C numbers);
            ``mean_channel`` over classes (N numbers); ``none``. The names are MONAI's.

    Example:
        >>> reduced(torch.tensor([[1.0, 0.0], [1.0, float("nan")]]), "mean").item()
        0.75
    """
    if reduction == "none":
        return table
    if reduction == "mean_batch":
        return torch.tensor([exact_mean(one) for one in table.T], dtype=table.dtype, device=table.device)
    cases = torch.tensor([exact_mean(one) for one in table], dtype=table.dtype, device=table.device)
    return cases if reduction == "mean_channel" else cases.new_tensor(exact_mean(cases))


class PerCaseMetric(Metric):
    """Base of the metrics that keep N×columns numbers.

    The state is one flat list, so that a process which has seen no case can take part in the gathering.

    Args:
        columns: how many numbers a case has.
        reduction: see :func:`reduced`.
        kwargs: torchmetrics' own settings.
    """

    full_state_update = False
    is_differentiable = False

    numbers: list[torch.Tensor]

    def __init__(self, columns: int, reduction: Reduction = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if reduction not in REDUCTIONS:
            raise ConfigError(
                [f"reduction: no '{reduction}'; {did_you_mean(reduction, REDUCTIONS)}"], source=type(self).__name__
            )
        self.columns, self.reduction = columns, reduction
        self.add_state("numbers", default=[], dist_reduce_fx="cat")
        self.set_dtype(torch.float64)  # a process without cases sends an empty tensor of this type

    def keep(self, rows: torch.Tensor | Sequence[Sequence[float]]) -> None:
        """Add the rows of some cases, N×columns."""
        self.numbers.append(torch.as_tensor(rows, dtype=torch.float64).reshape(-1).to(self.device))

    def table(self) -> torch.Tensor:
        """Return the rows of all cases, N×columns; in a distributed run ``compute`` sees those of all processes."""
        kept = self.numbers if isinstance(self.numbers, list) else [self.numbers]
        empty = torch.zeros(0, dtype=torch.float64, device=self.device)
        return torch.cat([empty, *kept]).reshape(-1, self.columns)
