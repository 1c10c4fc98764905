"""One epoch of a split whose samples are written straight into the memory of their batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deephealth.data.batch_memory import BatchMemory
from deephealth.data.prefetch import Prefetch
from deephealth.ecvl.dataset.sample import Sample
from deephealth.ecvl.dataset.slots import Batch, Draw, Filler, Slot, slots_of

__all__ = ["SlotRun"]


class SlotRun:
    """Workers that fill batches ahead of their consumer. It knows nothing of the data set, which so may go away.

    Args:
        filler: how a sample is loaded.
        samples: of the data set.
        indices: the split.
        shapes: of a full batch's images and labels; ``None`` without labels.
        memory: where batches live.
        key: seed of the epoch, and number of the split.
        batches: number of the first batch, number of all batches, size of the last one.
        workers: number of threads.
        capacity: samples that may be ready or begun.
    """

    def __init__(
        self,
        filler: Filler,
        samples: Sequence[Sample],
        indices: Sequence[int],
        shapes: tuple[list[int], list[int] | None],
        *,
        memory: BatchMemory,
        key: Draw,
        batches: tuple[int, int, int],
        workers: int,
        capacity: int,
    ) -> None:
        first, count, last = batches
        size = shapes[0][0]
        self._sizes = [last if at == count - 1 else size for at in range(first, count)]
        self._next = 0
        self._shapes, self._memory = shapes, memory
        slots = slots_of(indices, samples, key, self._empty_batches(), first * size)
        self._filled: Prefetch[Slot, Batch] = Prefetch(
            filler.fill, slots, workers=workers, capacity=capacity, name="DLDataset"
        )

    @property
    def ready(self) -> int:
        """Samples that are ready."""
        return self._filled.ready

    def next(self) -> Batch:
        """Return the next batch.

        Raises:
            StopIteration: the epoch is over.
            EcvlDataError: a sample of this batch failed.
        """
        if self._next >= len(self._sizes):
            raise StopIteration
        try:
            batch = self._filled.take_many(self._sizes[self._next])[0]
        except KeyboardInterrupt:  # the batch is still to come
            raise
        except BaseException:
            self._next += 1
            raise
        self._next += 1
        return batch

    def close(self, timeout_s: float | None = None) -> bool:
        """End the workers and return whether all have ended."""
        return self._filled.close() if timeout_s is None else self._filled.close(timeout_s)

    def _empty_batches(self) -> Iterator[tuple[Batch, int]]:
        images, labels = self._shapes
        for size in self._sizes:
            y = None if labels is None else self._memory.take([size, *labels[1:]])
            yield Batch(self._memory.take([size, *images[1:]]), y), size
