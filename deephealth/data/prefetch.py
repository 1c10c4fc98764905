"""Work done ahead of its consumer by threads: in order, bounded, and with errors that arrive where they belong.

Threads suit work that releases Python's lock, as decoding and resizing do: they share memory, start at once and need
no pickling. What a worker raises is raised by the ``take`` that would have returned its result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from deephealth.core.errors import DeepHealthError

__all__ = ["Prefetch"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_PATIENCE_S = 30.0  # how long closing waits for work that has begun


class _Failed:
    """What a worker raised instead of returning."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Prefetch(Generic[Task, Result]):
    """Results of ``produce(task)`` for each task, in the order of the tasks, made by threads ahead of time.

    Workers start at once. They begin no new task while the finished and the begun ones together have reached
    ``capacity``, so memory stays bounded however slow the consumer is. Whatever the number of workers, the consumer
    sees the same sequence.

    Args:
        produce: called in the worker threads.
        tasks: what to call it with; an iterable is advanced under a lock.
        workers: number of threads, 1 or more.
        capacity: largest number of finished and begun results, counted by ``weigh``; 1 or more.
        weigh: how much a result counts for; each counts for one when not given.
        name: of the threads, for debuggers.

    Raises:
        DeepHealthError: no workers or no capacity.

    Example:
        >>> with Prefetch(lambda x: x * x, range(5), workers=2, capacity=3) as squares:
        ...     list(squares)
        [0, 1, 4, 9, 16]
    """

    def __init__(
        self,
        produce: Callable[[Task], Result],
        tasks: Iterable[Task],
        *,
        workers: int = 1,
        capacity: int = 8,
        weigh: Callable[[Result], int] | None = None,
        name: str = "prefetch",
    ) -> None:
        if workers < 1 or capacity < 1:
            raise DeepHealthError(f"{workers} workers and a capacity of {capacity}", allowed="1 or more of each")
        self._produce, self._weigh, self._capacity = produce, weigh, capacity
        self._tasks = iter(tasks)
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._news = threading.Condition(self._lock)
        self._done: dict[int, Any] = {}  # place of a task -> its result, or _Failed
        self._ready = self._running = self._claimed = self._head = 0
        self._wanted = 1  # results that the consumer waits for
        self._exhausted = self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def ready(self) -> int:
        """Results that are finished and not yet taken, by weight."""
        return self._ready

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def take(self) -> Result:
        """Return the next result, waiting for it.

        Raises:
            StopIteration: no task is left, or :meth:`close` was called.
            BaseException: what ``produce`` raised for this task; the next call goes on with the next task.
        """
        return self.take_many(1)[0]

    def take_many(self, count: int) -> list[Result]:
        """Return the next results, waiting until all of them are there.

        Args:
            count: how many; fewer come back at the end.

        Raises:
            StopIteration: no task is left, or :meth:`close` was called.
            BaseException: what ``produce`` raised for the first of them that failed; all of them are then passed over.
        """
        with self._lock:
            self._wanted = count
            self._room.notify_all()
            self._news.wait_for(lambda: self._closed or self._is_complete(count))
            found = [] if self._closed else [self._pop() for _ in range(self._last(count) - self._head)]
            self._wanted = 1
            self._room.notify_all()
        if not found:
            raise StopIteration
        for result in found:
            if isinstance(result, _Failed):
                raise result.error
        return found

    def __iter__(self) -> Iterator[Result]:
        while True:
            try:
                result = self.take()
            except StopIteration:
                return
            yield result

    def close(self, timeout_s: float = _PATIENCE_S) -> bool:
        """Let the workers finish what they have begun, drop all results, and return whether all threads have ended.

        It may be called at any time, from any thread, and again.

        Args:
            timeout_s: longest wait. A worker that hangs is left behind; it can't keep the program from ending.
        """
        with self._lock:
            self._closed = True
            self._done.clear()
            self._ready = 0
            self._room.notify_all()
            self._news.notify_all()
        deadline = time.monotonic() + timeout_s
        own = threading.current_thread()
        others = [thread for thread in self._threads if thread is not own]
        for thread in others:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in others)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- with the lock held

    def _is_complete(self, count: int) -> bool:
        """Return whether the next ``count`` results, or all that are left, are there."""
        return all(place in self._done for place in range(self._head, self._last(count)))

    def _last(self, count: int) -> int:
        """Return where the next ``count`` results end: earlier than asked for if the tasks end before."""
        return min(self._head + count, self._claimed) if self._exhausted else self._head + count

    def _pop(self) -> Any:
        result = self._done.pop(self._head)
        self._head += 1
        self._ready -= self._weight(result)
        return result

    def _weight(self, result: Any) -> int:
        return 1 if self._weigh is None or isinstance(result, _Failed) else self._weigh(result)

    def _may_claim(self) -> bool:
        if self._closed or self._exhausted:
            return True
        # the task that the consumer waits for is always allowed: with a capacity below what it wants, all would wait
        return self._ready + self._running < self._capacity or self._claimed < self._head + self._wanted

    # ---- in the workers

    def _work(self) -> None:
        while (claim := self._claim()) is not None:
            place, task = claim
            result: Any
            try:
                result = self._produce(task)
            except BaseException as error:
                result = _Failed(error)
            self._finish(place, result)
            del task, result, claim  # a worker that waits for room must not keep a batch alive

    def _claim(self) -> tuple[int, Task] | None:
        with self._lock:
            self._room.wait_for(self._may_claim)
            if self._closed or self._exhausted:
                return None
            try:
                task = next(self._tasks)
            except BaseException as error:
                self._exhausted = True
                if not isinstance(error, StopIteration):
                    self._done[self._claimed] = _Failed(error)
                    self._claimed += 1
                    self._ready += 1
                self._room.notify_all()
                self._news.notify_all()
                return None
            place = self._claimed
            self._claimed += 1
            self._running += 1
            return place, task

    def _finish(self, place: int, result: Any) -> None:
        weight = self._weight(result)
        with self._lock:
            self._running -= 1
            if self._closed:
                return
            self._done[place] = result
            self._ready += weight
            # waking the consumer for each of many results would cost more than small results do
            if place < self._head + self._wanted and self._is_complete(self._wanted):
                self._news.notify_all()
            if weight != 1:  # what was begun counted for one
                self._room.notify_all()
