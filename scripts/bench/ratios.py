"""How two ways are compared: pairs of neighbouring steps of one run, and intervals from a bootstrap over the pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["WARMUP", "ratio"]

WARMUP = 3  # steps left out: first use of kernels and memory


def ratio(ours: list[float], theirs: list[float], names: tuple[str, str] = ("ours_ms", "theirs_ms")) -> dict[str, Any]:
    """Return the ratio of the medians and the median of the ratios of pairs, each with its 95 % interval.

    Args:
        ours: seconds of our steps.
        theirs: seconds of the other side's steps, each taken beside ours.
        names: what the two medians are called in the result.
    """
    pairs = np.array([ours, theirs[: len(ours)]])[:, WARMUP:]
    picks = np.random.default_rng(0).integers(0, pairs.shape[1], (10_000, pairs.shape[1]))
    medians = np.median(pairs[:, picks], axis=2)
    low, high = np.quantile(medians[0] / medians[1], [0.025, 0.975])
    our_ms, their_ms = 1000 * np.median(pairs, axis=1)
    found = {names[0]: our_ms, names[1]: their_ms, "ratio": our_ms / their_ms, "low": low, "high": high}
    each = pairs[0] / pairs[1]  # of two steps that follow each other: what slows the machine slows both
    low, high = np.quantile(np.median(each[picks], axis=1), [0.025, 0.975])
    found |= {"paired": np.median(each), "paired_low": low, "paired_high": high}
    return {key: round(float(value), 4) for key, value in found.items()} | {"steps": pairs.shape[1]}
