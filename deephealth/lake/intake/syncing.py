"""One flush for many files: ``syncfs`` where the system has it, ``fsync`` of each file and folder where not."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

__all__ = ["flush"]


@cache
def _syncfs() -> Callable[[int], int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):  # macOS and Windows have none
        return None
    function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int
    return function


def flush(folder: Path, files: Iterable[Path]) -> None:
    """Return when everything written to the file system of ``folder`` is on disk.

    Args:
        folder: an existing folder; its file system is flushed.
        files: what was written there and where entries were made; used only where there is no ``syncfs``.

    Raises:
        OSError: the disk failed.

    Source: syncfs(2); since Linux 5.8 it reports write errors.

    Example:
        >>> import tempfile
        >>> flush(Path(tempfile.mkdtemp()), [])
    """
    function = _syncfs()
    if function is None:
        for path in files:
            _fsync(path)
        _fsync(folder)
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if function(descriptor) != 0:
            code = ctypes.get_errno() or errno.EIO
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)


def _fsync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
