"""Distances between surfaces as torchmetrics: per case and class first, then the mean.

Definitions, conventions for what is missing, and sources: :mod:`deephealth.metrics.scoring`. Where several of
these are wanted, :class:`~deephealth.metrics.overlap.VolumeScores` finds the surfaces once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from deephealth.metrics.overlap import VolumeMetric

__all__ = ["AverageSurfaceDistance", "HausdorffDistance", "NormalizedSurfaceDice"]


class HausdorffDistance(VolumeMetric):
    """The larger of the two percentiles of surface distances, in mm.

    Args:
        num_classes: with the background.
        percentile: 95, or 100 for the Hausdorff distance itself.
        worst_distance: in mm, for a class that one map lacks; infinity by default.
        settings: of :class:`~deephealth.metrics.overlap.VolumeMetric`.

    Example:
        >>> import torch
        >>> metric = HausdorffDistance(num_classes=2, percentile=100)
        >>> metric.update(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), spacing=2.0)
        >>> metric.compute().item()
        2.0
    """

    scores = ("hausdorff",)
    higher_is_better = False

    def __init__(
        self, num_classes: int, *, percentile: float = 95.0, worst_distance: float = math.inf, **settings: Any
    ) -> None:
        super().__init__(num_classes, percentile=percentile, worst_distance=worst_distance, **settings)


class NormalizedSurfaceDice(VolumeMetric):
    """Share of both surfaces that lies within a tolerance of the other.

    Args:
        num_classes: with the background.
        tolerance: in mm; one, or one per scored class.
        settings: of :class:`~deephealth.metrics.overlap.VolumeMetric`.

    Example:
        >>> import torch
        >>> metric = NormalizedSurfaceDice(num_classes=2, tolerance=1.0)
        >>> round(metric(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), spacing=2.0).item(), 3)
        0.667
    """

    scores = ("surface_dice",)
    higher_is_better = True

    def __init__(self, num_classes: int, *, tolerance: float | Sequence[float] = 1.0, **settings: Any) -> None:
        super().__init__(num_classes, tolerance=tolerance, **settings)


class AverageSurfaceDistance(VolumeMetric):
    """Mean distance over both surfaces to the other (ASSD), in mm.

    Args:
        num_classes: with the background.
        worst_distance: in mm, for a class that one map lacks; infinity by default.
        settings: of :class:`~deephealth.metrics.overlap.VolumeMetric`.

    Example:
        >>> import torch
        >>> metric = AverageSurfaceDistance(num_classes=2)
        >>> round(metric(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 1]]]), spacing=3.0).item(), 3)
        1.0
    """

    scores = ("surface_distance",)
    higher_is_better = False

    def __init__(self, num_classes: int, *, worst_distance: float = math.inf, **settings: Any) -> None:
        super().__init__(num_classes, worst_distance=worst_distance, **settings)
