"""Load what the readers of a format need. Apart from the targets, since memory is limited anew for each module."""

from __future__ import annotations

__all__ = ["warm"]


def warm(kind: str, paths: list[str]) -> int:
    """See :func:`tests.fuzz.targets.warm`."""
    from tests.fuzz import targets

    return targets.warm(kind, paths)
