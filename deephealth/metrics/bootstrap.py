"""Percentile bootstrap over whole groups (patients, lesions): images of one patient are not independent evidence.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; resampling the independent unit.
A resample is a row of weights, how often each sample was drawn, so that a statistic is computed for all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.core.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    Weights = npt.NDArray[np.float64]  # R x N
    Draws = Mapping[str, npt.NDArray[np.float64]]  # name -> R x ...

__all__ = ["bootstrap_interval", "group_weights", "percentile_interval", "resample_statistics"]

# Elements of one chunk of weights: 1,000 resamples of 25,000 images must not need gigabytes.
_CHUNK_ELEMENTS = 2_000_000
# Fewer usable resamples than this give no percentiles worth printing.
_FEWEST_DRAWS = 20


def group_weights(groups: Sequence[str], resamples: int, *, seed: int) -> npt.NDArray[np.float64]:
    """Draw groups with replacement and return how often each sample was drawn.

    Args:
        groups: the group of each of N samples.
        resamples: number R of draws; each draws as many groups as there are.
        seed: seed of the draw.

    Returns:
        R x N weights; samples of one group always have the same weight.

    Example:
        >>> weights = group_weights(["a", "a", "b"], 4, seed=0)
        >>> weights.shape, bool((weights[:, 0] == weights[:, 1]).all())
        ((4, 3), True)
    """
    if not len(groups):
        msg = "the bootstrap needs at least one sample"
        raise DataError(msg)
    names, membership = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    count = len(names)
    drawn = np.random.default_rng(seed).integers(0, count, size=(resamples, count))
    cells = drawn + count * np.arange(resamples)[:, None]
    times = np.bincount(cells.ravel(), minlength=resamples * count).reshape(resamples, count)
    return times[:, membership].astype(np.float64)


def _chunks(groups: Sequence[str], resamples: int, seed: int) -> Iterator[npt.NDArray[np.float64]]:
    rows = max(1, _CHUNK_ELEMENTS // max(1, len(groups)))
    for number, start in enumerate(range(0, resamples, rows)):
        chunk_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        yield group_weights(groups, min(rows, resamples - start), seed=chunk_seed)


def resample_statistics(
    statistic: Callable[[Weights], Draws], groups: Sequence[str], resamples: int, *, seed: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Compute named statistics on every resample.

    Args:
        statistic: takes R x N weights, returns arrays whose first axis is R.
        groups: the group of each sample.
        resamples: number of resamples.
        seed: seed of the draw.

    Returns:
        name -> array whose first axis is ``resamples``.
    """
    parts = [statistic(weights) for weights in _chunks(groups, resamples, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def percentile_interval(draws_r: npt.NDArray[np.float64], confidence: float) -> tuple[float | None, float | None, int]:
    """Return the low and high percentile of the finite draws, and how many there were.

    Args:
        draws_r: one statistic on R resamples; NaN where it was undefined (a class was not drawn).
        confidence: share of the draws inside, such as 0.95.

    Returns:
        (low, high, usable draws); ``None`` where fewer than 20 draws are usable.

    Example:
        >>> percentile_interval(np.arange(101.0), 0.5)
        (25.0, 75.0, 101)
    """
    finite = draws_r[np.isfinite(draws_r)]
    if len(finite) < _FEWEST_DRAWS:
        return None, None, len(finite)
    tail = 50 * (1 - confidence)
    low, high = np.percentile(finite, [tail, 100 - tail])
    return float(low), float(high), len(finite)


def bootstrap_interval(
    values: Sequence[float],
    groups: Sequence[str],
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the mean of ``values`` with its percentile interval over groups.

    Args:
        values: one number per sample; NaN means undefined, and is left out.
        groups: the group of each sample.
        resamples: number of resamples; 0 gives no interval.
        confidence: such as 0.95.
        seed: seed of the draw.

    Returns:
        ``{"value", "low", "high"}``; ``None`` where undefined (no value, or a single group: its spread is unknown).

    Example:
        >>> bootstrap_interval([1.0, 1.0, 1.0], ["a", "b", "c"], resamples=50)
        {'value': 1.0, 'low': 1.0, 'high': 1.0}
    """
    array = np.asarray(values, dtype=np.float64)
    known = np.isfinite(array)
    if not known.any():
        return {"value": None, "low": None, "high": None}
    kept, kept_groups = array[known], [group for group, use in zip(groups, known, strict=True) if use]
    low = high = None
    if resamples and len(set(kept_groups)) > 1:
        draws = resample_statistics(
            lambda weights: {"mean": weights @ kept / weights.sum(axis=1)}, kept_groups, resamples, seed=seed
        )
        low, high, _ = percentile_interval(draws["mean"], confidence)
    return {"value": float(kept.mean()), "low": low, "high": high}
