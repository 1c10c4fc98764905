"""What a command on a run achieved, ready to be printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a training, an evaluation or a report.

    Args:
        run: folder of the run.
        report: the report, if one was written.
        scores: the headline numbers, one line each, with interval and baseline.
        metrics: everything that was measured.
    """

    run: Path
    report: Path | None = None
    scores: tuple[str, ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the lines for a terminal; none from a process that only trained along."""
        return [f"run: {self.run}", *self.scores, f"report: {self.report}"] if self.report else []
