"""Scores of a classifier, each with its interval over groups, and two trivial baselines measured the same way.

Definitions: recall of a class = its sensitivity, one against the rest; balanced accuracy = mean recall;
macro = plain mean over the classes that occur in the targets; partial AUC = area between the ROC curve and the line
sensitivity = 0.8 (ISIC 2024; at most 0.2); Brier = mean squared distance to the one-hot truth (0 to 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.core.errors import DataError
from deephealth.metrics.bootstrap import percentile_interval, resample_statistics
from deephealth.metrics.calibration import adaptive_bins, bin_error, equal_bins, reliability
from deephealth.metrics.curves import abstention_curve, roc_points
from deephealth.metrics.weighted import RankedScores, WeightedScores

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Targets = npt.NDArray[np.int64]

__all__ = ["HEADLINES", "classification_metrics"]

HEADLINES = (
    "balanced_accuracy",
    "accuracy",
    "macro_auc",
    "macro_partial_auc",
    "macro_f1",
    "ece",
    "brier",
    "log_loss",
)
_PER_CLASS = ("recall", "precision", "f1", "auc", "partial_auc")
_NUM_BINS = 15
_MIN_SENSITIVITY = 0.8
_BAND_GRID = tuple(round(1 - 0.05 * step, 2) for step in range(21))


def _validated(probabilities: Any, targets: Any, labels: Sequence[str], groups: Sequence[str]) -> tuple[Array, Targets]:
    table, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(targets, dtype=np.int64)
    wanted = f"N x {len(labels)} probabilities, N targets, N groups, N at least 1"
    if table.ndim != 2 or table.shape != (len(truth), len(labels)) or len(groups) != len(truth) or not len(truth):
        shapes = f"{table.shape} probabilities, {truth.shape} targets, {len(groups)} groups"
        raise DataError(f"classification scores got {shapes}", allowed=wanted)
    sums = table.sum(axis=1)
    if not np.isfinite(table).all() or (table < 0).any() or (np.abs(sums - 1) > 1e-3).any():
        worst = int(np.argmax(np.where(np.isfinite(sums), np.abs(sums - 1), np.inf)))
        raise DataError(f"row {worst} is not a probability distribution: {table[worst].tolist()}", allowed=wanted)
    if truth.min() < 0 or truth.max() >= len(labels):
        raise DataError(f"targets run from {truth.min()} to {truth.max()}", allowed=f"0 to {len(labels) - 1}")
    return table, truth


def _column(draws: Array, index: tuple[int, ...]) -> Array:
    """One entry of R x ... draws, on all resamples."""
    for position in index:
        draws = draws[:, position]
    return draws


class _Measured:
    """Point values and resampled draws of one table of probabilities, handed out as JSON-able numbers."""

    def __init__(
        self, scores: WeightedScores, groups: Sequence[str], *, bootstrap: int, confidence: float, seed: int
    ) -> None:
        self.values = {name: array[0] for name, array in scores(np.ones((1, len(groups)))).items()}
        several = len(set(groups)) > 1
        self.draws = resample_statistics(scores, groups, bootstrap if several else 0, seed=seed)
        self.confidence = confidence

    def __call__(self, name: str, *index: int) -> dict[str, float | None]:
        """Return ``{"value", "low", "high"}`` of a score, or of one of its entries."""
        value = float(self.values[name][index])
        low = high = None
        if name in self.draws and np.isfinite(value):
            low, high, _ = percentile_interval(_column(self.draws[name], index), self.confidence)
        return {"value": value if np.isfinite(value) else None, "low": low, "high": high}

    def usable(self, name: str) -> int:
        """Return on how many resamples a score was defined."""
        return int(np.isfinite(self.draws[name]).sum()) if name in self.draws else 0

    def headline(self, specificities: Sequence[float]) -> dict[str, dict[str, float | None]]:
        """Return the scores of the whole table."""
        found = {name: self(name) for name in HEADLINES}
        for column, specificity in enumerate(specificities):
            found[f"macro_sensitivity_at_specificity_{specificity:g}"] = self("macro_sensitivity_at", column)
        return found


def _per_class(
    measured: _Measured, labels: Sequence[str], truth: Targets, spec: Sequence[float]
) -> list[dict[str, Any]]:
    counts = np.bincount(truth, minlength=len(labels))
    return [
        {
            "label": label,
            "count": int(counts[index]),
            **{name: measured(name, index) for name in _PER_CLASS},
            "sensitivity_at_specificity": {f"{s:g}": measured("sensitivity_at", index, c) for c, s in enumerate(spec)},
        }
        for index, label in enumerate(labels)
    ]


def _roc(measured: _Measured, table: Array, truth: Targets, labels: Sequence[str]) -> list[dict[str, Any]]:
    curves = []
    for index, label in enumerate(labels):
        band = [measured("band", index, column) for column in range(len(_BAND_GRID))]
        curves.append(
            {
                "label": label,
                **roc_points(table[:, index], truth == index),
                "band": {
                    "fpr": [round(1 - specificity, 2) for specificity in _BAND_GRID],
                    "low": [point["low"] for point in band],
                    "high": [point["high"] for point in band],
                },
            }
        )
    return curves


def _positive(
    table: Array, truth: Targets, labels: Sequence[str], chosen: str | Sequence[str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Score of "any of the chosen classes" (such as malignant) against the rest: their probabilities added up."""
    names = [chosen] if isinstance(chosen, str) else list(chosen)
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise DataError(f"the positive classes {unknown} are not among the labels", allowed=", ".join(labels))
    columns = [list(labels).index(name) for name in names]
    ranked = RankedScores(table[:, columns].sum(axis=1), np.isin(truth, columns))
    specificities = settings["specificities"]

    def statistic(weights_rn: Array) -> dict[str, Array]:
        counts = ranked.counts(weights_rn)
        return {
            "auc": ranked.auc(*counts),
            "partial_auc": ranked.partial_auc(*counts, _MIN_SENSITIVITY),
            "sensitivity_at": ranked.sensitivity_at(*counts, specificities),
        }

    groups = settings["groups"]
    point = statistic(np.ones((1, len(truth))))
    resamples = settings["bootstrap"] if len(set(groups)) > 1 else 0
    draws = resample_statistics(statistic, groups, resamples, seed=settings["seed"])

    def scored(name: str, *index: int) -> dict[str, float | None]:
        value = float(point[name][(0, *index)])
        low = high = None
        if draws:
            low, high, _ = percentile_interval(_column(draws[name], index), settings["confidence"])
        return {"value": value if np.isfinite(value) else None, "low": low, "high": high}

    at = {f"{s:g}": scored("sensitivity_at", column) for column, s in enumerate(specificities)}
    count = int(np.isin(truth, columns).sum())
    return {
        "labels": names,
        "count": count,
        "auc": scored("auc"),
        "partial_auc": scored("partial_auc"),
        "sensitivity_at_specificity": at,
    }


