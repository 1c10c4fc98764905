"""DICOM slides through wsidicom: JPEG-LS, JPEG XL, HTJ2K and whatever else it has decoders for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import UnreadableFileError
from deephealth.core.optional import require
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.slide.reader import Level

__all__ = ["WsidicomReader"]


class WsidicomReader:
    """A DICOM slide through wsidicom; one reading at a time.

    Args:
        path: one of its files, or the folder.
        limits: not used beyond what :class:`~deephealth.io.slide.slide.Slide` checks.
        cache_bytes: not used; wsidicom has its own cache.

    Raises:
        OptionalDependencyError: wsidicom is not installed.
        UnreadableFileError: it can't be opened.
    """

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS, cache_bytes: int = 0) -> None:
        del limits, cache_bytes
        wsidicom = require("wsidicom", purpose="reading this DICOM slide")
        self.name, self._lock = str(path), threading.Lock()
        try:
            self._slide: Any = wsidicom.WsiDicom.open(path)
            found = list(self._slide.pyramids[0])
            base = found[0].size
            self._numbers = [level.level for level in found]
            self.levels: Sequence[Level] = [
                Level(
                    level.size.width,
                    level.size.height,
                    (base.width / level.size.width + base.height / level.size.height) / 2,
                    (level.tile_size.width, level.tile_size.height),
                )
                for level in found
            ]
            self.properties: Mapping[str, str] = {
                "openslide.vendor": "dicom",
                "openslide.level-count": str(len(found)),
                "openslide.mpp-x": str(found[0].mpp.width),
                "openslide.mpp-y": str(found[0].mpp.height),
            }
        except Exception as error:
            raise UnreadableFileError(f"{path} can't be opened as a DICOM slide: {error}") from error
        self.associated: Sequence[str] = []

    def read(self, level: int, x: int, y: int, size: tuple[int, int], background: int) -> np.ndarray:
        """Return a region; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        shown = self.levels[level]
        left, top = round(x / shown.downsample), round(y / shown.downsample)
        out = np.full((size[1], size[0], 3), background, np.uint8)
        right, bottom = min(left + size[0], shown.width), min(top + size[1], shown.height)
        x0, y0 = max(left, 0), max(top, 0)
        if right <= x0 or bottom <= y0:
            return out
        try:
            with self._lock:
                picture = self._slide.read_region((x0, y0), self._numbers[level], (right - x0, bottom - y0))
        except Exception as error:
            raise UnreadableFileError(f"{self.name} is damaged: {error}") from error
        out[y0 - top : bottom - top, x0 - left : right - left] = np.asarray(picture.convert("RGB"))
        return out

    def stored(self, level: int) -> np.ndarray | None:
        """Return ``None``: it isn't known."""
        del level
        return None

    def read_associated(self, name: str) -> np.ndarray:
        """Return a picture that comes along: none is offered."""
        raise UnreadableFileError(f"{self.name} offers no '{name}'")

    def close(self) -> None:
        """Free the files."""
        self._slide.close()
