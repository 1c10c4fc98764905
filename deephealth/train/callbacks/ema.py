"""Exponential moving average of the weights; what is validated and kept as the model is the average."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

__all__ = ["WeightAverage"]


class WeightAverage(Callback):
    """Average weights and normalisation statistics over the optimizer steps (Polyak & Juditsky 1992).

    The decay warms up as ``min(decay, (1 + n) / (10 + n))`` after ``n`` steps, so that a short run leaves its start.

    Args:
        decay: weight of the past in one step, 0 to 1.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.average: dict[str, torch.Tensor] = {}
        self._live: dict[str, torch.Tensor] | None = None  # training weights while the average is in their place

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the average at the weights as they are."""
        self.steps = trainer.global_step
        self.average = {name: tensor.detach().clone() for name, tensor in _tensors(pl_module).items()}

    @torch.no_grad()
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the average after each optimizer step."""
        if trainer.global_step == self.steps:
            return
        self.steps = trainer.global_step
        live = _tensors(pl_module)
        weight = 1.0 - min(self.decay, (1.0 + self.steps) / (10.0 + self.steps))
        floats = [name for name, tensor in live.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in floats], [live[n].detach() for n in floats], weight)
        for name in live.keys() - set(floats):
            self.average[name].copy_(live[name])

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average in the place of the weights."""
        live = _tensors(pl_module)
        self._live = {name: tensor.data for name, tensor in live.items()}
        for name, tensor in live.items():
            tensor.data = self.average[name]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the weights back."""
        self.put_back(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Put the weights back when a validation breaks off."""
        self.put_back(pl_module)

    def put_back(self, pl_module: LightningModule) -> None:
        """Put the weights back in their place, if the average is there."""
        if self._live is not None:
            for name, tensor in _tensors(pl_module).items():
                tensor.data = self._live[name]
            self._live = None

    def state_dict(self) -> dict[str, Any]:
        """Return the average."""
        return {"steps": self.steps, "average": self.average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up an average where it was."""
        self.steps = state_dict["steps"]
        for name, tensor in self.average.items():
            tensor.copy_(state_dict["average"][name])


def _tensors(pl_module: LightningModule) -> dict[str, torch.Tensor]:
    return pl_module.model.state_dict(keep_vars=True)  # type: ignore[union-attr,operator,no-any-return]
