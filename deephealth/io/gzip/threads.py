"""How many threads a piece of work is given."""

from __future__ import annotations

import os

__all__ = ["thread_count"]


def thread_count(wanted: int | None, pieces: int) -> int:
    """Return ``wanted``, or one per core that this process may use; never more than there are pieces of work.

    Example:
        >>> thread_count(4, pieces=2), thread_count(0, pieces=9)
        (2, 1)
    """
    if wanted is None:
        wanted = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(wanted, pieces))
