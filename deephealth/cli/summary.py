"""The lines that close a run: scores with their intervals, the baseline beside them, and where the report lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.cli.console import say

if TYPE_CHECKING:
    from deephealth.usecases.outcome import Outcome

__all__ = ["say_outcome"]


def say_outcome(outcome: Outcome) -> None:
    """Print what a run achieved."""
    for line in outcome.lines():
        say(line)
