"""What a worker process may use, so that a hostile file takes down its worker and nothing else."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["WorkerLimits", "one_thread_each", "resident_bytes"]

_THREADS = (*(f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")), "OPENCV_FOR_THREADS_NUM")
_PR_SET_PDEATHSIG = 1
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_REUSED_BYTES, _KEPT_BYTES = 4 << 20, 16 << 20


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Limits of one worker process.

    Args:
        memory: bytes of address space that a worker may take beside what its imports took.
        cpu_seconds: processor time for one file.
        wall_seconds: time for one file.
        start_seconds: time for a worker to start, imports included.
        recycle: bytes of memory in use above which a worker is replaced by a fresh one after its order.
        max_bytes: largest file that is opened at all.

    Example:
        >>> WorkerLimits(wall_seconds=10).cpu_seconds
        300
    """

    memory: int = 4 << 30
    cpu_seconds: int = 300
    wall_seconds: float = 900.0
    start_seconds: float = 180.0
    recycle: int = 2 << 30
    max_bytes: int = 16 << 30

    def apply(self) -> None:
        """Set the limits of this process; where the system has none (Windows), only the clock of the parent counts."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
        try:
            import resource
        except ImportError:
            return
        _die_with_parent()
        _keep_freed_memory()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the patient's data
        if self.memory and sys.platform == "linux":
            limit = _address_space() + self.memory
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            if hard != resource.RLIM_INFINITY:
                limit = min(limit, hard)
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))

    def start_file(self) -> None:
        """Give the next file its processor time; when it is used up, the system ends the process."""
        try:
            import resource
        except ImportError:
            return
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(time.process_time()) + self.cpu_seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that start in this block keep their numerical libraries to one thread: there is one for each core."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def resident_bytes(process: int | str = "self") -> int:
    """Return the memory that a process has in use; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _die_with_parent() -> None:
    """A worker whose parent was killed must not go on writing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _keep_freed_memory() -> None:
    """Have the buffers of one file reused by the next: the system would have to clear new pages for each."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # a C library without it
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_MMAP_THRESHOLD, _REUSED_BYTES)
            mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
