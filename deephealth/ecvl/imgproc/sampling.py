"""Random whole numbers by the million: 16 random bits look a number up; where they can't decide, more are drawn.

A table has one entry for each value of 16 bits. Entries that lie wholly between two steps of the distribution function
give their number at once; the few that a step runs through draw the rest of their bits, so that the distribution is not
rounded to the table's resolution.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

__all__ = ["WholeNumbers", "bernoulli", "laplace_floor", "poisson", "random_words"]

_CELLS = 1 << 16
_BYTE_MAX = 255
_TAIL = 45.0  # e**-45 is below what float64 adds to a probability of 1
_LOG_FACTORIALS = np.array([math.lgamma(number + 1.0) for number in range(_BYTE_MAX)])


class WholeNumbers:
    """A distribution of whole numbers.

    Args:
        cumulative: probability of at most ``first + i`` at [i]; the last is 1.
        first: the smallest number, above -32768; the largest is 32767 at most.

    Example:
        >>> coin = WholeNumbers(np.array([0.5, 1.0]), 0)
        >>> coin.draw(8, np.random.default_rng(0)).max() <= 1
        np.True_
    """

    def __init__(self, cumulative: np.ndarray, first: int) -> None:
        self.cumulative, self.first = cumulative, first
        edges = cumulative * _CELLS
        bounds = np.ceil(edges).astype(np.int64)
        numbers = np.arange(first, first + len(cumulative))
        narrow = first >= 0 and numbers[-1] < _BYTE_MAX
        self.unknown = _BYTE_MAX if narrow else np.iinfo(np.int16).min
        self.table = np.repeat(numbers.astype(np.uint8 if narrow else np.int16), np.diff(bounds, prepend=0))
        self.table[np.floor(edges[bounds > edges]).astype(np.int64)] = self.unknown

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Return 1 x ``count`` numbers: uint8 if all are below 255, else int16."""
        words = random_words(count, random)
        found = cv2.LUT(words, self.table)
        at = np.flatnonzero(found == self.unknown)
        if at.size:
            exact = (words[0, at] + random.random(at.size)) / _CELLS
            places = np.searchsorted(self.cumulative, exact, side="right")
            found[0, at] = np.minimum(places, len(self.cumulative) - 1) + self.first
        return found


def random_words(count: int, random: np.random.Generator) -> np.ndarray:
    """Return 1 x ``count`` random 16-bit numbers, four from each draw."""
    most = np.iinfo(np.uint64).max
    drawn = random.integers(0, most, -(-count // 4), dtype=np.uint64, endpoint=True)
    return drawn.view(np.uint16)[:count].reshape(1, -1)


def bernoulli(
    shares: tuple[float, float], shape: tuple[int, ...], random: np.random.Generator
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return two masks of 0 and 255 that exclude each other.

    Args:
        shares: probabilities of 255 in the first and in the second; ``None`` is returned for one that is 0.
        shape: of the masks.
        random: what to draw from.

    Example:
        >>> first, second = bernoulli((0.5, 0.5), (4, 4), np.random.default_rng(0))
        >>> bool(((first == 255) ^ (second == 255)).all())
        True
    """
    words = random_words(math.prod(shape), random)
    ends = shares[0] * _CELLS, (shares[0] + shares[1]) * _CELLS
    below = [_below(words, end, random) for end in ends] if shares[0] and shares[1] else None
    if below is not None:
        first, either = below
        return first.reshape(shape), cv2.subtract(either, first).reshape(shape)
    one = _below(words, ends[1], random).reshape(shape) if ends[1] else None
    return (one, None) if shares[0] else (None, one)


def _below(words: np.ndarray, end: float, random: np.random.Generator) -> np.ndarray:
    """Return 255 where a uniform number, whose whole part is the word, is below ``end``."""
    whole = math.floor(end)
    found = np.negative((words < whole).view(np.uint8)) if whole < _CELLS else np.full(words.shape, 255, np.uint8)
    if whole < end:
        at = np.flatnonzero(words == whole)
        found[0, at] = np.negative((random.random(at.size) < end - whole).view(np.uint8))
    return found


@lru_cache(maxsize=64)
def poisson(mean: float) -> WholeNumbers:
    """Return the Poisson distribution, its numbers above 255 taken for 255.

    Args:
        mean: above 0.

    Example:
        >>> drawn = poisson(4.0).draw(10_000, np.random.default_rng(0))
        >>> abs(float(drawn.mean()) - 4) < 0.1
        True
    """
    chances = np.exp(np.arange(_BYTE_MAX) * math.log(mean) - mean - _LOG_FACTORIALS)
    cumulative = np.minimum(np.cumsum(chances), 1.0)
    if cumulative[-1] < 1 - 2.0**-50:
        cumulative = np.append(cumulative, 1.0)
    cumulative[-1] = 1.0
    return WholeNumbers(cumulative, 0)


@lru_cache(maxsize=64)
def laplace_floor(scale: float) -> WholeNumbers:
    """Return the distribution of the floor of the difference of two exponentials, clamped to -256 and 255.

    Args:
        scale: mean of the exponentials, above 0.

    Example:
        >>> drawn = laplace_floor(5.0).draw(10_000, np.random.default_rng(0))
        >>> abs(float(drawn.mean()) + 0.5) < 0.3
        True
    """
    reach = min(_BYTE_MAX + 1, math.ceil(_TAIL * scale) + 1)
    ends = np.arange(-reach + 1, reach + 1) / scale  # the floor is at most n where the noise is below n + 1
    cumulative = np.where(ends < 0, 0.5 * np.exp(-np.abs(ends)), 1 - 0.5 * np.exp(-np.abs(ends)))
    cumulative[-1] = 1.0
    return WholeNumbers(cumulative, -reach)
