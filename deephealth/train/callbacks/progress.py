"""What a training shows while it runs: a bar on a terminal, a line per epoch elsewhere."""

from __future__ import annotations

import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from deephealth.core.units import format_seconds
from deephealth.train.callbacks.history import History

__all__ = ["Progress"]

_REFRESH = 0.2  # seconds between two updates of the bar: reading a loss from a GPU waits for it


class Progress(Callback):
    """Show epoch, batch, loss, validation score and the time that is left.

    Args:
        history: the rows of the epochs.
        score: column to show, such as ``"val_jaccard"``.
        console: where to; standard error unless given.
    """

    def __init__(self, history: History, score: str, console: Console | None = None) -> None:
        self.history, self.score = history, score
        self.console = console or Console(stderr=True)
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._shown = self._began = 0.0
        self._begun_at = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar."""
        self._began, self._begun_at = time.perf_counter(), trainer.global_step
        if self.console.is_terminal and trainer.is_global_zero:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, TextColumn("{task.fields[text]}"), console=self.console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=int(trainer.num_training_batches), text="")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar, a few times a second."""
        now = time.perf_counter()
        if self._bar is None or now - self._shown < _REFRESH:
            return
        self._shown = now
        # Lightning hands out the loss as it enters the accumulated gradient
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        score = self.history.rows[-1].get(self.score) if self.history.rows else None
        told = "" if score is None else f" · {self.score} {score:.4f}"
        text = f"loss {loss:.4f}{told} · {self._left(trainer)} left"
        name = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
        self._bar.update(self._task, completed=batch_idx + 1, description=name, text=text)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what takes the time now."""
        if self._bar is not None:
            self._bar.update(self._task, completed=int(trainer.num_training_batches), text="validation")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the epoch's numbers; they stay when the bar is gone."""
        if trainer.is_global_zero:
            row = self.history.rows[-1]
            numbers = [f"{name} {row[name]:.4f}" for name in ("train_loss", "val_loss", self.score) if name in row]
            head = f"epoch {int(row['epoch']) + 1}/{trainer.max_epochs}"
            line = " · ".join([head, *numbers, f"{self._left(trainer)} left"])
            self.console.print(line, highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the bar away."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Take the bar away, so that the error stands alone."""
        self._close()

    def _left(self, trainer: Trainer) -> str:
        done = trainer.global_step - self._begun_at
        rest = float(trainer.estimated_stepping_batches) - trainer.global_step
        return format_seconds((time.perf_counter() - self._began) / max(done, 1) * max(rest, 0.0))

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
