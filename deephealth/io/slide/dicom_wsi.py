"""DICOM whole-slide images: the instances of one series, each frame decoded straight from its file.

JPEG and stored frames need nothing beside the core packages, JPEG 2000 frames need imagecodecs. A level whose frames
are packed otherwise is left to wsidicom or OpenSlide.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.core.optional import is_installed
from deephealth.io.dicom.codestream import probe
from deephealth.io.jpeg import check_jpeg, decode_jpeg
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.slide.buffers import TileBuffers
from deephealth.io.slide.dicom_header import DicomLevel, is_dicom, read_dicom_level
from deephealth.io.slide.frame_order import runs_down_columns, transposed
from deephealth.io.slide.mosaic import read_mosaic
from deephealth.io.slide.reader import Level
from deephealth.io.slide.tile_cache import TileCache

__all__ = ["DicomSlide", "can_read_dicom_slide"]

_STORED = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
_JPEG = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
_JPEG2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
_MOST_FILES = 1000


def can_read_dicom_slide(path: Path) -> bool:
    """Return whether a file, or a folder of them, is a DICOM slide whose frames are decoded here."""
    if not path.is_dir() and not is_dicom(path):
        return False
    try:  # of a file only its own header: the others of its series are read when it is opened
        found = _series(path, DEFAULT_LIMITS) if path.is_dir() else [read_dicom_level(path)]
    except LimitError:
        return True  # opening it says what it claims; other libraries would believe it
    except DataError:
        return False
    return all(_decodable(level) for level in found)


def _decodable(level: DicomLevel) -> bool:
    jpeg2000 = level.syntax in _JPEG2000 and is_installed("imagecodecs")
    return level.syntax in _STORED | _JPEG or jpeg2000


def _series(path: Path, limits: Limits) -> list[DicomLevel]:
    """Return the instances of the slide: of one series, in one folder."""
    if path.is_dir():
        files, wanted = sorted(path.iterdir())[:_MOST_FILES], ""
    elif path.exists():
        first = read_dicom_level(path, limits=limits)
        files, wanted = sorted(path.parent.iterdir())[:_MOST_FILES], first.series
        files = [path, *(file for file in files if file != path)] if wanted else [path]
    else:
        raise MissingDataError(f"no such file: {path}", hint="check the path")
    found: list[DicomLevel] = []
    for file in files:
        if not file.is_file() or not is_dicom(file):
            continue
        try:
            level = read_dicom_level(file, limits=limits)
        except DataError:
            if file == path:
                raise
            continue  # another object in the folder, not part of this slide
        wanted = wanted or level.series
        if level.series == wanted:
            found.append(level)
    if not found:
        raise UnreadableFileError(f"{path} holds no DICOM slide")
    return found


class DicomSlide:
    """A slide stored as DICOM.

    Args:
        path: one of its files, or the folder; the other levels are the files of the same series beside it.
        limits: largest tile and most frames.
        cache_bytes: decoded tiles kept for neighbouring regions.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: not a DICOM slide, or damaged.
    """

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS, cache_bytes: int = 64 * 1024**2) -> None:
        self.name = str(path)
        found = _series(path, limits)
        volumes = [level for level in found if level.kind not in ("LABEL", "OVERVIEW", "THUMBNAIL", "LOCALIZER")]
        sizes: dict[tuple[int, int], DicomLevel] = {}
        for level in volumes or found:  # of copies and focal planes the first counts: the file that was asked for
            sizes.setdefault((level.width, level.height), level)
        self._sources = sorted(sizes.values(), key=lambda level: -level.width)
        self._extra = {level.kind.lower(): level for level in found if volumes and level not in volumes}
        self._files = {level.path: os.open(level.path, os.O_RDONLY | getattr(os, "O_BINARY", 0)) for level in found}
        self._cache, self._buffers = TileCache(cache_bytes), TileBuffers(cache_bytes)
        self._sources = [self._in_order(level) for level in self._sources]
        self._stored = [level.stored for level in self._sources]
        base = self._sources[0]
        self.levels = [
            Level(level.width, level.height, (base.width / level.width + base.height / level.height) / 2, level.tile)
            for level in self._sources
        ]
        self.properties: Mapping[str, str] = self._properties(base)
        self.associated: Sequence[str] = sorted(self._extra)

    def _in_order(self, level: DicomLevel) -> DicomLevel:
        if level.ordered or len(level.spans) != math.prod(level.grid):
            return level

        def frame(number: int) -> np.ndarray:
            return self._frame(level, number % level.grid[0], number // level.grid[0])

        if not runs_down_columns(level.grid, frame):
            return level
        return replace(level, spans=transposed(level.spans, level.grid))

    def _properties(self, base: DicomLevel) -> dict[str, str]:
        found = {"openslide.vendor": "dicom", "openslide.level-count": str(len(self.levels)), **base.facts}
        if base.spacing:
            found |= {f"openslide.mpp-{axis}": f"{value:.17g}" for axis, value in zip("xy", base.spacing, strict=True)}
        return found

    def read(self, level: int, x: int, y: int, size: tuple[int, int], background: int) -> np.ndarray:
        """Return a region; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        shown, source = self.levels[level], self._sources[level]
        origin = (round(x / shown.downsample), round(y / shown.downsample)) if level else (x, y)

        def fetch(column: int, row: int) -> np.ndarray:
            return self._frame(source, column, row)

        return read_mosaic(
            shown, origin, size, background, fetch, self._stored[level], self._cache, level, self._buffers
        )

    def stored(self, level: int) -> np.ndarray | None:
        """Return which tiles are stored; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        return self._stored[level]

    def _frame(self, level: DicomLevel, column: int, row: int) -> np.ndarray:
        parts = level.spans[column, row]
        descriptor = self._files.get(level.path)
        if descriptor is None:
            raise DataError("the slide is closed", hint="read inside the `with` block")
        data = b"".join(os.pread(descriptor, length, offset) for offset, length in parts)
        try:
            if level.syntax not in _JPEG:
                return _decode(level, data, None)
            check_jpeg(data, str(level.path))  # before memory is taken for it
            return _decode(level, data, self._buffers.get((level.tile[1], level.tile[0], 3)))
        except DataError:
            raise
        except Exception as error:  # imagecodecs has errors of its own
            raise UnreadableFileError(f"{level.path}: tile {column}, {row} is damaged: {error}") from error

    def read_associated(self, name: str) -> np.ndarray:
        """Return a picture that comes along; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        level = self._extra[name]
        shown = Level(level.width, level.height, 1.0, level.tile)

        def fetch(column: int, row: int) -> np.ndarray:
            return self._frame(level, column, row)

        DEFAULT_LIMITS.check_array((level.height, level.width), 3, str(level.path))
        size = (level.width, level.height)
        return read_mosaic(shown, (0, 0), size, 255, fetch, level.stored, TileCache(0), 0, self._buffers)

    def close(self) -> None:
        """Free the files."""
        while self._files:
            os.close(self._files.popitem()[1])
        self._cache.clear()
        self._buffers.clear()

    def __del__(self) -> None:
        if hasattr(self, "_files"):
            self.close()


