"""A progress bar for the steps of a run outside training: decoding, drawing, predicting, measuring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["bar"]


@contextmanager
def bar(description: str, *, shown: bool = True) -> Iterator[Callable[[int, int], object]]:
    """Show a progress bar while the block runs, if the output is a terminal; yields ``update(done, total)``.

    Args:
        description: what is being done.
        shown: false for no bar at all.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, disable=not (shown and sys.stderr.isatty())) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
