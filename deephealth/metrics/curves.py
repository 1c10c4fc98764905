"""Curves of a classifier: ROC points per class, and accuracy against the share of cases it abstains from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["abstention_curve", "roc_points"]

_COVERAGES = tuple(round(1 - 0.05 * step, 2) for step in range(19))
# A figure is 300 pixels wide: more points than this only make the report heavier.
_MOST_POINTS = 200


def roc_points(scores_n: Array, positive_n: npt.NDArray[np.bool_]) -> dict[str, list[float]]:
    """Return the corners of the ROC curve, thinned to at most 200; empty when one side is missing.

    Args:
        scores_n: the higher, the more likely positive.
        positive_n: whether each sample is positive.

    Example:
        >>> roc_points(np.array([0.9, 0.1]), np.array([True, False]))
        {'fpr': [0.0, 0.0, 1.0], 'tpr': [0.0, 1.0, 1.0]}
    """
    from sklearn.metrics import roc_curve

    if positive_n.all() or not positive_n.any():
        return {"fpr": [], "tpr": []}
    fpr, tpr, _ = roc_curve(positive_n, scores_n)
    if len(fpr) > _MOST_POINTS:
        kept = np.unique(np.linspace(0, len(fpr) - 1, _MOST_POINTS).round().astype(int))
        fpr, tpr = fpr[kept], tpr[kept]
    return {"fpr": [float(value) for value in fpr], "tpr": [float(value) for value in tpr]}


def abstention_curve(probabilities_nk: Array, targets_n: npt.NDArray[np.int64]) -> list[dict[str, float | int]]:
    """Return how accurate the most confident part of the answers is, from all of them down to one in ten.

    Args:
        probabilities_nk: N x K probabilities.
        targets_n: N class indices.

    Returns:
        Rows of coverage, confidence threshold, count, accuracy, and balanced accuracy over the classes still present.

    Example:
        >>> curve = abstention_curve(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0]))
        >>> curve[0]["accuracy"], curve[-1]["accuracy"]
        (0.5, 1.0)
    """
    confidence, predicted = probabilities_nk.max(axis=1), probabilities_nk.argmax(axis=1)
    order = np.argsort(-confidence, kind="stable")
    rows: list[dict[str, float | int]] = []
    for coverage in _COVERAGES:
        kept = order[: max(1, round(coverage * len(order)))]
        right = predicted[kept] == targets_n[kept]
        recalls = [right[targets_n[kept] == label].mean() for label in np.unique(targets_n[kept])]
        rows.append(
            {
                "coverage": coverage,
                "threshold": float(confidence[kept[-1]]),
                "count": len(kept),
                "accuracy": float(right.mean()),
                "balanced_accuracy": float(np.mean(recalls)),
            }
        )
    return rows
