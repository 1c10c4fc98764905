"""What every task shares: preparing a batch, the loss, the optimizer, and the numbers of an epoch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from lightning.pytorch import LightningModule
from torch import nn
from torchmetrics import Metric

from deephealth.config.schema import Config
from deephealth.core.errors import NonFiniteLossError
from deephealth.losses.build import build_loss
from deephealth.models.model import Model
from deephealth.train.catalogue import MIXES, OPTIMIZERS, SCHEDULES
from deephealth.train.component import build
from deephealth.train.meters import WeightedMean
from deephealth.train.mixing import Mixed

if TYPE_CHECKING:
    from deephealth.core.types import TensorBCHW

__all__ = ["Batch", "Task"]

Batch = dict[str, Any]
"""``image`` float32 B×3×H×W in 0..255; ``label`` int64 B or ``mask`` float32 B×1×H×W; ``index`` B; ``id`` B names."""


class Task(LightningModule):
    """Training of one model on one kind of target.

    Args:
        model: what trains; normalises by itself.
        config: the whole run.
        class_counts: training samples per class, in the order of the model's labels.
    """

    monitor: ClassVar[str]
    """Name of the validation score in a row of the history; higher is better."""
    target_key: ClassVar[str]

    def __init__(self, model: Model, config: Config, class_counts: Sequence[int]) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.criterion: nn.Module = build_loss(
            config.loss.name, list(class_counts), task=config.task, parameters=config.loss.parameters
        )
        self.mix: Callable[[TensorBCHW, float], Mixed] = build(MIXES, config.trainer.mix, path="trainer.mix")
        self.train_loss = WeightedMean()
        self.val_loss = WeightedMean()
        self.val_score = self.make_score()
        self._steps = 1
        options = config.trainer
        self._memory_format = torch.channels_last if options.channels_last else torch.contiguous_format
        model.to(memory_format=self._memory_format)
        # a function, since a module kept here would register the weights a second time
        self._logits: Callable[[TensorBCHW], torch.Tensor] = (
            torch.compile(model.forward) if options.compile else model.__call__
        )

    @abstractmethod
    def make_score(self) -> Metric:
        """Return the metric behind :attr:`monitor`."""

    def configure_optimizers(self) -> Any:
        """Build the optimizer and its schedule, which moves at each optimizer step."""
        optimizer = build(OPTIMIZERS, self.config.optimizer, self.model, path="optimizer")
        self._steps = int(self.trainer.estimated_stepping_batches)
        factor = build(SCHEDULES, self.config.schedule, self._steps, path="schedule")
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss of a batch.

        Raises:
            NonFiniteLossError: it is NaN or infinite.
        """
        target = batch[self.target_key]
        mixed = self.mix(self.normalised(batch["image"]), self._progress())
        logits = self._logits(mixed.image)
        loss: torch.Tensor = self.criterion(logits, target)
        if mixed.partner is not None:
            loss = mixed.share * loss + (1.0 - mixed.share) * self.criterion(logits, target[mixed.partner])
        self._check_finite(loss, batch, batch_idx)
        self.train_loss.update(loss, len(target))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the validation loss and score."""
        target = batch[self.target_key]
        logits = self._logits(self.normalised(batch["image"]))
        self.val_loss.update(self.criterion(logits, target), len(target))
        self.val_score.update(logits, target)

    def on_validation_epoch_start(self) -> None:
        """Forget what an interrupted validation left."""
        self.val_loss.reset()
        self.val_score.reset()

    def finish_epoch(self) -> dict[str, float]:
        """Return the numbers of the epoch, reduced over processes, and start new sums."""
        numbers = {"train_loss": float(self.train_loss.compute())}
        if self.val_loss.update_count:
            numbers["val_loss"] = float(self.val_loss.compute())
            numbers[self.monitor] = float(self.val_score.compute())
        for meter in (self.train_loss, self.val_loss, self.val_score):
            meter.reset()
        return numbers

    def normalised(self, image: TensorBCHW) -> TensorBCHW:
        """Return the network's input for images in 0..255, in the memory format of the weights."""
        prepared: torch.Tensor = self.model.preprocess.normalise(image)
        return prepared.contiguous(memory_format=self._memory_format)

    def _progress(self) -> float:
        return self.trainer.global_step / max(self._steps, 1)

    def _check_finite(self, loss: torch.Tensor, batch: Batch, batch_idx: int) -> None:
        if bool(torch.isfinite(loss)):
            return
        shown = ", ".join(batch["id"][:8]) + (f" and {len(batch['id']) - 8} more" if len(batch["id"]) > 8 else "")
        raise NonFiniteLossError(
            f"the loss is {loss.item()} at step {self.trainer.global_step} "
            f"(epoch {self.current_epoch}, batch {batch_idx}); samples: {shown}",
            hint="look at these samples, or train again with a lower optimizer.lr or with trainer.clip_norm=1; "
            "the checkpoints of this run end before this step",
        )
