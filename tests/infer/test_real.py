"""The road's end on real dermoscopy images, read straight out of their archive."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from deephealth.config.schema import EvaluateConfig
from deephealth.data.sample import Sample
from deephealth.infer.evaluate import evaluate
from deephealth.infer.predictor import Predictor
from deephealth.io.source import Source

pytestmark = pytest.mark.real


@pytest.fixture
def real_samples(shared_data) -> list[Sample]:
    folder = shared_data / "skin-lesion-ham10000"
    archive = folder / "images_masks_200x150.zip"
    with (folder / "labels.csv").open(newline="") as stream:
        rows = [row for row, _ in zip(csv.DictReader(stream), range(12), strict=False)]
    return [
        Sample(
            row["image_id"],
            row["lesion_id"],
            Source(archive, f"images/{row['image_id']}.jpg"),
            row["dx"],
            Source(archive, f"masks/{row['image_id']}.png"),
        )
        for row in rows
    ]


def test_real_images_are_measured_in_their_own_size(build, real_samples, tmp_path):
    found = evaluate(
        build("segmentation"), real_samples, (), EvaluateConfig(bootstrap=50), folder=tmp_path, device="cpu"
    )
    assert found.metrics["count"] == 12
    assert 0 <= found.headline["value"] <= 1
    assert all(0.001 < case.scores.reference_fraction < 0.99 for case in found.cases)


def test_real_images_give_the_same_answers_in_any_batch(build, real_samples):
    labels = tuple(sorted({str(sample.label) for sample in real_samples}))
    files = [sample.image for sample in real_samples]
    tables = []
    for size in (1, 5, 12):
        found = Predictor(build("classification", labels), batch_size=size, tta="flips", device="cpu").predict(files)
        assert all(one.size == (150, 200) for one in found)
        tables.append([list(one.probabilities.values()) for one in found])
    assert np.abs(np.array(tables) - tables[0]).max() < 1e-6
