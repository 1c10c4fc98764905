"""Measure a model on the samples of a split, from the raw files, as a clinic would run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from deephealth.core.errors import DataError, LeakError, MissingDataError
from deephealth.core.files import atomic_write, atomic_write_json, storage_errors
from deephealth.infer.baselines import mean_mask, trivial_masks
from deephealth.infer.cases import Case, draw_cases, pick_cases
from deephealth.infer.prediction import Failure, Prediction, Predictions
from deephealth.infer.predictor import Device, Predictor
from deephealth.infer.writers import FileNames, csv_text, write_mask
from deephealth.io.raster import read_mask
from deephealth.metrics.classification import classification_metrics
from deephealth.metrics.segmentation import MaskScores, mask_scores, segmentation_metrics

if TYPE_CHECKING:
    from deephealth.config.schema import EvaluateConfig
    from deephealth.core.types import MaskHW
    from deephealth.data.sample import Sample
    from deephealth.io.source import Source
    from deephealth.models import Model

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Args:
        metrics: the content of ``metrics.json``.
        cases: one per sample, in order.
        folder: where it was written.
    """

    metrics: dict[str, Any]
    cases: tuple[Case, ...]
    folder: Path

    @property
    def headline(self) -> dict[str, float | None]:
        """Value, low and high of the score that the task is judged by."""
        score: dict[str, float | None] = self.metrics["scores"][self.metrics["headline"]]
        return score


@dataclass(slots=True)
class _Tally:
    """What is kept while the samples stream by."""

    cases: list[Case] = field(default_factory=list)
    baselines: dict[str, list[MaskScores]] = field(default_factory=dict)


def evaluate(  # noqa: PLR0913 - each is a fact of its own, and all but four are named
    model: Model,
    samples: Sequence[Sample],
    classes: Sequence[str],
    config: EvaluateConfig,
    *,
    folder: Path,
    training: Sequence[Sample] = (),
    positive: str | Sequence[str] | None = None,
    seed: int = 0,
    device: Device = "auto",
    progress: Callable[[int, int], object] | None = None,
) -> Evaluation:
    """Run the predictor on every sample, measure, and write ``metrics.json``, ``predictions.csv``, masks and overlays.

    Args:
        model: with its labels, temperature and pre-processing.
        samples: of the split that ``config.split`` names; each needs a label (or a mask).
        classes: class names of the data set; must be the model's labels.
        config: split, test-time augmentation, intervals, threshold.
        folder: for the results, usually ``RUN/evaluation/<split>``.
        training: samples the model was trained on: for the baselines, and to prove that no group is in both.
        positive: class or classes whose added probability is scored against the rest, such as the malignant ones.
        seed: of the bootstrap.
        device: ``"auto"``, ``"cpu"`` or ``"gpu"``.
        progress: called with (samples done, samples in all).

    Raises:
        DataError: a sample has no reference, or its class is not the model's.
        LeakError: a patient or lesion of the split was trained on (unless the split is ``train``).
        UnreadableFileError, MissingDataError, LimitError: files that can't be read, all named.
        StorageError: the folder can't be written.
    """
    _check(model, samples, classes, config.split, training)
    predictor = Predictor(model, tta=config.tta, device=device, threshold=config.threshold)
    segment = model.task == "segmentation"
    _clear(folder)
    tally = _Tally()
    mean = mean_mask(training) if segment else None
    names = FileNames()
    for sample, prediction in _predicted(predictor, samples, progress):
        tally.cases.append(
            _segment(sample, prediction, folder, names, mean, tally)
            if segment
            else Case.of(sample, prediction, scores=None, mask_file=None)
        )
    metrics = _measure(model, tally, config, training, positive, seed)
    head = {"split": config.split, "tta": predictor.tta, "temperature": float(model.spec.temperature)}
    metrics = {**head, **metrics, "notes": _split_notes(config.split) + metrics["notes"]}
    metrics["cases"] = draw_cases(pick_cases(tally.cases), folder)
    atomic_write(folder / "predictions.csv", _table(tally.cases, model))
    # Written last: who finds metrics.json finds everything it names.
    atomic_write_json(folder / "metrics.json", metrics)
    return Evaluation(metrics, tuple(tally.cases), folder)


def _check(
    model: Model, samples: Sequence[Sample], classes: Sequence[str], split: str, training: Sequence[Sample]
) -> None:
    if not samples:
        raise MissingDataError(f"the split '{split}' holds no sample", hint="choose another with evaluate.split=NAME")
    if model.task == "classification":
        if sorted(classes) != sorted(model.labels):
            what = f"the data set has the classes {list(classes)} and the model {list(model.labels)}"
            raise DataError(what, hint="evaluate on the kind of data set that the model was trained on")
        bad = [sample.id for sample in samples if sample.label not in model.labels]
    else:
        bad = [sample.id for sample in samples if sample.mask is None]
    if bad:
        needed = "a label of the model" if model.task == "classification" else "a mask"
        shown = ", ".join(bad[:10]) + (" ..." if len(bad) > 10 else "")
        raise DataError(f"{len(bad)} samples of '{split}' lack {needed}: {shown}", hint="deephealth data check ROOT")
    shared = {sample.group for sample in samples} & {sample.group for sample in training}
    if shared and split != "train":
        shown = ", ".join(sorted(shared)[:10]) + (" ..." if len(shared) > 10 else "")
        raise LeakError(f"{len(shared)} patients or lesions of '{split}' were trained on: {shown}")


