"""Writing large files piece by piece so that readers see the old content or the new, never a part."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deephealth.core.files import fsync_folder, storage_errors

__all__ = ["atomic_path", "atomic_stream"]


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Give the name of a temporary file, with the same suffixes, that replaces ``path`` when the block ends well.

    Args:
        path: the file; its folder is made if missing.

    Raises:
        StorageError: the disk is full or the folder can't be written.
    """
    path = Path(path)
    with storage_errors(path, "writing a file"):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
        try:
            yield temporary
            descriptor = os.open(temporary, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        fsync_folder(path.parent)


@contextmanager
def atomic_stream(path: Path | str) -> Iterator[IO[bytes]]:
    """Open a file for writing whose content appears under its name when the block ends well.

    Args:
        path: the file; its folder is made if missing.

    Raises:
        StorageError: the disk is full or the folder can't be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_stream(Path(folder) / "a.bin") as stream:
        ...         count = stream.write(b"abc")
        ...     (Path(folder) / "a.bin").read_bytes()
        b'abc'
    """
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        yield stream
