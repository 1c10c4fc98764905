"""The numbers of each epoch, in memory, in the checkpoint and in metrics.csv."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from deephealth.core.files import atomic_write

__all__ = ["History"]


class History(Callback):
    """One row per epoch. The rows travel in the checkpoint, so that a resumed run has each epoch once.

    Args:
        path: the CSV file; rewritten as a whole, atomically.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float | int]] = []
        self._seconds = 0.0
        self._since = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training so far, over all continuations."""
        return self._seconds + time.perf_counter() - self._since

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._since = time.perf_counter()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Bring the file in line with the checkpoint that the run goes on from."""
        if trainer.is_global_zero:
            if self.rows:
                self._write()
            else:
                self.path.unlink(missing_ok=True)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the epoch's row."""
        numbers = pl_module.finish_epoch()  # type: ignore[operator]
        rate = max(group["lr"] for group in trainer.optimizers[0].param_groups)
        row = {"epoch": trainer.current_epoch, "step": trainer.global_step, **numbers}
        self.rows.append(row | {"lr": rate, "seconds": round(self.seconds, 3)})
        if trainer.is_global_zero:
            self._write()

    def state_dict(self) -> dict[str, Any]:
        """Return rows and time."""
        return {"rows": [dict(row) for row in self.rows], "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up rows and time."""
        self.rows = list(state_dict["rows"])
        self._seconds, self._since = state_dict["seconds"], time.perf_counter()

    def _write(self) -> None:
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic_write(self.path, text.getvalue())
