"""Normalisation of intensities while a patch is read: the stored volume keeps its small dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import ConfigError, DataError
from deephealth.data.volume_store import StoredCase, VolumeStore

__all__ = ["Scaling", "Window", "ZScore", "foreground_window"]

Table = npt.NDArray[np.float32]

_LEAST_STD = 1e-8
_VALUES_PER_CASE = 10_000


class Scaling(Protocol):
    """What a reader of patches asks: how the channels of a case are scaled."""

    def __call__(self, case: StoredCase) -> Table:
        """Return C×4: low, high, shift, factor; a value becomes ``(clip(x, low, high) - shift) * factor``."""
        ...


@dataclass(frozen=True, slots=True)
class ZScore:
    """Each channel of each case gets mean 0 and standard deviation 1 (MR).

    Args:
        region: whose voxels count: all, those that are not 0, or those of the label's classes above 0. A case without
            such voxels takes all.
    """

    region: Literal["all", "nonzero", "foreground"] = "all"

    def __call__(self, case: StoredCase) -> Table:
        """Return the table of a case; a constant channel is shifted to 0."""
        rows = case.statistics.get(self.region, case.statistics["all"])
        table = [[-np.inf, np.inf, row["mean"], 1 / max(row["std"], _LEAST_STD)] for row in rows]
        return np.array(table, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Window:
    """The same clipping and scaling for all cases and channels (CT).

    Args:
        low: smallest value; lower ones become it.
        high: largest value.
        shift: is taken off.
        std: is divided by.

    Raises:
        ConfigError: ``low`` is not below ``high``, or ``std`` is not above 0.

    Example:
        >>> lung = Window.to_unit(-1000, 400)
        >>> lung.shift, lung.std
        (-1000, 1400)
    """

    low: float
    high: float
    shift: float
    std: float

    def __post_init__(self) -> None:
        if not self.low < self.high or not self.std > 0:
            raise ConfigError([f"{self}: low must be below high, and std above 0"], source="the window of intensities")

    @classmethod
    def to_unit(cls, low: float, high: float) -> Window:
        """Return the window that maps ``low`` to 0 and ``high`` to 1."""
        return cls(low, high, low, high - low)

    def __call__(self, case: StoredCase) -> Table:
        """Return the same row for each channel."""
        row = [self.low, self.high, self.shift, 1 / self.std]
        return np.array([row] * len(case.image), dtype=np.float32)


def foreground_window(store: VolumeStore, *, channel: int = 0) -> Window:
    """Return nnU-Net's normalisation of CT: quantiles 0.5 and 99.5 %, mean and std of the foreground of all cases.

    It takes up to 10,000 foreground voxels of each case, the classes in proportion to their volume. Give it the
    training cases alone.

    Raises:
        DataError: no case has foreground.
    """
    values = [found for case in store if (found := _foreground_values(case, channel)).size]
    if not values:
        raise DataError("no case has foreground", hint="set a Window by hand")
    pooled = np.concatenate(values)
    low, high = np.percentile(pooled, [0.5, 99.5]).tolist()
    mean, std = float(pooled.mean(dtype=np.float64)), float(pooled.std(dtype=np.float64))
    return Window(low, max(high, np.nextafter(low, np.inf)), mean, max(std, _LEAST_STD))


def _foreground_values(case: StoredCase, channel: int) -> npt.NDArray[np.float32]:
    classes = {name: count for name, count in case.classes.items() if name > 0}
    total = sum(classes.values())
    flat = case.image[channel].reshape(-1)
    found = []
    for name, count in classes.items():
        places = case.places(name)
        share = max(1, round(min(_VALUES_PER_CASE, total) * count / total))
        found.append(flat[places[:: max(1, len(places) // share)][:share]])
    return np.concatenate(found).astype(np.float32) if found else np.empty(0, np.float32)
