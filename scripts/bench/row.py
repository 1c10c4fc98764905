"""What one row of the table is: the same work done by us and by named peers, checked equal before it is timed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Row", "made_once"]

FOLDER = "DEEPHEALTH_BENCH_FOLDER"  # where the processes of one row keep their common files; run.py removes it


@dataclass(frozen=True)
class Row:
    """One piece of work and who does it.

    Args:
        name: short and unique, such as ``dice-ce``: ``run.py dice-ce`` runs it alone.
        title: what is done, with sizes.
        peers: prepares the work and returns name -> call; ``deephealth`` comes first. Each call returns its output.
            Inputs are prepared here, outside the calls; a call must not change them.
        check: gets name -> output of one call each, raises AssertionError where they are not equal enough, and returns
            a sentence on how equal they are.
        goals: peer -> how many times as fast we want to be at least.
        memory_goals: peer -> largest share of its peak memory that ours may take; empty: memory is not measured.
        apart: each peer has a process of its own; calls of microseconds may share one, which is quicker.
        scale: peer -> how many times its call would take for the whole work, where it does a share of it.
        threads: numbers of threads of torch (and of OpenMP) to run with.
        group: rows of one group are summed up by the geometric mean of their ratios.
        rounds: interleaved rounds that count.
        packages: distributions whose versions are printed.
        device: ``cpu``, or ``cuda`` for rows that are skipped without an accelerator.
        bytes_moved: bytes that the work must at least read and write: the time that a copy of as many takes, measured
            there and then, is printed as a share of ours.
    """

    name: str
    title: str
    peers: Callable[[], Mapping[str, Callable[[], Any]]]
    check: Callable[[Mapping[str, Any]], str]
    goals: Mapping[str, float] = field(default_factory=dict)
    memory_goals: Mapping[str, float] = field(default_factory=dict)
    apart: bool = True
    scale: Mapping[str, float] = field(default_factory=dict)
    threads: tuple[int, ...] = (1, 2)
    group: str = ""
    rounds: int = 9
    packages: tuple[str, ...] = ()
    device: str = "cpu"
    bytes_moved: int = 0


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder with files that all processes of a row read; the first one makes them.

    Args:
        name: of the folder.
        make: fills it.
    """
    parent = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="deephealth-bench-"))
    folder = parent / name
    if not folder.exists():
        begun = parent / f"{name}.begun"
        begun.mkdir()
        make(begun)
        begun.rename(folder)
    return folder
