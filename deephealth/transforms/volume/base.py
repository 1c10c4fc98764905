"""What a transform of volumes is: it draws for each sample from that sample's own numbers, then acts on the batch.

A **batch** is a dictionary: images B×C×D×H×W of floats, labels B×C×D×H×W of whole numbers, and, where the place in the
patient is known, ``"affine"`` B×4×4 (float64; voxel (i, j, k) = (W, H, D) index -> RAS+ mm). The same code runs on any
device. Every draw is a function of (seed of the sample, place in the chain): neither the other samples of the batch,
nor the number of workers, nor a resume changes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from deephealth.core.seeds import counter_seed

__all__ = ["AFFINE", "Batch", "Draws", "Params", "TRACE", "VolumeTransform"]

Batch = dict[str, Any]
Params = dict[str, Any]

AFFINE = "affine"  # the key of the affines
TRACE = "trace"  # the key under which a chain keeps what it did, so that it can be undone


class Draws:
    """The random numbers of one sample at one place of a chain.

    Args:
        seed: of the sample; see :func:`deephealth.core.seeds.counter_seed`.
        place: where in the chain, such as ``"3/GaussianNoise"``.

    Example:
        >>> Draws(1, "0/Flip").uniform() == Draws(1, "0/Flip").uniform()
        True
    """

    def __init__(self, seed: int, place: str) -> None:
        self._numbers = np.random.Generator(np.random.Philox(key=counter_seed(seed, place)))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * float(self._numbers.random())

    def normal(self, mean: float = 0.0, deviation: float = 1.0) -> float:
        """Return a normal number."""
        return mean + deviation * float(self._numbers.standard_normal())

    def happens(self, probability: float) -> bool:
        """Return whether an event of this probability happens; one number is used whatever the answer."""
        return bool(self._numbers.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number in [low, high)."""
        return int(self._numbers.integers(low, high))

    def uniforms(self, *shape: int) -> np.ndarray:
        """Return an array of numbers in [0, 1), float64: for coarse grids, not for whole volumes."""
        return self._numbers.random(shape)

    def key(self) -> int:
        """Return a 63-bit key for a random field of whole-volume size (:mod:`deephealth.kernels.philox`)."""
        return int(self._numbers.integers(0, 2**63))


class VolumeTransform(ABC):
    """One step of a chain.

    Args:
        image_keys: the batch's entries that are interpolated and whose intensities change; absent ones are passed over.
        label_keys: the entries that take the nearest value and keep their intensities.
    """

    def __init__(self, *, image_keys: Sequence[str] = ("image",), label_keys: Sequence[str] = ("label",)) -> None:
        self.image_keys = tuple(image_keys)
        self.label_keys = tuple(label_keys)

    @abstractmethod
    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return what is done to one sample, or ``None`` to leave it alone.

        Args:
            draws: the sample's own random numbers.
            sample: its tensors, C×D×H×W, to look at.
        """

    @abstractmethod
    def apply(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with this step done; the tensors of the given batch are left as they are."""

    def invert(self, batch: Batch, params: Sequence[Params | None]) -> Batch:
        """Return the batch with the geometry of this step undone; steps that move nothing return it as it is."""
        return batch
