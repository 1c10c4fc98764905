"""Measure a trained run on a split, and draw its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deephealth.config import Config
from deephealth.usecases.card_facts import measured_facts
from deephealth.usecases.catalogue import USECASES
from deephealth.usecases.datasets import read_data
from deephealth.usecases.outcome import Outcome
from deephealth.usecases.predicting import load_any_model
from deephealth.usecases.progress_bar import bar
from deephealth.usecases.run_folder import RunFolder

if TYPE_CHECKING:
    from deephealth.data.sample import DataIndex
    from deephealth.data.split import Split
    from deephealth.kpi.recorder import Recorder

__all__ = ["evaluate_and_report", "evaluate_run", "report_run"]


def evaluate_run(path: Path | str, *, overrides: Sequence[str] = ()) -> Outcome:
    """Measure a trained run on a split of its own data set, and write its report anew.

    Args:
        path: folder of the run.
        overrides: changes to ``evaluate.*``, and ``data.root`` where the data has moved.

    Raises:
        MissingDataError: no run there, or it is not trained yet.
        DataError: the data set is not the one the run was trained on.
    """
    from deephealth.data.select import select_for_task
    from deephealth.kpi.recorder import Recorder

    run = RunFolder.open(path)
    config = run.config(overrides, may_change=("evaluate.", "data.root", "data.batch_size"))
    index = select_for_task(read_data(config), config.task)
    return evaluate_and_report(run, config, index, run.restore_split(index), Recorder(run.kpis))


def report_run(path: Path | str) -> Outcome:
    """Write ``report.html`` from what lies in the run's folder; what is missing is said in it.

    Args:
        path: folder of the run.
    """
    from deephealth.kpi.report import write_report

    run = RunFolder.open(path)
    measured = [run.evaluation(split) / "metrics.json" for split in ("test", "val", "train")]
    metrics = [json.loads(file.read_text(encoding="utf-8")) for file in measured if file.is_file()]
    scores = tuple(line for found in metrics for line in _headlines(found))
    return Outcome(run.path, report=write_report(run.path), scores=scores)


def evaluate_and_report(run: RunFolder, config: Config, index: DataIndex, split: Split, recorder: Recorder) -> Outcome:
    """Measure on the split that the configuration names, complete the model's card with the result, and report."""
    from deephealth.infer.evaluate import evaluate
    from deephealth.kpi.report import write_report

    name = config.evaluate.split
    samples = {"train": split.train, "val": split.val, "test": split.test}[name]
    model = load_any_model(run.path)
    usecase = USECASES.get(config.usecase)
    with (
        recorder.leg("evaluate", items=len(samples), split=name),
        bar("measuring", shown=config.trainer.progress) as update,
    ):
        evaluation = evaluate(
            model,
            samples,
            index.classes,
            config.evaluate,
            folder=run.evaluation(name),
            training=split.train,
            positive=tuple(label for label in usecase.malignant if label in index.classes) or None,
            seed=config.seed,
            progress=update,
        )
    if name == "test":
        model.describe(card=measured_facts(evaluation.metrics))
        model.save(run.model)
    with recorder.leg("report"):
        report = write_report(run.path)
    return Outcome(run.path, report, _headlines(evaluation.metrics), evaluation.metrics)


def _headlines(metrics: dict[str, Any]) -> tuple[str, ...]:
    name = metrics["headline"]
    score = metrics["scores"][name]
    trivial = metrics["baseline"]  # none where nothing can be scored, such as masks that are all empty
    baseline = _number(trivial["scores"][name]["value"]) if trivial else "not defined"
    return (f"{metrics['split']} {name}: {_with_interval(score, metrics)}   baseline: {baseline}",)


def _with_interval(score: dict[str, Any], metrics: dict[str, Any]) -> str:
    if score.get("low") is None:
        return _number(score["value"])
    share = f"{100 * metrics['interval']['confidence']:g} %"
    return f"{_number(score['value'])} ({share} CI {_number(score['low'])} to {_number(score['high'])})"


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
