"""Collects what is wrong with a data set, in the order it was found, without drowning the user in one kind of it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from deephealth.data.sample import Problem

__all__ = ["Findings"]

_LISTED = 50  # of one kind; the rest are counted in one line


class Findings:
    """A growing list of problems.

    Example:
        >>> findings = Findings()
        >>> findings.error("missing-image", "truth.csv:7", "no image ISIC_1")
        >>> [problem.kind for problem in findings.problems()]
        ['missing-image']
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._counts: Counter[tuple[Literal["error", "warning"], str]] = Counter()

    def error(self, kind: str, where: str, message: str) -> None:
        """Note something that makes a sample unusable."""
        self._add("error", kind, where, message)

    def warning(self, kind: str, where: str, message: str) -> None:
        """Note something that the user should know; the data can be used."""
        self._add("warning", kind, where, message)

    def _add(self, severity: Literal["error", "warning"], kind: str, where: str, message: str) -> None:
        self._counts[severity, kind] += 1
        if self._counts[severity, kind] <= _LISTED:
            self._problems.append(Problem(severity, kind, where, message))

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that was found; of each kind the first 50, then one line that counts the others."""
        rest = [
            Problem(severity, kind, "", f"... and {count - _LISTED} more of the kind '{kind}' ({count} in all)")
            for (severity, kind), count in self._counts.items()
            if count > _LISTED
        ]
        return (*self._problems, *rest)
