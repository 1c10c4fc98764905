from __future__ import annotations

import pytest

from deephealth.data.sample import Sample
from deephealth.infer.calibrate import calibrate
from deephealth.infer.predictor import Predictor
from deephealth.io.source import Source


def test_answers_stay_and_unsure_ones_get_surer(colour_model, photos):
    files = sorted(photos.rglob("*.png"))
    samples = [Sample(p.stem, p.stem, Source(p), p.stem.rstrip("2")) for p in files]
    temperature = calibrate(colour_model, samples, device="cpu")
    assert temperature < 1  # every answer is right
    before = Predictor(colour_model, device="cpu").predict(files)
    colour_model.describe(temperature=temperature)
    after = Predictor(colour_model, device="cpu").predict(files)
    assert [one.label for one in before] == [one.label for one in after]
    assert max(after[0].probabilities.values()) == pytest.approx(1, abs=1e-2)
