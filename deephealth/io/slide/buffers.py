"""Memory for tiles, used again once nobody holds it.

A tile of 256 x 256 is 200 KB: fresh memory for each costs more than 50 page faults, which threads pay one after the
other. Buffers that the caller has let go are filled again instead.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

__all__ = ["TileBuffers"]

_LOOK_AT = 64  # buffers that are looked at before a new one is made


class TileBuffers:
    """Arrays that are handed out as views and come back when the last view of them is gone.

    NumPy views, torch tensors and memory views all hold a reference to the array that owns the memory, so its reference
    count says whether anybody still can see it.

    Args:
        capacity: bytes that may be kept; what is needed beyond is ordinary memory.

    Example:
        >>> buffers = TileBuffers(10**6)
        >>> first = buffers.get((4, 4, 3))
        >>> first is buffers.get((4, 4, 3)), np.shares_memory(first, buffers.get((4, 4, 3)))
        (False, False)
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.held = capacity, 0
        self._kept: dict[tuple[int, ...], list[np.ndarray]] = {}
        self._next = 0
        self._lock = threading.Lock()

    def get(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return an uninitialised uint8 array of this shape that nobody else can see."""
        with self._lock:
            kept = self._kept.setdefault(shape, [])
            for _ in range(min(len(kept), _LOOK_AT)):
                self._next = (self._next + 1) % len(kept)
                if _holders(kept, self._next) == _FREE:
                    return kept[self._next][:]
            fresh = np.empty(shape, np.uint8)
            if self.held + fresh.nbytes <= self.capacity:
                kept.append(fresh)
                self.held += fresh.nbytes
        return fresh[:]

    def clear(self) -> None:
        """Let all buffers go; those that are held elsewhere live on there."""
        with self._lock:
            self._kept.clear()
            self.held = 0


def _holders(kept: list[np.ndarray], at: int) -> int:
    """Return how many references there are to a buffer; interpreters count the list's and their own differently."""
    return sys.getrefcount(kept[at])


_FREE = _holders([np.empty(1, np.uint8)], 0)
