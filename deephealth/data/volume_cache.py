"""A cache on disk of arrays that were expensive to make: decoded series, resampled volumes, feature maps.

An entry is one safetensors file, read through a memory map. Its name is a hash of what the array was made from and how;
so a changed file, another preprocessing or a newer version of the code is another entry, never a wrong one.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deephealth.core.errors import DataError, MissingDataError
from deephealth.core.files import sha256, storage_errors, writable_folder
from deephealth.core.log import get_logger
from deephealth.data.tensor_file import Stored, read_tensor_file, write_tensor_file

try:
    import fcntl
except ImportError:  # not on Windows: there what is kept is known by its age
    fcntl = None  # type: ignore[assignment]

__all__ = ["CACHE_FORMAT", "Kept", "VolumeCache", "content_key"]

_LOG = get_logger(__name__)

CACHE_FORMAT = 1  # raise it when the same key would name other numbers
_SUFFIX = ".safetensors"
_TENSOR = "array"
_KEEP = ".keep"
_STALE_S = 24 * 3600


def content_key(
    sources: Iterable[Path | str] | Path | str,
    preprocessing: Any = None,
    *,
    versions: Iterable[str] = (),
    by: Literal["stat", "content"] = "stat",
) -> str:
    """Return the name of what is made from files in a certain way.

    Args:
        sources: the files, in the order in which they are read.
        preprocessing: all that changes the numbers: a value that JSON can hold, with names sorted.
        versions: of the libraries that compute them, such as ``"scipy 1.16"``.
        by: ``"stat"`` trusts path, size and time of change, and reads nothing; ``"content"`` hashes every byte, for
            folders that are copied about.

    Raises:
        MissingDataError: a file does not exist.
        DataError: ``preprocessing`` can't be written as JSON.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.nii"; _ = path.write_bytes(b"1")
        >>> first = content_key(path, {"spacing": [1, 1, 1]})
        >>> first == content_key(path, {"spacing": [1, 1, 1]}), first == content_key(path, {"spacing": [2, 2, 2]})
        (True, False)
    """
    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    try:
        how = json.dumps(preprocessing, sort_keys=True, allow_nan=True)
    except (TypeError, ValueError) as error:
        raise DataError(f"the preprocessing can't name a cache entry: {error}", allowed="what JSON can hold") from error
    facts = [CACHE_FORMAT, how, sorted(versions), by, [_identity(Path(path), by) for path in paths]]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=20).hexdigest()


class VolumeCache:
    """A folder of arrays, bounded in size, shared by threads and processes.

    An entry is written under a temporary name and renamed, so others see it whole or not at all; two processes that
    make the same array both write it, and the last one stays. When the folder grows beyond its limit, what was not used
    for the longest time is removed; arrays that are still in use stay valid.

    Args:
        folder: made if missing.
        max_bytes: largest size of the folder.

    Raises:
        StorageError: the folder can't be written.

    Example:
        >>> import tempfile
        >>> cache = VolumeCache(tempfile.mkdtemp())
        >>> made = cache.get("key", lambda: np.arange(6).reshape(2, 3))
        >>> again = cache.get("key", lambda: 1 / 0)
        >>> again.tolist(), again.flags.writeable
        ([[0, 1, 2], [3, 4, 5]], False)
    """

    def __init__(self, folder: Path | str, *, max_bytes: int = 32 * 1024**3) -> None:
        self.folder = writable_folder(folder, "making the volume cache")
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._size: int | None = None  # of the folder, as far as this process knows

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the array of a key, read-only, making it at the first time.

        Args:
            key: from :func:`content_key`, or any name.
            make: called when there is no entry, or a damaged one.

        Raises:
            StorageError: the disk is full.
            DataError: ``make`` returned what no entry can hold (objects, text, complex numbers).
        """
        found = self.find(key)
        if found is not None:
            return found
        made = np.asarray(make(), order="C")
        self.put(key, made)
        found = self.find(key)
        if found is None:  # larger than the limit, or removed by another process already
            made.flags.writeable = False
            return made
        return found

    def find(self, key: str) -> np.ndarray | None:
        """Return the array of a key through a memory map, or ``None``; a damaged entry is removed."""
        found = self.find_all(key)
        return None if found is None else found.arrays.get(_TENSOR)

    def find_all(self, key: str) -> Stored | None:
        """Return all arrays of a key and what is known of them, or ``None``; a damaged entry is removed."""
        path = self._path(key)
        try:
            found = read_tensor_file(path)
            os.utime(path)  # the time of the last use decides what is removed first
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _LOG.warning("the cache entry %s is damaged and made anew: %s", path, error)
            path.unlink(missing_ok=True)
            return None
        return found

    def put(self, key: str, array: np.ndarray) -> None:
        """Write an array under a key, and remove old entries if the folder has become too large.

        Raises:
            StorageError: the disk is full.
            DataError: an array of objects, text or complex numbers.
        """
        self.put_all(key, {_TENSOR: array})

    def put_all(self, key: str, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any] | None = None) -> int:
        """Write several arrays as one entry, and return its bytes; errors as :meth:`put`.

        Args:
            key: of the entry.
            arrays: by name.
            facts: what else is known of them, as JSON can hold it.
        """
        written = write_tensor_file(self._path(key), arrays, facts)
        with self._lock:
            if self._size is not None:
                self._size += written
            if self._size is None or self._size > self.max_bytes:
                self._size = self._trim()
        return written

    def keep(self, keys: Iterable[str]) -> Kept:
        """Protect entries, there already or still to come, from being removed to make room, by any process.

        Args:
            keys: of the entries.

        Returns:
            What protects them for as long as it lives (or until its ``close()``), and not beyond this process.

        Raises:
            StorageError: the folder can't be written.
        """
        return Kept(self.folder, [self._path(key).name for key in keys])

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._path(key).exists()

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob(f"*{_SUFFIX}"))

    def clear(self) -> None:
        """Remove all entries."""
        for path in self.folder.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)
        with self._lock:
            self._size = None

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "max_bytes": self.max_bytes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.folder, self.max_bytes = state["folder"], state["max_bytes"]
        self._lock, self._size = threading.Lock(), None

    def _path(self, key: str) -> Path:
        plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum() and len(key) <= 100
        name = key if plain else hashlib.blake2b(key.encode(), digest_size=20).hexdigest()
        return self.folder / f"{name}{_SUFFIX}"

    def _trim(self) -> int:
        """Remove what was used longest ago until nine tenths of the limit are left, and return the folder's size."""
        entries = []
        newest = 0.0
        for path in self.folder.iterdir():
            try:
                facts = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            newest = max(newest, facts.st_mtime)
            entries.append((facts.st_mtime, facts.st_size, path))
        entries.sort()
        size = sum(entry[1] for entry in entries if entry[2].suffix == _SUFFIX)
        goal = self.max_bytes if size <= self.max_bytes else self.max_bytes * 9 // 10
        kept = _kept(self.folder) if size > goal else set()
        for changed, count, path in entries:
            if path.suffix == _SUFFIX and size > goal and path.name not in kept:
                path.unlink(missing_ok=True)
                size -= count
            elif path.suffix == ".tmp" and changed < newest - _STALE_S:  # left behind by a killed process
                path.unlink(missing_ok=True)
        return size


