"""Whole slides into ECVL images, with OpenSlide's pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from deephealth.core.errors import DeepHealthError, OptionalDependencyError
from deephealth.ecvl.enums import ColorType
from deephealth.ecvl.errors import EcvlDataError, EcvlError, EcvlValueError
from deephealth.ecvl.image import Image
from deephealth.io.slide.dicom_header import is_dicom
from deephealth.io.slide.opening import open_slide
from deephealth.io.slide.openslide_reader import can_read_openslide
from deephealth.io.slide.slide import Slide

__all__ = ["OpenSlideGetLevels", "OpenSlideImage", "OpenSlideRead"]

_BLACK = 0


class OpenSlideImage:
    """A whole slide.

    Args:
        filename: the file.
        background: grey value of what the slide doesn't hold; black as in the original, 255 for white.

    Raises:
        EcvlDataError: it can't be opened; a ``RuntimeError``.
    """

    def __init__(self, filename: str | os.PathLike[str], *, background: int = _BLACK) -> None:
        path = Path(filename)
        self.closed = True
        try:
            self._slide: Slide = open_slide(path, background=background)
            self._exact: Slide | None = None
            if type(self._slide.reader).__name__ != "OpenSlideReader" and can_read_openslide(path):
                self._exact = _same_levels(self._slide, path, background)
        except OptionalDependencyError:
            raise
        except DeepHealthError as error:
            raise EcvlDataError(f"Can't read {path}: {error.what}", allowed=error.allowed, hint=error.hint) from error
        # a damaged DICOM file makes OpenSlide crash the process, so regions of DICOM are never left to it
        self._interpolates = not is_dicom(path)
        self.closed = False

    def __enter__(self) -> OpenSlideImage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.Close()

    def GetLevelCount(self) -> int:
        """Return how many resolutions there are."""
        return len(self._open().levels)

    def GetLevelsDimensions(self) -> list[list[int]]:
        """Return [width, height] of each level, pixels."""
        return [[level.width, level.height] for level in self._open().levels]

    def GetLevelDownsamples(self) -> list[float]:
        """Return how many pixels of level 0 a pixel of each level spans, per side."""
        return [level.downsample for level in self._open().levels]

    def GetBestLevelForDownsample(self, downsample: float) -> int:
        """Return the coarsest level that is at least as fine as ``downsample``."""
        return self._open().best_level_for(downsample=float(downsample))

    def GetProperties(self, dst: Image) -> None:
        """Copy what the file says about itself into ``dst``'s metadata, as text; keys that are there stay as they are.

        Args:
            dst: gets the metadata.
        """
        slide = self._open()
        known = dst.meta_
        for key, value in (self._exact or slide).properties.items():
            if key not in known:
                dst.SetMeta(key, value)

    def ReadRegion(self, level: int, dims: Sequence[int]) -> Image:
        """Read a region.

        Args:
            level: its number, 0 is the finest.
            dims: [x, y, width, height]: x and y in pixels of level 0, width and height in pixels of ``level``.

        Returns:
            A ``"cxy"`` image, RGB, uint8.

        Raises:
            EcvlValueError: not four numbers.
            EcvlError: no such level, a negative size, closed, or damaged.
        """
        slide = self._open()
        if len(dims) != 4:
            raise EcvlValueError(f"dims={list(dims)}", allowed="[x, y, width, height]")
        x, y, width, height = (int(value) for value in dims)
        if self._exact is not None and self._interpolates and not _on_a_pixel(slide, level, x, y):
            slide = self._exact
        try:
            pixels: np.ndarray = slide.read_region(level, x, y, width, height)
        except DeepHealthError as error:
            raise EcvlError(f"Can't read the region: {error.what}", allowed=error.allowed, hint=error.hint) from error
        image = Image()
        image.rebind(pixels.transpose(2, 1, 0), channels="cxy", colortype=ColorType.RGB)
        return image

    def Close(self) -> None:
        """Free the file; closing twice is allowed."""
        if not self.closed:
            self.closed = True
            self._slide.close()
            if self._exact is not None:
                self._exact.close()

    def _open(self) -> Slide:
        if self.closed:
            raise EcvlError("the slide is closed", hint="read before Close(), or inside the `with` block")
        return self._slide


def OpenSlideGetLevels(filename: str | os.PathLike[str]) -> list[list[int]]:
    """Return [width, height] of each level of a slide, as programs before ECVL 0.3 ask for it.

    Args:
        filename: the file.

    Raises:
        EcvlDataError: it can't be opened.
    """
    with OpenSlideImage(filename) as slide:
        return slide.GetLevelsDimensions()


def OpenSlideRead(filename: str | os.PathLike[str], level: int, dims: Sequence[int]) -> Image:
    """Read a region of a slide, as programs before ECVL 0.3 do.

    Args:
        filename: the file.
        level: its number.
        dims: [x, y, width, height], see :meth:`OpenSlideImage.ReadRegion`.

    Raises:
        EcvlError: as :meth:`OpenSlideImage.ReadRegion`.
    """
    with OpenSlideImage(filename) as slide:
        return slide.ReadRegion(level, dims)


def _same_levels(slide: Slide, path: Path, background: int) -> Slide | None:
    """Return the slide through OpenSlide too, for what only it does: positions between pixels, all properties."""
    try:
        exact = open_slide(path, backend="openslide", background=background)
    except DeepHealthError:
        return None  # a file that OpenSlide refuses, and that is read all the same
    if [(level.width, level.height) for level in exact.levels] == [
        (level.width, level.height) for level in slide.levels
    ]:
        return exact
    exact.close()
    return None


def _on_a_pixel(slide: Slide, level: int, x: int, y: int) -> bool:
    """Return whether a position is a whole pixel of its level: elsewhere OpenSlide interpolates."""
    if not 0 <= level < len(slide.levels):
        return True  # the error is the same
    scale = slide.levels[level].downsample
    return (x / scale).is_integer() and (y / scale).is_integer()
