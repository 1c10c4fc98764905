"""What is known of a case's voxels before training: where its classes are, and the statistics of its channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.core.seeds import counter_seed
from deephealth.kernels.compilers import compiled

__all__ = ["ClassTable", "describe_channels", "locate_classes"]

ClassTable = dict[int, tuple[int, int, int]]  # class id -> where its places begin, how many are listed, how many voxels

_MOST_CLASSES = 65536
_SAMPLE = 2**18  # values that a quantile is taken of


def locate_classes(label: npt.NDArray[np.integer[Any]], *, most: int = 10_000) -> tuple[np.ndarray, ClassTable]:
    """Return places of each class, evenly spread over its voxels (nnU-Net's ``class_locations``, in one pass).

    Args:
        label: D×H×W.
        most: places per class; where it has more voxels, each of equally long stretches of them gives one.

    Returns:
        Flat indices into D×H×W (class after class, ascending), and what belongs to which class.

    Raises:
        DataError: ids are further apart than 65,536.

    Example:
        >>> places, table = locate_classes(np.array([[[0, 2, 2, 0]]]))
        >>> places.tolist(), table
        ([0, 3, 1, 2], {0: (0, 2, 2), 2: (2, 2, 2)})
    """
    low, high = int(label.min()), int(label.max())
    if high - low >= _MOST_CLASSES:
        raise DataError(f"class ids from {low} to {high}", allowed=f"at most {_MOST_CLASSES} apart")
    counts = np.zeros(high - low + 1, dtype=np.int64)
    for plane in label:
        counts += np.bincount((plane.astype(np.int64) - low).ravel(), minlength=len(counts))
    listed = np.minimum(counts, most)
    first = np.cumsum(listed) - listed
    numbers = np.random.Generator(np.random.Philox(key=counter_seed("class places", *label.shape)))
    ranks = np.concatenate([_ranks(int(n), int(m), numbers) for n, m in zip(counts, listed, strict=True)])
    small = label.size < 2**31
    places = np.empty(len(ranks), dtype=np.int32 if small else np.int64)
    _note_places(np.ascontiguousarray(label).reshape(-1), low, ranks, first, first + listed, places)
    table = {
        low + at: (int(first[at]), int(listed[at]), int(count)) for at, count in enumerate(counts.tolist()) if count
    }
    return places, table


def describe_channels(image: np.ndarray, label: np.ndarray | None) -> dict[str, list[dict[str, float]]]:
    """Return, per region and channel, count, mean, std, min, max, and the quantiles 0.5, 50 and 99.5 %.

    Regions are ``all``, ``nonzero`` (of that channel) and, with a label, ``foreground`` (class ids above 0). One
    without voxels is left out. Quantiles of more than 2^18 voxels are those of an even sample.

    Args:
        image: C×D×H×W.
        label: D×H×W.
    """
    inside = None if label is None else label > 0
    found: dict[str, list[dict[str, float]]] = {"all": [], "nonzero": [], "foreground": []}
    for channel in image:
        found["all"].append(_describe(channel, None))
        found["nonzero"].append(_describe(channel, channel != 0))
        if inside is not None:
            found["foreground"].append(_describe(channel, inside))
    return {name: channels for name, channels in found.items() if channels and all(row["count"] for row in channels)}


def _ranks(count: int, listed: int, numbers: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return which of ``count`` voxels are listed: one of each stretch."""
    edges = np.arange(listed + 1, dtype=np.int64) * count // max(listed, 1)
    return edges[:-1] + (numbers.random(listed) * np.diff(edges)).astype(np.int64)


@compiled
def _note_places(label, low, ranks, first, last, places):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    seen = np.zeros(first.size, np.int64)
    next_one = first.copy()
    for at in range(label.size):
        slot = np.int64(label[at]) - low
        turn = next_one[slot]
        if turn < last[slot] and ranks[turn] == seen[slot]:
            places[turn] = at
            next_one[slot] += 1
        seen[slot] += 1


def _describe(channel: np.ndarray, inside: np.ndarray | None) -> dict[str, float]:
    count, mean, spread, low, high = 0, 0.0, 0.0, np.inf, -np.inf
    for values in _planes(channel, inside):  # plane by plane: no float64 copy of a volume (Chan's update)
        plane_mean = float(values.mean(dtype=np.float64))
        total = count + values.size
        away = plane_mean - mean
        spread += float(values.var(dtype=np.float64)) * values.size + away * away * count * values.size / total
        mean += away * values.size / total
        count, low, high = total, min(low, float(values.min())), max(high, float(values.max()))
    if not count:
        return {"count": 0}
    step = -(-count // _SAMPLE)
    values = (channel if inside is None else channel[inside]).reshape(-1)[::step].astype(np.float32)
    p005, median, p995 = np.percentile(values, [0.5, 50, 99.5]).tolist()
    std = float(np.sqrt(spread / count))
    return {"count": count, "mean": mean, "std": std, "min": low, "max": high} | {
        "p00_5": p005,
        "median": median,
        "p99_5": p995,
    }


def _planes(channel: np.ndarray, inside: np.ndarray | None) -> Iterator[np.ndarray]:
    for at, plane in enumerate(channel):
        values = plane if inside is None else plane[inside[at]]
        if values.size:
            yield values
