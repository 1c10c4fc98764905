"""The strict switch: bug-for-bug behaviour of the original EDDL, for people who must reproduce an old run.

By default EDDL's conventions are kept and its bugs are fixed (:mod:`deephealth.eddl.differences` lists every one).
In strict mode the bugs come back. An object remembers the mode it was made in: set it before the first layer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["is_strict", "strict", "strict_mode"]

_VARIABLE = "DEEPHEALTH_EDDL_STRICT"
_chosen: bool | None = None


def strict(on: bool = True) -> None:
    """Turn strict mode on or off for everything that is made afterwards.

    Args:
        on: ``True`` reproduces the original's bugs; ``False`` is the default behaviour.

    Example:
        >>> strict(True); is_strict()
        True
        >>> strict(False); is_strict()
        False
    """
    global _chosen
    _chosen = on


def is_strict() -> bool:
    """Return whether strict mode is on: what :func:`strict` said last, else ``DEEPHEALTH_EDDL_STRICT=1``."""
    if _chosen is not None:
        return _chosen
    return os.environ.get(_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}


@contextmanager
def strict_mode(on: bool = True) -> Iterator[None]:
    """Set strict mode inside a ``with`` block, and put it back afterwards.

    Example:
        >>> with strict_mode():
        ...     is_strict()
        True
    """
    global _chosen
    before, _chosen = _chosen, on
    try:
        yield
    finally:
        _chosen = before
