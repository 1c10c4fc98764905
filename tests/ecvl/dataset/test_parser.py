from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deephealth import ecvl
from deephealth.core.errors import DeepHealthError
from deephealth.ecvl.dataset.split import SplitList
from deephealth.ecvl.strictness import strict_mode

EVERYTHING = """
name: Skin
description: "photographs: 2"
classes: [nv, mel, '3']
features: [age, site]
images:
  - a.png
  - [b1.png, sub/b2.png]
  - {location: c.png, label: mel, values: [55.0, null]}
  - location: [d1.png, d2.png]
    label: [nv, 2]
    values: {site: 010}
  - {location: f.png, label: []}
split:
  training: [0, 2]
  mine: []
  test: [1]
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_attributes(tmp_path: Path) -> None:
    data = ecvl.Dataset(write(tmp_path / "d.yml", EVERYTHING))
    assert (data.name_, data.description_) == ("Skin", "photographs: 2")
    assert data.classes_ == ["nv", "mel", "3"]
    assert data.features_ == ["age", "site"]
    assert data.GetLocations()[3] == [str(tmp_path / "d1.png"), str(tmp_path / "d2.png")]
    assert [sample.label_ for sample in data.samples_] == [None, None, [1], [0, 2], []]
    assert [sample.values_ for sample in data.samples_] == [None, None, {0: "55.0"}, {1: "010"}, None]
    assert data.current_split_ == -1
    assert [(split.split_name_, split.no_label_) for split in data.split_] == [
        ("training", True),
        ("mine", True),
        ("test", True),
    ]
    assert data.split_[1].split_type_ is None


def test_selection(tmp_path: Path) -> None:
    data = ecvl.Dataset(write(tmp_path / "d.yml", EVERYTHING))
    with pytest.raises(RuntimeError, match="no split is current"):
        data.GetSplit()
    data.SetSplit(ecvl.SplitType.test)
    assert data.current_split_ == 2
    assert data.GetSplit(99) == data.GetSplit(-5) == data.GetSplit(None) == [1]
    assert data.GetSplit(np.int64(0)) == data.GetSplit("training") == [0, 2]
    with pytest.raises(RuntimeError, match="no split of type"):
        data.SetSplit(ecvl.SplitType.validation)
    with pytest.raises(RuntimeError, match="named 'val'"):
        data.GetSplit("val")
    data.GetSplit("training").clear()
    assert data.GetSplit("training") == [0, 2]


def test_both_generations_of_splits(tmp_path: Path) -> None:
    data = ecvl.Dataset(write(tmp_path / "d.yml", EVERYTHING))
    data.split_.training_ = [2, 0, 0]
    assert data.split_[0].samples_indices_ == data.GetSplit(0) == data.split_.training_ == [2, 0, 0]
    data.split_.validation_ = [3]
    assert data.GetSplit(ecvl.SplitType.validation) == [3]
    data.split_ = [ecvl.Split("test", [1])]
    assert isinstance(data.split_, SplitList)
    assert data.split_.test_ == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("images: [", "not valid YAML"),
        ("name: x\n", "no key 'images'"),
        ("classes: [a]\nimages: [{location: x.png, label: 3}]\n", "class index 3 does not exist"),
        ("images: [x.png]\nsplit: {test: [1]}\n", "there is no image 1"),
        ("images: [/etc/passwd]\n", "leads outside"),
        ("images: [../x.png]\n", "leads outside"),
        ("images: [{location: x.png, label: ../../x.png}]\n", "leads outside"),
        ("images: ['https://host/x.png']\n", "is the address"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message) as raised:
        ecvl.Dataset(write(tmp_path / "set" / "d.yml", text))
    assert isinstance(raised.value, DeepHealthError)


def test_other_roots_on_request(tmp_path: Path) -> None:
    file = write(tmp_path / "set" / "d.yml", f"images: [../x.png, {tmp_path}/y.png]\n")
    data = ecvl.Dataset(file, root=tmp_path)
    assert data.GetLocations() == [[str(tmp_path / "x.png")], [str(tmp_path / "y.png")]]
    assert ecvl.Dataset(file, root="/").GetLocations() == data.GetLocations()


def same(left: ecvl.Dataset, right: ecvl.Dataset) -> None:
    for name in ("name_", "description_", "classes_", "features_", "task_"):
        assert getattr(left, name) == getattr(right, name)
    for one, other in zip(left.samples_, right.samples_, strict=True):
        assert (one.location_, one.label_, one.label_path_, one.values_) == (
            other.location_,
            other.label_,
            other.label_path_,
            other.values_,
        )
    assert [(s.split_name_, s.samples_indices_, s.no_label_) for s in left.split_] == [
        (s.split_name_, s.samples_indices_, s.no_label_) for s in right.split_
    ]


def test_dump_reads_back_equal(tmp_path: Path) -> None:
    data = ecvl.Dataset(write(tmp_path / "d.yml", EVERYTHING))
    data.Dump(tmp_path / "again.yml")
    same(data, ecvl.Dataset(tmp_path / "again.yml"))
    assert "  - location: c.png\n    label: mel\n" in (tmp_path / "again.yml").read_text()


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=6)
FILES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="/\\"),
    min_size=1,
    max_size=6,
).filter(lambda name: name.strip(".") != "" and "://" not in name)


@given(
    NAMES,
    st.lists(NAMES, unique=True, min_size=1, max_size=3),
    st.lists(NAMES, unique=True, max_size=2),
    st.lists(
        st.tuples(
            st.lists(FILES, min_size=1, max_size=2),
            st.lists(st.integers(0, 0), max_size=2),
            st.dictionaries(st.integers(0, 3), NAMES, max_size=2),
        ),
        max_size=4,
    ),
)
def test_dump_of_anything_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    classes: list[str],
    features: list[str],
    samples: list[tuple[list[str], list[int], dict[int, str]]],
) -> None:
    folder = tmp_path_factory.mktemp("dump")
    data = ecvl.Dataset()
    data.name_, data.classes_, data.features_ = name, classes, features
    data.task_ = ecvl.Task.classification
    for files, label, values in samples:
        made = ecvl.Sample([folder / file for file in files], label)
        made.values_ = values or None
        data.samples_.append(made)
    data.split_.append(ecvl.Split(name, range(len(samples)), no_label=not samples))
    data.Dump(folder / "data set.yml")
    same(data, ecvl.Dataset(folder / "data set.yml"))
    if all(text not in ("<<", "=") for text in (name, *classes, *features)):
        assert yaml.safe_load((folder / "data set.yml").read_text())["split"] is not None


def test_dump_elsewhere_names_files_in_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = ecvl.Dataset(write(tmp_path / "set" / "d.yml", EVERYTHING))
    with caplog.at_level(logging.WARNING):
        data.Dump(tmp_path / "other" / "d.yml")
    assert "root=FOLDER" in caplog.text
    with pytest.raises(RuntimeError, match="leads outside"):
        ecvl.Dataset(tmp_path / "other" / "d.yml")
    same(data, ecvl.Dataset(tmp_path / "other" / "d.yml", root=tmp_path))


def test_dump_in_strict_mode_loses_what_the_original_lost(tmp_path: Path) -> None:
    data = ecvl.Dataset(write(tmp_path / "d.yml", EVERYTHING))
    with strict_mode():
        data.Dump(tmp_path / "strict.yml")
    text = (tmp_path / "strict.yml").read_text()
    assert "    label: nv\n    label: 3\n" in text
    assert "features" not in text


def test_task_follows_the_labels(tmp_path: Path) -> None:
    text = "classes: [skin]\nimages: [{location: a.png, label: gt/a.png}]\nsplit: {training: [0]}\n"
    file = write(tmp_path / "d.yml", text)
    assert ecvl.Dataset(file).task_ == ecvl.Task.segmentation
    with strict_mode():
        assert ecvl.Dataset(file).task_ == ecvl.Task.classification


def test_verify_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        ecvl.Dataset(write(tmp_path / "d.yml", "images: [no.png]\n"), True)
    assert "no.png' does not exist" in caplog.text


def test_samples_are_live(tmp_path: Path) -> None:
    data = ecvl.Dataset(write(tmp_path / "d.yml", EVERYTHING))
    data.samples_[0].location_ = ["x.png"]
    assert data.samples_[0].location_ == ["x.png"]
    with pytest.raises(TypeError, match="list of paths"):
        data.samples_[0].location_ = "x.png"


def test_addresses_are_refused_with_the_option(tmp_path: Path) -> None:
    sample = ecvl.Sample(["http://host/x.png"])
    with pytest.raises(RuntimeError, match="download=FOLDER"):
        sample.LoadImage()
