"""All spellings of a diagnosis lead to one code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.usecases.uc12_skin.classes import CLASSES, LABEL_NAMES, class_order, normalise

SPELLINGS = {
    "AK": "akiec",
    "AKIEC": "akiec",
    "Actinic keratoses": "akiec",
    "Melanocytic nevi": "nv",
    "NEVUS": "nv",
    "Benign keratosis-like lesions": "bkl",
    "SK": "bkl",
    "basal_cell_carcinoma": "bcc",
    "Vascular lesions": "vasc",
    "SCC": "scc",
    "UNK": "unk",
}


@pytest.mark.parametrize(("written", "code"), SPELLINGS.items())
def test_known_spellings(written, code):
    assert normalise(written) == code


@given(st.sampled_from(sorted(LABEL_NAMES)), st.data())
def test_case_and_spaces_do_not_matter(code, data):
    mixed = "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in code)
    assert normalise(f" {mixed} ") == code


@given(st.text(max_size=20))
def test_any_text_gives_a_code_or_none(text):
    assert normalise(text) in {*LABEL_NAMES, "unk", None}


@given(st.sets(st.sampled_from(sorted(LABEL_NAMES))))
def test_the_seven_classes_always_stand_first(found):
    order = class_order(found)
    assert order[:7] == CLASSES
    assert set(order) == set(CLASSES) | found
