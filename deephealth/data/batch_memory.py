"""Memory for batches that is used again once nobody holds the batch any more.

A fresh tensor of a hundred megabytes costs the operating system more time than filling it: every page is made and
zeroed at its first touch. A training loop holds two or three batches at once, so the same few blocks serve the epoch.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["BatchMemory"]

Array = npt.NDArray[np.float32]

_WASTE = 4  # a block is not lent out for less than a quarter of it


class BatchMemory:
    """Lends float32 tensors, and takes their memory back when the last tensor, view or array over it is gone.

    Args:
        pin: page-locked memory, from which copies to a graphics card run beside computation; ignored without a card.
        keep: blocks kept while nobody uses them.

    Example:
        >>> memory = BatchMemory()
        >>> first = memory.take([2, 3]); where = first.data_ptr()
        >>> del first
        >>> memory.take([2, 3]).data_ptr() == where
        True
    """

    def __init__(self, *, pin: bool = False, keep: int = 4) -> None:
        self._pin = pin and torch.cuda.is_available()
        self._keep = keep
        self._free: list[Array] = []
        self._returned: deque[Array] = deque()  # finalizers run anywhere, also inside the lock: they only append here
        self._lock = threading.Lock()

    def take(self, shape: Sequence[int]) -> torch.Tensor:
        """Return a tensor of this shape; its content is whatever the memory held.

        Args:
            shape: sizes.
        """
        count = math.prod(shape)
        block = self._free_block(count)
        if block is None:
            block = self._new_block(count)
        lease = block[:count].reshape(shape)  # an array of its own: torch keeps it alive as long as the storage
        weakref.finalize(lease, self._returned.append, block).atexit = False
        return torch.from_numpy(lease)

    def _free_block(self, count: int) -> Array | None:
        with self._lock:
            while self._returned:
                self._free.append(self._returned.popleft())
            del self._free[: -self._keep]
            for at, block in enumerate(self._free):
                if count <= block.size <= _WASTE * max(count, 1):
                    return self._free.pop(at)
        return None

    def _new_block(self, count: int) -> Array:
        if self._pin:
            return torch.empty(count, dtype=torch.float32, pin_memory=True).numpy()
        return np.empty(count, dtype=np.float32)
