"""Bytes of a file or of a buffer, of which nobody can ask for more than there are."""

from __future__ import annotations

import io
import os
import threading
from types import TracebackType
from typing import Protocol

__all__ = ["BoundedFile", "Bytes", "ByteSource", "FilePart", "cores", "fill_at", "open_to_read", "read_at"]

_lock = threading.Lock()


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_to_read(path: str) -> int:
    """Return a file descriptor."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Return up to ``length`` bytes from a position, without moving what other threads share."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    with _lock:  # Windows has one position per file
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


def fill_at(descriptor: int, out: memoryview, offset: int) -> int:
    """Fill ``out`` from a position; return the bytes that were there."""
    done = 0
    while done < len(out):
        if hasattr(os, "preadv"):
            got = os.preadv(descriptor, [out[done:]], offset + done)
        else:
            part = read_at(descriptor, len(out) - done, offset + done)
            got = len(part)
            out[done : done + got] = part
        if not got:
            break
        done += got
    return done


class ByteSource(Protocol):
    """Random access to the value of a pixel element."""

    size: int

    def read(self, at: int, length: int) -> bytes:
        """Return up to ``length`` bytes from position ``at``; fewer at the end."""
        ...


class Bytes:
    """The value of a pixel element that is in memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = data
        self.size = len(data)

    def read(self, at: int, length: int) -> bytes:
        """Return up to ``length`` bytes from position ``at``."""
        return bytes(self.data[at : at + length])


class FilePart:
    """The value of a pixel element in a file, read piece by piece; safe to share between threads.

    Args:
        path: the file.
        offset: where the value starts.
        length: bytes of the value; up to the end of the file if there are fewer.
    """

    def __init__(self, path: str, offset: int, length: int) -> None:
        self._descriptor = open_to_read(path)
        self._offset = offset
        self.size = max(0, min(length, os.fstat(self._descriptor).st_size - offset))

    def __enter__(self) -> FilePart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def read(self, at: int, length: int) -> bytes:
        """Return up to ``length`` bytes from position ``at`` of the value."""
        wanted = min(length, self.size - at)
        return read_at(self._descriptor, wanted, self._offset + at) if wanted > 0 else b""

    def read_into(self, at: int, out: memoryview) -> int:
        """Fill ``out`` from position ``at`` of the value without a copy; return how many bytes were there."""
        wanted = min(len(out), self.size - at)
        return fill_at(self._descriptor, out[:wanted], self._offset + at) if wanted > 0 else 0


class BoundedFile(io.RawIOBase):
    """A file for a parser that trusts lengths: a read never allocates more than the file still holds.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes."""
        left = max(0, self.size - self._file.tell())
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def seek(self, at: int, whence: int = 0, /) -> int:
        """Move to a position."""
        return self._file.seek(at, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readable(self) -> bool:
        """Return True."""
        return True
