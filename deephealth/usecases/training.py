"""A run from its configuration to its report: prepare, train, save, evaluate, draw."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.config import Config
from deephealth.core.errors import ConfigError
from deephealth.core.seeds import seed_everything
from deephealth.usecases.card_facts import training_facts
from deephealth.usecases.catalogue import USECASES
from deephealth.usecases.datasets import make_datamodule, read_data
from deephealth.usecases.outcome import Outcome
from deephealth.usecases.predicting import find_model
from deephealth.usecases.progress_bar import bar
from deephealth.usecases.run_folder import RunFolder

if TYPE_CHECKING:
    from deephealth.data.sample import DataIndex
    from deephealth.data.split import Split
    from deephealth.models import Model

__all__ = ["dry_run", "resume_run", "train_run"]


def train_run(config: Config, *, resume: bool = False) -> Outcome:
    """Train a configuration, evaluate it and write its report.

    Args:
        config: the run; ``data.root`` must be given.
        resume: go on if ``run.dir`` holds a run already.

    Raises:
        DeepHealthError: one of its kinds for each thing that may be wrong with data, configuration, disk or device.

    Example:
        ``train_run(load_config("uc12-skin", ["data.root=ROOT", "run.dir=DIR"]))``
    """
    from deephealth.train.trainer import check_devices

    if resume and config.run.dir and (config.run.dir / "config.yaml").is_file():
        return resume_run(config.run.dir)
    check_devices(config.trainer)
    index, split = _deal(config)
    if not _is_first_process():
        return _follow(config, index, split, resume=False)
    run = RunFolder.create(config)
    run.write_config(config)
    return _train(run, config, index, split, resume=False)


def resume_run(path: Path | str, *, overrides: Sequence[str] = ()) -> Outcome:
    """Go on with a run from its newest whole checkpoint.

    Args:
        path: folder of the run.
        overrides: ``trainer.max_epochs=N`` to train longer, ``data.root=ROOT`` where the data has moved.

    Raises:
        MissingDataError: no run there.
        CheckpointError: every checkpoint is damaged.
    """
    from deephealth.data.select import select_for_task

    run = RunFolder.open(path)
    config = run.config(
        overrides, may_change=("trainer.max_epochs", "trainer.progress", "data.root", "data.num_workers")
    )
    started = run.is_started
    index = select_for_task(read_data(config), config.task)
    if not _is_first_process():
        split = run.restore_split(index) if started else _deal(config)[1]
        return _follow(config, index, split, resume=started)
    run.clean()
    run.write_config(config)
    if not started:  # it was stopped before anything was trained
        return _train(run, config, *_deal(config), resume=False)
    return _train(run, config, index, run.restore_split(index), resume=True)


def dry_run(config: Config) -> str:
    """Put one batch through everything, in a folder that is thrown away.

    Returns:
        What was done, in one line.
    """
    changes = {"trainer": config.trainer.model_copy(update={"max_epochs": 1, "limit_batches": 1, "tensorboard": False})}
    with tempfile.TemporaryDirectory(prefix="deephealth-dry-run-") as folder:
        changes["run"] = config.run.model_copy(update={"dir": Path(folder) / "run"})  # type: ignore[assignment]
        changes["evaluate"] = config.evaluate.model_copy(update={"bootstrap": 0})  # type: ignore[assignment]
        train_run(config.model_copy(update=changes))
    done = "data read, one training and one validation batch, model saved, evaluated, report written"
    return f"{config.usecase} ({config.task}): {done}"


def _deal(config: Config) -> tuple[DataIndex, Split]:
    from deephealth.data.select import select_for_task
    from deephealth.data.split import make_split

    index = select_for_task(read_data(config), config.task)
    return index, make_split(index, config.data.split)


def _train(run: RunFolder, config: Config, index: DataIndex, split: Split, *, resume: bool) -> Outcome:
    from deephealth.kpi.recorder import Recorder
    from deephealth.train.fit import fit
    from deephealth.usecases.evaluation import evaluate_and_report

    recorder = Recorder(run.kpis)
    seed_everything(config.seed)
    if not resume:
        run.write_data(index, split)
        run.write_environment()
    count = sum(len(part) for part in (split.train, split.val, split.test))
    with recorder.leg("prepare", items=count), bar("preparing images", shown=config.trainer.progress) as update:
        datamodule = make_datamodule(config, index, split, progress=update)
        datamodule.prepare()
    model = _build(config, index)
    with recorder.leg("train", items=len(split.train)):
        fit(model, datamodule, config, run.path, resume=resume)
        _describe(model, config, index, split)
    model.save(run.model)
    return evaluate_and_report(run, config, index, split, recorder)


def _follow(config: Config, index: DataIndex, split: Split, *, resume: bool) -> Outcome:
    """Train along as one of several processes; the first one keeps the run's folder, measures and reports."""
    from deephealth.train.fit import fit

    if config.run.dir is None:
        raise ConfigError(["run.dir: missing; several processes need one folder, add run.dir=DIR"])
    seed_everything(config.seed)
    fit(_build(config, index), make_datamodule(config, index, split), config, config.run.dir, resume=resume)
    return Outcome(config.run.dir)


def _is_first_process() -> bool:
    """Return whether this process is the only one, or the first of those that torchrun, Slurm or Lightning started."""
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    return int(rank_zero_only.rank) == 0


def _describe(model: Model, config: Config, index: DataIndex, split: Split) -> None:
    """Give the trained model what belongs to it beside its weights."""
    from deephealth.infer.calibrate import calibrate

    model.describe(tta=config.evaluate.tta, threshold=config.evaluate.threshold)
    model.describe(
        card=training_facts(config.usecase, index, split),
        licences=(*model.spec.licences, f"training data: {index.licence or 'not stated'}"),
    )
    if config.task == "classification" and split.val:
        model.describe(temperature=calibrate(model, split.val, tta=config.evaluate.tta))


def _build(config: Config, index: DataIndex) -> Model:
    from deephealth.models import build_model

    labels = index.classes if config.task == "classification" else USECASES.get(config.usecase).mask_labels
    named = config.model.pretrained
    # the weights of a finished run are the model in it; any other name is looked up by the models themselves
    pretrained = (find_model(named) or named) if named else None
    return build_model(
        config.model.name,
        task=config.task,
        labels=labels,
        image_size=config.data.image_size,
        pretrained=pretrained,
        parameters=config.model.parameters,
        usecase=config.usecase,
    )
