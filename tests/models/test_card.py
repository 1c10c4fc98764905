"""The card: complete when all is said, and what is missing is named."""

from __future__ import annotations

import dataclasses

import pytest

from deephealth.models.card import NOT_FOR_DIAGNOSIS, missing_fields, write_card
from deephealth.models.spec import ModelSpec

FACTS = {
    "title": "Lesions",
    "intended_use": "Research on pattern recognition.",
    "training_data": "drawn circles",
    "data_licence": "CC0",
    "data_citation": "none needed",
    "metrics": {"balanced accuracy": 0.71234, "95 % interval": [0.6, 0.8], "per class": {"a": 0.5}},
    "limits": "Few images.",
}
SPEC = ModelSpec("resnet18", "classification", ("a", "b"), (32, 32), card=FACTS, licences=("Apache-2.0 (code)",))


def test_complete_card():
    card = write_card(SPEC)
    assert missing_fields(card) == []
    for text in ("# Lesions", "0. a", "drawn circles", "0.7123", "0.6 to 0.8", "Apache-2.0 (code)", NOT_FOR_DIAGNOSIS):
        assert text in card


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("intended_use", "Intended use"),
        ("training_data", "Data: trained on"),
        ("data_licence", "Data: licence"),
        ("metrics", "Measured"),
        ("limits", "Limits"),
    ],
)
def test_what_is_not_said_is_missing(key, names):
    card = write_card(dataclasses.replace(SPEC, card={**FACTS, key: ""}))
    assert missing_fields(card) == [names]


def test_diagnosis_line_is_required():
    assert "not for diagnosis" in missing_fields(write_card(SPEC).replace(NOT_FOR_DIAGNOSIS, "Enjoy."))


def test_weights_bring_their_facts():
    weights = {"name": "w", "source": "https://example.org", "licence": "MIT", "data": ""}
    card = write_card(dataclasses.replace(SPEC, weights=weights))
    assert "https://example.org" in card
    assert missing_fields(card) == ["Weights and licences: those weights were trained on"]
