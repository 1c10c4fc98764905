from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deephealth.core.errors import StorageError, UnreadableFileError
from deephealth.infer.prediction import Failure, Prediction
from deephealth.infer.predictor import Predictor
from deephealth.infer.writers import FileNames, csv_text, write_map, write_predictions
from deephealth.io.source import Source


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_classification_table_has_exactly_the_promised_columns(colour_model, photos, tmp_path):
    table = tmp_path / "out" / "p.csv"
    found = Predictor(colour_model, device="cpu").predict(photos)
    written = write_predictions(found, table, labels=colour_model.labels, task="classification")
    assert table.read_text().splitlines()[0] == "file,label,red,green,blue"
    rows = rows_of(table)
    assert [row["file"] for row in rows] == [one.file for one in found]
    assert float(rows[0]["blue"]) == pytest.approx(found[0].probabilities["blue"], abs=1e-6)
    assert (written.count, written.folders, written.failures) == (5, (), ())


def test_a_segmentation_table_points_to_masks_in_source_size(dark_model, lesions, tmp_path):
    table = tmp_path / "out" / "p.csv"
    outcomes = Predictor(dark_model, device="cpu").predict([sample.image for sample in lesions])
    written = write_predictions(outcomes, table, labels=("lesion",), task="segmentation", overlays=True, maps=True)
    assert table.read_text().splitlines()[0] == "file,label,lesion,area_fraction,mask"
    for row, outcome in zip(rows_of(table), outcomes, strict=True):
        mask = np.asarray(Image.open(table.parent / row["mask"]))
        assert mask.shape == (40, 56)
        assert set(np.unique(mask)) <= {0, 255}
        assert (mask > 0).mean() == pytest.approx(float(row["area_fraction"]), abs=1e-6)
        levels = cv2.imread(str(table.parent / "p_maps" / Path(row["mask"]).name), cv2.IMREAD_UNCHANGED)
        assert levels.dtype == np.uint16
        assert np.abs(levels / 65535 - outcome.probability_map).max() < 1e-5
        assert (table.parent / "p_overlays" / Path(row["mask"]).name).is_file()
    assert [folder.name for folder in written.folders] == ["p_maps", "p_masks", "p_overlays"]
    assert not list(tmp_path.rglob("*.tmp"))


def test_failures_are_handed_back_and_not_written(tmp_path):
    failure = Failure(Source(Path("bad.png")), UnreadableFileError("bad.png is empty"))
    done = Prediction(Source(Path("a.png")), "x", {"x": 1.0}, (2, 2))
    written = write_predictions(iter([failure, done]), tmp_path / "p.csv", labels=["x"], task="classification")
    assert written.failures == (failure,)
    assert [row["file"] for row in rows_of(tmp_path / "p.csv")] == ["a.png"]
    assert str(failure) == "bad.png: bad.png is empty"


def test_files_of_one_name_get_masks_of_their_own(tmp_path):
    mask = np.ones((2, 2), np.uint8)
    same = [
        Prediction(Source(Path(f"{d}/x.png")), "l", {"l": 1.0}, (2, 2), mask, mask.astype(np.float32)) for d in "abc"
    ]
    write_predictions(same, tmp_path / "p.csv", labels=["l"], task="segmentation")
    assert [row["mask"] for row in rows_of(tmp_path / "p.csv")] == [
        "p_masks/x.png",
        "p_masks/x-2.png",
        "p_masks/x-3.png",
    ]


@settings(max_examples=100, deadline=None)
@given(names=st.lists(st.text(max_size=20), max_size=8))
def test_output_names_are_harmless_and_unique(names):
    maker = FileNames()
    made = [maker(name) for name in names]
    assert len({name.lower() for name in made}) == len(made)
    for name in made:
        assert name.isascii()
        assert name
        assert not set(name) & set("/\\\0: ")
        assert not name.startswith(".")


@settings(max_examples=100, deadline=None)
@given(
    cells=st.lists(
        st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=10),
        min_size=1,
        max_size=5,
    )
)
def test_any_text_survives_the_table(cells):
    text = csv_text(["c"] * len(cells), [cells])
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [cells]


def test_a_folder_that_cannot_be_made_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        write_predictions([], tmp_path / "file" / "p.csv", labels=["x"], task="classification")


def test_a_map_uses_the_whole_range(tmp_path):
    write_map(tmp_path / "m.png", np.array([[0, 0.5, 1]], np.float32))
    assert cv2.imread(str(tmp_path / "m.png"), cv2.IMREAD_UNCHANGED).tolist() == [[0, 32768, 65535]]
