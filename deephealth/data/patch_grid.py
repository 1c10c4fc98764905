"""Whole volumes as patches, each voxel once, and put together again: for validation on what training sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch.utils.data import Dataset

from deephealth.core.errors import DataError
from deephealth.data.batches import Key
from deephealth.data.patch_reader import Batch, PatchReader, Start
from deephealth.data.volume_store import VolumeStore

__all__ = ["PatchAssembler", "PatchGrid"]


class PatchGrid(Dataset[Batch]):
    """All patches that tile the cases, in order; the last of each row reaches over the border.

    Windows that overlap and are weighted are :mod:`deephealth.infer`'s; this is the cheap way to see every voxel once.
    It goes into a ``DataLoader`` with :class:`~deephealth.data.EvaluationBatches` and ``collate_fn=as_it_is``.

    Args:
        store: the cases, filled.
        patch_size: D, H, W.
        **reader: as for :class:`~deephealth.data.PatchDataset`.

    Raises:
        DataError, ConfigError: as the reader.
    """

    def __init__(self, store: VolumeStore, patch_size: Sequence[int], **reader: Any) -> None:
        self.reader = PatchReader(store, patch_size, **reader)
        self._picks: list[tuple[int, Start]] = [
            (at, (depth, height, width))
            for at, shape in enumerate(self.reader.shapes)
            for depth, height, width in product(
                *(range(0, size, step) for size, step in zip(shape, self.reader.patch_size, strict=True))
            )
        ]
        self.counts = Counter(at for at, _ in self._picks)  # patches per case

    def __len__(self) -> int:
        return len(self._picks)

    def __getitem__(self, index: int) -> Batch:
        """Return a batch of one patch."""
        return self.reader.read([self._picks[index]])

    def __getitems__(self, keys: Sequence[Key]) -> Batch:
        """Return the batch of these keys; what a loader calls."""
        return self.reader.read([self._picks[index] for _, _, index in keys])


class PatchAssembler:
    """Puts what a network said of the patches of a grid together, case by case.

    Args:
        grid: that the batches come from.

    Example:
        >>> def validate(store, network):
        ...     grid = PatchGrid(store, (64, 64, 64))
        ...     assembler = PatchAssembler(grid)
        ...     for at in range(len(grid)):
        ...         batch = grid[at]
        ...         yield from assembler.add(batch, network(batch["image"]))
    """

    def __init__(self, grid: PatchGrid) -> None:
        self._grid = grid
        self._open: dict[int, tuple[torch.Tensor, set[Start]]] = {}

    def add(self, batch: Batch, values: torch.Tensor) -> list[tuple[int, torch.Tensor]]:
        """Write patches to their places, and return the cases that are whole by now.

        Args:
            batch: of the grid.
            values: B×C×d×h×w, the size of the patches.

        Returns:
            (place of the case in the store, C×D×H×W) of each case whose last patch this was.

        Raises:
            DataError: another number or size of patches, or a patch that was there before.
        """
        size = self._grid.reader.patch_size
        starts: list[Start] = batch["start"]
        if values.shape[0] != len(starts) or tuple(values.shape[2:]) != size:
            raise DataError(
                f"values of shape {tuple(values.shape)} for {len(starts)} patches of {size}", allowed="B×C×D×H×W"
            )
        done = []
        for at, place, patch in zip(batch["index"], starts, values, strict=True):
            whole, seen = self._case(at, patch)
            if place in seen:
                raise DataError(f"the patch at {place} of case {at} came twice", allowed="each patch once")
            seen.add(place)
            cut = tuple(slice(low, low + length) for low, length in zip(place, size, strict=True))
            target = whole[(slice(None), *cut)]
            target.copy_(patch[(slice(None), *(slice(0, length) for length in target.shape[1:]))])
            if len(seen) == self._grid.counts[at]:
                done.append((at, self._open.pop(at)[0]))
        return done

    def _case(self, at: int, patch: torch.Tensor) -> tuple[torch.Tensor, set[Start]]:
        if at not in self._open:
            shape = self._grid.reader.shapes[at]
            self._open[at] = (patch.new_empty((len(patch), *shape)), set())
        return self._open[at]
