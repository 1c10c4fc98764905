from __future__ import annotations

import base64
import xml.etree.ElementTree as ElementTree

import pytest

from deephealth.kpi.figures.masks import area_scatter, jaccard_histogram
from deephealth.kpi.figures.reliability import reliability_diagram
from deephealth.kpi.figures.roc import roc_curves
from deephealth.kpi.figures.sensitivity import abstention, sensitivity_points
from deephealth.kpi.figures.training import training_curves

SCORE = {"value": 0.5, "low": None, "high": None}


def check(picture):
    for uri in (picture.light, picture.dark):
        svg = ElementTree.fromstring(base64.b64decode(uri.partition(",")[2]))
        assert svg.tag.endswith("svg")
    assert picture.light != picture.dark
    assert picture.alt


@pytest.mark.parametrize("label", ["$x_1$", r"\frac{", "a\x00b", "<b>&", "名前", "$" * 9, ""])
def test_labels_are_drawn_letter_by_letter(label):
    check(roc_curves([{"label": label, "fpr": [0, 0, 1], "tpr": [0, 1, 1]}], {label: "0.5"}))
    check(sensitivity_points([{"label": label, "sensitivity_at_specificity": {"0.9": SCORE}}]))


def test_missing_numbers_leave_gaps():
    rows = [
        {"epoch": 0.0, "lr": 0.1, "train_loss": 1.0, "val_score": None},
        {"epoch": 1.0, "lr": 0.1, "train_loss": None, "val_score": 0.3},
    ]
    check(training_curves(rows))
    check(training_curves([{"lr": 0.5}]))
    check(jaccard_histogram([None, 0.7]))
    check(area_scatter([[0.2, 0.3]]))
    check(abstention([{"coverage": 1.0, "accuracy": 0.4, "balanced_accuracy": 0.3}]))
    check(reliability_diagram({"equal": [{"bin": 14, "count": 3, "confidence": 1.0, "accuracy": 0.0}]}))


def test_nothing_to_draw_is_no_figure():
    assert training_curves([]) is None
    assert training_curves([{"epoch": 1.0, "note": "x"}]) is None
    assert jaccard_histogram([None]) is None
    assert area_scatter([]) is None
    assert abstention([]) is None
    assert reliability_diagram({}) is None
    assert roc_curves([{"label": "a", "fpr": [], "tpr": []}], {}) is None
    assert sensitivity_points([{"label": "a", "sensitivity_at_specificity": {"0.9": {"value": None}}}]) is None
