"""Where random operations take their numbers from: one generator per process, or one that a ``with`` block installs.

The original draws from one engine that no lock guards, and seeds noise from the system clock; a run with more than one
worker could not be repeated. Here a loader gives each sample a stream of its own, made from the seed and the sample's
position, so that results do not depend on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

__all__ = ["DEFAULT_SEED", "current", "generator", "set_seed", "substream", "using"]

DEFAULT_SEED = 1  # what the original takes for "no seed"
_MASK = (1 << 64) - 1
_INSTALLED: ContextVar[np.random.Generator | None] = ContextVar("deephealth_ecvl_draws", default=None)


class _Shared:
    """The process-wide generator; NumPy's generators lock themselves, so threads may draw from it."""

    generator = np.random.Generator(np.random.Philox())


def set_seed(seed: int) -> None:
    """Seed the process-wide generator, as ``AugmentationParam.SetSeed`` does.

    Args:
        seed: any whole number.

    Example:
        >>> set_seed(50); first = float(current().random())
        >>> set_seed(50); first == float(current().random())
        True
    """
    _Shared.generator = substream(seed)


def current() -> np.random.Generator:
    """Return the generator that :func:`using` installed here, else the process-wide one."""
    installed = _INSTALLED.get()
    return _Shared.generator if installed is None else installed


@contextmanager
def using(rng: np.random.Generator) -> Iterator[np.random.Generator]:
    """Let everything inside the ``with`` block, in this thread or task, draw from ``rng``.

    Example:
        >>> with using(substream(50, 0, 3)):
        ...     inside = float(current().random())
        >>> inside == float(substream(50, 0, 3).random())
        True
    """
    token = _INSTALLED.set(rng)
    try:
        yield rng
    finally:
        _INSTALLED.reset(token)


def substream(seed: int, *counters: int) -> np.random.Generator:
    """Return a generator of its own for a seed and a position, such as epoch and sample.

    Args:
        seed: any whole number.
        counters: whole numbers, 0 or more; other counters give independent streams.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox).
    """
    sequence = np.random.SeedSequence(int(seed) & _MASK, spawn_key=tuple(int(count) for count in counters))
    return np.random.Generator(np.random.Philox(sequence))


def generator(seed: int | None = None, rng: np.random.Generator | None = None) -> np.random.Generator:
    """Return the generator that a random operation draws from.

    Args:
        seed: of a generator for this one call; ``None`` and 1 mean "random", as in the original.
        rng: a generator to draw from; wins over ``seed``.
    """
    if rng is not None:
        return rng
    return current() if seed is None or seed == DEFAULT_SEED else substream(seed)
