from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.metrics.bootstrap import bootstrap_interval, group_weights, percentile_interval, resample_statistics

names = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=30)


@settings(max_examples=50, deadline=None)
@given(groups=names, seed=st.integers(0, 2**32 - 1))
def test_a_group_is_drawn_as_a_whole_and_as_many_groups_as_there_are(groups, seed):
    weights = group_weights(groups, 7, seed=seed)
    first = {group: groups.index(group) for group in groups}
    for column, group in enumerate(groups):
        assert (weights[:, column] == weights[:, first[group]]).all()
    assert (weights[:, list(first.values())].sum(axis=1) == len(first)).all()


def test_groups_are_drawn_evenly():
    weights = group_weights(["a", "b", "c", "d"], 20_000, seed=1)
    assert np.allclose(weights.mean(axis=0), 1, atol=0.03)
    assert np.allclose(weights.var(axis=0), 0.75, atol=0.05)  # binomial(4, 1/4)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    one, same, other = (group_weights(list("abcdef"), 9, seed=seed) for seed in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()


def test_no_sample_is_an_error():
    with pytest.raises(DataError, match="at least one sample"):
        group_weights([], 3, seed=0)


def test_the_interval_of_a_mean_matches_its_standard_error():
    values = np.random.default_rng(0).normal(10, 2, 400)
    found = bootstrap_interval(list(values), [str(i) for i in range(400)], resamples=2000, seed=5)
    assert found["value"] == pytest.approx(values.mean())
    assert (found["high"] - found["low"]) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.08)


def test_copies_of_a_sample_in_one_group_do_not_narrow_the_interval():
    values = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    single = bootstrap_interval(values, list("abcdefgh"), seed=2)
    copies = bootstrap_interval(values * 10, list("abcdefgh") * 10, seed=2)
    naive = bootstrap_interval(values * 10, [str(i) for i in range(80)], seed=2)
    assert copies == single
    assert naive["high"] - naive["low"] < (single["high"] - single["low"]) / 2


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats(-10, 10), min_size=2, max_size=20), seed=st.integers(0, 99))
def test_the_interval_lies_within_the_values(values, seed):
    found = bootstrap_interval(values, [str(i) for i in range(len(values))], resamples=40, seed=seed)
    assert min(values) - 1e-9 <= found["low"] <= found["high"] <= max(values) + 1e-9


def test_undefined_values_are_left_out_and_one_group_has_no_interval():
    assert bootstrap_interval([np.nan, 2.0], ["a", "b"]) == {"value": 2.0, "low": None, "high": None}
    assert bootstrap_interval([np.nan], ["a"]) == {"value": None, "low": None, "high": None}
    assert bootstrap_interval([1.0, 3.0], ["a", "a"])["low"] is None
    assert bootstrap_interval([1.0, 3.0], ["a", "b"], resamples=0)["low"] is None


def test_percentiles_need_enough_finite_draws():
    assert percentile_interval(np.r_[np.arange(101.0), np.nan], 0.5) == (25.0, 75.0, 101)
    assert percentile_interval(np.r_[np.arange(5.0), np.full(50, np.nan)], 0.95) == (None, None, 5)


def test_statistics_are_computed_in_chunks_that_fit_in_memory(monkeypatch):
    monkeypatch.setattr("deephealth.metrics.bootstrap._CHUNK_ELEMENTS", 30)
    rows = []

    def statistic(weights):
        rows.append(len(weights))
        return {"sum": weights.sum(axis=1)}

    found = resample_statistics(statistic, list("abcdefghij"), 8, seed=0)
    assert rows == [3, 3, 2]
    assert found["sum"].tolist() == [10.0] * 8
