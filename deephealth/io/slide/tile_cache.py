"""Decoded tiles that were needed a moment ago: neighbouring regions share them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

__all__ = ["TileCache"]


class TileCache:
    """The most recently used tiles, bounded in bytes, for any number of threads.

    A tile that one thread is decoding is not decoded by another: that one waits for it.

    Args:
        capacity: bytes.

    Example:
        >>> cache = TileCache(1000)
        >>> cache.get("a", lambda: np.zeros(10, np.uint8)).size, cache.get("a", lambda: None).size
        (10, 10)
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.held = capacity, 0
        self._tiles: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._busy: dict[Hashable, threading.Event] = {}
        self._lock = threading.Lock()

    def peek(self, key: Hashable) -> np.ndarray | None:
        """Return a tile if it is there."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return a tile, making it if it is not there; what ``make`` raises is raised."""
        while True:
            with self._lock:
                tile = self._tiles.get(key)
                if tile is not None:
                    self._tiles.move_to_end(key)
                    return tile
                other = self._busy.get(key)
                if other is None:
                    mine = self._busy[key] = threading.Event()
                    break
            other.wait()
        try:
            tile = make()
            self._keep(key, tile)
            return tile
        finally:
            with self._lock:
                del self._busy[key]
            mine.set()

    def clear(self) -> None:
        """Forget all tiles."""
        with self._lock:
            self._tiles.clear()
            self.held = 0

    def _keep(self, key: Hashable, tile: np.ndarray) -> None:
        if tile.nbytes > self.capacity:
            return
        with self._lock:
            self._tiles[key] = tile
            self.held += tile.nbytes
            while self.held > self.capacity:
                self.held -= self._tiles.popitem(last=False)[1].nbytes
