"""Classification scores of many weighted resamples at once; with weights of one they equal scikit-learn's.

Letters in names: r resample, n sample, k class, g group of tied scores (ascending).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["RankedScores", "WeightedScores"]

# A specificity is a ratio of whole numbers: 0.9 of 10 negatives must count as reached.
_TOLERANCE = 1e-9


def _ratio(top: Array, bottom: Array) -> Array:
    """Divide; NaN where the denominator is zero (the class was not drawn)."""
    return np.divide(top, bottom, out=np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan), where=bottom > 0)


class RankedScores:
    """One score against one yes/no target, ranked once, for any number of weightings.

    Args:
        scores_n: the higher, the more likely positive.
        positive_n: whether each sample is positive.
    """

    def __init__(self, scores_n: Array, positive_n: npt.NDArray[np.bool_]) -> None:
        self._order = np.argsort(scores_n, kind="stable")
        ranked = scores_n[self._order]
        self._positive = positive_n[self._order].astype(np.float64)
        self._starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, int)

    def counts(self, weights_rn: Array) -> tuple[Array, Array]:
        """Return positive and negative weight at each distinct score, ascending (R x G each)."""
        ranked = weights_rn[:, self._order]
        positive = np.add.reduceat(ranked * self._positive, self._starts, axis=1)
        return positive, np.add.reduceat(ranked, self._starts, axis=1) - positive

    def auc(self, positive_rg: Array, negative_rg: Array) -> Array:
        """Area under the ROC curve; ties count half (R)."""
        below = np.cumsum(negative_rg, axis=1) - negative_rg / 2
        return _ratio((positive_rg * below).sum(axis=1), positive_rg.sum(axis=1) * negative_rg.sum(axis=1))

    def sensitivity_at(self, positive_rg: Array, negative_rg: Array, specificities: Sequence[float]) -> Array:
        """Highest sensitivity whose specificity is at least each of S given ones (R x S)."""
        true_rg = np.cumsum(positive_rg[:, ::-1], axis=1)
        false_rg = np.cumsum(negative_rg[:, ::-1], axis=1)
        positives, negatives = true_rg[:, -1], false_rg[:, -1]
        padded = np.concatenate([np.zeros((len(true_rg), 1)), true_rg], axis=1)
        found = np.empty((len(true_rg), len(specificities)))
        for column, specificity in enumerate(specificities):
            allowed = (1 - specificity) * negatives + _TOLERANCE
            reached = (false_rg <= allowed[:, None]).sum(axis=1)
            found[:, column] = padded[np.arange(len(padded)), reached]
        defined = (positives > 0) & (negatives > 0)
        return np.where(defined[:, None], _ratio(found, positives[:, None]), np.nan)

    def partial_auc(self, positive_rg: Array, negative_rg: Array, min_sensitivity: float) -> Array:
        """Area between the ROC curve and the line of ``min_sensitivity`` (R); at most ``1 - min_sensitivity``."""
        zero = np.zeros((len(positive_rg), 1))
        positives, negatives = positive_rg.sum(axis=1, keepdims=True), negative_rg.sum(axis=1, keepdims=True)
        tpr = np.concatenate([zero, _ratio(np.cumsum(positive_rg[:, ::-1], axis=1), positives)], axis=1)
        fpr = np.concatenate([zero, _ratio(np.cumsum(negative_rg[:, ::-1], axis=1), negatives)], axis=1)
        low, high = np.maximum(tpr[:, :-1] - min_sensitivity, 0), np.maximum(tpr[:, 1:] - min_sensitivity, 0)
        rise = np.diff(tpr, axis=1)
        # A segment that crosses the line counts only from the crossing on.
        inside = np.where(rise > 0, np.divide(high - low, rise, out=np.ones_like(rise), where=rise > 0), 1.0)
        return (np.diff(fpr, axis=1) * inside * (low + high) / 2).sum(axis=1)


@dataclass(frozen=True)
class WeightedScores:
    """All scores that carry an interval, as a function of the weights of the samples.

    Args:
        probabilities_nk: rows add up to one.
        targets_n: index of the true class.
        specificities: where the sensitivity is read off.
        min_sensitivity: lower edge of the partial AUC.
        grid: specificities at which the ROC band is computed.
        bin_n: calibration bin of each sample's confidence.
        num_bins: number of calibration bins.
    """

    probabilities_nk: Array
    targets_n: npt.NDArray[np.int64]
    specificities: tuple[float, ...]
    min_sensitivity: float
    grid: tuple[float, ...]
    bin_n: npt.NDArray[np.int64]
    num_bins: int

    def __call__(self, weights_rn: Array) -> dict[str, Array]:
        """Return name -> R, R x K, R x K x S arrays; NaN where a class has no weight in a resample."""
        return {**self._decisions(weights_rn), **self._rankings(weights_rn), **self._calibration(weights_rn)}

    def _present(self) -> npt.NDArray[np.bool_]:
        return np.bincount(self.targets_n, minlength=self.probabilities_nk.shape[1]) > 0

    def _macro(self, values_rk: Array) -> Array:
        """Mean over the classes of the data; NaN in a resample that lost one of them, for that is another quantity."""
        kept = values_rk[:, self._present()]
        return kept.mean(axis=1) if kept.shape[1] else np.full(len(values_rk), np.nan)

    def _decisions(self, weights_rn: Array) -> dict[str, Array]:
        classes = np.arange(self.probabilities_nk.shape[1])
        predicted = self.probabilities_nk.argmax(axis=1)
        truth_nk = (self.targets_n[:, None] == classes).astype(np.float64)
        said_nk = (predicted[:, None] == classes).astype(np.float64)
        hits, support, claims = weights_rn @ (truth_nk * said_nk), weights_rn @ truth_nk, weights_rn @ said_nk
        recall, f1 = _ratio(hits, support), np.where(support > 0, _ratio(2 * hits, support + claims), np.nan)
        return {
            "accuracy": hits.sum(axis=1) / weights_rn.sum(axis=1),
            "balanced_accuracy": self._macro(recall),
            "macro_f1": self._macro(f1),
            "recall": recall,
            "precision": _ratio(hits, claims),
            "f1": f1,
        }

    def _rankings(self, weights_rn: Array) -> dict[str, Array]:
        auc, partial, sensitivity, band = [], [], [], []
        for index in range(self.probabilities_nk.shape[1]):
            ranked = RankedScores(self.probabilities_nk[:, index], self.targets_n == index)
            positive, negative = ranked.counts(weights_rn)
            auc.append(ranked.auc(positive, negative))
            partial.append(ranked.partial_auc(positive, negative, self.min_sensitivity))
            sensitivity.append(ranked.sensitivity_at(positive, negative, self.specificities))
            band.append(ranked.sensitivity_at(positive, negative, self.grid))
        auc_rk, partial_rk, sensitivity_rks = np.stack(auc, 1), np.stack(partial, 1), np.stack(sensitivity, 1)
        macro_rs = np.stack([self._macro(sensitivity_rks[:, :, s]) for s in range(len(self.specificities))], 1)
        return {
            "auc": auc_rk,
            "macro_auc": self._macro(auc_rk),
            "partial_auc": partial_rk,
            "macro_partial_auc": self._macro(partial_rk),
            "sensitivity_at": sensitivity_rks,
            "macro_sensitivity_at": macro_rs,
            "band": np.stack(band, 1),
        }

    def _calibration(self, weights_rn: Array) -> dict[str, Array]:
        confidence, predicted = self.probabilities_nk.max(axis=1), self.probabilities_nk.argmax(axis=1)
        gap_n = (predicted == self.targets_n) - confidence
        in_bin_nb = (self.bin_n[:, None] == np.arange(self.num_bins)).astype(np.float64)
        truth_nk = self.targets_n[:, None] == np.arange(self.probabilities_nk.shape[1])
        total = weights_rn.sum(axis=1)
        likelihood = self.probabilities_nk[np.arange(len(self.targets_n)), self.targets_n]
        return {
            "ece": np.abs(weights_rn @ (in_bin_nb * gap_n[:, None])).sum(axis=1) / total,
            "brier": weights_rn @ ((self.probabilities_nk - truth_nk) ** 2).sum(axis=1) / total,
            "log_loss": weights_rn @ -np.log(np.clip(likelihood, np.finfo(np.float64).eps, 1)) / total,
        }
