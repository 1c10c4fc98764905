"""Starting Lightning's loops at a given batch of a given epoch.

Lightning's own restart tells apart half a dozen moments of a save by its counters, replays ``on_train_epoch_start`` or
skips the validation in some of them, and does not know which batches a loader still has to give. Here a position is
two numbers, epoch and batches done, and every counter follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loops.progress import _ProcessedTracker
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop

__all__ = ["PositionedEpochLoop", "Position", "install", "set_position"]


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two batches.

    Args:
        epoch: epochs done, all their validation included.
        batches: batches done in the epoch after those.
        steps: optimizer steps done in the whole run.
    """

    epoch: int = 0
    batches: int = 0
    steps: int = 0


class PositionedEpochLoop(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, with a first epoch that may begin in its middle."""

    batches_done = 0

    def reset(self) -> None:
        """Start an epoch; the first one after a resume counts the batches that are done already."""
        super().reset()
        _set(self.batch_progress.current, self.batches_done)
        self.batches_done = 0

    def on_run_start(self, data_fetcher: Any) -> None:
        """Go straight to the validation when all batches were done before the stop."""
        super().on_run_start(data_fetcher)
        if self.batch_progress.current.ready >= self.trainer.num_training_batches:
            data_fetcher.done = self.batch_progress.is_last_batch = True
            self.on_advance_end(data_fetcher)


def install(trainer: Trainer) -> None:
    """Put the positioned loop into a trainer that was not used yet."""
    old = trainer.fit_loop.epoch_loop
    trainer.fit_loop.epoch_loop = PositionedEpochLoop(trainer, old.min_steps, old.max_steps)


def set_position(trainer: Trainer, position: Position) -> None:
    """Make the next run of the loops start at ``position``."""
    fit_loop = trainer.fit_loop
    epoch_loop = fit_loop.epoch_loop
    for tracker in (fit_loop.epoch_progress.total, fit_loop.epoch_progress.current):
        _set(tracker, position.epoch)
    for progress in (
        epoch_loop.automatic_optimization.optim_progress.optimizer.step,
        epoch_loop.automatic_optimization.optim_progress.optimizer.zero_grad,
        epoch_loop.scheduler_progress,
    ):
        progress.reset()
        progress.increment_by(position.steps)
    epoch_loop._batches_that_stepped = position.steps
    if isinstance(epoch_loop, PositionedEpochLoop):
        epoch_loop.batches_done = position.batches
    # the loader's iterator was made at the set-up, and begins at the position: it must not be made a second time
    fit_loop._resuming_from_checkpoint = True


def _set(tracker: Any, count: int) -> None:
    tracker.ready = tracker.completed = count
    if isinstance(tracker, _ProcessedTracker):
        tracker.started = tracker.processed = count
