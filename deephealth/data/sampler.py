"""In which order an epoch goes through the training samples: a function of the seed and the epoch, with no state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.core.seeds import counter_seed

__all__ = ["ClassBalanced", "Order", "Shuffle", "SqrtBalanced"]

Indices = npt.NDArray[np.int64]


class Order(Protocol):
    """What the data module asks a sampler."""

    def __len__(self) -> int:
        """Return the number of samples an epoch goes through."""
        ...

    def order(self, epoch: int) -> list[int]:
        """Return the positions of the samples of an epoch, in order."""
        ...


class Shuffle:
    """Every sample once per epoch, in random order.

    Args:
        targets: class index of each training sample (any number where there are no classes).
        seed: of the run.

    Example:
        >>> shuffle = Shuffle([0, 0, 1], seed=0)
        >>> sorted(shuffle.order(0)), shuffle.order(5) == shuffle.order(5)
        ([0, 1, 2], True)
    """

    def __init__(self, targets: Sequence[int], seed: int) -> None:
        self._count, self._seed = len(targets), seed

    def __len__(self) -> int:
        return self._count

    def order(self, epoch: int) -> list[int]:
        """Return the positions of the samples of an epoch, in order."""
        order: list[int] = _generator(self._seed, epoch).permutation(self._count).tolist()
        return order


class ClassBalanced:
    """Every class equally often in an epoch: rare classes repeat, of frequent ones another random part each epoch.

    Within a class no sample comes again before all others have come.

    Args:
        targets: class index of each training sample.
        seed: of the run.
        num_samples: length of an epoch; the number of training samples when not given.

    Raises:
        DataError: there are no samples.
    """

    power = 0.0

    def __init__(self, targets: Sequence[int], seed: int, *, num_samples: int | None = None) -> None:
        if not targets:
            raise DataError("there are no training samples to balance")
        self._seed = seed
        labels = np.asarray(targets)
        self._members: list[Indices] = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        counts = np.array([len(members) for members in self._members], dtype=np.float64)
        self._quotas = _shares(counts**self.power, num_samples or len(targets))

    def __len__(self) -> int:
        return int(self._quotas.sum())

    def order(self, epoch: int) -> list[int]:
        """Return the positions of the samples of an epoch, in order."""
        generator = _generator(self._seed, epoch)
        drawn = [
            _draw(members, int(quota), generator) for members, quota in zip(self._members, self._quotas, strict=True)
        ]
        order: list[int] = generator.permutation(np.concatenate(drawn)).tolist()
        return order


class SqrtBalanced(ClassBalanced):
    """Every class in proportion to the square root of its count: between :class:`Shuffle` and :class:`ClassBalanced`.

    Args:
        targets: class index of each training sample.
        seed: of the run.
        num_samples: length of an epoch; the number of training samples when not given.
    """

    power = 0.5


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(counter_seed(seed, "order", epoch)))


def _shares(weights: npt.NDArray[np.float64], total: int) -> Indices:
    """Return whole numbers in proportion to weights that add up to ``total`` (largest remainders get the rest)."""
    exact = weights / weights.sum() * total
    shares = np.floor(exact).astype(np.int64)
    rest = np.argsort(shares - exact, kind="stable")[: total - int(shares.sum())]
    shares[rest] += 1
    return shares


def _draw(members: Indices, count: int, generator: np.random.Generator) -> Indices:
    rounds = -(-count // len(members))
    return np.concatenate([generator.permutation(members) for _ in range(rounds)] or [members[:0]])[:count]
