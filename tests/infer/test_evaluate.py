from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from deephealth.config.schema import EvaluateConfig
from deephealth.core.errors import DataError, LeakError, MissingDataError, UnreadableFileError
from deephealth.data.sample import Sample
from deephealth.infer.baselines import mean_mask
from deephealth.infer.evaluate import evaluate
from deephealth.io.source import Source

LABELS = ("red", "green", "blue")


@pytest.fixture
def tiles(photos) -> list[Sample]:
    samples = []
    for number, path in enumerate(sorted(photos.rglob("*.png"))):
        label = next(label for label in LABELS if path.stem.startswith(label))
        samples.append(Sample(f"id{number}", f"g{number}", Source(path), label))
    return samples


def table_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_classification_is_measured_and_written(colour_model, tiles, tmp_path):
    tiles[0] = replace(tiles[0], label="green")  # one mistake
    folder = tmp_path / "evaluation" / "test"
    training = [replace(tile, id=f"t{tile.id}", group=f"t{tile.group}") for tile in tiles]
    calls = []
    found = evaluate(
        colour_model,
        tiles,
        LABELS,
        EvaluateConfig(bootstrap=30),
        folder=folder,
        training=training,
        positive="red",
        device="cpu",
        progress=lambda *call: calls.append(call),
    )
    stored = json.loads((folder / "metrics.json").read_text())
    assert stored == json.loads(json.dumps(found.metrics))
    assert stored["split"] == "test"
    assert stored["scores"]["accuracy"]["value"] == pytest.approx(0.8)
    assert found.headline == found.metrics["scores"]["balanced_accuracy"]
    assert stored["positive"]["labels"] == ["red"]
    assert stored["baselines"]["prior"]["probabilities"] == pytest.approx([0.4, 0.4, 0.2])
    rows = table_of(folder)
    assert list(rows[0]) == ["id", "group", "target", "file", "label", *LABELS]
    assert [row["target"] for row in rows] == [tile.label for tile in tiles]
    worst, best = stored["cases"]["worst"], stored["cases"]["best"]
    assert [case["id"] for case in worst] == ["id0"]
    assert worst[0]["target"] == "green"
    assert len(best) == 4
    assert all((folder / case["overlay"]).is_file() for case in worst + best)
    assert calls[-1] == (5, 5)
    assert not list(folder.rglob("*.tmp"))


def test_masks_are_measured_and_written(dark_model, lesions, tmp_path):
    found = evaluate(
        dark_model,
        lesions[:4],
        (),
        EvaluateConfig(bootstrap=20),
        folder=tmp_path / "e",
        training=lesions[4:],
        device="cpu",
    )
    scores = found.metrics["scores"]
    assert scores["jaccard"]["value"] > 0.85
    assert scores["jaccard"]["low"] <= scores["jaccard"]["value"] <= scores["jaccard"]["high"]
    assert set(found.metrics["baselines"]) == {"whole_image", "mean_training_mask"}
    assert found.metrics["baseline"]["scores"]["jaccard"]["value"] < scores["jaccard"]["value"]
    rows = table_of(tmp_path / "e")
    assert list(rows[0])[:8] == ["id", "group", "target", "file", "label", "lesion", "area_fraction", "mask"]
    assert float(rows[0]["jaccard"]) == pytest.approx(found.cases[0].scores.jaccard, abs=1e-6)
    assert Image.open(tmp_path / "e" / rows[0]["mask"]).size == (56, 40)
    cases = found.metrics["cases"]
    assert len(cases["worst"]) == len(cases["best"]) == 2
    assert cases["worst"][0]["jaccard"] <= cases["best"][0]["jaccard"]
    assert not {case["id"] for case in cases["worst"]} & {case["id"] for case in cases["best"]}


def test_measuring_on_training_data_is_said(colour_model, tiles, tmp_path):
    found = evaluate(
        colour_model,
        tiles,
        LABELS,
        EvaluateConfig(split="train", bootstrap=0),
        folder=tmp_path,
        training=tiles,
        device="cpu",
    )
    assert found.metrics["split"] == "train"
    assert "training data" in found.metrics["notes"][0]


def test_a_group_that_was_trained_on_is_a_leak(colour_model, tiles, tmp_path):
    with pytest.raises(LeakError, match="g1"):
        evaluate(
            colour_model, tiles, LABELS, EvaluateConfig(bootstrap=0), folder=tmp_path, training=tiles[1:2], device="cpu"
        )


def test_samples_that_cannot_be_measured_are_named_before_anything_runs(
    colour_model, dark_model, tiles, lesions, tmp_path
):
    config = EvaluateConfig(bootstrap=0)
    with pytest.raises(DataError, match="id3"):
        evaluate(
            colour_model, [*tiles[:3], replace(tiles[3], label=None)], LABELS, config, folder=tmp_path, device="cpu"
        )
    with pytest.raises(DataError, match="s0"):
        evaluate(dark_model, [replace(lesions[0], mask=None)], (), config, folder=tmp_path, device="cpu")
    with pytest.raises(DataError, match="the data set has the classes"):
        evaluate(colour_model, tiles, ("red", "green", "grey"), config, folder=tmp_path, device="cpu")
    with pytest.raises(MissingDataError, match="no sample"):
        evaluate(colour_model, [], LABELS, config, folder=tmp_path, device="cpu")


def test_unreadable_images_stop_the_measurement_and_leave_no_metrics(colour_model, tiles, tmp_path):
    tiles[1].image.path.write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=tiles[1].image.name):
        evaluate(colour_model, tiles, LABELS, EvaluateConfig(bootstrap=0), folder=tmp_path / "e", device="cpu")
    assert not (tmp_path / "e" / "metrics.json").exists()


def test_a_second_evaluation_leaves_nothing_of_the_first(dark_model, lesions, tmp_path):
    config = EvaluateConfig(bootstrap=0)
    evaluate(dark_model, lesions, (), config, folder=tmp_path / "e", device="cpu")
    found = evaluate(dark_model, lesions[:2], (), config, folder=tmp_path / "e", device="cpu")
    assert found.metrics["count"] == 2
    assert len(list((tmp_path / "e" / "masks").iterdir())) == 2
    assert len(list((tmp_path / "e" / "overlays").iterdir())) == 2


def test_an_image_and_a_mask_of_different_sizes_are_a_typed_error(dark_model, lesions, tmp_path):
    Image.new("L", (10, 10)).save(lesions[0].mask.path)
    with pytest.raises(DataError, match=r"m0\.png"):
        evaluate(dark_model, lesions, (), EvaluateConfig(bootstrap=0), folder=tmp_path / "e", device="cpu")


def test_hostile_ids_stay_in_the_folder(colour_model, tiles, tmp_path):
    tiles[0] = replace(tiles[0], id="../../../etc/x")
    folder = tmp_path / "deep" / "e"
    found = evaluate(colour_model, tiles, LABELS, EvaluateConfig(bootstrap=0), folder=folder, device="cpu")
    drawn = [case["overlay"] for kind in ("worst", "best") for case in found.metrics["cases"][kind]]
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")} == set(drawn)


def test_the_mean_mask_is_where_half_of_the_masks_are(lesions):
    mean = mean_mask(lesions, side=40)
    assert mean.shape == (40, 40)
    assert mean[20, 20] == 1
    assert mean[0, 0] == 0
    assert mean_mask([]) is None
