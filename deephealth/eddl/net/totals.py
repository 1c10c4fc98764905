"""Sums of losses and metrics since the last reset, kept where they were computed so that no step waits for a device."""

from __future__ import annotations

import torch

__all__ = ["Totals"]


class Totals:
    """Running sums, one loss and one metric per output.

    Args:
        outputs: how many outputs there are.

    Example:
        >>> totals = Totals(1)
        >>> totals.add(0, loss=torch.tensor(6.0), metric=torch.tensor(3.0))
        >>> totals.count(4, steps=1)
        >>> totals.mean_losses(1), totals.mean_metrics(1)
        ([1.5], [0.75])
    """

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs
        self.reset()

    def reset(self) -> None:
        """Begin again from nothing."""
        self._losses: list[torch.Tensor | float] = [0.0] * self.outputs
        self._metrics: list[torch.Tensor | float] = [0.0] * self.outputs
        self.samples = 0
        self.steps = 1

    def add(self, output: int, *, loss: torch.Tensor | float = 0.0, metric: torch.Tensor | float = 0.0) -> None:
        """Add the sums over one batch (or one time step of it) of one output."""
        self._losses[output] = self._losses[output] + loss
        self._metrics[output] = self._metrics[output] + metric

    def count(self, samples: int, *, steps: int = 1) -> None:
        """Count the samples of one batch, whose sums were over ``steps`` time steps."""
        self.samples += samples
        self.steps = steps

    @property
    def losses(self) -> list[float]:
        """The loss sums."""
        return [float(total) for total in self._losses]

    @property
    def metrics(self) -> list[float]:
        """The metric sums."""
        return [float(total) for total in self._metrics]

    def mean_losses(self, count: int) -> list[float]:
        """Return the mean loss per sample (and time step) of the first ``count`` outputs; NaN before any sample."""
        return [self._mean(total) for total in self.losses[:count]]

    def mean_metrics(self, count: int) -> list[float]:
        """Return the mean metric per sample (and time step) of the first ``count`` outputs; NaN before any sample."""
        return [self._mean(total) for total in self.metrics[:count]]

    def _mean(self, total: float) -> float:
        return total / (self.steps * self.samples) if self.samples else float("nan")
