"""A cache on disk of arrays that were expensive to make: decoded series, resampled volumes, feature maps.

An entry is one safetensors file, read through a memory map. Its name is a hash of what the array was made from and how;
so a changed file, another preprocessing or a newer version of the code is another entry, never a wrong one.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import threading
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deephealth.core.errors import DataError, MissingDataError
from deephealth.core.files import sha256, storage_errors, writable_folder
from deephealth.core.log import get_logger

__all__ = ["CACHE_FORMAT", "VolumeCache", "content_key"]

_LOG = get_logger(__name__)

CACHE_FORMAT = 1  # raise it when the same key would name other numbers
_SUFFIX = ".safetensors"
_TENSOR = "array"
_LENGTH = struct.Struct("<Q")
_MOST_HEADER = 1024**2
_STALE_S = 24 * 3600
_DTYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}


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
        path = self._path(key)
        try:
            found = _mapped(path)
            os.utime(path)  # the time of the last use decides what is removed first
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
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
        path = self._path(key)
        array = np.asarray(array, order="C")
        header = _header(array)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        with storage_errors(path, "writing to the volume cache"):
            try:
                with temporary.open("wb") as stream:
                    stream.write(header)
                    stream.write(array.reshape(-1).view(np.uint8).data)
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        with self._lock:
            if self._size is not None:
                self._size += len(header) + array.nbytes
            if self._size is None or self._size > self.max_bytes:
                self._size = self._trim()

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
        for changed, count, path in entries:
            if path.suffix == _SUFFIX and size > goal:
                path.unlink(missing_ok=True)
                size -= count
            elif path.suffix == ".tmp" and changed < newest - _STALE_S:  # left behind by a killed process
                path.unlink(missing_ok=True)
        return size


def _identity(path: Path, by: str) -> list[Any]:
    try:
        facts = path.stat()
        if by == "content":
            return [sha256(path)]
        return [str(path.resolve()), facts.st_size, facts.st_mtime_ns]
    except FileNotFoundError as error:
        raise MissingDataError(f"the file '{path}' does not exist") from error


def _header(array: np.ndarray) -> bytes:
    """Return the head of a safetensors file that holds one array."""
    name = _NAMES.get(array.dtype)
    if name is None:
        raise DataError(f"an array of {array.dtype} can't be cached", allowed=", ".join(map(str, _NAMES)))
    entry = {"dtype": name, "shape": list(array.shape), "data_offsets": [0, array.nbytes]}
    text = json.dumps({_TENSOR: entry}).encode()
    text += b" " * (-(_LENGTH.size + len(text)) % 64)  # so that the numbers begin at a multiple of 64 bytes
    return _LENGTH.pack(len(text)) + text


def _mapped(path: Path) -> np.ndarray:
    """Return the array of a file without reading it.

    Raises:
        ValueError: not a whole file of this cache.
    """
    with path.open("rb") as stream:
        total = os.fstat(stream.fileno()).st_size
        start = stream.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else _MOST_HEADER + 1
        if length > min(_MOST_HEADER, total):
            raise ValueError(f"its header claims {length} bytes")
        entry = json.loads(stream.read(length))[_TENSOR]
        dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(int(size) for size in entry["shape"])
        first = _LENGTH.size + length
        if min(shape, default=0) < 0 or total != first + math.prod(shape) * dtype.itemsize:
            raise ValueError(f"it has {total} bytes for an array of {shape}")
        if not math.prod(shape):
            return np.frombuffer(b"", dtype).reshape(shape)
        return np.memmap(stream, dtype, "r", first, shape).view(np.ndarray)  # type: ignore[call-overload, no-any-return]
