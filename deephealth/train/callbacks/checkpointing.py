"""When the state is saved: at the start, after every epoch, every so many steps, and on Ctrl-C."""

from __future__ import annotations

from typing import Any, cast

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from deephealth.config.schema import CheckpointConfig
from deephealth.core.log import get_logger
from deephealth.train.callbacks.ema import WeightAverage
from deephealth.train.callbacks.history import History
from deephealth.train.callbacks.interrupt import Interruption, StopTraining
from deephealth.train.checkpoint import Checkpoint, CheckpointStore
from deephealth.train.failpoints import failpoint
from deephealth.train.loop import Position
from deephealth.train.monitor import Monitor
from deephealth.train.state import check_finite, collect, restore
from deephealth.train.task import Task

__all__ = ["Checkpointing"]

_log = get_logger(__name__)


class Checkpointing(Callback):
    """Save, remember the best, prune, restore. Must be the last callback, so that it sees what the others did.

    Saves fall between optimizer steps only, so that no half-accumulated gradient needs keeping.

    Args:
        store: where checkpoints go.
        options: how often.
        config_hash: goes into each manifest.
        monitor: which number says what is best.
        history: rows of the epochs.
        interruption: wishes to stop.
        start: checkpoint to go on from.
    """

    def __init__(
        self,
        store: CheckpointStore,
        options: CheckpointConfig,
        *,
        config_hash: str,
        monitor: Monitor,
        history: History,
        interruption: Interruption,
        start: Checkpoint | None = None,
    ) -> None:
        self.store, self.options, self.config_hash = store, options, config_hash
        self.monitor, self.history, self.interruption = monitor, history, interruption
        self.start = start
        self.best: dict[str, Any] | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on from the starting checkpoint, if there is one."""
        if self.start is not None:
            restore(trainer, _task(pl_module), self.start)
            if self.best and not (self.store.folder / self.best["checkpoint"]).is_dir():
                _log.warning(
                    "the best checkpoint %s is gone; the search for the best starts anew", self.best["checkpoint"]
                )
                self.best = None
            self.start = None  # frees its memory

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the untrained state: any later kill can be resumed, and a full disk shows before time is spent."""
        if trainer.global_step == 0 and not self.store.paths():
            self._save(trainer, pl_module, Position())

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save every so many optimizer steps, and when a stop is wanted."""
        failpoint("batch")
        if trainer.fit_loop._should_accumulate():
            return
        position = Position(trainer.current_epoch, batch_idx + 1, trainer.global_step)
        self._stop_if_wanted(trainer, pl_module, position)
        every = self.options.every_n_steps
        is_last = position.batches >= trainer.num_training_batches  # the end of the epoch is saved anyway
        if every and not is_last and position.steps % every == 0:
            self._save(trainer, pl_module, position)

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        """Save when a stop is wanted; the validation is done again after the resume."""
        position = Position(trainer.current_epoch, int(trainer.num_training_batches), trainer.global_step)
        self._stop_if_wanted(trainer, pl_module, position)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save, with the epoch's score."""
        row = self.history.rows[-1]
        position = Position(trainer.current_epoch + 1, 0, trainer.global_step)
        score = self.monitor.read(row)
        if score is not None and self.monitor.better(score, self.best["score"] if self.best else None):
            name = self.store.next_path(position.steps).name
            self.best = {"checkpoint": name, "score": score, "epoch": int(row["epoch"])}
        self._save(trainer, pl_module, position)
        if self.interruption.wanted(trainer):
            raise StopTraining(saved=True)

    def state_dict(self) -> dict[str, Any]:
        """Return which one is best."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up which one is best."""
        self.best = state_dict["best"]

    def _stop_if_wanted(self, trainer: Trainer, pl_module: LightningModule, position: Position) -> None:
        if not self.interruption.wanted(trainer):
            return
        for callback in trainer.callbacks:  # in a validation the average stands where the weights belong
            if isinstance(callback, WeightAverage):
                callback.put_back(pl_module)
        self._save(trainer, pl_module, position)
        raise StopTraining(saved=True)

    def _save(self, trainer: Trainer, pl_module: LightningModule, position: Position) -> None:
        task = _task(pl_module)
        check_finite(task, position)
        state = collect(trainer, task, position)
        if trainer.is_global_zero:
            self.store.save(
                task.model.state_dict(), state, step=position.steps, epoch=position.epoch, config_hash=self.config_hash
            )
            if self.best:
                self.store.write_best(metric=self.monitor.name, **self.best)
            self.store.prune(self.best["checkpoint"] if self.best else None)
        trainer.strategy.barrier("deephealth-checkpoint")


def _task(pl_module: LightningModule) -> Task:
    return cast(Task, pl_module)
