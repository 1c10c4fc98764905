"""An ordinary picture as a slide of one level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from deephealth.core.errors import DataError, UnreadableFileError
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster import read_rgb
from deephealth.io.slide.reader import Level

__all__ = ["PlainSlide"]


class PlainSlide:
    """A picture that is decoded whole when it is opened.

    Args:
        path: the file.
        limits: largest picture.
        cache_bytes: not used; all back-ends take the same arguments.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`~deephealth.io.raster.read_rgb`.
    """

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS, cache_bytes: int = 0) -> None:
        del cache_bytes
        self._pixels: np.ndarray | None = read_rgb(path, limits=limits)
        height, width = self._pixels.shape[:2]
        self.levels: Sequence[Level] = [Level(width, height, 1.0)]
        self.properties: Mapping[str, str] = {"openslide.vendor": "plain", "openslide.level-count": "1"}
        self.associated: Sequence[str] = []

    def read(self, level: int, x: int, y: int, size: tuple[int, int], background: int) -> np.ndarray:
        """Return a region; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        if self._pixels is None:
            raise DataError("the slide is closed", hint="read inside the `with` block")
        width, height = size
        part = self._pixels[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
        if part.shape[:2] == (height, width):
            return part.copy()
        out = np.full((height, width, 3), background, np.uint8)
        top, left = max(-y, 0), max(-x, 0)
        out[top : top + part.shape[0], left : left + part.shape[1]] = part
        return out

    def stored(self, level: int) -> np.ndarray | None:
        """Return ``None``: a picture has no tiles."""
        del level
        return None

    def read_associated(self, name: str) -> np.ndarray:
        """Return a picture that comes along: there is none."""
        raise UnreadableFileError(f"a plain picture has no '{name}'")

    def close(self) -> None:
        """Free the pixels."""
        self._pixels = None
