"""A pool of processes that outlives what is done to it: a file that kills its worker is named, the others go on."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self

from deephealth.core.errors import DataError
from deephealth.core.log import get_logger
from deephealth.lake.intake.jobs import Answer, Bench, Job
from deephealth.lake.intake.limits import WorkerLimits, one_thread_each, resident_bytes
from deephealth.lake.reasons import Reason

__all__ = ["WorkerPool"]

_log = get_logger(__name__)
_READY = "ready"
_BROKEN = "broken"
_COLLECT = 10_000, 20, 20  # a header makes thousands of short-lived objects and no cycles
_FALSE_STARTS = 3  # workers killed in a row before they were ready: then it is not bad luck
_ORDERS = 2  # orders that wait at one worker, so that it is never idle while its answers are looked at


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    ready: bool = False
    tired: bool = False  # it has grown too large: it gets no more orders and is replaced
    since: float = field(default_factory=time.monotonic)  # when it began with the first of its jobs
    jobs: deque[Job] = field(default_factory=deque)
    outbox: queue.SimpleQueue[Bench | list[Job] | None] = field(default_factory=queue.SimpleQueue)
    sender: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.sender = threading.Thread(target=self.send, daemon=True)
        self.sender.start()

    def send(self) -> None:
        """Hand over orders, in a thread: a worker that hangs does not read, and its parent must not hang with it."""
        order: Bench | list[Job] | None = []
        while order is not None:
            order = self.outbox.get()
            try:
                self.pipe.send(order)
            except OSError:
                return  # it died; the parent sees that when it waits for answers


class WorkerPool:
    """Worker processes that do jobs in any order.

    Args:
        bench: what each worker gets.
        count: how many processes.
        order: jobs that are handed over at once.

    Example:
        Use as a context manager; :meth:`run` yields one answer for each job::

            with WorkerPool(bench, 2) as pool:
                for answer in pool.run(jobs): ...
    """

    def __init__(self, bench: Bench, count: int, *, order: int = 8) -> None:
        pickle.dumps(bench)  # a tool that can't go to a worker fails here, and not in a thread later
        self._bench = bench
        self._limits: WorkerLimits = bench.limits
        self._count, self._order = max(1, count), order
        self._context = _context(bench)
        self._workers: list[_Worker] = []
        self._again: deque[Job] = deque()  # of a worker that died before it came to them
        self._retried: set[int] = set()
        self._false_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.stop(now=kind is not None)

    def processes(self) -> list[int]:
        """Return the ids of the workers."""
        return [worker.process.pid or 0 for worker in self._workers]

    def run(self, jobs: Iterable[Job]) -> Iterator[Answer]:
        """Do all jobs.

        Args:
            jobs: drawn only as fast as they are done.

        Yields:
            One answer for each job, in the order in which they end.

        Raises:
            DataError: no worker could start.
        """
        left = iter(jobs)
        while self._feed(left):
            for worker in self._wait():
                yield from self._answers(worker)
            yield from self._overdue()

    def stop(self, *, now: bool = False) -> None:
        """End all workers; ``now`` does not wait for what they are doing."""
        for worker in list(self._workers):
            if now:
                worker.process.kill()
            self._discard(worker)

    def _feed(self, left: Iterator[Job]) -> bool:
        """Hand out work; return whether any is under way."""
        while self._has_room():
            order = self._next_order(left)
            if not order:
                break
            worker = self._idlest()
            if not worker.jobs:
                worker.since = time.monotonic()
            worker.jobs.extend(order)
            worker.outbox.put(order)
        return any(worker.jobs for worker in self._workers)

    def _next_order(self, left: Iterator[Job]) -> list[Job]:
        order: list[Job] = []
        while len(order) < self._order:
            job = self._again.popleft() if self._again else next(left, None)
            if job is None:
                break
            order.append(job)
        return order

    def _has_room(self) -> bool:
        waiting = self._order * (_ORDERS - 1)
        return len(self._workers) < self._count or any(
            len(worker.jobs) <= waiting and not worker.tired for worker in self._workers
        )

    def _idlest(self) -> _Worker:
        """The worker with the least to do; a new one while all are busy and there are fewer than there may be."""
        fit = (worker for worker in self._workers if not worker.tired)
        idle = min(fit, key=lambda worker: len(worker.jobs), default=None)
        if idle is None or (idle.jobs and len(self._workers) < self._count):
            idle = self._start()
            self._workers.append(idle)
        return idle

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs,), daemon=True)
        with one_thread_each():
            process.start()
        theirs.close()
        worker = _Worker(process, mine)
        worker.outbox.put(self._bench)
        return worker

    def _wait(self) -> list[_Worker]:
        by_handle = {worker.pipe: worker for worker in self._workers if worker.jobs}
        deadlines = [worker.since + self._allowed(worker) for worker in by_handle.values()]
        timeout = max(0.0, min(deadlines, default=0.0) - time.monotonic())
        return [by_handle[pipe] for pipe in wait(list(by_handle), timeout=timeout)]  # type: ignore[index]

    def _allowed(self, worker: _Worker) -> float:
        return self._limits.wall_seconds if worker.ready else self._limits.start_seconds

    def _answers(self, worker: _Worker) -> Iterator[Answer]:
        """Take what a worker has sent so far."""
        try:
            while worker.pipe.poll():
                said = worker.pipe.recv()
                worker.since = time.monotonic()
                if said == _READY:
                    worker.ready, self._false_starts = True, 0
                elif isinstance(said, tuple):
                    raise DataError(f"a worker process could not start: {said[1]}", hint="is everything installed?")
                else:
                    worker.jobs.popleft()
                    yield said
        except (EOFError, OSError, pickle.UnpicklingError):
            yield from self._died(worker)
            return
        if len(worker.jobs) <= self._order * (_ORDERS - 1):  # once an order is enough
            worker.tired = worker.tired or resident_bytes(worker.process.pid or 0) > self._limits.recycle
        if worker.tired and not worker.jobs:
            self._discard(worker)

    def _overdue(self) -> Iterator[Answer]:
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.jobs and now - worker.since > self._allowed(worker) and not worker.pipe.poll():
                worker.process.kill()
                yield from self._died(worker, "reading the file took more time than a sound file takes")

    def _died(self, worker: _Worker, what: str = "") -> Iterator[Answer]:
        """Name the job that a worker died of; hand the others on."""
        worker.process.join(timeout=5)
        status = worker.process.exitcode
        self._discard(worker)
        if not worker.ready:
            self._begin_again(worker, status)
            return
        if not worker.jobs:
            return  # it had answered everything
        culprit = worker.jobs.popleft()
        self._again.extend(worker.jobs)
        if not what and status == -signal.SIGKILL and culprit.id not in self._retried:
            self._retried.add(culprit.id)  # perhaps the system needed memory for somebody else: once more
            self._again.append(culprit)
            return
        _log.warning("a worker process ended with status %s; its file goes to quarantine", status)
        yield Answer(culprit.id, "crashed", reason=Reason.HOSTILE, what=what or _cause(status))

    def _begin_again(self, worker: _Worker, status: int | None) -> None:
        """Hand the jobs of a worker that was killed while it started to the next one, a few times."""
        self._false_starts += 1
        if status != -signal.SIGKILL or self._false_starts >= _FALSE_STARTS:
            raise DataError(
                f"a worker process ended while it started (status {status})",
                hint="is there enough memory? did another program end it?",
            )
        self._again.extend(worker.jobs)

    def _discard(self, worker: _Worker) -> None:
        """End a worker that has nothing to do, or is dead."""
        self._workers.remove(worker)
        worker.outbox.put(None)
        worker.process.join(timeout=5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.sender.join()  # before its pipe goes: the next worker's pipe may get the same number
        worker.pipe.close()


def _context(bench: Bench) -> Any:
    """Processes that start from a clean one, which has the tools' modules loaded where the system can fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    modules = {type(bench.cleaner).__module__, bench.scan.__class__.__module__, getattr(bench.scan, "__module__", "")}
    modules |= set(getattr(bench.cleaner, "modules", ()))
    context.set_forkserver_preload([__name__, *sorted(modules - {"", "builtins", "__main__"})])
    return context


def _cause(status: int | None) -> str:
    if status is not None and status == -getattr(signal, "SIGXCPU", 0):
        return "reading the file took more processor time than a sound file takes"
    return "reading the file broke the reader"


def _work(pipe: Connection) -> None:
    """A worker's life: orders in, answers out, until there is no order or no parent."""
    gc.freeze()  # what the fork brought along stays shared: a collection would write to all of it
    gc.set_threshold(*_COLLECT)
    try:
        bench: Bench = pipe.recv()
        bench.limits.apply()
    except (EOFError, ConnectionResetError):
        return  # the parent is gone
    except Exception as error:
        pipe.send((_BROKEN, f"{type(error).__name__}: {error}"))
        return
    _silence()
    try:
        pipe.send(_READY)
        while (order := pipe.recv()) is not None:
            for job in order:
                pipe.send(bench.do(job))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone


def _silence() -> None:
    """Let nothing that a decoder prints or warns about reach a terminal or a log: it may quote the header."""
    warnings.simplefilter("ignore")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
