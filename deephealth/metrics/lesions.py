"""Lesion-wise detection: how many lesions are found, how many findings are none.

The instances are connected components (or given). A lesion is **found** if enough of it is predicted as its class; a
finding is **false** if not enough of it lies on lesions of its class. "Enough" is any voxel, unless a share is set. One
finding may cover several lesions, and several findings one lesion.

Source: Commowick et al., Objective evaluation of multiple sclerosis lesion segmentation, Scientific Reports 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from deephealth.core.errors import ConfigError
from deephealth.metrics.instances import Instances, instances_of, overlaps
from deephealth.metrics.panoptic import InstanceMetric
from deephealth.metrics.per_case import reduced

__all__ = ["LesionScores"]


class LesionScores(InstanceMetric):
    """Sensitivity, precision and F1 of lesions per class, and the counts behind them.

    Args:
        num_classes: with the background, class 0, which has no lesions.
        share: of a lesion (or a finding) that has to be covered, 0 to 1; 0 is any voxel.
        settings: of :class:`~deephealth.metrics.panoptic.InstanceMetric`.

    Raises:
        ConfigError: the share is out of range.

    Example:
        >>> preds, target = torch.tensor([[[1, 1, 0, 1, 0, 0]]]), torch.tensor([[[0, 1, 0, 0, 0, 1]]])
        >>> {name: value.item() for name, value in LesionScores(2)(preds, target).items()}
        {'sensitivity': 0.5, 'precision': 0.5, 'f1': 0.5, 'found': 1.0, 'missed': 1.0, 'right': 1.0, 'false': 1.0}

        The second lesion is missed, and the second finding touches none.
    """

    higher_is_better = True

    def __init__(self, num_classes: int, *, share: float = 0.0, **settings: Any) -> None:
        if not 0 <= share <= 1:
            raise ConfigError([f"share: {share}; 0 to 1"], source="LesionScores")
        super().__init__(4, num_classes, **settings)
        self.share = share

    def update(
        self,
        preds: torch.Tensor,
        target: torch.Tensor,
        target_instances: torch.Tensor | None = None,
    ) -> None:
        """Count the lesions of a batch.

        Args:
            preds: B×D×H×W or B×H×W class numbers, or what ``input_format`` says.
            target: likewise.
            target_instances: B×spatial numbers of the lesions; without them, connected components.

        Raises:
            DataError: maps that can't be compared.
        """
        maps = self.maps(preds, target)
        for case, (said, true) in enumerate(zip(maps.prediction, maps.reference, strict=True)):
            numbers = self.numbers_of(target_instances, case, true.shape)
            findings = instances_of(said, maps.void, None, self.connectivity)
            lesions = instances_of(true, maps.void, numbers, self.connectivity)
            self.keep(self._counted(findings, lesions))

    def _counted(self, findings: Instances, lesions: Instances) -> torch.Tensor:
        """Return found and missed lesions, right and false findings per class."""
        pairs = overlaps(findings, lesions)
        same = findings.classes[pairs.predicted] == lesions.classes[pairs.true]
        columns = []
        for these, places in ((lesions, pairs.true), (findings, pairs.predicted)):
            covered = np.bincount(places[same], weights=pairs.shared[same], minlength=len(these.sizes))
            met = (covered > 0) & (covered >= self.share * these.sizes)
            columns += [np.bincount(these.classes[choice], minlength=self.num_classes) for choice in (met, ~met)]
        return torch.from_numpy(np.stack(columns, axis=1)[1:])

    def compute(self) -> dict[str, torch.Tensor]:
        """Return ``sensitivity``, ``precision`` and ``f1``, reduced, and the counts behind them, over all cases.

        The counts are one per class: ``found`` and ``missed`` lesions, ``right`` and ``false`` findings. Scores are NaN
        where there is no lesion (sensitivity), no finding (precision), or neither (F1).
        """
        found, missed, right, false = self.class_sums().unbind(-1)
        sensitivity, precision = found / (found + missed), right / (right + false)
        both = sensitivity.nan_to_num() + precision.nan_to_num()
        none = (found + missed + right + false) == 0
        f1 = torch.where(both > 0, 2 * sensitivity.nan_to_num() * precision.nan_to_num() / both, 0.0)
        scores = {"sensitivity": sensitivity, "precision": precision, "f1": f1.masked_fill(none, torch.nan)}
        counts = {"found": found, "missed": missed, "right": right, "false": false}
        return {name: reduced(score, self.reduction) for name, score in scores.items()} | {
            name: count.sum(0) for name, count in counts.items()
        }
