"""A region put together from stored tiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deephealth.io.slide.buffers import TileBuffers
from deephealth.io.slide.reader import Level
from deephealth.io.slide.tile_cache import TileCache

__all__ = ["read_mosaic", "tiles_under"]

Fetch = Callable[[int, int], np.ndarray]


def read_mosaic(
    level: Level,
    origin: tuple[int, int],
    size: tuple[int, int],
    background: int,
    fetch: Fetch,
    stored: np.ndarray,
    cache: TileCache,
    key: int,
    buffers: TileBuffers,
) -> np.ndarray:
    """Return a region of a tiled level.

    A region that is one whole tile is decoded and handed out as it is. Other regions keep their tiles in the cache,
    because the next region shares them. Tiles that are not stored cost nothing: a file may claim any number of them.

    Args:
        level: the level, with its tile size.
        origin: (x, y) of the region's upper left pixel, in pixels of the level; may lie outside.
        size: (width, height), pixels of the level.
        background: grey value where there is no tile and outside the level.
        fetch: returns the tile of a (column, row), at least as large as its part inside the level, RGB.
        stored: rows x columns, which tiles there are.
        cache: where the tiles are kept.
        key: the level's number, for the cache.
        buffers: where memory for the region comes from.
    """
    (x, y), (width, height), (wide, high) = origin, size, level.tile or (level.width, level.height)
    inside = x >= 0 and y >= 0 and x + width <= level.width and y + height <= level.height
    if inside and size == (wide, high) and not (x % wide or y % high) and stored[y // high, x // wide]:
        return _whole_tile(x // wide, y // high, fetch, cache, key)[:high, :wide]
    out = buffers.get((height, width, 3))
    rows, columns = tiles_under(level, origin, size)
    under = stored[rows, columns]
    if not (inside and under.all()):
        out.fill(background)
    for down, across in np.argwhere(under).tolist():
        row, column = rows.start + down, columns.start + across
        tile = cache.get((key, column, row), lambda at=(column, row): fetch(*at))  # type: ignore[misc]
        left, top = max(column * wide, x), max(row * high, y)
        right = min((column + 1) * wide, x + width, level.width)
        bottom = min((row + 1) * high, y + height, level.height)
        target = out[top - y : bottom - y, left - x : right - x]
        target[:] = tile[top - row * high : bottom - row * high, left - column * wide : right - column * wide]
    return out


def tiles_under(level: Level, origin: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Return which rows and columns of tiles a region touches.

    Args:
        level: the level, with its tile size.
        origin: (x, y), pixels of the level.
        size: (width, height), pixels of the level.

    Example:
        >>> tiles_under(Level(100, 100, 1.0, (10, 20)), (-5, 19), (20, 2))
        (slice(0, 2, None), slice(0, 2, None))
    """
    (x, y), (width, height), (wide, high) = origin, size, level.tile or (level.width, level.height)
    right, bottom = min(x + width, level.width), min(y + height, level.height)
    if right <= max(x, 0) or bottom <= max(y, 0):
        return slice(0, 0), slice(0, 0)
    return slice(max(y, 0) // high, -(-bottom // high)), slice(max(x, 0) // wide, -(-right // wide))


def _whole_tile(column: int, row: int, fetch: Fetch, cache: TileCache, key: int) -> np.ndarray:
    kept = cache.peek((key, column, row))
    if kept is not None:
        return kept.copy()
    made = fetch(column, row)
    return made if made.flags.writeable else made.copy()
