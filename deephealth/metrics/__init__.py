"""Floor 2: what a prediction is worth. Scores with intervals over whole groups and trivial baselines beside them.

Everything returned is a plain dictionary that JSON can hold; a score that is undefined is ``None`` and a note says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.metrics.bootstrap import bootstrap_interval, group_weights, percentile_interval
    from deephealth.metrics.calibration import apply_temperature, fit_temperature
    from deephealth.metrics.calibration_scores import CalibrationScores
    from deephealth.metrics.classification import classification_metrics
    from deephealth.metrics.froc import Froc, Matches, Spheres, froc_curve, match_candidates
    from deephealth.metrics.lesions import LesionScores
    from deephealth.metrics.overlap import DiceScore, JaccardScore, VolumeScores
    from deephealth.metrics.panoptic import PanopticQuality
    from deephealth.metrics.scoring import VolumeScoring, volume_scores
    from deephealth.metrics.segmentation import MaskScores, mask_scores, segmentation_metrics
    from deephealth.metrics.surface import AverageSurfaceDistance, HausdorffDistance, NormalizedSurfaceDice

__all__ = [
    "AverageSurfaceDistance",
    "CalibrationScores",
    "DiceScore",
    "Froc",
    "HausdorffDistance",
    "JaccardScore",
    "LesionScores",
    "MaskScores",
    "Matches",
    "NormalizedSurfaceDice",
    "PanopticQuality",
    "Spheres",
    "VolumeScores",
    "VolumeScoring",
    "apply_temperature",
    "bootstrap_interval",
    "classification_metrics",
    "fit_temperature",
    "froc_curve",
    "group_weights",
    "mask_scores",
    "match_candidates",
    "percentile_interval",
    "segmentation_metrics",
    "volume_scores",
]

_HOMES = {
    "AverageSurfaceDistance": "surface",
    "CalibrationScores": "calibration_scores",
    "DiceScore": "overlap",
    "Froc": "froc",
    "HausdorffDistance": "surface",
    "JaccardScore": "overlap",
    "LesionScores": "lesions",
    "MaskScores": "segmentation",
    "Matches": "froc",
    "NormalizedSurfaceDice": "surface",
    "PanopticQuality": "panoptic",
    "Spheres": "froc",
    "VolumeScores": "overlap",
    "VolumeScoring": "scoring",
    "apply_temperature": "calibration",
    "bootstrap_interval": "bootstrap",
    "classification_metrics": "classification",
    "fit_temperature": "calibration",
    "froc_curve": "froc",
    "group_weights": "bootstrap",
    "mask_scores": "segmentation",
    "match_candidates": "froc",
    "percentile_interval": "bootstrap",
    "segmentation_metrics": "segmentation",
    "volume_scores": "scoring",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
