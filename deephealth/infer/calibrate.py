"""Temperature scaling of a classifier on validation samples, as it will be used: with its test-time augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deephealth.infer.predictor import Device, Predictor
from deephealth.metrics.calibration import fit_temperature

if TYPE_CHECKING:
    from deephealth.data.sample import Sample
    from deephealth.models import Model

__all__ = ["calibrate"]

_SMALLEST = 1e-12  # of a probability, before its logarithm


def calibrate(model: Model, samples: Sequence[Sample], *, tta: str = "none", device: Device = "auto") -> float:
    """Return the temperature that makes the model's probabilities fit the frequencies of the validation samples.

    Dividing all logits by one number changes no answer, only how sure it sounds (Guo et al. 2017). The averaged
    probabilities stand in for the logits, since the views of test-time augmentation are averaged as probabilities.

    Args:
        model: a classifier; its own temperature is set to 1 for the measurement.
        samples: validation samples with labels, never training or test ones.
        tta: registered test-time augmentation.
        device: ``"auto"``, ``"cpu"`` or ``"gpu"``.
    """
    model.describe(temperature=1.0)
    predictions = Predictor(model, tta=tta, device=device).predict([sample.image for sample in samples])
    table = np.array([[p.probabilities[label] for label in model.labels] for p in predictions])
    targets = [model.labels.index(str(sample.label)) for sample in samples]
    return fit_temperature(np.log(np.maximum(table, _SMALLEST)), targets)
