"""The facts of a model survive JSON, and damage is a typed error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import CheckpointError
from deephealth.models.spec import ModelSpec

TEXT = st.text(max_size=8)
SPECS = st.builds(
    ModelSpec,
    network=TEXT,
    task=st.sampled_from(["classification", "segmentation"]),
    labels=st.lists(TEXT, min_size=1, max_size=4).map(tuple),
    image_size=st.tuples(st.integers(8, 99), st.integers(8, 99)),
    parameters=st.dictionaries(
        TEXT, st.one_of(st.integers(), st.floats(allow_nan=False), TEXT, st.lists(st.integers()))
    ),
    card=st.dictionaries(TEXT, TEXT),
    temperature=st.floats(0.1, 10),
    licences=st.lists(TEXT).map(tuple),
)


@given(SPECS)
def test_round_trip(spec):
    assert ModelSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    "change",
    [{"format_version": 2}, {"task": "dance"}, {"labels": []}, {"surprise": 1}, {"image_size": 3}, {"mean": None}],
)
def test_wrong_facts(change):
    facts = json.loads(ModelSpec("n", "classification", ("a",), (8, 8)).to_json())
    with pytest.raises(CheckpointError):
        ModelSpec.from_json(json.dumps({**facts, **change}))


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_no_spec_at_all(text):
    with pytest.raises(CheckpointError, match=r"here\.json"):
        ModelSpec.from_json(text, source="here.json")
