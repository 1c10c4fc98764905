"""How a function is compared with its peers: interleaved rounds in one process, medians, and a bootstrap interval.

Each peer runs once per round, in an order that turns from round to round, so that what slows the machine slows all. The
first rounds warm up and are left out. The table says how many times as fast as each peer ours is: above 1 is faster.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["interleave", "machine", "print_table", "speedup", "write_json"]


def interleave(
    peers: Mapping[str, Callable[[], Any]], *, rounds: int = 9, warmup: int = 2, least_s: float = 0.05
) -> dict[str, list[float]]:
    """Return the seconds per call of each peer in each round.

    Args:
        peers: name -> what to call.
        rounds: rounds that count.
        warmup: rounds before them.
        least_s: a call shorter than this is repeated within its round until that much time has passed.
    """
    names = list(peers)
    repeats = {}
    for name in names:
        start = time.perf_counter()
        peers[name]()
        repeats[name] = max(1, int(least_s / max(time.perf_counter() - start, 1e-9)))
    found: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    try:
        for at in range(rounds + warmup):
            turn = at % len(names)
            for name in names[turn:] + names[:turn]:
                call = peers[name]
                start = time.perf_counter()
                for _ in range(repeats[name]):
                    call()
                if at >= warmup:
                    found[name].append((time.perf_counter() - start) / repeats[name])
    finally:
        gc.enable()
    return found


def speedup(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Return how many times as fast ours is: ratio of medians, with a 95 % bootstrap interval."""
    pairs = np.array([ours, theirs])
    picks = np.random.default_rng(0).integers(0, pairs.shape[1], (10_000, pairs.shape[1]))
    medians = np.median(pairs[:, picks], axis=2)
    low, high = np.quantile(medians[1] / medians[0], [0.025, 0.975])
    middle = np.median(pairs, axis=1)
    return {"times": float(middle[1] / middle[0]), "low": float(low), "high": float(high)}


def machine(packages: Sequence[str]) -> dict[str, Any]:
    """Return what a figure depends on: versions, cores, processor flags, load."""
    flags = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("flags")]
        flags = " ".join(flag for flag in ("avx2", "avx512f") if lines and flag in lines[0].split())
    return {
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "flags": flags,
        "load": os.getloadavg()[0],
        "packages": {name: metadata.version(name) for name in packages},
    }


def print_table(rows: Sequence[Sequence[Any]], head: Sequence[str]) -> None:
    """Print rows as a Markdown table, ready for the documentation."""
    text = [[f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in text:
        print("| " + " | ".join(row) + " |")


def write_json(path: str | None, value: Any) -> None:
    """Keep the raw figures, if a file was asked for."""
    if path:
        Path(path).write_text(json.dumps(value, indent=2) + "\n")