def _decode(level: DicomLevel, data: bytes, out: np.ndarray | None) -> np.ndarray:
    width, height = level.tile
    if level.syntax in _JPEG:
        colour = "rgb" if level.photometric == "RGB" and not _has_jfif(data) else "ycbcr"
        tile = decode_jpeg(data, str(level.path), colour=colour, at_most=(height, width), out=out)
    elif level.syntax in _JPEG2000:
        import imagecodecs

        claims = probe(data, str(level.path))
        if (claims.rows, claims.columns, claims.samples) != (height, width, level.channels):
            raise UnreadableFileError(
                f"{level.path}: a tile is {claims.columns} x {claims.rows}, {claims.samples} channels",
                allowed=f"{width} x {height}, {level.channels} channels",
            )
        tile = np.asarray(imagecodecs.jpeg2k_decode(data, planar=False))
    else:
        tile = np.frombuffer(data, np.uint8, count=width * height * level.channels).reshape(height, width, -1)
    if tile.shape[:2] != (height, width) or tile.dtype != np.uint8:
        raise UnreadableFileError(f"{level.path}: a tile is {tile.shape[:2]}", allowed=f"{height} x {width}, 8 bits")
    if tile.ndim == 2 or tile.shape[2] == 1:
        return np.asarray(cv2.cvtColor(tile.reshape(height, width), cv2.COLOR_GRAY2RGB))
    if level.syntax in _STORED and level.photometric == "YBR_FULL":
        return np.asarray(cv2.cvtColor(tile[..., [0, 2, 1]], cv2.COLOR_YCrCb2RGB))
    return np.ascontiguousarray(tile)


def _has_jfif(data: bytes) -> bool:
    """JFIF allows YCbCr and grey only, whatever the DICOM header says."""
    return data[2:4] == b"\xff\xe0" and data[6:10] == b"JFIF"
