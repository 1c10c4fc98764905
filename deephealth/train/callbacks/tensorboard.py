"""Curves for TensorBoard, where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from deephealth.train.callbacks.history import History

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Write each row of the history as scalars.

    Args:
        folder: where the event files go.
        history: the rows.
    """

    def __init__(self, folder: Path, history: History) -> None:
        self.folder, self.history = folder, history
        self._writer: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the file; what a killed run wrote after its checkpoint is dropped."""
        if trainer.is_global_zero:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder), purge_step=trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the epoch's numbers."""
        if self._writer is not None:
            row = self.history.rows[-1]
            for name in row.keys() - {"epoch"}:
                self._writer.add_scalar(name, row[name], row["epoch"])
            self._writer.flush()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close the file."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
