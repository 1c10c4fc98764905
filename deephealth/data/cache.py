"""The raster cache: pictures are decoded and resized once, and read from memory-mapped files ever after."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.files import user_cache_folder, writable_folder
from deephealth.data.shelf import Shelf
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster import RASTER_VERSION, read_mask, read_rgb
from deephealth.io.source import Source

__all__ = ["CACHE_VERSION", "DecodedRasters", "Rasters", "RasterCache", "Resize", "default_cache_folder"]

Array = npt.NDArray[np.uint8]
Resize = Callable[[Any, tuple[int, int]], Any]
Progress = Callable[[int, int], object]

CACHE_VERSION = 1  # raise it when the same file would be cached as other numbers, or the files on disk change
_BATCH = 64


class RasterCache:
    """Decoded, resized pictures and masks on disk.

    A picture is known by where it is and by what tells that it was replaced (:meth:`Source.fingerprint`: size and times
    of a file, CRC of a zip member), not by a hash of its content: hashing 25,000 dermoscopy photographs reads 50 GB at
    each start, and looking at their times reads nothing. A replaced file therefore misses and is decoded anew, alone.
    Size, kind, and the versions of this code, Pillow and torch name the shelf, so an update never mixes numbers.

    Several processes may fill one cache at once: each writes shelves' segments of its own, complete or not at all.
    The cache is never trimmed; delete its folder to empty it.

    Args:
        folder: where the cache lives; made if missing.
        resize: resizes RGB pictures; the project's own when not given.
        resize_mask: resizes masks; the project's own when not given.
        limits: largest picture.

    Raises:
        StorageError: the folder can't be written.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        resize: Resize | None = None,
        resize_mask: Resize | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.folder = writable_folder(folder, "making the image cache")
        self._resize = {"rgb": resize, "mask": resize_mask}
        self._limits = limits

    def images(
        self,
        sources: Sequence[Source],
        size: tuple[int, int] | None,
        *,
        progress: Progress | None = None,
        threads: int | None = None,
    ) -> Rasters:
        """Return pictures as H x W x 3 uint8, decoding those that are not cached yet.

        Args:
            sources: the pictures.
            size: height and width, pixels; ``None`` keeps each picture's own.
            progress: called with (done, total) after each batch of decoded pictures.
            threads: decoders; the number of cores, at most 8, when not given.

        Raises:
            MissingDataError, UnreadableFileError, LimitError: the first picture that can't be read. What was decoded
                before it is kept.
            StorageError: the disk is full.
        """
        return self._rasters("rgb", sources, size, progress, threads)

    def masks(
        self,
        sources: Sequence[Source],
        size: tuple[int, int] | None,
        *,
        progress: Progress | None = None,
        threads: int | None = None,
    ) -> Rasters:
        """Return masks as H x W uint8 of 0 and 1; arguments and errors as :meth:`images`."""
        return self._rasters("mask", sources, size, progress, threads)

    def _rasters(
        self,
        kind: str,
        sources: Sequence[Source],
        size: tuple[int, int] | None,
        progress: Progress | None,
        threads: int | None,
    ) -> Rasters:
        start = time.perf_counter()
        shelf = Shelf(self.folder / self._shelf_name(kind, size))
        keys = [source.fingerprint() for source in sources]
        lacking = {key: source for key, source in zip(keys, sources, strict=True) if key not in shelf}
        decode = _Decode(kind, size, self._resize[kind], self._limits)
        try:
            with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool:
                for done, batch in _batches(list(lacking.items())):
                    for (key, _), array in zip(batch, pool.map(decode, [source for _, source in batch]), strict=True):
                        shelf.add(key, array)
                    if progress is not None:
                        progress(done, len(lacking))
        finally:
            shelf.flush()
        return Rasters(shelf, keys, len(lacking), time.perf_counter() - start)

    def _shelf_name(self, kind: str, size: tuple[int, int] | None) -> str:
        shape = "original" if size is None else f"{size[0]}x{size[1]}"
        resize = self._resize[kind]
        by = "" if resize is None else f"-{resize.__module__}.{resize.__qualname__}".replace("<", "").replace(">", "")
        libraries = f"pillow{version('pillow')}" + ("" if size is None else f"-torch{version('torch')}")
        return f"{kind}-{shape}-v{CACHE_VERSION}.{RASTER_VERSION}-{libraries}{by}"


class Rasters(Sequence[Array]):
    """Cached pictures, as read-only views of memory-mapped files; pickles as paths, safe with forked workers.

    Args:
        shelf: holds them.
        keys: one per picture, in order.
        num_decoded: how many had to be decoded for this.
        seconds: how long that took.
    """

    def __init__(self, shelf: Shelf, keys: Sequence[str], num_decoded: int, seconds: float) -> None:
        self.num_decoded, self.seconds = num_decoded, seconds
        self._shelf, self._keys = shelf, list(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._shelf[key] for key in self._keys[index]]
        return self._shelf[self._keys[index]]


@dataclass(frozen=True, slots=True)
class DecodedRasters(Sequence[Array]):
    """The same pictures without a cache: decoded and resized each time they are asked for.

    Args:
        sources: the pictures.
        size: height and width, pixels.
        kind: ``rgb`` or ``mask``.
    """

    sources: Sequence[Source]
    size: tuple[int, int]
    kind: str = "rgb"

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: Any) -> Any:
        decode = _Decode(self.kind, self.size, None, DEFAULT_LIMITS)
        chosen = self.sources[index]
        return [decode(source) for source in chosen] if isinstance(index, slice) else decode(chosen)


def default_cache_folder() -> Path:
    """Return the user's cache folder for pictures."""
    return user_cache_folder() / "rasters"


@dataclass(frozen=True, slots=True)
class _Decode:
    kind: str
    size: tuple[int, int] | None
    resize: Resize | None
    limits: Limits

    def __call__(self, source: Source) -> Array:
        array = (read_rgb if self.kind == "rgb" else read_mask)(source, limits=self.limits)
        if self.size is None:
            return array
        return np.asarray((self.resize or _project_resize(self.kind))(array, self.size), dtype=np.uint8)


def _project_resize(kind: str) -> Resize:
    from deephealth.transforms import resize  # imports torch: only when pictures are really resized

    return resize.resize_rgb if kind == "rgb" else resize.resize_mask


def _batches(pairs: list[tuple[str, Source]]) -> Iterator[tuple[int, list[tuple[str, Source]]]]:
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        yield start + len(batch), batch
