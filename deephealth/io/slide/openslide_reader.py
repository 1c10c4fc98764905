"""Slides through OpenSlide: Aperio, Hamamatsu, Leica, MIRAX, Philips, Sakura, Trestle, Ventana, Zeiss, DICOM, TIFF."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deephealth.core.errors import DataError, MissingDataError, UnreadableFileError
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster import RASTER_SUFFIXES
from deephealth.io.slide.claims import check_tiff_claims
from deephealth.io.slide.reader import Level

__all__ = ["OpenSlideReader", "can_read_openslide", "rgba_to_rgb"]


def can_read_openslide(path: Path) -> bool:
    """Return whether OpenSlide knows the format of a file."""
    import openslide

    try:
        check_tiff_claims(path, DEFAULT_LIMITS)
    except DataError:  # then opening it says what is wrong; a picture is left to those that read pictures
        return path.suffix.lower() not in RASTER_SUFFIXES
    try:
        return openslide.OpenSlide.detect_format(path) is not None
    except (openslide.OpenSlideError, OSError, ValueError):
        return False


def rgba_to_rgb(rgba: np.ndarray, background: int) -> np.ndarray:
    """Drop alpha: fully transparent pixels take the background, all others keep their colour.

    Args:
        rgba: height x width x 4, not premultiplied.
        background: grey value.

    Example:
        >>> rgba_to_rgb(np.array([[[9, 8, 7, 255], [9, 8, 7, 0]]], np.uint8), 255).tolist()
        [[[9, 8, 7], [255, 255, 255]]]
    """
    rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    alpha = rgba[..., 3]
    if alpha.size and not alpha.all():
        np.copyto(rgb, np.uint8(background), where=(alpha == 0)[..., np.newaxis])  # no indices: they take 8 bytes each
    return np.asarray(rgb)


class OpenSlideReader:
    """A slide through OpenSlide; one handle serves all threads, as the library allows.

    Args:
        path: the file.
        limits: largest associated picture.
        cache_bytes: decoded tiles kept, by OpenSlide itself.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: OpenSlide doesn't know it, or it is damaged.
    """

    def __init__(self, path: Path, *, limits: Limits = DEFAULT_LIMITS, cache_bytes: int = 64 * 1024**2) -> None:
        import openslide

        self.name, self._limits = str(path), limits
        if not path.exists():
            raise MissingDataError(f"no such file: {path}", hint="check the path")
        check_tiff_claims(path, limits)
        try:
            self._slide: Any = openslide.OpenSlide(path)
            self._slide.set_cache(openslide.OpenSlideCache(cache_bytes))
            self.properties: Mapping[str, str] = dict(self._slide.properties)
            self.associated: Sequence[str] = sorted(self._slide.associated_images)
            self.levels = self._make_levels()
        except Exception as error:  # OpenSlideError, and ctypes on odd paths
            raise UnreadableFileError(
                f"{path} can't be opened as a slide: {error}", hint="copy the file again"
            ) from error
        self._closed = False

    def _make_levels(self) -> list[Level]:
        levels = []
        for number, ((width, height), scale) in enumerate(
            zip(self._slide.level_dimensions, self._slide.level_downsamples, strict=True)
        ):
            if min(width, height) < 1 or not 0 < scale < math.inf:
                msg = f"level {number} has {width} x {height} pixels, {scale} times as large as the finest"
                raise ValueError(msg)
            wide, high = (self.properties.get(f"openslide.level[{number}].tile-{side}") for side in ("width", "height"))
            levels.append(Level(width, height, scale, (int(wide), int(high)) if wide and high else None))
        return levels

    def read(self, level: int, x: int, y: int, size: tuple[int, int], background: int) -> np.ndarray:
        """Return a region; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        self._check_open()
        if 0 in size:
            return np.empty((size[1], size[0], 3), np.uint8)
        try:
            picture = self._slide.read_region((x, y), level, size)
        except Exception as error:
            raise UnreadableFileError(f"{self.name} is damaged: {error}", hint="copy the file again") from error
        return rgba_to_rgb(np.asarray(picture), background)

    def stored(self, level: int) -> np.ndarray | None:
        """Return ``None``: OpenSlide doesn't say."""
        del level
        return None

    def read_associated(self, name: str) -> np.ndarray:
        """Return a picture that comes along; see :class:`~deephealth.io.slide.reader.SlideReader`."""
        self._check_open()
        width, height = (
            int(self.properties.get(f"openslide.associated.{name}.{side}", 0)) for side in ("width", "height")
        )
        self._limits.check_array((height, width), 4, f"{self.name} ({name})")
        try:
            picture = self._slide.associated_images[name]
        except Exception as error:
            raise UnreadableFileError(f"{self.name}: {name} is damaged: {error}", hint="copy it again") from error
        return rgba_to_rgb(np.asarray(picture), 255)

    def _check_open(self) -> None:
        if self._closed:
            raise DataError("the slide is closed", hint="read inside the `with` block")

    def close(self) -> None:
        """Free the file."""
        if not self._closed:
            self._closed = True
            self._slide.close()
