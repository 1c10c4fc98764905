"""Where the tiles of a slide lie, and reading them ahead of the caller in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.core.errors import DataError
from deephealth.io.slide.reader import Level

if TYPE_CHECKING:
    from deephealth.io.slide.slide import Slide

__all__ = ["Tile", "read_ahead", "tile_positions"]

_AHEAD_BYTES = 64 * 1024**2  # pixels that may wait for the caller
_BATCH_BYTES = 1024**2  # pixels read per task: fewer would make hand-over count, more would wait for the slowest


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A region that was read.

    Args:
        x: left side, pixels of level 0.
        y: upper side, pixels of level 0.
        level: where it was read.
        pixels: height x width x 3 RGB, uint8.
    """

    x: int
    y: int
    level: int
    pixels: np.ndarray


def tile_positions(
    levels: Sequence[Level],
    size: int | tuple[int, int],
    *,
    level: int = 0,
    stride: int | tuple[int, int] | None = None,
    edge: str = "pad",
    mask: np.ndarray | None = None,
    least: float = 0.05,
) -> Iterator[tuple[int, int]]:
    """Yield the upper left corners of the tiles that cover a level, row by row.

    Args:
        levels: the slide's.
        size: side, or (width, height), pixels of ``level``.
        level: its number.
        stride: step between tiles, pixels of ``level``; ``size`` by default.
        edge: ``"pad"`` also yields tiles that reach over the edge, ``"drop"`` leaves them out.
        mask: tissue over the whole slide, of any resolution; height x width, bool.
        least: share of a tile that the mask must cover.

    Yields:
        (x, y) in pixels of level 0.

    Raises:
        DataError: a size or stride below 1, an unknown edge, or no such level.

    Example:
        >>> list(tile_positions([Level(300, 200, 1.0)], 128, edge="drop"))
        [(0, 0), (128, 0)]
    """
    wide, high = _pair(size, "size")
    across, down = _pair(size if stride is None else stride, "stride")
    if edge not in ("pad", "drop"):
        raise DataError(f"edge='{edge}'", allowed="'pad' or 'drop'")
    if not 0 <= level < len(levels):
        raise DataError(f"there is no level {level}", allowed=f"0 to {len(levels) - 1}")
    shown = levels[level]
    last_x, last_y = (
        (shown.width - wide, shown.height - high) if edge == "drop" else (shown.width - 1, shown.height - 1)
    )
    covered = None if mask is None else _Coverage(mask, shown)
    return (
        (round(x * shown.downsample), round(y * shown.downsample))
        for y in range(0, last_y + 1, down)
        for x in range(0, last_x + 1, across)
        if covered is None or covered.share(x, y, wide, high) >= least
    )


class _Coverage:
    """How much of a rectangle a mask covers, in constant time (summed area table)."""

    def __init__(self, mask: np.ndarray, level: Level) -> None:
        self.sums = cv2.integral(np.ascontiguousarray(mask, np.uint8), sdepth=cv2.CV_64F)
        self.scale = mask.shape[1] / level.width, mask.shape[0] / level.height

    def share(self, x: int, y: int, width: int, height: int) -> float:
        rows, columns = self.sums.shape[0] - 1, self.sums.shape[1] - 1
        left = min(int(x * self.scale[0]), columns - 1)
        top = min(int(y * self.scale[1]), rows - 1)
        right = min(max(round((x + width) * self.scale[0]), left + 1), columns)
        bottom = min(max(round((y + height) * self.scale[1]), top + 1), rows)
        total = self.sums[bottom, right] - self.sums[top, right] - self.sums[bottom, left] + self.sums[top, left]
        return float(total) / ((right - left) * (bottom - top))


def _pair(size: int | tuple[int, int], name: str) -> tuple[int, int]:
    wide, high = size if isinstance(size, tuple) else (size, size)
    if wide < 1 or high < 1:
        raise DataError(f"{name}={size}", allowed="whole numbers above 0")
    return wide, high


def read_ahead(
    slide: Slide, positions: Iterable[tuple[int, int]], size: tuple[int, int], level: int, threads: int | None
) -> Iterator[Tile]:
    """Yield the regions at ``positions``, in order, while ``threads`` threads read the next ones.

    Args:
        slide: an open slide.
        positions: (x, y), pixels of level 0.
        size: (width, height), pixels of ``level``.
        level: its number.
        threads: how many; all cores by default.
    """
    wide, high = _pair(size, "size")
    count = threads if threads is not None else _cores()
    if count < 1:
        raise DataError(f"threads={threads}", allowed="1 or more")

    batch = max(1, min(32, _BATCH_BYTES // (wide * high * 3))) if count > 1 else 1
    waiting = max(count, min(4 * count, _AHEAD_BYTES // (wide * high * 3 * batch)))
    source = iter(positions)
    batches = iter(lambda: list(islice(source, batch)), [])

    def read(places: list[tuple[int, int]]) -> list[Tile | Exception]:
        found: list[Tile | Exception] = []
        for x, y in places:
            try:
                found.append(Tile(x, y, level, slide.read_region(level, x, y, wide, high)))
            except Exception as error:  # raised in the caller's thread when this tile's turn comes
                return [*found, error]
        return found

    answers = map(read, batches) if count == 1 else _in_order(read, batches, count, waiting)
    return _tiles(answers)


def _tiles(answers: Iterator[list[Tile | Exception]]) -> Iterator[Tile]:
    for answer in answers:
        for tile in answer:
            if isinstance(tile, Exception):
                raise tile
            yield tile


def _in_order(
    read: Callable[[list[tuple[int, int]]], list[Tile | Exception]],
    batches: Iterator[list[tuple[int, int]]],
    threads: int,
    waiting: int,
) -> Iterator[list[Tile | Exception]]:
    pool = ThreadPoolExecutor(threads, thread_name_prefix="slide")
    queue: deque[Future[list[Tile | Exception]]] = deque()
    try:
        for places in islice(batches, waiting):
            queue.append(pool.submit(read, places))
        while queue:
            answer = queue.popleft().result()
            for places in islice(batches, 1):
                queue.append(pool.submit(read, places))
            yield answer
    finally:  # also when the caller stops early: the file may be closed next
        pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
