"""Stopping when the monitored number no longer gets better."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from deephealth.config.schema import EarlyStoppingConfig
from deephealth.train.callbacks.history import History
from deephealth.train.monitor import Monitor

__all__ = ["EarlyStop"]


class EarlyStop(Callback):
    """End the training after ``patience`` epochs without a gain of more than ``min_delta``.

    Args:
        options: patience and smallest gain.
        monitor: which number, and which way is better.
        history: where the numbers are.
    """

    def __init__(self, options: EarlyStoppingConfig, monitor: Monitor, history: History) -> None:
        self.options, self.monitor, self.history = options, monitor, history
        self.best: float | None = None
        self.waited = 0
        self.stopped = False

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the epoch's number."""
        score = self.monitor.read(self.history.rows[-1])
        if score is None:  # nothing to judge by
            return
        if self.monitor.better(score, self.best, by=self.options.min_delta):
            self.best, self.waited = score, 0
        else:
            self.waited += 1
        self.stopped = self.waited >= self.options.patience
        trainer.should_stop = trainer.should_stop or self.stopped

    def state_dict(self) -> dict[str, Any]:
        """Return the counters."""
        return {"best": self.best, "waited": self.waited, "stopped": self.stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the counters."""
        if state_dict:
            self.best, self.waited, self.stopped = state_dict["best"], state_dict["waited"], state_dict["stopped"]
