"""A use case's record is complete, consistent, and prints as a card."""

from __future__ import annotations

import json

import pytest

from deephealth.usecases import USECASES


@pytest.fixture(params=USECASES.names())
def usecase(request):
    return USECASES.get(request.param)


def test_names_agree_with_each_other(usecase):
    assert set(usecase.labels) <= set(usecase.label_names)
    assert set(usecase.malignant) <= set(usecase.label_names)
    assert usecase.positive in usecase.labels
    assert set(usecase.metrics) == set(usecase.configs) == set(usecase.tasks)
    assert len({layout.name for layout in usecase.layouts}) == len(usecase.layouts)


def test_the_card_says_all_that_matters(usecase):
    card = usecase.card()
    for part in (usecase.name, usecase.licence, usecase.intended_use, *usecase.limits, *usecase.references):
        assert part in card
    for layout in usecase.layouts:
        assert f"### `{layout.name}`" in card
        assert layout.expects.strip().splitlines()[0] in card
    assert "Not for diagnosis" in card


def test_facts_are_json(usecase):
    assert json.loads(json.dumps(usecase.facts()))["labels"] == list(usecase.labels)


def test_the_generator_is_found(usecase):
    assert callable(usecase.generator())
