"""What every slide back-end offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Level", "SlideReader", "best_level"]


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution of a slide.

    Args:
        width: pixels.
        height: pixels.
        downsample: how many pixels of level 0 one of its pixels spans, per side (1 for level 0).
        tile: (width, height) of the stored tiles, ``None`` where unknown: tiles of this size, aligned to it, are read
            fastest.

    Example:
        >>> Level(100, 50, 4.0).tile is None
        True
    """

    width: int
    height: int
    downsample: float
    tile: tuple[int, int] | None = None


class SlideReader(Protocol):
    """What opens one kind of slide. Its methods may be called from several threads at once."""

    @property
    def levels(self) -> Sequence[Level]:
        """The resolutions, finest first."""

    @property
    def properties(self) -> Mapping[str, str]:
        """What the file says about itself; the names are OpenSlide's."""

    @property
    def associated(self) -> Sequence[str]:
        """Names of the pictures that come along, such as ``label`` and ``macro``."""

    def read(self, level: int, x: int, y: int, size: tuple[int, int], background: int) -> np.ndarray:
        """Return a region, size (width, height), as height x width x 3 RGB uint8.

        Args:
            level: its number.
            x: left side, pixels of level 0.
            y: upper side, pixels of level 0.
            size: pixels of that level.
            background: grey value of what the slide doesn't hold.
        """

    def stored(self, level: int) -> np.ndarray | None:
        """Return which tiles of a level are stored, rows x columns, bool; ``None`` where that isn't known."""

    def read_associated(self, name: str) -> np.ndarray:
        """Return one of the pictures that come along, height x width x 3 RGB uint8."""

    def close(self) -> None:
        """Free the file; reading afterwards is an error."""


def best_level(levels: Sequence[Level], downsample: float) -> int:
    """Return the coarsest level that is at least as fine as ``downsample``, and level 0 if none is.

    Example:
        >>> best_level([Level(64, 64, 1.0), Level(16, 16, 4.0), Level(4, 4, 16.0)], 15.9)
        1
    """
    return max((number for number, level in enumerate(levels) if level.downsample <= downsample), default=0)
