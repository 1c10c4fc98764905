"""A whole slide: levels, physical pixel size, regions, tiles, thumbnail, tissue."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.core.errors import DataError, LimitError
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.slide.reader import Level, SlideReader, best_level
from deephealth.io.slide.shrink import shrink_level

if TYPE_CHECKING:
    from deephealth.io.slide.tiling import Tile

__all__ = ["Slide"]

WHITE = 255
_TOLERANCE = 1.01  # a scanner's 0.5025 um/px is what people ask for as 0.5


class Slide:
    """A slide that is open. May be read from several threads at once, and survives pickling to another process.

    Args:
        reader: the back-end.
        name: what errors call it; its path.
        limits: largest region.
        background: grey value of what the slide doesn't hold: 255 white, 0 black.
        reopen: function and arguments that give the same slide again, for pickling.
    """

    def __init__(
        self,
        reader: SlideReader,
        name: str,
        *,
        limits: Limits = DEFAULT_LIMITS,
        background: int = WHITE,
        reopen: tuple[Callable[..., Slide], tuple[Any, ...]] | None = None,
    ) -> None:
        self.reader, self.name, self.limits, self.background = reader, name, limits, background
        self._reopen = reopen

    def __enter__(self) -> Slide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        first = self.levels[0]
        return f"Slide({self.name!r}, {first.width} x {first.height}, {len(self.levels)} levels)"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reopen is None:
            raise DataError("this slide can't be handed to another process", hint="open it with open_slide")
        return self._reopen

    @property
    def levels(self) -> Sequence[Level]:
        """The resolutions, finest first."""
        return self.reader.levels

    @property
    def dimensions(self) -> tuple[int, int]:
        """(width, height) of level 0, pixels."""
        return self.levels[0].width, self.levels[0].height

    @property
    def properties(self) -> Mapping[str, str]:
        """What the file says about itself, under OpenSlide's names."""
        return self.reader.properties

    @property
    def associated(self) -> Sequence[str]:
        """Names of the pictures that come along, such as ``label`` (may show a patient's name) and ``macro``."""
        return self.reader.associated

    @property
    def mpp(self) -> tuple[float, float] | None:
        """(x, y) micrometres per pixel of level 0, ``None`` where the file doesn't say."""
        try:
            found = tuple(float(self.properties[f"openslide.mpp-{axis}"]) for axis in "xy")
        except (KeyError, ValueError):
            return None
        return (found[0], found[1]) if all(math.isfinite(value) and value > 0 for value in found) else None

    def best_level_for(self, *, downsample: float | None = None, mpp: float | None = None) -> int:
        """Return the coarsest level that is at least as fine as asked.

        Args:
            downsample: relative to level 0; as OpenSlide decides.
            mpp: micrometres per pixel instead; a level that is coarser by less than 1 % still counts.

        Raises:
            DataError: neither or both are given, or the slide doesn't know its pixel size.
        """
        if mpp is not None and downsample is None:
            return best_level(self.levels, mpp / self._known_mpp() * _TOLERANCE)
        if downsample is not None and mpp is None:
            return best_level(self.levels, downsample)
        raise DataError("best_level_for needs a downsample or an mpp", allowed="one of the two")

    def read_region(
        self, level: int, x: int, y: int, width: int, height: int, *, background: int | None = None
    ) -> np.ndarray:
        """Read a region.

        Args:
            level: its number, 0 is the finest.
            x: left side in pixels of level 0, as in OpenSlide; may lie outside.
            y: upper side in pixels of level 0.
            width: pixels of ``level``.
            height: pixels of ``level``.
            background: grey value of what the slide doesn't hold, instead of the slide's.

        Returns:
            height x width x 3 RGB, uint8. Between pixels of a coarse level, the nearest one is the corner (OpenSlide
            itself interpolates there).

        Raises:
            DataError: no such level, or a negative size.
            LimitError: more pixels than ``limits.max_pixels``.
            UnreadableFileError: damaged.
        """
        if not 0 <= level < len(self.levels):
            raise DataError(f"{self.name} has no level {level}", allowed=f"0 to {len(self.levels) - 1}")
        if width < 0 or height < 0:
            raise DataError(f"a region of {width} x {height} pixels", allowed="0 or more")
        if width * height > self.limits.max_pixels:
            raise LimitError(
                f"a region of {width:,} x {height:,} pixels",
                allowed=f"at most {self.limits.max_pixels:,} pixels",
                hint="read it in tiles, or from a coarser level",
            )
        grey = self.background if background is None else background
        return self.reader.read(level, int(x), int(y), (int(width), int(height)), grey)

    def read_tiles(
        self,
        positions: Iterable[tuple[int, int]],
        size: int | tuple[int, int],
        *,
        level: int = 0,
        threads: int | None = None,
    ) -> Iterator[Tile]:
        """Read many regions of one size ahead of the caller, in the order asked for.

        Args:
            positions: (x, y) of each, pixels of level 0.
            size: side, or (width, height), pixels of ``level``.
            level: its number.
            threads: how many read; all cores by default.

        Yields:
            :class:`~deephealth.io.slide.tiling.Tile` for each position.

        Raises:
            DataError, LimitError, UnreadableFileError: as :meth:`read_region`, when that tile's turn comes.
        """
        from deephealth.io.slide.tiling import read_ahead

        return read_ahead(self, positions, size if isinstance(size, tuple) else (size, size), level, threads)

    def tiles(
        self,
        size: int | tuple[int, int] = 256,
        *,
        level: int = 0,
        stride: int | tuple[int, int] | None = None,
        edge: str = "pad",
        mask: np.ndarray | None = None,
        least: float = 0.05,
        threads: int | None = None,
    ) -> Iterator[Tile]:
        """Read the whole level as tiles, row by row, several threads ahead of the caller.

        Args:
            size: side, or (width, height), pixels of ``level``.
            level: its number.
            stride: step between tiles, pixels of ``level``; ``size`` by default.
            edge: ``"pad"`` completes tiles that reach over the edge with background, ``"drop"`` leaves them out.
            mask: only tiles on tissue: :meth:`tissue_mask`, of any resolution.
            least: share of a tile that the mask must cover.
            threads: how many read; all cores by default.

        Yields:
            :class:`~deephealth.io.slide.tiling.Tile`, its ``x`` and ``y`` in pixels of level 0.
        """
        from deephealth.io.slide.tiling import tile_positions

        places = tile_positions(self.levels, size, level=level, stride=stride, edge=edge, mask=mask, least=least)
        return self.read_tiles(places, size, level=level, threads=threads)

    def thumbnail(self, size: int | tuple[int, int] = 1024) -> np.ndarray:
        """Return the whole slide, shrunk to fit.

        Args:
            size: longest side, or (width, height) to fit into, pixels.

        Returns:
            height x width x 3 RGB, uint8; each pixel is the mean of those it stands for.
        """
        wide, high = size if isinstance(size, tuple) else (size, size)
        if wide < 1 or high < 1:
            raise DataError(f"a thumbnail of {wide} x {high} pixels", allowed="1 or more")
        width, height = self.dimensions
        scale = max(width / wide, height / high)
        return shrink_level(self, (max(1, round(width / scale)), max(1, round(height / scale))))

    def tissue_mask(self, *, mpp: float = 10.0, pen: bool = True) -> np.ndarray:
        """Return where the slide holds tissue; see :func:`~deephealth.io.slide.tissue.tissue_mask`.

        Args:
            mpp: resolution to look at, micrometres per pixel; a slide without a pixel size is taken to have 0.5.
            pen: take green, cyan and blue marks of a pen out.

        Returns:
            height x width, bool.
        """
        from deephealth.io.slide.tissue import tissue_mask

        own = self.mpp or (0.5, 0.5)
        width, height = self.dimensions
        target = (max(1, round(width * own[0] / mpp)), max(1, round(height * own[1] / mpp)))
        target = (min(target[0], width), min(target[1], height))
        return tissue_mask(shrink_level(self, target), mpp=own[0] * width / target[0], pen=pen)

    def associated_image(self, name: str) -> np.ndarray:
        """Return a picture that comes along, height x width x 3 RGB, uint8.

        Raises:
            DataError: there is none of this name.
        """
        if name not in self.associated:
            raise DataError(f"{self.name} has no picture '{name}'", allowed=", ".join(self.associated) or "none")
        return self.reader.read_associated(name)

    def close(self) -> None:
        """Free the file. Threads that still read must have ended."""
        self.reader.close()

    def _known_mpp(self) -> float:
        if self.mpp is None:
            raise DataError(f"{self.name} doesn't say how large its pixels are", hint="ask by downsample instead")
        return sum(self.mpp) / 2
