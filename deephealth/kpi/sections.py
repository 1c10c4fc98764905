"""The parts of a report: numbers turned into rows of text and figures, for the template to lay out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deephealth.kpi.compare import format_score
from deephealth.kpi.embed import Tile, tiles
from deephealth.kpi.figures.masks import area_scatter, jaccard_histogram
from deephealth.kpi.figures.reliability import reliability_diagram
from deephealth.kpi.figures.roc import MOST_PANELS, roc_curves
from deephealth.kpi.figures.sensitivity import abstention, sensitivity_points
from deephealth.kpi.figures.style import Picture

__all__ = [
    "EvaluationParts",
    "Headline",
    "confusion_rows",
    "crossing_groups",
    "data_rows",
    "evaluation_parts",
    "flat",
    "headline",
    "score_rows",
    "title",
]

TITLES = {
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "macro_auc": "AUC, one against the rest, mean of classes",
    "macro_partial_auc": "partial AUC above sensitivity 0.8 (at most 0.2), mean of classes",
    "macro_f1": "F1, mean of classes",
    "ece": "expected calibration error, 15 equal bins (lower is better)",
    "ece_adaptive": "expected calibration error, bins of equal counts (lower is better)",
    "brier": "Brier score, 0 to 2 (lower is better)",
    "log_loss": "log loss (lower is better)",
    "jaccard": "Jaccard index, mean over images",
    "dice": "Dice coefficient, mean over images",
    "thresholded_jaccard": "thresholded Jaccard (0 below 0.65)",
    "sensitivity": "sensitivity of pixels",
    "precision": "precision of pixels",
    "area_error": "area error, signed (0 is best)",
    "area_error_absolute": "area error, absolute (lower is better)",
    "share_below_floor": "share of images with Jaccard below 0.65 (lower is better)",
    "macro_sensitivity_at_specificity_": "sensitivity at specificity {}, mean of classes",
    "majority": "always the commonest class",
    "prior": "always the class frequencies",
    "whole_image": "the whole image",
    "mean_training_mask": "the mean training mask",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """The number that a run is judged by.

    Args:
        name: of the score.
        value: with three digits.
        interval: in words, or why there is none.
        baseline: the best trivial baseline, in words.
        split: where it was measured.
        population: how many samples of how many groups.
    """

    name: str
    value: str
    interval: str
    baseline: str
    split: str
    population: str


def title(name: str) -> str:
    """Return a score's or baseline's name for people.

    Example:
        >>> title("macro_sensitivity_at_specificity_0.9")
        'sensitivity at specificity 0.9, mean of classes'
    """
    stem, _, number = name.rpartition("_")
    return TITLES.get(name) or TITLES.get(f"{stem}_", name.replace("_", " ")).format(number)


def headline(metrics: Mapping[str, Any], split: str) -> Headline:
    """Return the headline of an evaluation."""
    name = str(metrics.get("headline", ""))
    score = metrics["scores"].get(name) or {}
    confidence = 100 * float((metrics.get("interval") or {}).get("confidence") or 0.95)
    known = score.get("low") is not None and score.get("high") is not None
    interval = f"{confidence:g} % interval {score['low']:.3f} to {score['high']:.3f}" if known else "no interval"
    baselines = {key: one.get("scores", {}).get(name) or {} for key, one in (metrics.get("baselines") or {}).items()}
    values = {key: one["value"] for key, one in baselines.items() if one.get("value") is not None}
    best = max(values, key=lambda key: values[key], default=None)
    return Headline(
        name=title(name),
        value=format_score({"value": score.get("value")}),
        interval=interval,
        baseline="no baseline was measured" if best is None else f"baseline ({title(best)}) {values[best]:.3f}",
        split=split,
        population=f"{metrics.get('count', '?')} images of {metrics.get('groups', '?')} patients or lesions",
    )


def score_rows(metrics: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the column titles and rows of the table of all scores, with the baselines beside them."""
    baselines = metrics.get("baselines") or {}
    columns = ["score", "this model", *(f"baseline: {title(name)}" for name in baselines)]
    rows = []
    order = list(TITLES)
    known = sorted(metrics["scores"].items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))
    for name, score in known:
        beside = [_baseline_cell(one.get("scores", {}).get(name)) for one in baselines.values()]
        rows.append([title(name), format_score(score), *beside])
    return columns, rows


def _baseline_cell(score: Mapping[str, Any] | None) -> str:
    """A baseline that never moves (chance) needs no interval; one that was not measured needs no word."""
    if not score or score.get("value") is None:
        return ""
    fixed = score.get("low") == score.get("high")
    return format_score({"value": score["value"]} if fixed else dict(score))


