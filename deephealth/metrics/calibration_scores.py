"""Calibration as torchmetrics: streaming, and exact however the samples are shared out.

With the probability of the predicted class as confidence, in bins of equal width:

* ``ece``: mean gap between confidence and accuracy of the bins, weighted by counts; ``mce``: the largest gap;
* ``class_ece``: the same for the probability of each class against how often it is the truth;
* ``brier``: mean squared distance to the one-hot truth, 0 to 2; ``class_brier``: each class's part of it;
* ``nll``: mean negative logarithm of the truth's probability (never above 103.3, what float32 can hold);
  ``class_nll``: over the samples of each class.

Sums are kept in whole numbers (of 2^-30, and 2^-24 for the logarithm): adding them up is exact in any order, and so is
the reduction over processes, up to 4·10^9 samples (voxels). The rounding of one sample is below 1e-9 (3e-8).

Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017; Nixon et al., Measuring Calibration in Deep
Learning, 2019 (per class).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torchmetrics import Metric

from deephealth.core.errors import ConfigError, DataError
from deephealth.metrics.label_maps import check_ids

__all__ = ["CalibrationScores"]

_UNIT, _LOG_UNIT = 2**30, 2**24
_LEAST = 2.0**-149  # the smallest float32


class CalibrationScores(Metric):
    """ECE, MCE, Brier score and log loss, for all classes together and one by one.

    Args:
        num_classes: at least 2.
        num_bins: of equal width.
        input_format: ``logits`` (softmax is taken over the channels) or ``probabilities``.
        ignore_index: in the target, of samples that don't count.
        kwargs: torchmetrics' own settings.

    Raises:
        ConfigError: settings that can't be.

    Example:
        >>> metric = CalibrationScores(num_classes=2, input_format="probabilities")
        >>> metric.update(torch.tensor([[0.2, 0.8], [0.4, 0.6]]), torch.tensor([1, 0]))
        >>> {name: round(value.item(), 3) for name, value in metric.compute().items() if value.ndim == 0}
        {'ece': 0.4, 'mce': 0.6, 'brier': 0.4, 'nll': 0.57}
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = False

    top_counts: torch.Tensor
    top_hits: torch.Tensor
    top_sums: torch.Tensor
    class_counts: torch.Tensor
    class_hits: torch.Tensor
    class_sums: torch.Tensor
    squares: torch.Tensor
    logs: torch.Tensor
    truths: torch.Tensor

    def __init__(
        self,
        num_classes: int,
        *,
        num_bins: int = 15,
        input_format: Literal["logits", "probabilities"] = "logits",
        ignore_index: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        problems = []
        if num_classes < 2:
            problems.append(f"num_classes: {num_classes}; at least 2, of which one may be 'none of them'")
        if num_bins < 1:
            problems.append(f"num_bins: {num_bins}; at least 1")
        if input_format not in ("logits", "probabilities"):
            problems.append(f"input_format: '{input_format}'; 'logits' or 'probabilities'")
        if problems:
            raise ConfigError(problems, source="CalibrationScores")
        self.num_classes, self.num_bins = num_classes, num_bins
        self.input_format, self.ignore_index = input_format, ignore_index
        for name in ("counts", "hits", "sums"):
            self._state(f"top_{name}", num_bins)
            self._state(f"class_{name}", num_classes, num_bins)
        for name in ("squares", "logs", "truths"):
            self._state(name, num_classes)

    def _state(self, name: str, *shape: int) -> None:
        self.add_state(name, default=torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        """Add samples.

        Args:
            preds: B×C or B×C×spatial logits or probabilities.
            target: B or B×spatial class numbers; a channel of 1 may stand after B.

        Raises:
            DataError: shapes that differ, class numbers out of range (named, with counts), logits that are not finite,
                rows that are not distributions.
        """
        table, truth = self._samples(preds, target)
        if not len(truth):
            return
        rows = torch.arange(len(truth), device=truth.device)
        confidence, said = table.max(1)
        hits = said == truth
        self.top_counts += self._binned(confidence, torch.ones_like(truth))
        self.top_hits += self._binned(confidence, hits.long())
        self.top_sums += self._binned(confidence, _whole(confidence, _UNIT))
        for value in range(self.num_classes):
            probability, is_it = table[:, value].contiguous(), truth == value
            self.class_counts[value] += self._binned(probability, torch.ones_like(truth))
            self.class_hits[value] += self._binned(probability, is_it.long())
            self.class_sums[value] += self._binned(probability, _whole(probability, _UNIT))
            self.squares[value] += _whole((probability - is_it.to(table.dtype)) ** 2, _UNIT).sum()
        logs = _whole(-table[rows, truth].clamp(min=_LEAST).log(), _LOG_UNIT)
        self.logs.index_add_(0, truth, logs)
        self.truths += torch.bincount(truth, minlength=self.num_classes)

    def compute(self) -> dict[str, torch.Tensor]:
        """Return ``ece``, ``mce``, ``brier``, ``nll``, and ``class_ece``, ``class_brier``, ``class_nll`` per class.

        NaN before the first sample, and for the log loss of a class that never was the truth.
        """
        total = self.truths.sum()
        gaps = _gaps(self.top_counts, self.top_hits, self.top_sums)
        class_gaps = _gaps(self.class_counts, self.class_hits, self.class_sums)
        squares = self.squares.double() / _UNIT
        logs = self.logs.double() / _LOG_UNIT
        mce = torch.where(self.top_counts > 0, gaps / self.top_counts, 0.0).max()
        return {
            "ece": gaps.sum() / total,
            "mce": torch.where(total > 0, mce, torch.nan),
            "brier": squares.sum() / total,
            "nll": logs.sum() / total,
            "class_ece": class_gaps.sum(1) / total,
            "class_brier": squares / total,
            "class_nll": logs / self.truths,
        }

    def _samples(self, preds: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return N×C probabilities, float32 or float64, and N class numbers."""
        shape = tuple(preds.shape)
        if target.ndim == preds.ndim and target.shape[1:2] == (1,):
            target = target[:, 0]
        if preds.ndim < 2 or shape[1] != self.num_classes or shape[:1] + shape[2:] != tuple(target.shape):
            raise DataError(
                f"predictions of shape {shape} and a target of shape {tuple(target.shape)}",
                allowed=f"B×{self.num_classes}×spatial and B×spatial",
            )
        table = preds.detach().movedim(1, -1).reshape(-1, self.num_classes)
        truth = target.detach().reshape(-1)
        if self.ignore_index is not None:
            counts = truth != self.ignore_index
            table, truth = table[counts], truth[counts]
        check_ids(truth, 0, self.num_classes, "the target")
        table = table if table.dtype == torch.float64 else table.float()
        strange = int((~table.isfinite()).sum())
        if strange:
            raise DataError(f"the predictions hold {strange} values that are not finite", allowed="finite numbers")
        return self._distributions(table), truth.long()

    def _distributions(self, table: torch.Tensor) -> torch.Tensor:
        if self.input_format == "logits":
            return table.softmax(1)
        wrong = ((table.sum(1) - 1).abs() > 1e-3) | (table < 0).any(1)
        if bool(wrong.any()):
            row = table[wrong][0].tolist()
            raise DataError(
                f"{int(wrong.sum())} of {len(table)} samples are no distributions, such as {row}",
                allowed="numbers from 0 that add up to 1",
                hint="input_format='logits' takes unnormalised scores",
            )
        return table

    def _binned(self, confidence: torch.Tensor, amounts: torch.Tensor) -> torch.Tensor:
        """Return the sum of the amounts per bin: [0, 1/15), ..., [14/15, 1], as calibration.equal_bins has them."""
        edges = torch.linspace(0, 1, self.num_bins + 1, dtype=torch.float64, device=confidence.device)[1:-1]
        bins = torch.bucketize(confidence.double(), edges, right=True)
        return torch.zeros(self.num_bins, dtype=torch.int64, device=bins.device).index_add_(0, bins, amounts)


def _whole(values: torch.Tensor, unit: int) -> torch.Tensor:
    return (values.double() * unit).round().long()


def _gaps(counts: torch.Tensor, hits: torch.Tensor, sums: torch.Tensor) -> torch.Tensor:
    """Count times |confidence - accuracy| of each bin."""
    return (sums.double() / _UNIT - hits.double()).abs()
