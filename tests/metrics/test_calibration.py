from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.metrics.calibration import (
    adaptive_bins,
    apply_temperature,
    bin_error,
    equal_bins,
    fit_temperature,
    reliability,
)


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_drew_the_labels_is_found(true_temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (4000, 4))
    chances = apply_temperature(logits, true_temperature)
    targets = (rng.random((4000, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(0, 3)
    assert fit_temperature(logits, targets) == pytest.approx(true_temperature, rel=0.08)


def test_it_lowers_the_log_loss_and_keeps_the_answers():
    rng = np.random.default_rng(1)
    logits = 5 * rng.normal(0, 1, (300, 3))
    targets = np.where(rng.random(300) < 0.6, logits.argmax(axis=1), rng.integers(0, 3, 300))
    temperature = fit_temperature(logits, targets)
    before, after = apply_temperature(logits, 1), apply_temperature(logits, temperature)
    loss = [-np.log(table[np.arange(300), targets]).mean() for table in (before, after)]
    assert loss[1] < loss[0]
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()


def test_single_logits_are_the_two_class_problem():
    z = np.array([2.0, -1.0, 0.5, 3.0])
    both = np.stack([np.zeros(4), z], axis=1)
    assert fit_temperature(z, [1, 1, 0, 1]) == pytest.approx(fit_temperature(both, [1, 1, 0, 1]))
    assert apply_temperature(z[:, None], 2.0)[:, 1] == pytest.approx(1 / (1 + np.exp(-z / 2)))


def test_perfect_answers_get_the_coldest_temperature_and_hopeless_ones_the_hottest():
    logits = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(logits, [0, 1]) < 0.1
    assert fit_temperature(logits, [1, 0]) > 40


@pytest.mark.parametrize(("logits", "targets"), [([], []), ([[1.0, np.nan]], [0]), ([[1.0, 2.0]], [0, 1])])
def test_bad_input_is_a_typed_error(logits, targets):
    with pytest.raises(DataError, match="temperature scaling"):
        fit_temperature(np.array(logits).reshape(-1, 2), targets)


@settings(max_examples=50, deadline=None)
@given(confidence=st.lists(st.floats(0, 1), min_size=1, max_size=60), num_bins=st.integers(1, 20))
def test_bins_hold_every_sample_once(confidence, num_bins):
    array = np.array(confidence)
    for bins in (equal_bins(array, num_bins), adaptive_bins(array, num_bins)):
        assert bins.min() >= 0
        assert bins.max() < num_bins
        rows = reliability(array, array > 0.5, bins)
        assert sum(row["count"] for row in rows) == len(confidence)
        assert 0 <= bin_error(rows) <= 1
    sizes = np.bincount(adaptive_bins(array, num_bins))
    assert sizes.max() - sizes.min() <= 1


def test_equal_bins_hold_what_lies_in_them():
    assert equal_bins(np.array([0.0, 0.066, 0.067, 0.5, 1.0])).tolist() == [0, 0, 1, 7, 14]
