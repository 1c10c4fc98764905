"""A loader whose batches are made ahead by threads: one process, one copy of everything, nothing pickled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deephealth.data.batches import Resumable, TrainBatches
from deephealth.data.patches import PatchDataset
from deephealth.data.prefetch import Prefetch

__all__ = ["PatchLoader"]


class PatchLoader(Resumable):
    """Batches of patches, in the order of ``batches``, whatever the number of threads.

    The same batches as :class:`~deephealth.data.TrainLoader` gives over the same data set, without its processes:
    copying and converting patches leaves Python's lock free. Like that loader it counts what it has handed out, and
    continues there: ``state_dict`` and ``load_state_dict`` make it one that Lightning calls resumable.

    Args:
        dataset: of patches; its transform runs in the threads too.
        batches: which samples make up which batch; knows the epoch.
        threads: that make batches; with 0 they are made when asked for.
        ahead: batches that are finished and wait, besides those that are being made.
    """

    def __init__(self, dataset: PatchDataset, batches: TrainBatches, *, threads: int = 2, ahead: int = 2) -> None:
        self.dataset, self.batch_sampler = dataset, batches
        self._threads, self._ahead = threads, ahead

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.counted(self._made)

    def _made(self) -> Iterator[dict[str, Any]]:
        make = self.dataset.__getitems__
        if self._threads < 1:
            yield from map(make, self.batch_sampler)
            return
        capacity = self._threads + self._ahead
        with Prefetch(make, self.batch_sampler, workers=self._threads, capacity=capacity, name="patches") as made:
            yield from made
