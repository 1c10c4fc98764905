from __future__ import annotations

from pathlib import Path

import pytest

from deephealth.core.errors import DataError, MissingDataError, UnknownLayoutError
from deephealth.data.catalogue import LAYOUTS
from deephealth.data.deephealth_yaml import DEEPHEALTH_YAML
from deephealth.data.layout import read_index
from deephealth.data.sample import DataIndex, Sample
from deephealth.io.source import Source


def read(root: Path, text: str, name: str = "d.yml") -> DataIndex:
    (root / name).write_text(text)
    return read_index(root, [LAYOUTS.get("deephealth_yaml")])


def test_classification(tmp_path: Path) -> None:
    index = read(
        tmp_path,
        """
classes: [nv, mel]
features: [age, patient_id]
images:
  - {location: im/a.jpg, label: mel, values: [50, p1]}
  - {location: im/b.jpg, label: 0, values: {patient_id: p1}}
  - {location: im/c.jpg}
split: {training: [0], validation: [1], test: [2]}
""",
    )
    images = [Source(tmp_path / f"im/{name}.jpg") for name in "abc"]
    facts = {"age": "50", "patient_id": "p1"}
    assert index.classes == ("nv", "mel")
    assert index.samples[0] == Sample("a", "p1", images[0], "mel", None, "train", facts)
    assert index.samples[1] == Sample("b", "p1", images[1], "nv", None, "val", {"patient_id": "p1"})
    assert index.samples[2] == Sample("c", str(images[2]), images[2], None, None, "test")
    assert [(problem.severity, problem.kind) for problem in index.problems] == [("warning", "no-group")]


@pytest.mark.parametrize("feature", ["group", "patient", "patient_id", "lesion_id", "subject"])
def test_groups(tmp_path: Path, feature: str) -> None:
    index = read(tmp_path, f"features: [{feature}]\nimages: [{{location: a.png, values: [x1]}}]")
    assert index.samples[0].group == "x1"
    assert not index.problems


def test_segmentation(tmp_path: Path) -> None:
    index = read(tmp_path, "features: [subject]\nimages:\n- {location: a.png, label: gt/a.png, values: [1]}", "s.YAML")
    assert index.samples[0].mask == Source(tmp_path / "gt/a.png")
    assert index.samples[0].label is None
    assert index.root == tmp_path / "s.YAML"


def test_ids_are_unique(tmp_path: Path) -> None:
    index = read(tmp_path, "images: [x/a.png, y/a.png, b.png, c.png, c.png]")
    assert [sample.id for sample in index.samples] == ["x/a.png", "y/a.png", "b", "c.png#3", "c.png#4"]


def test_what_a_photograph_can_not_be(tmp_path: Path) -> None:
    index = read(
        tmp_path,
        """
classes: [a, b]
images: [[1.png, 2.png], {location: 3.png, label: [a, b]}, 4.png]
split: {training: [1], test: [1], holdout: [2]}
""",
    )
    kinds = {(problem.severity, problem.kind) for problem in index.problems}
    errors = {("error", "several-files"), ("error", "multi-label"), ("error", "leak")}
    assert kinds == errors | {("warning", "unknown-split"), ("warning", "no-group")}
    assert [(sample.id, sample.label, sample.split) for sample in index.samples] == [
        ("3", None, "train"),
        ("4", None, None),
    ]


def test_recognition(tmp_path: Path) -> None:
    with pytest.raises(UnknownLayoutError, match="patient_id"):
        read_index(tmp_path, [DEEPHEALTH_YAML])
    with pytest.raises(MissingDataError):
        DEEPHEALTH_YAML.read(tmp_path)
    (tmp_path / "config.yml").write_text("data:\n  images: 3\n")
    assert not DEEPHEALTH_YAML.recognise(tmp_path)
    (tmp_path / "a.txt").touch()
    assert not DEEPHEALTH_YAML.recognise(tmp_path / "a.txt")
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text("name: x\nimages: [a.png]\n")
    assert not DEEPHEALTH_YAML.recognise(tmp_path)
    assert DEEPHEALTH_YAML.recognise(tmp_path / "b.yml")
    with pytest.raises(DataError, match=r"a\.yml, b\.yml"):
        DEEPHEALTH_YAML.read(tmp_path)
