"""The whole state of a training as plain data, and back."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Trainer

from deephealth.config.schema import Config
from deephealth.core.errors import CheckpointError, NonFiniteLossError
from deephealth.train.checkpoint import Checkpoint
from deephealth.train.loop import Position, set_position
from deephealth.train.meters import meter_state, restore_meter

if TYPE_CHECKING:
    from deephealth.train.task import Task

__all__ = ["check_finite", "collect", "config_hash", "position_of", "restore"]

# what may differ between a run and its continuation: where things lie, what is shown, and how far it goes
_FREE = {
    "run": None,
    "evaluate": None,
    "data": {"root", "cache", "cache_dir", "num_workers"},
    "trainer": {"max_epochs", "threads", "progress", "tensorboard", "checkpoint", "early_stopping", "accelerator"},
}


def config_hash(config: Config) -> str:
    """Return a hash of everything in the configuration that the numbers of a training depend on.

    Example:
        >>> a = Config(usecase="uc", model={"name": "n"}, run={"dir": "a"})
        >>> b = Config(usecase="uc", model={"name": "n"}, run={"dir": "b"})
        >>> config_hash(a) == config_hash(b) != config_hash(Config(usecase="uc", model={"name": "n"}, seed=1))
        True
    """
    plain = config.model_dump(mode="json")
    for section, keys in _FREE.items():
        kept = {} if keys is None else {key: value for key, value in plain[section].items() if key not in keys}
        plain[section] = kept
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def collect(trainer: Trainer, task: Task, position: Position) -> dict[str, Any]:
    """Return all that a continuation needs beside the model's weights; call it on every process.

    Random numbers need no state: each batch begins with its own seed, see :mod:`deephealth.train.callbacks.seeding`.
    """
    return {
        "position": {"epoch": position.epoch, "batches": position.batches, "steps": position.steps},
        "batches_per_epoch": int(trainer.num_training_batches),
        "optimizer": trainer.optimizers[0].state_dict(),
        "schedule": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
        "precision": trainer.precision_plugin.state_dict(),
        "meters": {"train_loss": meter_state(task.train_loss)},
        "callbacks": {type(callback).__name__: callback.state_dict() for callback in _callbacks(trainer)},
    }


def restore(trainer: Trainer, task: Task, checkpoint: Checkpoint) -> None:
    """Put a training back to where a checkpoint was taken.

    Raises:
        CheckpointError: it does not fit the model or the data.
    """
    state = checkpoint.state
    batches = int(trainer.num_training_batches)
    if state["batches_per_epoch"] != batches:
        raise CheckpointError(
            f"{checkpoint.path} has {state['batches_per_epoch']} batches per epoch, and the data has {batches} now",
            hint="resume with the same data, data.batch_size and trainer.limit_batches",
        )
    try:
        task.model.load_state_dict(checkpoint.weights)
        trainer.optimizers[0].load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(f"{checkpoint.path} does not fit this model: {error}") from error
    trainer.lr_scheduler_configs[0].scheduler.load_state_dict(state["schedule"])
    if state["precision"]:
        trainer.precision_plugin.load_state_dict(state["precision"])
    restore_meter(task.train_loss, state["meters"]["train_loss"], owner=trainer.is_global_zero)
    for callback in _callbacks(trainer):
        callback.load_state_dict(state["callbacks"].get(type(callback).__name__, {}))
    set_position(trainer, position_of(checkpoint))


def position_of(checkpoint: Checkpoint) -> Position:
    """Return where a checkpoint was taken."""
    return Position(**checkpoint.state["position"])


def check_finite(task: Task, position: Position) -> None:
    """Refuse to save weights that a bad gradient has spoilt.

    Raises:
        NonFiniteLossError: a weight is NaN or infinite.
    """
    for name, parameter in task.model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise NonFiniteLossError(
                f"the weights '{name}' are not finite after step {position.steps} (epoch {position.epoch})",
                hint="set trainer.clip_norm=1 or lower optimizer.lr; the last checkpoint is good",
            )


def _callbacks(trainer: Trainer) -> list[Any]:
    return [callback for callback in trainer.callbacks if type(callback).__module__.startswith(__package__ or "")]