def _clear(folder: Path) -> None:
    """Take away what an earlier evaluation wrote, its metrics first: what is half new must not look whole."""
    with storage_errors(folder, "clearing an earlier evaluation"):
        (folder / "metrics.json").unlink(missing_ok=True)
        for kind in ("masks", "overlays"):
            for picture in (folder / kind).glob("*.png"):
                picture.unlink()


def _predicted(
    predictor: Predictor, samples: Sequence[Sample], progress: Callable[[int, int], object] | None
) -> Iterator[tuple[Sample, Prediction]]:
    """Pair samples with predictions; files that failed are named together once all the others were tried."""
    failures = []
    outcomes = predictor.stream((sample.image for sample in samples), progress=progress)
    for sample, outcome in zip(samples, outcomes, strict=True):
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            yield sample, outcome
    Predictions((), failures).raise_failures()


def _segment(sample: Sample, prediction: Prediction, folder: Path, names: FileNames, mean: Any, tally: _Tally) -> Case:
    source, predicted = cast("Source", sample.mask), cast("MaskHW", prediction.mask)  # checked before anything ran
    reference = read_mask(source)
    if reference.shape != prediction.size:
        what = f"{source} is {reference.shape} and its image {prediction.size} (height, width)"
        raise DataError(what, hint="image and mask must have one size; deephealth data check ROOT lists such pairs")
    for name, mask in trivial_masks(prediction.size, mean).items():
        tally.baselines.setdefault(name, []).append(mask_scores(mask, reference))
    file = f"masks/{names(sample.id + '.png')}.png"
    write_mask(folder / file, predicted)
    return Case.of(sample, prediction, scores=mask_scores(predicted, reference), mask_file=file)


def _measure(
    model: Model,
    tally: _Tally,
    config: EvaluateConfig,
    training: Sequence[Sample],
    positive: str | Sequence[str] | None,
    seed: int,
) -> dict[str, Any]:
    groups = [case.sample.group for case in tally.cases]
    if model.task == "segmentation":
        return segmentation_metrics(
            [case.scores for case in tally.cases if case.scores is not None],
            groups,
            baselines=tally.baselines,
            bootstrap=config.bootstrap,
            confidence=config.confidence,
            threshold=config.threshold,
            seed=seed,
        )
    labels = list(model.labels)
    trained = [sample.label for sample in training]
    return classification_metrics(
        [[case.probabilities[label] for label in labels] for case in tally.cases],
        [labels.index(str(case.sample.label)) for case in tally.cases],
        labels,
        groups,
        bootstrap=config.bootstrap,
        confidence=config.confidence,
        specificities=config.specificities,
        positive=positive,
        class_counts=[trained.count(label) for label in labels] if training else None,
        seed=seed,
    )


def _split_notes(split: str) -> list[str]:
    if split == "train":
        return ["measured on the training data: says how well it was learned by heart, nothing about new patients"]
    if split == "val":
        return ["measured on the validation data, which chose the weights: expect less on new patients"]
    return []


def _table(cases: Sequence[Case], model: Model) -> str:
    labels = list(model.labels)
    if model.task == "classification":
        columns = ["id", "group", "target", "file", "label", *labels]
        rows = [_start(case) + [f"{case.probabilities[label]:.6f}" for label in labels] for case in cases]
        return csv_text(columns, rows)
    scores = ["jaccard", "dice", "thresholded_jaccard", "sensitivity", "precision", "area_error"]
    columns = ["id", "group", "target", "file", "label", labels[-1], "area_fraction", "mask", *scores]
    return csv_text(columns, (_mask_row(case, labels[-1], scores) for case in cases))


def _start(case: Case) -> list[str]:
    target = str(case.sample.label) if case.scores is None else str(case.sample.mask)
    return [case.sample.id, case.sample.group, target, case.file, case.label]


def _mask_row(case: Case, foreground: str, scores: Sequence[str]) -> list[str]:
    known = {} if case.scores is None else case.scores.as_dict()
    numbers = ["" if known.get(name) is None else f"{known[name]:.6f}" for name in scores]
    return [
        *_start(case),
        f"{case.probabilities[foreground]:.6f}",
        f"{case.area_fraction:.6f}",
        str(case.mask_file),
        *numbers,
    ]
