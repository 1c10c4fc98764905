"""The DeepHealth data set YAML with this use case's class names."""

from __future__ import annotations

import pytest

from deephealth.data.layout import read_index
from deephealth.usecases.uc12_skin.layouts import LAYOUTS

YAML = """
name: skin
classes: [{classes}]
features: [lesion_id]
images:
  - {{location: images/a.jpg, label: 0, values: {{lesion_id: l1}}}}
  - {{location: images/b.jpg, label: 1, values: {{lesion_id: l2}}}}
  - {{location: images/c.jpg, label: 2, values: {{lesion_id: l2}}}}
split: {{training: [0], validation: [1], test: [2]}}
"""


@pytest.fixture
def put_yaml(tmp_path, put_images):
    put_images("images", ["a", "b", "c"])

    def put(classes: str):
        (tmp_path / "skin.yml").write_text(YAML.format(classes=classes))
        return tmp_path

    return put


def test_aliases_become_codes_in_the_order_of_the_file(put_yaml, said):
    index = read_index(put_yaml("Melanoma, NV, AK"), LAYOUTS)
    assert index.layout == "deephealth_yaml"
    assert index.classes == ("mel", "nv", "akiec")
    assert [(s.label, s.split) for s in index.samples] == [("mel", "train"), ("nv", "val"), ("akiec", "test")]
    assert said(index) == []


def test_two_names_of_one_class_become_one(put_yaml):
    index = read_index(put_yaml("AK, nv, AKIEC"), LAYOUTS)
    assert index.classes == ("akiec", "nv")
    assert [s.label for s in index.samples] == ["akiec", "nv", "akiec"]


def test_strange_names_are_kept_with_a_warning_and_unk_loses_its_label(put_yaml, said):
    index = read_index(put_yaml("benign, nv, UNK"), LAYOUTS)
    assert index.classes == ("benign", "nv")
    assert [s.label for s in index.samples] == ["benign", "nv", None]
    assert said(index) == [("warning", "unknown-class"), ("warning", "unknown-class")]
