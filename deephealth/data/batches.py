"""Which samples make up which batch: exact positions for resuming, shares of several processes without duplicates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from torch.utils.data import DataLoader, Sampler

from deephealth.core.errors import CheckpointError, DataError
from deephealth.data.sampler import Order

__all__ = ["EvaluationBatches", "Key", "Resumable", "TrainBatches", "TrainLoader"]

# (epoch, how often the sample came before in this epoch, position in the split): all that a random draw depends on
Key = tuple[int, int, int]


class TrainBatches(Sampler[list[Key]]):
    """Batches of the training samples, epoch by epoch; can start anywhere.

    With several processes, global batch ``b`` is the next ``batch_size * world`` samples of the epoch's order, and
    process ``r`` takes every ``world``-th of them. All processes get equally many batches of equal size, as gradient
    averaging needs: a remainder that can't be shared out evenly is left out of that epoch (another one each epoch), and
    so is a last batch of a single sample, from which batch normalisation can't learn.

    Args:
        order: the sampler.
        batch_size: samples per batch and process.
        rank: number of this process.
        world: number of processes.

    Raises:
        DataError: no samples, or fewer than processes.
    """

    def __init__(self, order: Order, batch_size: int, *, rank: int = 0, world: int = 1) -> None:
        if len(order) < world:
            raise DataError(
                f"{len(order)} training samples can't be shared by {world} processes", hint="use fewer devices"
            )
        self._order, self.place = order, (rank, world)
        whole, rest = divmod(len(order), batch_size * world)
        keep_rest = rest // world >= 2 or whole == 0
        self._sizes = [batch_size * world] * whole + ([rest - rest % world] if keep_rest and rest >= world else [])
        self.epoch = 0
        self.position = (0, 0)  # epoch, and batches of it that were handed out; kept by the loader
        self._skip = (0, 0)

    @property
    def sampler(self) -> TrainBatches:
        """This object: Lightning calls ``set_epoch`` on the attribute ``sampler`` of a batch sampler."""
        return self

    @property
    def start(self) -> int:
        """How many batches of the current epoch were done before."""
        return self._skip[1] if self._skip[0] == self.epoch else 0

    def set_epoch(self, epoch: int) -> None:
        """Make ``epoch`` the one that the next iteration goes through."""
        self.epoch = epoch

    def set_position(self, epoch: int, batches_done: int) -> None:
        """Continue in ``epoch`` after its first ``batches_done`` batches; other epochs are gone through in full.

        Iterating twice over that epoch skips twice: it is the position of a run, not something used up by reading.

        Raises:
            CheckpointError: the epoch has fewer batches.
        """
        if not 0 <= batches_done <= len(self) or epoch < 0:
            raise CheckpointError(
                f"can't continue at batch {batches_done} of epoch {epoch}: an epoch has {len(self)} batches",
                hint="resume with the data, the batch size and the number of processes that the run was started with",
            )
        self.epoch, self._skip, self.position = epoch, (epoch, batches_done), (epoch, batches_done)

    def __len__(self) -> int:
        return len(self._sizes)  # of a whole epoch, wherever it is entered: schedules count with it

    def __iter__(self) -> Iterator[list[Key]]:
        keys = _keys(self.epoch, self._order.order(self.epoch))
        first = 0
        for number, size in enumerate(self._sizes):
            if number >= self.start:
                rank, world = self.place
                yield keys[first + rank : first + size : world]
            first += size


class EvaluationBatches(Sampler[list[Key]]):
    """Every sample exactly once, in order; nothing is repeated or left out for the sake of equal batches.

    With several processes, process ``r`` takes every ``world``-th sample, and all get equally many batches, some one
    sample smaller, so that no process waits for another (at one sample per batch, some get a batch less). Gather by the
    batch's ``index`` to restore the order.

    Args:
        count: number of samples.
        batch_size: largest batch.
        rank: number of this process.
        world: number of processes.

    Raises:
        DataError: no samples, or fewer than processes.
    """

    def __init__(self, count: int, batch_size: int, *, rank: int = 0, world: int = 1) -> None:
        if not count:
            raise DataError("the split is empty", hint="set data.split.source=groups, or give it a larger fraction")
        if count < world:
            raise DataError(f"{count} samples for {world} processes", hint="use fewer devices")
        mine = list(range(rank, count, world))
        number = math.ceil(math.ceil(count / world) / batch_size)
        even = [at * len(mine) // number for at in range(number + 1)]
        edges = even if world > 1 else [*range(0, count, batch_size), count]
        self._batches = [mine[low:high] for low, high in pairwise(edges) if high > low]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[Key]]:
        return ([(0, 0, index) for index in batch] for batch in self._batches)


class Resumable:
    """A loader that knows how many batches of which epoch it has handed out, and continues there.

    ``state_dict`` and ``load_state_dict`` make it one that Lightning calls resumable.
    """

    batch_sampler: TrainBatches

    def state_dict(self) -> dict[str, int]:
        """Return the position: epoch, and batches handed out."""
        epoch, done = self.batch_sampler.position
        return {"epoch": epoch, "batches_done": done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue at a position."""
        self.batch_sampler.set_position(state["epoch"], state["batches_done"])

    def counted(self, made: Callable[[], Iterable[Any]]) -> Iterator[Any]:
        """Hand out what ``made`` gives, and count it: nothing happens before the first batch is asked for."""
        batches = self.batch_sampler
        epoch, start = batches.epoch, batches.start
        for number, batch in enumerate(made(), start + 1):
            batches.position = (epoch, number)
            yield batch


class TrainLoader(Resumable, DataLoader[Any]):
    """A loader of torch that continues where it was."""

    batch_sampler: TrainBatches

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        # A generator: workers start and the epoch is read at the first batch, after Lightning has set the epoch.
        return self.counted(super().__iter__)


def _keys(epoch: int, order: Sequence[int]) -> list[Key]:
    seen: Counter[int] = Counter()
    keys = []
    for index in order:
        keys.append((epoch, seen[index], index))
        seen[index] += 1
    return keys
