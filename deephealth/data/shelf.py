"""Arrays on disk by key: append-only segments, each written whole, read through memory maps."""

from __future__ import annotations

import io
import json
import math
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write, storage_errors

__all__ = ["Shelf"]

Array = npt.NDArray[np.uint8]

_SEGMENT_BYTES = 64 * 1024**2
_STALE_SECONDS = 24 * 3600


class Shelf:
    """A folder of segments: ``ID.npy`` holds arrays, flat, uint8, one after another; ``ID.json`` says which and where.

    The ``.json`` is written after the ``.npy`` and both by rename, so a segment is there completely or not at all.
    Names are drawn at random: writers never touch each other's files, and readers only see finished ones. Two writers
    that add the same key write the same array twice, which costs space and nothing else.

    Args:
        folder: made if missing.

    Raises:
        StorageError: the folder can't be made or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._where: dict[str, tuple[str, int, tuple[int, ...]]] = {}  # key -> segment, offset, shape
        self._maps: dict[str, Array] = {}
        self._pending: dict[str, Array] = {}
        self._pending_bytes = 0
        self._lock = threading.Lock()
        with storage_errors(folder, "reading the image cache"):
            folder.mkdir(parents=True, exist_ok=True)
            _remove_stale(folder)
            for index in sorted(folder.glob("*.json")):
                self._load(index)

    def __contains__(self, key: object) -> bool:
        return key in self._where or key in self._pending

    def __len__(self) -> int:
        return len(self._where) + len(self._pending)

    def __getitem__(self, key: str) -> Array:
        """Return the array of ``key``, read-only, without copying it.

        Raises:
            KeyError: no such key.
            DataError: the cache was deleted while it was in use.
        """
        if key in self._pending:
            return self._pending[key]
        segment, offset, shape = self._where[key]
        flat = self._maps.get(segment)
        if flat is None:
            flat = self._open(segment)
        return flat[offset : offset + math.prod(shape)].reshape(shape)

    def add(self, key: str, array: Array) -> None:
        """Add an array; it is on disk after the next :meth:`flush`, or sooner when enough have come together.

        Raises:
            StorageError: the disk is full.
        """
        with self._lock:
            if key in self:
                return
            self._pending[key] = array
            self._pending_bytes += array.nbytes
            full = self._pending_bytes >= _SEGMENT_BYTES
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what was added since the last time.

        Raises:
            StorageError: the disk is full.
        """
        with self._lock:
            if not self._pending:
                return
            entries: dict[str, list[Any]] = {}
            offset = 0
            for key, array in self._pending.items():
                entries[key] = [offset, list(array.shape)]
                offset += array.size
            segment = uuid.uuid4().hex
            stream = io.BytesIO()
            np.save(stream, np.concatenate([array.ravel() for array in self._pending.values()]), allow_pickle=False)
            data = stream.getvalue()
            atomic_write(self.folder / f"{segment}.npy", data)
            atomic_write(self.folder / f"{segment}.json", json.dumps({"bytes": len(data), "entries": entries}))
            self._register(segment, entries)
            self._pending, self._pending_bytes = {}, 0

    def __getstate__(self) -> dict[str, Any]:
        self.flush()
        return {"folder": self.folder, "where": self._where}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.folder, self._where = state["folder"], state["where"]
        self._maps, self._pending, self._pending_bytes = {}, {}, 0
        self._lock = threading.Lock()

    def _load(self, index: Path) -> None:
        try:
            content = json.loads(index.read_bytes())
            whole = index.with_suffix(".npy").stat().st_size == content["bytes"]
        except (OSError, ValueError, KeyError):
            whole = False
        if whole:  # a damaged segment is passed over, and its pictures are decoded again
            self._register(index.stem, content["entries"])

    def _register(self, segment: str, entries: dict[str, list[Any]]) -> None:
        for key, (offset, shape) in entries.items():
            self._where[key] = (segment, int(offset), tuple(shape))

    def _open(self, segment: str) -> Array:
        try:
            flat: Array = np.load(self.folder / f"{segment}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
        except (OSError, ValueError) as error:
            raise DataError(
                f"the image cache {self.folder} was changed while it was in use: {error}",
                hint="run the same command again; the cache fills itself",
            ) from error
        self._maps[segment] = flat
        return flat


def _remove_stale(folder: Path) -> None:
    """Remove temporary files that a killed process left behind; a live one renames its own within seconds."""
    before = time.time() - _STALE_SECONDS
    for path in folder.glob(".*.tmp"):
        try:
            if path.stat().st_mtime < before:
                path.unlink()
        except FileNotFoundError:  # another process was faster
            continue
