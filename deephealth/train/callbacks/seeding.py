"""A seed for each batch, so that random layers draw the same after a resume, whatever drew in between."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from deephealth.core.seeds import counter_seed, seed_everything

__all__ = ["BatchSeeds"]


class BatchSeeds(Callback):
    """Seed Python, NumPy and torch before each batch from (seed, epoch, batch, process).

    A saved generator state would hold only as long as nothing else draws between its save and its use, and making the
    iterator of a loader does; a counter has no such past.

    Args:
        seed: the run's seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed everything for this batch."""
        seed_everything(counter_seed(self.seed, "batch", trainer.current_epoch, batch_idx, trainer.global_rank) % 2**32)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed everything for what happens between the epochs, such as the seeds of loader workers."""
        seed_everything(counter_seed(self.seed, "epoch", trainer.current_epoch, trainer.global_rank) % 2**32)
