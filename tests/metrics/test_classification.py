from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from deephealth.core.errors import DataError
from deephealth.metrics.classification import classification_metrics

LABELS = ["nv", "mel", "bcc"]
# five cases by hand: predictions nv nv mel bcc mel
TABLE = [[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.3, 0.4, 0.3]]
TRUTH = [0, 1, 1, 2, 0]


def measure(table=TABLE, truth=TRUTH, labels=LABELS, groups=None, **more):
    groups = groups or [str(i) for i in range(len(truth))]
    return classification_metrics(table, truth, labels, groups, **{"bootstrap": 0, **more})


def drawn(n: int, k: int = 7, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(k), n), np.r_[np.arange(k), rng.integers(0, k, n - k)]


def test_five_cases_by_hand():
    found = measure(specificities=(0.5,))
    value = {name: score["value"] for name, score in found["scores"].items()}
    assert found["confusion"] == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert value["accuracy"] == pytest.approx(3 / 5)
    assert value["balanced_accuracy"] == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert value["macro_f1"] == pytest.approx((0.5 + 0.5 + 1) / 3)
    # nv: positives 0.8, 0.3 against 0.5, 0.2, 0.1 -> 5/6; mel: 0.3, 0.7 against 0.1, 0.3, 0.4 -> (1.5 + 3) / 6; bcc: 1
    assert [row["auc"]["value"] for row in found["per_class"]] == pytest.approx([5 / 6, 4.5 / 6, 1.0])
    assert value["macro_auc"] == pytest.approx((5 / 6 + 4.5 / 6 + 1) / 3)
    assert found["per_class"][0]["precision"]["value"] == 0.5
    assert found["count"] == found["groups"] == 5


def test_calibration_by_hand_and_equal_to_torchmetrics():
    # every confidence has a bin of its own: |1 - .8|, |0 - .5|, |1 - .7|, |1 - .6|, |0 - .4|, over 5
    assert measure()["scores"]["ece"]["value"] == pytest.approx((0.2 + 0.5 + 0.3 + 0.4 + 0.4) / 5)
    table, truth = drawn(300)
    peer = multiclass_calibration_error(torch.tensor(table), torch.tensor(truth), num_classes=7, n_bins=15, norm="l1")
    assert measure(table, truth, list("abcdefg"))["scores"]["ece"]["value"] == pytest.approx(float(peer), abs=1e-6)


def test_baselines_stand_beside_and_are_at_chance():
    found = measure(class_counts=[70, 20, 10])
    majority, prior = found["baselines"]["majority"], found["baselines"]["prior"]
    assert majority["label"] == "nv"
    assert majority["scores"]["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert majority["scores"]["accuracy"]["value"] == pytest.approx(2 / 5)
    assert majority["scores"]["macro_auc"]["value"] == prior["scores"]["macro_auc"]["value"] == 0.5
    assert prior["probabilities"] == [0.7, 0.2, 0.1]
    assert prior["scores"]["log_loss"]["value"] == pytest.approx(-np.mean(np.log([0.7, 0.2, 0.2, 0.1, 0.7])))
    assert found["baseline"]["name"] == "majority"
    assert set(majority["scores"]) == set(found["scores"]) - {"ece_adaptive"}


def test_a_class_that_is_absent_is_null_with_a_note():
    found = measure([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]], [0, 1])
    absent = found["per_class"][2]
    assert absent["count"] == 0
    assert absent["auc"]["value"] is absent["recall"]["value"] is absent["f1"]["value"] is None
    assert absent["sensitivity_at_specificity"]["0.9"]["value"] is None
    assert found["roc"][2]["fpr"] == []
    assert any("no sample of bcc" in note for note in found["notes"])
    assert found["scores"]["balanced_accuracy"]["value"] == 1.0
    assert found["scores"]["macro_auc"]["value"] == 1.0


def test_one_class_only_has_no_auc():
    found = measure([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]], [1, 1])
    assert found["scores"]["macro_auc"]["value"] is None
    assert found["scores"]["balanced_accuracy"]["value"] == 0.5
    assert any("one class" in note for note in found["notes"])


