"""Ctrl-C and SIGTERM: first a request that the next safe moment grants, then an abort."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from deephealth.core.log import get_logger

__all__ = ["Interruption", "StopTraining"]

_log = get_logger(__name__)


class StopTraining(Exception):  # noqa: N818 - not an error: it carries a wish out of Lightning's loops
    """Leave the loops; it never reaches the user.

    Args:
        saved: whether the state was saved first.
    """

    def __init__(self, *, saved: bool) -> None:
        super().__init__("stop")
        self.saved = saved


class Interruption(Callback):
    """Remember a wish to stop while training runs; :class:`Checkpointing` grants it after saving.

    Lightning would turn the first Ctrl-C into an exception in the middle of a step, and SIGTERM into an exception
    without a save. A second signal aborts at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the two signals, after Lightning has set its own handlers."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the signals back."""
        self._give_back()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Give the signals back."""
        self._give_back()

    def wanted(self, trainer: Trainer) -> bool:
        """Return whether any process was asked to stop; call it on every process at the same batch."""
        if trainer.world_size == 1:
            return self.requested
        return bool(trainer.strategy.reduce_boolean_decision(self.requested, all=False))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise StopTraining(saved=False)
        self.requested = True
        _log.warning("%s: saving after this step, then stopping; once more stops at once", signal.Signals(number).name)

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
