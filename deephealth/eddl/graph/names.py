"""Layer names: EDDL's prefixes with one counter per family, shared by all nets of the process."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

__all__ = ["clean_name", "count", "default_name", "identifier", "reset_names"]

_counters: defaultdict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))


def count(family: str) -> int:
    """Advance the counter of ``family`` and return it; the first value is 1."""
    return next(_counters[family])


def default_name(prefix: str, family: str | None = None, *, advance: int = 1) -> str:
    """Return the next default name of a family.

    Args:
        prefix: what the name begins with, such as ``"relu"``.
        family: whose counter counts; the prefix's own when ``None`` (all activations share one, so do pools).
        advance: by how much the counter goes up (pools go up by two).

    Example:
        >>> reset_names()
        >>> default_name("relu", "activation"), default_name("softmax", "activation")
        ('relu1', 'softmax2')
        >>> default_name("maxpool2d", advance=2)
        'maxpool2d2'
    """
    for _ in range(advance - 1):
        count(family or prefix)
    return f"{prefix}{count(family or prefix)}"


def clean_name(name: str) -> str:
    """Return a user's name as EDDL stores it: ``/``, ``-`` and ``:`` become ``_``.

    Example:
        >>> clean_name("block1/conv-1:0")
        'block1_conv_1_0'
    """
    return re.sub(r"[/:-]", "_", name)


def identifier(name: str) -> str:
    """Return a layer's name as a Python identifier, for a submodule of the torch module.

    Example:
        >>> identifier("top.0"), identifier("2nd")
        ('top_0', '_2nd')
    """
    safe = re.sub(r"\W", "_", name) or "layer"
    return f"_{safe}" if safe[0].isdigit() else safe


def reset_names() -> None:
    """Start all counters again from 1, as a fresh process does (for tests and for reproducing names)."""
    _counters.clear()
