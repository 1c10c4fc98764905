"""Training from start, or from a checkpoint, to the selected weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningDataModule, Trainer

from deephealth.config.schema import Config
from deephealth.core.errors import CheckpointError, Interrupted
from deephealth.core.files import writable_folder
from deephealth.core.log import get_logger
from deephealth.core.optional import is_installed
from deephealth.core.seeds import seed_everything
from deephealth.models.model import Model
from deephealth.train.callbacks import (
    BatchSeeds,
    Checkpointing,
    EarlyStop,
    History,
    Interruption,
    LoaderPosition,
    Progress,
    StopTraining,
    TensorBoard,
    WeightAverage,
)
from deephealth.train.catalogue import TASKS
from deephealth.train.checkpoint import Checkpoint, CheckpointStore
from deephealth.train.loop import Position
from deephealth.train.monitor import Monitor
from deephealth.train.state import config_hash, position_of
from deephealth.train.trainer import make_trainer, quiet, reproducible

__all__ = ["FitResult", "fit"]

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FitResult:
    """What a training came to.

    Args:
        best_checkpoint: folder of the checkpoint whose weights were selected.
        epochs: epochs done.
        seconds: time of training over all continuations, in seconds.
        best_score: the monitored number of the best epoch; ``None`` without a validation set.
        model: the model, with the selected weights (the average, if one was kept), in evaluation mode on the CPU.
        history: one row per epoch.
    """

    best_checkpoint: Path
    epochs: int
    seconds: float
    best_score: float | None
    model: Model
    history: list[dict[str, float | int]] = field(default_factory=list)


def fit(
    model: Model, datamodule: LightningDataModule, config: Config, run_dir: Path | str, *, resume: bool = False
) -> FitResult:
    """Train ``model``; all that a continuation needs is on disk at any moment.

    A resumed run gives the same bits as one that was never broken off (on a CPU with the same number of threads; on a
    GPU as far as its kernels are deterministic), whether it was stopped between two epochs or in the middle of one.

    Args:
        model: what trains; the result holds the same object.
        datamodule: gives the loaders and ``class_counts``, and starts at ``set_position(epoch, batches_done)``.
        config: the whole run.
        run_dir: folder of the run; ``checkpoints/``, ``metrics.csv`` and ``tensorboard/`` are made in it.
        resume: go on from the newest valid checkpoint; from the beginning if the run was stopped before its first one.

    Raises:
        CheckpointError: no whole checkpoint, a checkpoint of another run, or checkpoints in the way of a new one.
        NonFiniteLossError: the loss became NaN or infinite.
        Interrupted: the user stopped the run; it was saved.
        DeviceError: the accelerator is not there.
        StorageError: the disk is full or the folder can't be written.
    """
    folder = writable_folder(run_dir, "keeping a run")
    store = CheckpointStore(folder / "checkpoints", keep=config.trainer.checkpoint.keep)
    start = _start(store, config, resume)
    parts = _Parts(config, folder, store, start)
    if start is None or not parts.is_complete(start):
        with quiet(), reproducible(config.trainer), _interrupts(folder):
            _train(model, datamodule, config, folder, parts, start)
    else:
        parts.history.load_state_dict(start.state["callbacks"]["History"])
        parts.checkpointing.load_state_dict(start.state["callbacks"]["Checkpointing"])
    del start
    return _result(model, config, store, parts)


class _Parts:
    """The callbacks of a run, and what they share."""

    def __init__(self, config: Config, folder: Path, store: CheckpointStore, start: Checkpoint | None) -> None:
        options = config.trainer
        own = str(TASKS.entry(config.task).facts["monitor"])
        monitor = Monitor(options.checkpoint.monitor or own, required=options.checkpoint.monitor is not None)
        self.max_epochs = options.max_epochs
        self.history = History(folder / "metrics.csv")
        self.interruption = Interruption()
        self.checkpointing = Checkpointing(
            store,
            options.checkpoint,
            config_hash=config_hash(config),
            monitor=monitor,
            history=self.history,
            interruption=self.interruption,
            start=start,
        )
        self.stop = EarlyStop(options.early_stopping, monitor, self.history) if options.early_stopping else None
        average = WeightAverage(options.ema_decay) if options.ema_decay else None
        board = (
            TensorBoard(folder / "tensorboard", self.history)
            if options.tensorboard and is_installed("tensorboard")
            else None
        )
        progress = Progress(self.history, own) if options.progress else None
        # order matters: the average moves before anyone saves it, the history has the row that the others read
        ordered = [
            LoaderPosition(),
            BatchSeeds(config.seed),
            average,
            self.history,
            self.stop,
            board,
            progress,
            self.interruption,
        ]
        self.callbacks: list[Callback] = [part for part in ordered if part is not None]
        self.callbacks.append(self.checkpointing)

    def is_complete(self, start: Checkpoint) -> bool:
        """Return whether a checkpoint is the end of its run."""
        stopped = self.stop is not None and start.state["callbacks"].get("EarlyStop", {}).get("stopped", False)
        return bool(stopped) or position_of(start).epoch >= self.max_epochs


def _start(store: CheckpointStore, config: Config, resume: bool) -> Checkpoint | None:
    store.clean()
    for leftover in store.folder.parent.glob(".*.tmp"):  # of a kill while metrics.csv was rewritten
        leftover.unlink(missing_ok=True)
    if not resume:
        if store.paths():
            raise CheckpointError(
                f"{store.folder} holds the checkpoints of an earlier run",
                hint=f"go on with `deephealth resume {store.folder.parent}`, or choose another run.dir",
            )
        return None
    if not store.paths():
        _log.info("%s was stopped before its first checkpoint; it starts from the beginning", store.folder.parent)
        return None
    start = store.newest_valid()
    if start.config_hash != config_hash(config):
        raise CheckpointError(
            f"{start.path} was trained with another configuration",
            hint="resume with the run's own config.yaml; only max_epochs, paths, workers and display may change",
        )
    return start


def _train(
    model: Model,
    datamodule: LightningDataModule,
    config: Config,
    folder: Path,
    parts: _Parts,
    start: Checkpoint | None,
) -> None:
    seed_everything(config.seed)
    position = position_of(start) if start else Position()
    datamodule.set_position(position.epoch, position.batches)  # type: ignore[operator]
    model.train()
    task: Any = TASKS.get(config.task)(model, config, list(datamodule.class_counts))  # type: ignore[call-overload]
    trainer: Trainer = make_trainer(config, folder, parts.callbacks)
    trainer.fit(task, datamodule=datamodule)


@contextmanager
def _interrupts(folder: Path) -> Iterator[None]:
    """Turn the ways in which a training is broken off into the two that a caller can understand."""
    try:
        yield
    except StopTraining as stop:
        if not stop.saved:
            raise KeyboardInterrupt from None
        raise Interrupted(
            "training was stopped; everything is saved", hint=f"go on with `deephealth resume {folder}`"
        ) from None
    except SystemExit as stop:  # Lightning's way to pass on a Ctrl-C that came before the first step
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def _result(model: Model, config: Config, store: CheckpointStore, parts: _Parts) -> FitResult:
    chosen = _selected(config, store, parts.checkpointing.best)
    weights = chosen.state["callbacks"].get("WeightAverage", {}).get("average") or chosen.weights
    model.cpu().load_state_dict(weights)
    model.eval()
    best = parts.checkpointing.best
    rows = parts.history.rows
    return FitResult(chosen.path, len(rows), parts.history.seconds, best["score"] if best else None, model, rows)


def _selected(config: Config, store: CheckpointStore, best: dict[str, Any] | None) -> Checkpoint:
    if config.trainer.checkpoint.select == "best" and best is not None:
        try:
            return store.load(store.folder / best["checkpoint"])
        except CheckpointError as error:
            _log.warning("%s; the newest checkpoint is taken instead", error.what)
    return store.newest_valid()
