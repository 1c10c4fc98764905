"""Lightning's trainer from a configuration, without Lightning's files, banners and checkpoints."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.environments import SLURMEnvironment
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.plugins.io import CheckpointIO

from deephealth.config.schema import Config, TrainerConfig
from deephealth.core.errors import CheckpointError, DeviceError
from deephealth.train.loop import install

__all__ = ["check_devices", "make_trainer", "quiet", "reproducible"]


class _RefusingIO(CheckpointIO):
    """Stands where Lightning's pickling saver would; whatever still calls it gets an error, not a pickle."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        self._refuse(path)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        self._refuse(path)
        return {}

    def remove_checkpoint(self, path: Any) -> None:
        self._refuse(path)

    def _refuse(self, path: Any) -> None:
        raise CheckpointError(
            f"{path}: Lightning's own checkpoints are not used here", hint="use train.CheckpointStore"
        )


def make_trainer(config: Config, run_dir: Path, callbacks: Sequence[Callback] = ()) -> Trainer:
    """Return a trainer that does what the configuration says and writes nothing on its own.

    Args:
        config: the whole run.
        run_dir: folder of the run.
        callbacks: in the order in which they are to be called.

    Raises:
        DeviceError: the accelerator, or so many devices, or the precision on them, is not there.
    """
    options = config.trainer
    accelerator = check_devices(options)
    limit = 1.0 if options.limit_batches is None else options.limit_batches
    with quiet():
        trainer = Trainer(
            accelerator=accelerator,
            devices=options.devices,
            num_nodes=options.num_nodes,
            strategy="auto",  # DDP where there is more than one process
            precision=options.precision,
            max_epochs=options.max_epochs,
            accumulate_grad_batches=options.accumulate,
            gradient_clip_val=options.clip_norm,
            deterministic=_deterministic(options, accelerator),
            limit_train_batches=limit,
            limit_val_batches=limit,
            num_sanity_val_steps=0,
            callbacks=list(callbacks),
            plugins=_plugins(),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_autolog_hparams=False,
            use_distributed_sampler=False,
            default_root_dir=run_dir,
        )
    install(trainer)
    return trainer


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's banners, tips and warnings off the screen; its errors still come."""
    loggers = [logging.getLogger(name) for name in ("lightning", "lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            warnings.filterwarnings("ignore", module=r"torch\.optim\.lr_scheduler")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def reproducible(options: TrainerConfig) -> Iterator[None]:
    """Set torch's threads and determinism for a training, and put them back."""
    threads = torch.get_num_threads()
    was = (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled())
    memory: Any = torch.utils.deterministic  # a module with a property, which type checkers do not see
    fill = memory.fill_uninitialized_memory
    if options.threads:
        torch.set_num_threads(options.threads)
    # else every empty() is filled with NaN under deterministic algorithms: a debugging aid that costs time
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(was[0], warn_only=was[1])
        memory.fill_uninitialized_memory = fill


def check_devices(options: TrainerConfig) -> str:
    """Return the accelerator that will be used, ``"cpu"`` or ``"gpu"``.

    Raises:
        DeviceError: the accelerator, or so many devices, or the precision on them, is not there.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if options.accelerator == "gpu" and not gpus:
        raise DeviceError(
            "trainer.accelerator is 'gpu', and torch sees no GPU here", hint="set trainer.accelerator=cpu, or auto"
        )
    chosen = "gpu" if gpus and options.accelerator != "cpu" else "cpu"
    if chosen == "gpu" and isinstance(options.devices, int) and options.devices > gpus:
        raise DeviceError(
            f"trainer.devices is {options.devices}, and torch sees {gpus} GPUs", hint=f"set trainer.devices={gpus}"
        )
    if chosen == "cpu" and options.precision == "16-mixed":
        raise DeviceError(
            "trainer.precision is '16-mixed', which needs a GPU", hint="set trainer.precision=bf16-mixed, or 32-true"
        )
    return chosen


def _deterministic(options: TrainerConfig, accelerator: str) -> Any:
    """Some CUDA kernels have no deterministic version: there they warn instead of stopping the run."""
    if not options.deterministic:
        return None
    return "warn" if accelerator == "gpu" else True


def _plugins() -> list[Any]:
    # Slurm's requeue signal would make Lightning save a checkpoint of its own
    slurm = [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
    return [_RefusingIO(), *slurm]
