"""The number by which epochs are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from deephealth.core.errors import UnknownNameError

__all__ = ["Monitor"]


@dataclass(frozen=True, slots=True)
class Monitor:
    """A column of the history, and which way is better.

    Args:
        name: the column; one whose name ends in ``loss`` or ``error`` is better when lower.
        required: whether a row without it is a mistake; without a validation set there is no score of the task.

    Example:
        >>> Monitor("val_loss").better(0.5, 0.7), Monitor("val_jaccard").better(0.5, 0.7)
        (True, False)
    """

    name: str
    required: bool = True

    def read(self, row: Mapping[str, float | int]) -> float | None:
        """Return the number of an epoch.

        Raises:
            UnknownNameError: there is no such column.
        """
        if self.name in row:
            return float(row[self.name])
        if self.required:
            raise UnknownNameError("metric", self.name, row)
        return None

    def better(self, score: float, best: float | None, *, by: float = 0.0) -> bool:
        """Return whether ``score`` beats ``best`` by more than ``by``; NaN beats nothing."""
        if best is None:
            return not math.isnan(score)
        sign = -1.0 if self.name.endswith(("loss", "error")) else 1.0
        return sign * (score - best) > by
