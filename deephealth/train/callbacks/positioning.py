"""Telling the data which epoch comes next."""

from __future__ import annotations

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

__all__ = ["LoaderPosition"]


class LoaderPosition(Callback):
    """Set the data module to the start of each epoch before its iterator is made.

    The first epoch of a process is left alone: its position, which may be in the middle, was set before the loader
    was built.
    """

    def __init__(self) -> None:
        self._is_first = True

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Move the data module to this epoch."""
        if not self._is_first:
            trainer.datamodule.set_position(trainer.current_epoch, 0)  # type: ignore[attr-defined]
        self._is_first = False
