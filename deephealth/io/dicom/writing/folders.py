"""Folders that are there complete, or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deephealth.core.errors import DataError
from deephealth.core.files import fsync_folder, storage_errors

__all__ = ["whole_folder", "write_synced"]


@contextmanager
def whole_folder(folder: Path | str, doing: str = "writing a series") -> Iterator[Path]:
    """Give a temporary folder that takes the name ``folder`` when the block ends well, and vanishes otherwise.

    Args:
        folder: the folder to make; it may exist if it is empty.
        doing: what for, in errors.

    Raises:
        DataError: something is there already.
        StorageError: the disk is full, or the place can't be written.

    Example:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp()) / "series"
        >>> with whole_folder(place) as part:
        ...     (part / "a").touch()
        ...     place.exists()
        False
        >>> [file.name for file in place.iterdir()]
        ['a']
    """
    folder = Path(folder)
    with storage_errors(folder, doing):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(
                f"{folder} is there already",
                allowed="a new folder, or an empty one",
                hint="choose another name: slices of two series in one folder are easily mixed up",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
        part.mkdir()
        try:
            yield part
            fsync_folder(part)
            os.replace(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        fsync_folder(folder.parent)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file below a :func:`whole_folder` and flush it to disk."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
