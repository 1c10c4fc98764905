"""Slides that are tiled TIFF files (Aperio SVS and generic pyramids), each tile decoded straight from the file.

Vendors hide more than tiles in a TIFF: Philips, Leica, Ventana, Trestle and Hamamatsu files, and Aperio files with
holes or JPEG 2000 are left to OpenSlide. Where this reads a file, its pixels are OpenSlide's.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from deephealth.core.errors import DataError, MissingDataError, UnreadableFileError
from deephealth.io.jpeg import check_jpeg
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.slide.buffers import TileBuffers
from deephealth.io.slide.claims import TIFF_MAGIC, check_tile
from deephealth.io.slide.mosaic import read_mosaic
from deephealth.io.slide.reader import Level
from deephealth.io.slide.tiff_properties import is_aperio, is_other_vendor, tiff_properties
from deephealth.io.slide.tile_cache import TileCache
from deephealth.io.tiff import TiffPage, parse_tiff
from deephealth.io.tiff_chunks import can_decode, decode_chunk, decode_page

__all__ = ["TiledTiff", "can_read_tiled_tiff"]

_JPEG = 7
_REDUCED = 1  # bit of NewSubfileType


class _File:
    """A file read at offsets, from any thread, with one descriptor."""

    def __init__(self, path: Path) -> None:
        try:
            self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError as error:
            raise MissingDataError(f"no such file: {path}", hint="check the path") from error
        except OSError as error:
            raise UnreadableFileError(
                f"{path} can't be read: {error.strerror}", hint="check its permissions"
            ) from error
        self.size = os.fstat(self.descriptor).st_size

    def read(self, offset: int, count: int) -> bytes:
        if self.descriptor < 0:
            raise DataError("the slide is closed", hint="read inside the `with` block")
        return os.pread(self.descriptor, count, offset)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        self.close()


def can_read_tiled_tiff(path: Path) -> bool:
    """Return whether a file is a tiled TIFF that is read directly, with the pixels OpenSlide would give."""
    try:
        file = _File(path)
    except DataError:
        return False
    try:
        if file.read(0, 4) not in TIFF_MAGIC:
            return False
        pages = parse_tiff(file.read, file.size, str(path))
        return _problem(pages) is None
    except (DataError, OSError):
        return False
    finally:
        file.close()


def _problem(pages: Sequence[TiffPage]) -> str | None:
    levels = _level_pages(pages)
    if not levels or not pages[0].tiled:
        return "its first page is not tiled"
    if is_other_vendor(pages[0]):
        return "it is in a vendor's own format"
    for page in levels:
        if not can_decode(page) or page.planar != 1 or page.bits != 8 or page.samples not in (1, 3):
            return f"compression {page.compression}, {page.samples} samples of {page.bits} bits"
        if is_aperio(pages[0]) and (page.counts == 0).any():
            return "it has holes"
    return None


def _level_pages(pages: Sequence[TiffPage]) -> list[TiffPage]:
    """Return the pages that are levels, finest first."""
    tiled = [page for page in pages if page.tiled]
    if not is_aperio(pages[0]):
        tiled = tiled[:1] + [page for page in tiled[1:] if page.subfile & _REDUCED]
    return sorted(tiled, key=lambda page: -page.width)


class TiledTiff:
    """A slide in a tiled TIFF.

    Args:
        path: the file.
        limits: largest tile and most pages.
        cache_bytes: decoded tiles kept for neighbouring regions.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: damaged, or packed in a way that is not read directly.
        LimitError: its claims exceed ``limits`` or what the file holds.
    """

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS, cache_bytes: int = 64 * 1024**2) -> None:
        self.name = str(path)
        self._file = _File(path)
        self._all = parse_tiff(self._file.read, self._file.size, self.name, limits=limits)
        problem = _problem(self._all)
        if problem is not None:
            raise UnreadableFileError(f"{path} is not read tile by tile: {problem}", hint="open it with OpenSlide")
        self._pages = _level_pages(self._all)
        self._limits, self._cache, self._buffers = limits, TileCache(cache_bytes), TileBuffers(cache_bytes)
        self._tables = [(page.offsets, page.counts) for page in self._pages]
        self._stored = [page.counts[: math.prod(page.grid)].reshape(page.grid) != 0 for page in self._pages]
        self.levels = self._make_levels()
        self.properties: Mapping[str, str] = tiff_properties(self._all[0], self.levels)
        self._associated = self._find_associated()
        self.associated: Sequence[str] = sorted(self._associated)

    def _make_levels(self) -> list[Level]:
        base = self._pages[0]
        levels = []
        for page in self._pages:
            check_tile(page, self.name, self._limits)
            scale = (base.width / page.width + base.height / page.height) / 2
            levels.append(Level(page.width, page.height, scale, (page.tile_width, page.tile_height)))
        return levels

    def read(self, level: int, x: int, y: int, size: tuple[int, int], background: int) -> np.ndarray:
        """Return a region; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        shown = self.levels[level]
        origin = (round(x / shown.downsample), round(y / shown.downsample)) if level else (x, y)

        def fetch(column: int, row: int) -> np.ndarray:
            return self._tile(level, column, row)

        return read_mosaic(
            shown, origin, size, background, fetch, self._stored[level], self._cache, level, self._buffers
        )

    def stored(self, level: int) -> np.ndarray | None:
        """Return which tiles are stored; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        return self._stored[level]

    def _tile(self, level: int, column: int, row: int) -> np.ndarray:
        page = self._pages[level]
        offsets, counts = self._tables[level]
        index = row * page.grid[1] + column
        offset, count = int(offsets[index]), int(counts[index])
        if count < 0 or offset < 0 or offset + count > self._file.size:
            raise UnreadableFileError(
                f"{self.name}: tile {column}, {row} of level {level} lies outside the file",
                hint="copy the file again: it is truncated or damaged",
            )
        data = self._file.read(offset, count)
        high, wide = page.chunk
        out = None
        if page.compression == _JPEG:
            check_jpeg(data, self.name)  # before memory is taken for it
            out = self._buffers.get((high, wide, 3))
        return _to_rgb(decode_chunk(page, data, self.name, out=out), page)

    def _find_associated(self) -> dict[str, TiffPage]:
        if not is_aperio(self._all[0]):
            return {}
        found = {}
        for number, page in enumerate(self._all):
            if page.tiled or not can_decode(page):
                continue
            words = page.description.split("\n", 1)[-1].split()
            name = "thumbnail" if number == 1 else (words[0] if words else "")
            if name:
                found[name] = page
        return found

    def read_associated(self, name: str) -> np.ndarray:
        """Return a picture that comes along; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        page = self._associated[name]
        self._limits.check_array((page.height, page.width), 3, self.name)
        return _to_rgb(decode_page(self._file.read, page, self.name, limits=self._limits), page)

    def close(self) -> None:
        """Free the file."""
        self._file.close()
        self._cache.clear()
        self._buffers.clear()


def _to_rgb(tile: np.ndarray, page: TiffPage) -> np.ndarray:
    if page.samples == 1:
        tile = cv2.cvtColor(tile[..., 0], cv2.COLOR_GRAY2RGB)
        if page.photometric == 0:  # minimum is white
            tile = 255 - tile
    return np.ascontiguousarray(tile, dtype=np.uint8)