def confusion_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per true class: its name, its count, and per predicted class count and share of the row."""
    labels, table = metrics.get("labels") or [], metrics.get("confusion") or []
    rows = []
    for label, counts in zip(labels, table, strict=False):
        total = sum(counts)
        cells = [{"count": count, "share": count / total if total else None} for count in counts]
        rows.append({"label": label, "total": total, "cells": cells})
    return rows


def _class_rows(metrics: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    table: Sequence[Mapping[str, Any]] = metrics.get("per_class") or []
    rows = []
    for row in table:
        scores = [format_score(row.get(name), digits=2) for name in ("recall", "precision", "f1")]
        rows.append([str(row.get("label")), str(row.get("count")), *scores, format_score(row.get("auc"))])
    return ["class", "cases", "recall (sensitivity)", "precision", "F1", "AUC"], rows


def _sensitivity_rows(metrics: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    table: Sequence[Mapping[str, Any]] = metrics.get("per_class") or []
    specificities = list(table[0].get("sensitivity_at_specificity") or {}) if table else []
    rows = []
    for row in table:
        at = row.get("sensitivity_at_specificity") or {}
        rows.append([str(row.get("label")), *(format_score(at.get(name), digits=2) for name in specificities)])
    return ["class", *(f"at specificity {name}" for name in specificities)], rows


def _positive_rows(metrics: Mapping[str, Any]) -> list[list[str]]:
    positive = metrics.get("positive") or {}
    if not positive:
        return []
    rows = [["AUC", format_score(positive.get("auc"))]]
    rows.append(["partial AUC above sensitivity 0.8 (at most 0.2)", format_score(positive.get("partial_auc"))])
    at = positive.get("sensitivity_at_specificity") or {}
    return rows + [[f"sensitivity at specificity {name}", format_score(score)] for name, score in at.items()]


@dataclass(frozen=True, slots=True)
class EvaluationParts:
    """Everything that the template shows of one evaluation; empty or ``None`` where it does not apply."""

    headline: Headline
    columns: list[str]
    scores: list[list[str]]
    notes: list[str]
    labels: list[str]
    confusion: list[dict[str, Any]]
    class_columns: list[str]
    classes: list[list[str]]
    sensitivity_columns: list[str]
    sensitivities: list[list[str]]
    positive_labels: list[str]
    positive: list[list[str]]
    figures: dict[str, Picture | None]
    hidden_roc: int
    worst: list[Tile]
    best: list[Tile]
    task: str


def evaluation_parts(metrics: Mapping[str, Any], split: str, folder: Path) -> EvaluationParts:
    """Return the parts of one evaluation.

    Args:
        metrics: content of ``metrics.json``.
        split: its split.
        folder: where its overlays lie.
    """
    columns, scores = score_rows(metrics)
    class_columns, classes = _class_rows(metrics)
    sensitivity_columns, sensitivities = _sensitivity_rows(metrics)
    cases = metrics.get("cases") or {}
    return EvaluationParts(
        headline=headline(metrics, split),
        columns=columns,
        scores=scores,
        notes=[str(note) for note in metrics.get("notes") or []],
        labels=[str(label) for label in metrics.get("labels") or []],
        confusion=confusion_rows(metrics),
        class_columns=class_columns,
        classes=classes,
        sensitivity_columns=sensitivity_columns,
        sensitivities=sensitivities,
        positive_labels=[str(label) for label in (metrics.get("positive") or {}).get("labels") or []],
        positive=_positive_rows(metrics),
        figures=_figures(metrics),
        hidden_roc=max(0, sum(bool(one.get("fpr")) for one in metrics.get("roc") or []) - MOST_PANELS),
        worst=tiles(cases.get("worst") or [], folder),
        best=tiles(cases.get("best") or [], folder),
        task=str(metrics.get("task", "")),
    )


def _figures(metrics: Mapping[str, Any]) -> dict[str, Picture | None]:
    aucs = {str(row.get("label")): format_score(row.get("auc"), digits=2) for row in metrics.get("per_class") or []}
    return {
        "roc": roc_curves(metrics.get("roc") or [], {name: text.replace(" to ", "–") for name, text in aucs.items()}),
        "reliability": reliability_diagram(metrics.get("reliability") or {}),
        "sensitivity": sensitivity_points(metrics.get("per_class") or []),
        "abstention": abstention(metrics.get("abstention") or []),
        "jaccard": jaccard_histogram(metrics.get("jaccards") or []),
        "area": area_scatter(metrics.get("areas") or []),
    }


def data_rows(data: Mapping[str, Any], split_rows: Sequence[Mapping[str, str]]) -> tuple[list[str], list[list[str]]]:
    """Return the table of class counts per split, from ``split.csv`` or else from ``data.json``."""
    counts: dict[str, dict[str, int]] = {}
    groups: dict[str, set[str]] = {}
    for row in split_rows:
        split = row.get("split", "")
        counts.setdefault(split, {})
        label = row.get("label") or "(no label)"
        counts[split][label] = counts[split].get(label, 0) + 1
        groups.setdefault(split, set()).add(row.get("group", ""))
    if not counts:
        stored = data.get("counts") if isinstance(data.get("counts"), Mapping) else {}
        counts = {str(split): dict(table) for split, table in (stored or {}).items() if isinstance(table, Mapping)}
    splits = sorted(
        counts, key=lambda name: ("train", "val", "test").index(name) if name in ("train", "val", "test") else 9
    )
    known = [str(name) for name in data.get("classes") or []]
    found = [label for table in counts.values() for label in table if label != "total"]
    labels = list(dict.fromkeys([*(name for name in known if name in found), *found]))
    rows = [[label, *(str(counts[split].get(label, 0)) for split in splits)] for label in labels]
    totals = [sum(value for label, value in counts[split].items() if label != "total") for split in splits]
    rows.append(["all", *(str(total) for total in totals)])
    if groups:
        rows.append(["patients or lesions", *(str(len(groups.get(split, ()))) for split in splits)])
    return ["class", *splits], rows if splits else []


def crossing_groups(split_rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the patients or lesions that stand in more than one split: there must be none.

    Example:
        >>> crossing_groups([{"group": "a", "split": "train"}, {"group": "a", "split": "test"}])
        ['a']
    """
    seen: dict[str, set[str]] = {}
    for row in split_rows:
        seen.setdefault(row.get("group", ""), set()).add(row.get("split", ""))
    return sorted(group for group, splits in seen.items() if len(splits) > 1)


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested mappings as (path, text) rows.

    Example:
        >>> flat({"packages": {"torch": "2.14"}, "cores": 2})
        [('packages.torch', '2.14'), ('cores', '2')]
    """
    if isinstance(value, Mapping):
        return [row for key, item in value.items() for row in flat(item, f"{prefix}.{key}" if prefix else str(key))]
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return [(prefix, text)]
