"""Which way the frames run in a DICOM slide that doesn't say: along rows, as the standard has it, or down columns.

Instances without an organisation type and without positions per frame break the standard, and they exist. Frames that
follow each other share an edge: side by side, or one above the other. The edge that fits is the answer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["runs_down_columns", "transposed"]

Place = tuple[int, int]
Spans = dict[Place, tuple[tuple[int, int], ...]]
_PAIRS = 16
_CLEARER = 1.5  # edges must fit this much better before the standard's order is given up


def runs_down_columns(grid: tuple[int, int], frame: Callable[[int], np.ndarray | None]) -> bool:
    """Return whether consecutive frames fit below one another clearly better than side by side.

    Args:
        grid: (columns, rows) of frames.
        frame: returns a frame by its number, height x width x 3.

    Example:
        >>> ramp = np.arange(64, dtype=np.uint8).reshape(8, 8, 1).repeat(3, 2)
        >>> frames = [ramp[y : y + 4, x : x + 4] for x in (0, 4) for y in (0, 4)]
        >>> runs_down_columns((2, 2), frames.__getitem__)
        True
    """
    columns, rows = grid
    if min(grid) < 2:
        return False
    pairs = [at for at in range(columns * rows - 1) if (at + 1) % columns and (at + 1) % rows]
    beside, below = [], []
    for at in pairs[:: max(1, len(pairs) // _PAIRS)]:
        first, second = frame(at), frame(at + 1)
        if first is not None and second is not None:
            beside.append(_differ(first[:, -1], second[:, 0]))
            below.append(_differ(first[-1], second[0]))
    return bool(beside) and float(np.mean(beside)) > _CLEARER * float(np.mean(below))


def _differ(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


def transposed(spans: Spans, grid: tuple[int, int]) -> Spans:
    """Return the places of frames that were taken to run along rows and run down columns.

    Args:
        spans: (column, row) -> where the frame lies in the file.
        grid: (columns, rows) of frames.

    Example:
        >>> transposed({(0, 0): (), (1, 0): ((7, 1),)}, (2, 3))
        {(0, 0): (), (0, 1): ((7, 1),)}
    """
    columns, rows = grid
    numbered = {row * columns + column: parts for (column, row), parts in spans.items()}
    return {(number // rows, number % rows): parts for number, parts in numbered.items()}
