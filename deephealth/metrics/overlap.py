"""Overlap of label maps as torchmetrics: per case and class first, then the mean."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch

from deephealth.metrics.label_maps import InputFormat
from deephealth.metrics.per_case import PerCaseMetric, Reduction, reduced
from deephealth.metrics.scoring import ScoreName, Spacing, VolumeScoring

__all__ = ["DiceScore", "JaccardScore", "VolumeMetric", "VolumeScores"]


class VolumeMetric(PerCaseMetric):
    """Base of the metrics of :mod:`deephealth.metrics.scoring`; a subclass names its scores.

    Args:
        num_classes: with the background.
        reduction: ``mean`` over the classes of each case and then over cases, ``mean_batch`` (a number per class),
            ``mean_channel`` (a number per case) or ``none`` (cases×classes). NaN is left out.
        include_background: score class 0 too.
        input_format: ``index``, ``one-hot``, ``mixed``, ``logits`` or ``masks``.
        ignore_index: number in the reference of voxels that don't count.
        both_empty: ``undefined`` (NaN) or ``perfect``: a class that is in neither map.
        reference_empty: ``worst`` or ``undefined``: a class that is predicted and not there.
        settings: of :class:`~deephealth.metrics.scoring.VolumeScoring` and of torchmetrics.

    Raises:
        ConfigError: settings that can't be.
    """

    scores: ClassVar[tuple[ScoreName, ...]]

    def __init__(
        self,
        num_classes: int,
        *,
        reduction: Reduction = "mean",
        include_background: bool = False,
        input_format: InputFormat = "index",
        ignore_index: int | None = None,
        both_empty: Literal["undefined", "perfect"] = "undefined",
        reference_empty: Literal["worst", "undefined"] = "worst",
        **settings: Any,
    ) -> None:
        own = {name: settings.pop(name) for name in ("percentile", "tolerance", "worst_distance") if name in settings}
        scoring = VolumeScoring(
            num_classes=num_classes,
            scores=self.scores,
            include_background=include_background,
            input_format=input_format,
            ignore_index=ignore_index,
            both_empty=both_empty,
            reference_empty=reference_empty,
            **own,
        )
        super().__init__(len(self.scores) * len(scoring.classes), reduction, **settings)
        self.scoring = scoring

    def update(self, preds: torch.Tensor, target: torch.Tensor, spacing: Spacing | None = None) -> None:
        """Score a batch.

        Args:
            preds: B×D×H×W or B×H×W class numbers, or what ``input_format`` says.
            target: likewise.
            spacing: in mm, along D, H, W: one number, one per axis, or B rows of one per axis. None is 1 mm.

        Raises:
            DataError: maps that can't be compared.
        """
        found = self.scoring(preds, target, spacing)
        self.keep(torch.cat([found[name] for name in self.scores], dim=1))

    def compute(self) -> Any:
        """Return the reduced score; a dictionary of them where the metric has several."""
        tables = self.table().reshape(-1, len(self.scores), len(self.scoring.classes))
        found = {name: reduced(tables[:, at], self.reduction) for at, name in enumerate(self.scores)}
        return found[self.scores[0]] if len(found) == 1 else found


class DiceScore(VolumeMetric):
    """Dice per case and class: 2 · shared / (predicted + true voxels). Settings: :class:`VolumeMetric`.

    Example:
        >>> metric = DiceScore(num_classes=3, reduction="mean_batch")
        >>> metric.update(torch.tensor([[[0, 1, 1, 2]]]), torch.tensor([[[0, 1, 2, 2]]]))
        >>> metric.compute()
        tensor([0.6667, 0.6667], dtype=torch.float64)
    """

    scores = ("dice",)
    higher_is_better = True


class JaccardScore(VolumeMetric):
    """Jaccard (intersection over union) per case and class. Settings: :class:`VolumeMetric`.

    Example:
        >>> JaccardScore(num_classes=2)(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]])).item()
        0.5
    """

    scores = ("jaccard",)
    higher_is_better = True


class VolumeScores(VolumeMetric):
    """Dice, HD95, surface Dice and mean surface distance at once: the maps are read once for all of them.

    Args:
        num_classes: with the background.
        percentile: of the surface distances.
        tolerance: of the surface Dice, in mm; one, or one per scored class.
        worst_distance: in mm, for a class that one map lacks; infinity by default.
        settings: of :class:`VolumeMetric`.

    Example:
        >>> metric = VolumeScores(num_classes=2)
        >>> metric.update(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), spacing=2.0)
        >>> {name: round(value.item(), 2) for name, value in metric.compute().items()}
        {'dice': 0.67, 'hausdorff': 1.9, 'surface_dice': 0.67, 'surface_distance': 0.67}
    """

    scores = ("dice", "hausdorff", "surface_dice", "surface_distance")

    def __init__(
        self,
        num_classes: int,
        *,
        percentile: float = 95.0,
        tolerance: Any = 1.0,
        worst_distance: float = float("inf"),
        **settings: Any,
    ) -> None:
        settings |= {"percentile": percentile, "tolerance": tolerance, "worst_distance": worst_distance}
        super().__init__(num_classes, **settings)
