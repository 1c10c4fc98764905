"""The bounded queue between those who load samples and the one who makes batches of them."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from deephealth.ecvl.errors import EcvlValueError

__all__ = ["ProducersConsumerQueue"]

_UNBOUNDED = 2**31 - 1


class ProducersConsumerQueue:
    """A queue of (sample, image tensor, label tensor).

    A full queue makes producers wait. They go on as soon as there is room: the original lets them sleep until half the
    queue is empty, which with room for one element is never.

    Args:
        mxsz: most elements; unbounded when not given.
        thresh: kept for old programs, without effect.

    Example:
        >>> queue = ProducersConsumerQueue(2)
        >>> queue.Push("sample", "image", None)
        >>> queue.Length(), queue.IsFull(), queue.Pop()
        (1, False, ('sample', 'image', None))
    """

    def __init__(self, mxsz: int | None = None, thresh: int | None = None) -> None:
        self._elements: deque[tuple[Any, Any, Any]] = deque()
        self._lock = threading.Lock()
        self._not_full = threading.Condition(self._lock)
        self._not_empty = threading.Condition(self._lock)
        self._freed = 0  # how often waiting producers were let go
        self._size = _UNBOUNDED if mxsz is None else _checked(mxsz)
        self.threshold = self._size // 2 if thresh is None or thresh < 0 else thresh

    def Push(self, sample: Any, image: Any, label: Any) -> None:
        """Append an element, waiting while the queue is full.

        A producer that :meth:`FreeLockedOnPush` lets go returns without having appended anything.

        Args:
            sample: the :class:`Sample`.
            image: its image tensor.
            label: its label tensor, or ``None``.
        """
        with self._lock:
            before = self._freed
            self._not_full.wait_for(lambda: len(self._elements) < self._size or self._freed != before)
            if len(self._elements) >= self._size:
                return
            self._elements.append((sample, image, label))
            self._not_empty.notify()

    def Pop(self) -> tuple[Any, Any, Any]:
        """Remove and return the oldest element, waiting for one: the same objects that were pushed."""
        with self._lock:
            self._not_empty.wait_for(lambda: bool(self._elements))
            found = self._elements.popleft()
            self._not_full.notify()
            return found

    def FreeLockedOnPush(self) -> None:
        """Let go all producers that wait for room."""
        with self._lock:
            self._freed += 1
            self._not_full.notify_all()

    def IsFull(self) -> bool:
        """Return whether no element has room."""
        with self._lock:
            return len(self._elements) >= self._size

    def IsEmpty(self) -> bool:
        """Return whether there is no element."""
        with self._lock:
            return not self._elements

    def Length(self) -> int:
        """Return the number of elements."""
        with self._lock:
            return len(self._elements)

    def SetSize(self, max_size: int, thresh: int = -1) -> None:
        """Change how many elements have room; those beyond it stay until they are taken.

        Args:
            max_size: most elements.
            thresh: kept for old programs, without effect.

        Raises:
            EcvlValueError: no room at all.
        """
        with self._lock:
            self._size = _checked(max_size)
            self.threshold = self._size // 2 if thresh < 0 else thresh
            self._not_full.notify_all()

    def Clear(self) -> None:
        """Remove all elements."""
        with self._lock:
            self._elements.clear()
            self._not_full.notify_all()


def _checked(size: int) -> int:
    if size < 1:
        raise EcvlValueError(f"a queue with room for {size}", allowed="1 or more")
    return int(size)
