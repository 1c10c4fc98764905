"""The small word lists of the detectors, kept as data in ``lists.toml``."""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Any

__all__ = ["word_pairs", "word_set"]


@functools.cache
def _lists() -> dict[str, Any]:
    return tomllib.loads(files("deephealth.lake.text").joinpath("lists.toml").read_text(encoding="utf-8"))


def word_set(name: str) -> frozenset[str]:
    """Return the words of a list.

    Example:
        >>> "herr" in word_set("titles")
        True
    """
    return frozenset(_lists()[name].split())


def word_pairs(name: str) -> frozenset[tuple[str, str]]:
    """Return the pairs of words of a list.

    Example:
        >>> ("white", "matter") in word_pairs("fixed")
        True
    """
    return frozenset((first, second) for first, _, second in (pair.partition(" ") for pair in _lists()[name]))
