"""Floor 4: from raw clinical files to predictions, tables, masks, overlays and measurements.

The function that measures is :func:`deephealth.infer.evaluate.evaluate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.infer.ensemble import Ensemble
    from deephealth.infer.evaluate import Evaluation
    from deephealth.infer.files import expand_files
    from deephealth.infer.overlay import caption_tile, draw_overlay
    from deephealth.infer.prediction import Failure, Prediction, Predictions
    from deephealth.infer.predictor import Predictor
    from deephealth.infer.sliding_window import SlidingWindow
    from deephealth.infer.writers import Written, write_predictions

__all__ = [
    "Ensemble",
    "Evaluation",
    "Failure",
    "Prediction",
    "Predictions",
    "Predictor",
    "SlidingWindow",
    "Written",
    "caption_tile",
    "draw_overlay",
    "expand_files",
    "write_predictions",
]

_HOMES = {
    "Ensemble": "ensemble",
    "Evaluation": "evaluate",
    "Failure": "prediction",
    "Prediction": "prediction",
    "Predictions": "prediction",
    "Predictor": "predictor",
    "SlidingWindow": "sliding_window",
    "Written": "writers",
    "caption_tile": "overlay",
    "draw_overlay": "overlay",
    "expand_files": "files",
    "write_predictions": "writers",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
