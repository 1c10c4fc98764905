"""A region put together from stored tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from deephealth.io.slide.buffers import TileBuffers
from deephealth.io.slide.reader import Level
from deephealth.io.slide.tile_cache import TileCache

__all__ = ["read_mosaic"]

Fetch = Callable[[int, int], "np.ndarray | None"]


def read_mosaic(
    level: Level,
    origin: tuple[int, int],
    size: tuple[int, int],
    background: int,
    fetch: Fetch,
    cache: TileCache,
    key: int,
    buffers: TileBuffers,
) -> np.ndarray:
    """Return a region of a tiled level.

    A region that is one whole tile is decoded and handed out as it is. Other regions keep their tiles in the cache,
    because the next region shares them.

    Args:
        level: the level, with its tile size.
        origin: (x, y) of the region's upper left pixel, in pixels of the level; may lie outside.
        size: (width, height), pixels of the level.
        background: grey value where there is no tile and outside the level.
        fetch: returns the tile of a (column, row), at least as large as its part inside the level, RGB; ``None`` where
            nothing is stored.
        cache: where the tiles are kept.
        key: the level's number, for the cache.
        buffers: where memory for the region comes from.
    """
    (x, y), (width, height), (wide, high) = origin, size, _tile(level)
    inside = x >= 0 and y >= 0 and x + width <= level.width and y + height <= level.height
    if inside and size == (wide, high) and not (x % wide or y % high):
        whole = _whole_tile(x // wide, y // high, fetch, cache, key)
        return np.full((high, wide, 3), background, np.uint8) if whole is None else whole[:high, :wide]
    out = buffers.get((height, width, 3))
    if not inside:
        out.fill(background)
    for column, row in _covered(level, origin, size):
        tile = cache.get((key, column, row), lambda at=(column, row): _or_nothing(fetch(*at)))  # type: ignore[misc]
        left, top = max(column * wide, x), max(row * high, y)
        right = min((column + 1) * wide, x + width, level.width)
        bottom = min((row + 1) * high, y + height, level.height)
        target = out[top - y : bottom - y, left - x : right - x]
        if tile.size:
            target[:] = tile[top - row * high : bottom - row * high, left - column * wide : right - column * wide]
        else:
            target.fill(background)
    return out


def _tile(level: Level) -> tuple[int, int]:
    return level.tile or (level.width, level.height)


def _whole_tile(column: int, row: int, fetch: Fetch, cache: TileCache, key: int) -> np.ndarray | None:
    kept = cache.peek((key, column, row))
    if kept is None:
        made = fetch(column, row)
        return made.copy() if made is not None and not made.flags.writeable else made
    return kept.copy() if kept.size else None


def _or_nothing(tile: np.ndarray | None) -> np.ndarray:
    return np.empty((0, 0, 3), np.uint8) if tile is None else tile


def _covered(level: Level, origin: tuple[int, int], size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    (x, y), (width, height), (wide, high) = origin, size, _tile(level)
    right, bottom = min(x + width, level.width), min(y + height, level.height)
    if right <= max(x, 0) or bottom <= max(y, 0):
        return
    for row in range(max(y, 0) // high, -(-bottom // high)):
        for column in range(max(x, 0) // wide, -(-right // wide)):
            yield column, row
