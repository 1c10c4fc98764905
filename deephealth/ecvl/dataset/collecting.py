"""One epoch of a data set whose class has its own ``ProduceImageLabel``: any number of elements per sample."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from deephealth.data.prefetch import Prefetch
from deephealth.ecvl.dataset.queue import ProducersConsumerQueue
from deephealth.ecvl.dataset.sample import Sample
from deephealth.ecvl.dataset.slots import draws_of, sample_error

if TYPE_CHECKING:
    from deephealth.ecvl.dataset.dldataset import DLDataset

__all__ = ["CollectingQueue", "ItemRun"]

Element = tuple[Sample, Any, Any]


class CollectingQueue(ProducersConsumerQueue):
    """A queue that knows its workers: what they push is collected by sample, so that the order holds.

    Args:
        mxsz: most elements of those that others push.
    """

    def __init__(self, mxsz: int) -> None:
        super().__init__(mxsz)
        self._mine = threading.local()

    def Push(self, sample: Sample, image: Any, label: Any) -> None:
        """Append an element; in a worker, to what its sample has yielded so far, without waiting."""
        collected = getattr(self._mine, "elements", None)
        if collected is None:
            super().Push(sample, image, label)
        else:
            collected.append((sample, image, label))

    def collect(self, elements: list[Element] | None) -> None:
        """Let this thread's pushes go to a list, or to the queue again."""
        self._mine.elements = elements


class ItemRun:
    """Workers that call ``ProduceImageLabel`` ahead of the consumer.

    Args:
        dataset: the data set.
        split: position of the split.
    """

    def __init__(self, dataset: DLDataset, split: int) -> None:
        self._dataset = dataset
        entry = dataset.split_[split]
        self._size, self._drop_last = dataset.batch_size_, entry.drop_last_
        self._left: deque[Element] = deque()
        first = dataset.current_batch_[split] * self._size
        tasks = self._tasks(list(entry.samples_indices_), first, dataset.epoch_key(split))
        self._produced: Prefetch[tuple[int, tuple[int, ...]], list[Element]] = Prefetch(
            self._produce,
            tasks,
            workers=dataset.num_workers_,
            capacity=dataset.run_ahead(),
            weigh=len,
            name="DLDataset",
        )

    @property
    def ready(self) -> int:
        """Elements that are ready."""
        return self._produced.ready + len(self._left)

    def next(self) -> list[Element]:
        """Return the elements of the next batch.

        Raises:
            StopIteration: the epoch is over.
            EcvlDataError: a sample failed.
        """
        while len(self._left) < self._size:
            try:
                self._left.extend(self._produced.take())
            except StopIteration:
                break
        if not self._left or (self._drop_last and len(self._left) < self._size):
            raise StopIteration
        return [self._left.popleft() for _ in range(min(self._size, len(self._left)))]

    def close(self, timeout_s: float | None = None) -> bool:
        """End the workers and return whether all have ended."""
        self._left.clear()
        return self._produced.close() if timeout_s is None else self._produced.close(timeout_s)

    def _tasks(self, indices: Sequence[int], first: int, key: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
        uses = Counter(indices[:first])
        for index in indices[first:]:
            yield index, (*key, index, uses[index])
            uses[index] += 1

    def _produce(self, task: tuple[int, tuple[int, ...]]) -> list[Element]:
        index, draw = task
        sample = self._dataset.samples_[index]
        elements: list[Element] = []
        queue = self._dataset.queue_
        queue.collect(elements)
        try:
            with draws_of(draw):
                self._dataset.ProduceImageLabel(self._dataset.augs_, sample)
        except Exception as error:
            raise sample_error(sample, index, error) from error
        finally:
            queue.collect(None)
        return elements