def _scores_of(table: Array, truth: Targets, specificities: Sequence[float]) -> WeightedScores:
    bins = equal_bins(table.max(axis=1), _NUM_BINS)
    return WeightedScores(table, truth, tuple(specificities), _MIN_SENSITIVITY, _BAND_GRID, bins, _NUM_BINS)


def _baselines(
    truth: Targets, labels: Sequence[str], counts: Sequence[int], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Measure "always the commonest class" and "always the class frequencies" like the model itself."""
    frequencies = np.asarray(counts, dtype=np.float64) / max(1, sum(counts))
    common = int(np.argmax(counts))
    found = {}
    for name, row in (("majority", np.eye(len(labels))[common]), ("prior", frequencies)):
        table = np.tile(row, (len(truth), 1))
        scores = _scores_of(table, truth, settings["specificities"])
        measured = _Measured(
            scores,
            settings["groups"],
            bootstrap=settings["bootstrap"],
            confidence=settings["confidence"],
            seed=settings["seed"],
        )
        found[name] = {"label": labels[common], "scores": measured.headline(settings["specificities"])}
    found["prior"]["probabilities"] = frequencies.tolist()
    return found


def _notes(
    measured: _Measured, truth: Targets, labels: Sequence[str], groups: Sequence[str], bootstrap: int
) -> list[str]:
    counts = np.bincount(truth, minlength=len(labels))
    notes = []
    absent = [label for label, count in zip(labels, counts, strict=True) if count == 0]
    if absent:
        notes.append(
            f"no sample of {', '.join(absent)}: their recall and AUC are undefined (null); macro scores are the mean "
            f"over the {len(labels) - len(absent)} classes that occur"
        )
    if len(labels) - len(absent) == 1:
        notes.append("all targets are of one class: AUC and sensitivity at a specificity are undefined (null)")
    if len(set(groups)) == 1:
        notes.append("all samples belong to one group: no interval can be given")
    usable = measured.usable("balanced_accuracy")
    if measured.draws and usable < bootstrap:
        notes.append(
            f"{bootstrap - usable} of {bootstrap} resamples lost a rare class; macro intervals use the other {usable}"
        )
    return notes


def classification_metrics(  # noqa: PLR0913 - each is a fact of its own, and all but four are named
    probabilities_nk: Any,
    targets_n: Any,
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    bootstrap: int = 1000,
    confidence: float = 0.95,
    specificities: Sequence[float] = (0.8, 0.9, 0.95),
    positive: str | Sequence[str] | None = None,
    class_counts: Sequence[int] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a classifier.

    Args:
        probabilities_nk: N x K, rows add up to one.
        targets_n: N class indices.
        labels: K class names.
        groups: N group names (patient, lesion), the unit of the bootstrap.
        bootstrap: number of resamples; 0 gives no intervals.
        confidence: of the intervals.
        specificities: the sensitivity is reported at each.
        positive: class or classes to score together against the rest, such as the malignant ones.
        class_counts: K counts of the training data, for the baselines; without them those of the targets serve.
        seed: of the resampling.

    Returns:
        A JSON-able dictionary: ``scores`` (name -> value, low, high), ``per_class``, ``positive``, ``confusion`` (rows
        truth, columns prediction), ``roc``, ``reliability``, ``abstention``,
        ``baseline`` (the commonest class), ``baselines``, ``interval``, ``notes``.

    Raises:
        DataError: shapes disagree, a row is not a distribution, or a target is out of range.

    Example:
        >>> found = classification_metrics([[0.9, 0.1], [0.2, 0.8]], [0, 1], ["nv", "mel"], ["a", "b"], bootstrap=0)
        >>> found["scores"]["balanced_accuracy"], found["confusion"]
        ({'value': 1.0, 'low': None, 'high': None}, [[1, 0], [0, 1]])
    """
    from sklearn.metrics import confusion_matrix

    table, truth = _validated(probabilities_nk, targets_n, labels, groups)
    settings = {
        "groups": list(groups),
        "bootstrap": bootstrap,
        "confidence": confidence,
        "specificities": tuple(specificities),
        "seed": seed,
    }
    measured = _Measured(
        _scores_of(table, truth, specificities), groups, bootstrap=bootstrap, confidence=confidence, seed=seed
    )
    certainty, predicted = table.max(axis=1), table.argmax(axis=1)
    correct = predicted == truth
    equal = reliability(certainty, correct, equal_bins(certainty, _NUM_BINS))
    adaptive = reliability(certainty, correct, adaptive_bins(certainty, _NUM_BINS))
    scores = measured.headline(specificities)
    scores["ece_adaptive"] = {"value": bin_error(adaptive), "low": None, "high": None}
    counts = class_counts if class_counts is not None else np.bincount(truth, minlength=len(labels)).tolist()
    baselines = _baselines(truth, labels, counts, settings)
    notes = _notes(measured, truth, labels, groups, bootstrap)
    if class_counts is None:
        notes.append("the baselines know the class frequencies of these very samples, not those of the training data")
    return {
        "task": "classification",
        "labels": list(labels),
        "count": len(truth),
        "groups": len(set(groups)),
        "headline": "balanced_accuracy",
        "scores": scores,
        "per_class": _per_class(measured, labels, truth, specificities),
        "positive": None if positive is None else _positive(table, truth, labels, positive, settings),
        "confusion": confusion_matrix(truth, predicted, labels=range(len(labels))).tolist(),
        "roc": _roc(measured, table, truth, labels),
        "reliability": {"equal": equal, "adaptive": adaptive, "bins": _NUM_BINS},
        "abstention": abstention_curve(table, truth),
        "baseline": {"name": "majority", **baselines["majority"]},
        "baselines": baselines,
        "interval": {
            "method": "percentile bootstrap over groups",
            "resamples": bootstrap,
            "confidence": confidence,
            "seed": seed,
        },
        "notes": notes,
    }
