"""Floor 2: what a prediction is worth. Scores with intervals over whole groups and trivial baselines beside them.

Everything returned is a plain dictionary that JSON can hold; a score that is undefined is ``None`` and a note says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.metrics.bootstrap import bootstrap_interval, group_weights, percentile_interval
    from deephealth.metrics.calibration import apply_temperature, fit_temperature
    from deephealth.metrics.classification import classification_metrics
    from deephealth.metrics.segmentation import MaskScores, mask_scores, segmentation_metrics

__all__ = [
    "MaskScores",
    "apply_temperature",
    "bootstrap_interval",
    "classification_metrics",
    "fit_temperature",
    "group_weights",
    "mask_scores",
    "percentile_interval",
    "segmentation_metrics",
]

_HOMES = {
    "MaskScores": "segmentation",
    "apply_temperature": "calibration",
    "bootstrap_interval": "bootstrap",
    "classification_metrics": "classification",
    "fit_temperature": "calibration",
    "group_weights": "bootstrap",
    "mask_scores": "segmentation",
    "percentile_interval": "bootstrap",
    "segmentation_metrics": "segmentation",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