class Kept:
    """Entries that nobody removes while this lives: a locked file lists them, and the lock ends with the process.

    Args:
        folder: of the cache.
        names: of the entries' files.

    Raises:
        StorageError: the folder can't be written.
    """

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._path = folder / f".{uuid.uuid4().hex}{_KEEP}"
        temporary = self._path.with_suffix(".tmp")
        with storage_errors(self._path, "protecting entries of the volume cache"):
            stream = temporary.open("w")
            try:
                stream.write("\n".join(names))
                stream.flush()
                if fcntl is None:
                    stream.close()  # there an open file can't be renamed
                else:
                    with suppress(OSError):  # some network file systems have no locks
                        fcntl.flock(stream, fcntl.LOCK_SH)  # before it is seen: nobody takes it for one left behind
                os.replace(temporary, self._path)
            except BaseException:
                stream.close()
                temporary.unlink(missing_ok=True)
                raise
        self._end = weakref.finalize(self, _end_keeping, stream, self._path, os.getpid())

    def close(self) -> None:
        """Protect them no longer."""
        self._end()


def _end_keeping(stream: Any, path: Path, owner: int) -> None:
    stream.close()
    if os.getpid() == owner:  # a forked worker that ends leaves its parent's protection in place
        path.unlink(missing_ok=True)


def _kept(folder: Path) -> set[str]:
    """Return the names of protected entries; what a killed process left behind is removed."""
    names: set[str] = set()
    for path in folder.glob(f".*{_KEEP}"):
        try:
            with path.open() as stream:
                if _is_left_behind(stream):
                    path.unlink(missing_ok=True)
                else:
                    names.update(stream.read().split("\n"))
        except FileNotFoundError:  # its owner was faster
            continue
    return names


def _is_left_behind(stream: Any) -> bool:
    if fcntl is None:
        return time.time() - os.fstat(stream.fileno()).st_mtime > _STALE_S
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _identity(path: Path, by: str) -> list[Any]:
    try:
        facts = path.stat()
        if by == "content":
            return [sha256(path)]
        return [str(path.resolve()), facts.st_size, facts.st_mtime_ns]
    except FileNotFoundError as error:
        raise MissingDataError(f"the file '{path}' does not exist") from error
