"""The fast path of the bootstrap must equal scikit-learn, resample by resample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from deephealth.metrics.bootstrap import group_weights
from deephealth.metrics.calibration import equal_bins
from deephealth.metrics.weighted import RankedScores, WeightedScores

SPECIFICITIES = (0.8, 0.9, 0.95)


def problem(seed: int, n: int = 60, k: int = 4, levels: int = 0):
    """Probabilities (with ties when ``levels`` is set) and targets."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.ones(k), n)
    if levels:
        table = np.round(table * levels) + 1
        table /= table.sum(axis=1, keepdims=True)
    return table, np.r_[np.arange(k), rng.integers(0, k, n - k)]


def scores(table, targets):
    return WeightedScores(table, targets, SPECIFICITIES, 0.8, (1.0, 0.5, 0.0), equal_bins(table.max(axis=1)), 15)


def sklearn_sensitivity(positive, values, specificity, weights):
    fpr, tpr, _ = sk.roc_curve(positive, values, sample_weight=weights, drop_intermediate=False)
    return tpr[fpr <= 1 - specificity + 1e-9].max()


def sklearn_partial_auc(positive, values, min_sensitivity, weights):
    """Flip the problem: sensitivity above 0.8 becomes a false positive rate below 0.2; undo McClish's scaling."""
    width = 1 - min_sensitivity
    scaled = sk.roc_auc_score(~positive, -values, max_fpr=width, sample_weight=weights)
    lowest = width**2 / 2
    return lowest + (width - lowest) * (scaled - 0.5) / 0.5


@pytest.mark.parametrize("levels", [0, 5])
def test_with_weights_of_one_everything_equals_sklearn(levels):
    table, targets = problem(1, levels=levels)
    found = {name: values[0] for name, values in scores(table, targets)(np.ones((1, 60))).items()}
    predicted = table.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(targets, predicted))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(targets, predicted))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(targets, predicted, average="macro"))
    assert found["f1"] == pytest.approx(sk.f1_score(targets, predicted, average=None))
    assert found["recall"] == pytest.approx(sk.recall_score(targets, predicted, average=None))
    assert found["precision"] == pytest.approx(
        sk.precision_score(targets, predicted, average=None, zero_division=np.nan)
    )
    assert found["macro_auc"] == pytest.approx(sk.roc_auc_score(targets, table, multi_class="ovr"))
    assert found["log_loss"] == pytest.approx(sk.log_loss(targets, table))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(targets, table, scale_by_half=False, labels=range(4)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.sampled_from([0, 3]))
def test_with_drawn_weights_rankings_equal_sklearn(seed, levels):
    table, targets = problem(seed, n=40, k=3, levels=levels)
    weights = group_weights([str(i // 2) for i in range(40)], 3, seed=seed)
    found = scores(table, targets)(weights)
    for row, label in ((row, label) for row in range(3) for label in range(3)):
        positive, values, drawn = targets == label, table[:, label], weights[row]
        if not (drawn[positive].sum() and drawn[~positive].sum()):
            assert np.isnan(found["auc"][row, label])
            continue
        used = drawn > 0
        positive, values, drawn = positive[used], values[used], drawn[used]
        assert found["auc"][row, label] == pytest.approx(sk.roc_auc_score(positive, values, sample_weight=drawn))
        assert found["partial_auc"][row, label] == pytest.approx(
            sklearn_partial_auc(positive, values, 0.8, drawn), abs=1e-9
        )
        for column, specificity in enumerate(SPECIFICITIES):
            expected = sklearn_sensitivity(positive, values, specificity, drawn)
            assert found["sensitivity_at"][row, label, column] == pytest.approx(expected)


def test_a_weight_of_two_is_the_sample_twice():
    table, targets = problem(7)
    weights = group_weights([str(i) for i in range(60)], 1, seed=4)
    repeated = np.repeat(np.arange(60), weights[0].astype(int))
    again = scores(table[repeated], targets[repeated])(np.ones((1, len(repeated))))
    for name, values in scores(table, targets)(weights).items():
        assert values == pytest.approx(again[name], nan_ok=True), name


def test_a_lost_class_makes_macro_scores_undefined_instead_of_another_quantity():
    table, targets = problem(3, n=8, k=4)
    weights = np.ones((2, 8))
    weights[1, targets == 2] = 0
    found = scores(table, targets)(weights)
    assert np.isfinite(found["balanced_accuracy"][0])
    assert np.isnan(found["balanced_accuracy"][1])
    assert np.isnan(found["macro_auc"][1])
    assert np.isfinite(found["accuracy"][1])


def test_hand_computed_sensitivity_and_auc():
    # ranked + - + - -: AUC = (3 + 2) / 6; at specificity 2/3 one false positive is allowed
    ranked = RankedScores(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, False, True, False, False]))
    counts = ranked.counts(np.ones((1, 5)))
    assert ranked.auc(*counts)[0] == pytest.approx(5 / 6)
    assert ranked.sensitivity_at(*counts, (0.9, 2 / 3))[0].tolist() == [0.5, 1.0]
    # sensitivity reaches 1 at a false positive rate of 1/3: the area above 0.8 is (1 - 1/3) * 0.2
    assert ranked.partial_auc(*counts, 0.8)[0] == pytest.approx(0.2 * 2 / 3)


def test_specificity_that_is_exactly_reached_counts():
    # 10 negatives: 0.9 allows exactly one of them above the threshold
    values = np.r_[0.95, 0.9, np.linspace(0.1, 0.5, 9), 0.85]
    positive = np.r_[False, True, np.zeros(9, bool), True]
    ranked = RankedScores(values, positive)
    assert ranked.sensitivity_at(*ranked.counts(np.ones((1, 12))), (0.9,))[0, 0] == 1.0
