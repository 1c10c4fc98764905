"""Writing without half-written files, hashing, and paths that stay below their root."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError, StorageError

__all__ = [
    "atomic_write",
    "atomic_write_json",
    "below",
    "fsync_folder",
    "replacing",
    "sha256",
    "storage_errors",
    "user_cache_folder",
    "writable_folder",
]


@contextmanager
def storage_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a :class:`StorageError` that names the file and the cure.

    Args:
        path: what was being written.
        doing: what for, such as ``"saving a checkpoint"``.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        cures = {
            errno.ENOSPC: "free space on that disk, then run the same command again (nothing saved earlier is lost)",
            errno.EDQUOT: "your disk quota is used up: free space, then run the same command again",
            errno.EROFS: "the file system is read-only: choose another folder",
            errno.EACCES: "you may not write there: choose another folder or change its permissions",
            errno.EPERM: "you may not write there: choose another folder or change its permissions",
        }
        hint = cures.get(error.errno or 0, "check the disk, then run the same command again")
        raise StorageError(f"{doing} failed: {path}: {error.strerror or error}", hint=hint) from error


def fsync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path, doing: str) -> Iterator[Path]:
    """Give a temporary name beside ``path``; at the end of the block what lies there is on disk and takes its place.

    A block that fails, or a process that is killed, leaves the old file or none.

    Args:
        path: the file; its folder is made if missing.
        doing: what for, such as ``"writing an array"``.

    Raises:
        StorageError: an ``OSError`` of the block, such as a full disk, or of putting the file in its place.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.bin"
        >>> with replacing(file, "writing a file") as temporary:
        ...     _ = temporary.write_bytes(b"1")
        >>> file.read_bytes(), [one.name for one in file.parent.iterdir()]
        (b'1', ['a.bin'])
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    with storage_errors(path, doing):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("r+b") as stream:
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        fsync_folder(path.parent)


def atomic_write(path: Path | str, content: bytes | str) -> None:
    """Write a file so that readers see the old content or the new, never a part: temporary name, fsync, rename.

    Args:
        path: the file; its folder is made if missing.
        content: bytes, or text that is written as UTF-8.

    Raises:
        StorageError: the disk is full or the folder can't be written.
    """
    with replacing(Path(path), "writing a file") as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def atomic_write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    atomic_write(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def below(root: Path | str, name: str) -> Path:
    """Join ``name``, which came out of a data file, to ``root`` and refuse it when it points outside.

    Raises:
        DataError: the name is absolute, climbs out with ``..``, or leads outside through a link.

    Example:
        >>> below("/data", "images/a.png").as_posix()
        '/data/images/a.png'
    """
    base = Path(root).resolve()
    if "\x00" in name:
        raise DataError(f"the path {name!r} holds a null byte", allowed="paths below the data set's folder")
    joined = (base / name).resolve()
    if Path(name).is_absolute() or not joined.is_relative_to(base):
        raise DataError(f"the path '{name}' leads outside {base}", allowed="paths below the data set's folder")
    return joined


def user_cache_folder() -> Path:
    """Return where this user's caches are kept: ``DEEPHEALTH_CACHE``, else where the platform keeps them.

    Example:
        >>> user_cache_folder().is_absolute()
        True
    """
    if os.environ.get("DEEPHEALTH_CACHE"):
        return Path(os.environ["DEEPHEALTH_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "deephealth"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "deephealth" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deephealth"


def writable_folder(path: Path | str, purpose: str) -> Path:
    """Make a folder if missing and prove that files can be written there.

    Raises:
        StorageError: it can't be made or written.
    """
    folder = Path(path)
    with storage_errors(folder, purpose):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{uuid.uuid4().hex}.tmp"
        probe.write_bytes(b"deephealth")
        probe.unlink()
    return folder