def test_intervals_hold_the_value_and_depend_on_the_seed_alone():
    table, truth = drawn(200)
    groups = [str(i // 2) for i in range(200)]
    one, same, other = (measure(table, truth, list("abcdefg"), groups, bootstrap=100, seed=seed) for seed in (1, 1, 2))
    assert json.dumps(one) == json.dumps(same) != json.dumps(other)
    for score in (score for name, score in one["scores"].items() if name not in ("ece_adaptive", "ece")):
        assert score["low"] <= score["value"] <= score["high"]


def test_a_rare_class_that_resamples_lose_is_said():
    found = measure(bootstrap=200)
    assert any("lost a rare class" in note for note in found["notes"])


def test_one_group_has_no_interval_and_says_so():
    found = measure(groups=["a"] * 5, bootstrap=50)
    assert found["scores"]["accuracy"]["low"] is None
    assert any("one group" in note for note in found["notes"])


def test_positive_classes_are_added_up():
    found = measure(positive=("mel", "bcc"))["positive"]
    # mel + bcc: 0.2, 0.5, 0.8, 0.9, 0.7 with truth 0 1 1 1 0 -> 5 of 6 pairs in order
    assert found["labels"] == ["mel", "bcc"]
    assert found["count"] == 3
    assert found["auc"]["value"] == pytest.approx(5 / 6)
    assert measure(positive="mel")["positive"]["auc"]["value"] == pytest.approx(4.5 / 6)
    with pytest.raises(DataError, match="'scc'"):
        measure(positive="scc")


def test_abstention_starts_with_all_cases_and_ends_with_the_surest():
    curve = measure()["abstention"]
    assert curve[0] == {
        "coverage": 1.0,
        "threshold": 0.4,
        "count": 5,
        "accuracy": 0.6,
        "balanced_accuracy": pytest.approx(2 / 3),
    }
    assert curve[-1]["accuracy"] == 1.0
    assert curve[-1]["threshold"] == 0.8


@pytest.mark.parametrize(
    ("table", "truth", "groups", "words"),
    [
        ([[0.5, 0.5]], [0], ["a"], "1 x|\\(1, 2\\)"),
        ([], [], [], "at least 1|probabilities"),
        ([[0.5, 0.2, 0.2]], [0], ["a"], "row 0 is not a probability"),
        ([[0.5, float("nan"), 0.5]], [0], ["a"], "row 0"),
        ([[1.5, -0.5, 0.0]], [0], ["a"], "row 0"),
        ([[0.5, 0.3, 0.2]], [3], ["a"], "targets run from 3"),
        ([[0.5, 0.3, 0.2]], [0], ["a", "b"], "2 groups"),
    ],
)
def test_bad_input_is_a_typed_error(table, truth, groups, words):
    with pytest.raises(DataError, match=words):
        classification_metrics(table, truth, LABELS, groups, bootstrap=0)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 25), k=st.integers(2, 5), seed=st.integers(0, 999))
def test_anything_valid_becomes_json_with_scores_in_range(n, k, seed):
    rng = np.random.default_rng(seed)
    found = classification_metrics(
        rng.dirichlet(np.ones(k), n),
        rng.integers(0, k, n),
        list("abcde")[:k],
        [str(g) for g in rng.integers(0, 5, n)],
        bootstrap=25,
    )
    json.dumps(found, allow_nan=False)
    for name in ("balanced_accuracy", "accuracy", "macro_auc", "macro_f1", "ece"):
        value = found["scores"][name]["value"]
        assert value is None or -1e-12 <= value <= 1 + 1e-12
    assert sum(map(sum, found["confusion"])) == n


def test_the_order_of_the_samples_does_not_matter():
    table, truth = drawn(80, 4)
    order = np.random.default_rng(1).permutation(80)
    one, other = (measure(t, y, list("abcd"))["scores"] for t, y in ((table, truth), (table[order], truth[order])))
    for name in one:
        if name != "ece_adaptive":
            assert one[name]["value"] == pytest.approx(other[name]["value"])


def test_a_thousand_resamples_enclose_the_score():
    table, truth = drawn(400)
    scores = measure(table, truth, list("abcdefg"), bootstrap=1000)["scores"]
    for name in ("balanced_accuracy", "macro_auc", "accuracy"):
        assert scores[name]["low"] < scores[name]["value"] < scores[name]["high"]
