"""Where windows lie in a volume, and which lines of it begin and end with each row of windows.

Windows are walked in raster order. A **turn** is a row of windows along W: the i-th along D and the j-th along H. A
line (z, y) is first touched by the earliest turn over it and finished by the last one; both sets of lines are boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from deephealth.kernels.window import Box

__all__ = ["Grid", "Size", "starts_along"]

Size = tuple[int, int, int]


def starts_along(size: int, window: int, overlap: float) -> tuple[int, ...]:
    """Return where windows begin along one axis; the last one ends with the volume.

    Args:
        size: of the volume, at least the window's.
        window: its size.
        overlap: share of a window that the next one covers again, 0 to less than 1.

    Example:
        >>> starts_along(10, 4, 0.5)
        (0, 2, 4, 6)
        >>> starts_along(9, 4, 0.25)
        (0, 3, 5)
    """
    step = max(1, int(window * (1 - overlap)))
    last = size - window
    return (*range(0, last, step), last)


@dataclass(frozen=True)
class Grid:
    """Where the windows of one volume lie.

    Args:
        size: of the (padded) volume: D, H, W.
        window: its size.
        starts: where windows begin along each axis.
        low: first voxel along each axis that is not padding.
        high: one past the last voxel that is not padding.

    Example:
        >>> grid = Grid((4, 4, 4), (2, 2, 2), ((0, 1, 2),) * 3, (0, 0, 0), (4, 4, 4))
        >>> grid.begun(1, 0), grid.done(1, 0), grid.most_lines
        ((2, 3, 0, 2), (1, 2, 0, 1), 6)
    """

    size: Size
    window: Size
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    low: Size
    high: Size

    @classmethod
    def over(cls, size: Size, window: Size, overlap: Sequence[float], before: Size, inner: Size) -> Grid:
        """Return the grid of a padded volume: ``before`` voxels of padding, then the ``inner`` volume."""
        starts = tuple(starts_along(*axis) for axis in zip(size, window, overlap, strict=True))
        high = tuple(a + b for a, b in zip(before, inner, strict=True))
        return cls(size, window, starts, before, high)  # type: ignore[arg-type]

    @property
    def turns(self) -> list[tuple[int, int]]:
        """The rows of windows, in order."""
        return list(product(range(len(self.starts[0])), range(len(self.starts[1]))))

    @property
    def inner(self) -> Size:
        """The size of the volume without its padding."""
        d, h, w = (b - a for a, b in zip(self.low, self.high, strict=True))
        return d, h, w

    def begun(self, i: int, j: int) -> Box:
        """Return the lines that this turn is the first to touch."""
        return (*self._first(0, i), *self._first(1, j))

    def done(self, i: int, j: int) -> Box:
        """Return the lines that this turn is the last to touch."""
        return (*self._last(0, i), *self._last(1, j))

    @property
    def most_lines(self) -> int:
        """How many lines are begun and not done at a time, at most."""
        alive = most = 0
        for turn in self.turns:
            alive += _area(self.begun(*turn))
            most = max(most, alive)
            alive -= _area(self.done(*turn))
        return most

    def scaled(self, output: Size) -> Grid:
        """Return the grid of outputs of another size than the windows: all rounded down, as MONAI does."""
        if output == self.window:
            return self
        scales = [new / old for new, old in zip(output, self.window, strict=True)]
        starts = tuple(tuple(int(a * s) for a in axis) for axis, s in zip(self.starts, scales, strict=True))
        size = tuple(int(a * s) for a, s in zip(self.size, scales, strict=True))
        low = tuple(round(a * s) for a, s in zip(self.low, scales, strict=True))
        high = tuple(
            min(end, round(a * s)) if a < full else end
            for a, s, end, full in zip(self.high, scales, size, self.size, strict=True)
        )
        return Grid(size, output, starts, low, high)  # type: ignore[arg-type]

    def _first(self, axis: int, at: int) -> tuple[int, int]:
        starts, window = self.starts[axis], self.window[axis]
        return (starts[at - 1] + window if at else starts[0]), starts[at] + window

    def _last(self, axis: int, at: int) -> tuple[int, int]:
        starts = self.starts[axis]
        return starts[at], (starts[at + 1] if at + 1 < len(starts) else self.size[axis])


def _area(box: Box) -> int:
    z0, z1, y0, y1 = box
    return (z1 - z0) * (y1 - y0)
