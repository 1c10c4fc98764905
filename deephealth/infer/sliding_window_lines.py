"""The lines of a volume that windows still touch: begun, added to, handed on when done, and their places used again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import torch

from deephealth.infer.sliding_window_grid import Grid
from deephealth.kernels.window import Blend, Box, accumulate

__all__ = ["Done", "Lines", "Place"]

# volume of the batch, turn, number within the turn, where the window begins
Place = tuple[int, tuple[int, int], int, tuple[int, int, int]]
Done = Callable[[torch.Tensor, torch.Tensor, int, Box], None]  # rows, table, volume of the batch, finished lines


class Lines:
    """Windows of one output of a network on their way to averages.

    Args:
        classes: channels of the output.
        grid: where its windows lie.
        how: how they are blended; on the device on which lines are kept.
        done: called with every box of lines that is complete. Where ``whole`` is not given it leaves them empty.
        whole: B×C×D×H×W of zeros, float32, contiguous: the lines are kept there for good. Without it only those exist
            that windows still touch.
    """

    def __init__(self, classes: int, grid: Grid, how: Blend, done: Done, whole: torch.Tensor | None = None) -> None:
        self.grid, self.how, self._done = grid, how, done
        depth, height, width = grid.size
        where = how.weights[0].device
        self._whole = whole
        if whole is not None:
            self._table = torch.arange(depth * height, device=where).reshape(depth, height)
        else:
            count = grid.most_lines
            self._rows = torch.zeros((classes, count, width), device=where)
            self._table = torch.zeros((depth, height), dtype=torch.int64, device=where)
            self._free = torch.arange(count, device=where)
            self._used = 0  # the places in front of this are taken

    def add(self, windows: torch.Tensor, places: Sequence[Place]) -> None:
        """Add windows N×C×d×h×w, in the order in which the grid walks them."""
        begin = 0
        for (volume, turn), group in groupby(places, lambda place: place[:2]):
            several = list(group)
            end = begin + len(several)
            rows = self._rows_of(volume)
            if several[0][2] == 0:
                self._begin(turn)
            accumulate(rows, self._table, windows[begin:end], [start for *_, start in several], self.how)
            if several[-1][2] == len(self.grid.starts[2]) - 1:
                box = self.grid.done(*turn)
                self._done(rows, self._table, volume, box)
                self._end(box)
            begin = end

    def _rows_of(self, volume: int) -> torch.Tensor:
        return self._rows if self._whole is None else self._whole[volume].flatten(1, 2)

    def _begin(self, turn: tuple[int, int]) -> None:
        if self._whole is None:
            z0, z1, y0, y1 = self.grid.begun(*turn)
            count = (z1 - z0) * (y1 - y0)
            taken = self._free[self._used : self._used + count]
            self._table[z0:z1, y0:y1] = taken.reshape(z1 - z0, y1 - y0)
            self._used += count

    def _end(self, box: Box) -> None:
        if self._whole is None:
            z0, z1, y0, y1 = box
            freed = self._table[z0:z1, y0:y1].reshape(-1)
            self._free[self._used - len(freed) : self._used] = freed
            self._used -= len(freed)
