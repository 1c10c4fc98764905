from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.data.deal import deal
from deephealth.data.sample import Sample
from deephealth.io.source import Source


def sample(number: int, group: int, label: str | None) -> Sample:
    return Sample(f"s{number}", f"g{group}", Source(Path("x")), label)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["a", "b", None])), min_size=8, max_size=50),
    st.integers(2, 5),
    st.integers(0, 99),
)
def test_parts_are_whole_groups_and_never_empty(rows: list[tuple[int, str | None]], parts: int, seed: int) -> None:
    samples = [sample(number, group, label) for number, (group, label) in enumerate(rows)]
    if len({item.group for item in samples}) < parts:
        with pytest.raises(DataError, match="can't be dealt"):
            deal(samples, [1 / parts] * parts, seed=seed, purpose="test")
        return
    dealt = deal(samples, [1 / parts] * parts, seed=seed, purpose="test")
    assert sorted(item.id for part in dealt for item in part) == sorted(item.id for item in samples)
    groups = [{item.group for item in part} for part in dealt]
    assert all(groups)
    assert sum(map(len, groups)) == len(set.union(*groups))


def test_single_samples_are_dealt_exactly() -> None:
    samples = [sample(number, number, "ab"[number % 2]) for number in range(100)]
    dealt = deal(samples, (0.6, 0.3, 0.1), seed=0, purpose="test")
    for part, count in zip(dealt, (30, 15, 5), strict=True):
        assert [sum(item.label == label for item in part) for label in "ab"] == [count, count]


def test_the_first_part_keeps_the_only_group_of_a_class() -> None:
    samples = [sample(number, number, "common") for number in range(30)] + [sample(99, 99, "rare")]
    for seed in range(10):
        first, *_ = deal(samples, (0.4, 0.3, 0.3), seed=seed, purpose="test")
        assert "rare" in {item.label for item in first}


def test_purposes_are_independent_draws() -> None:
    samples = [sample(number, number, "a") for number in range(40)]
    one, other = (deal(samples, (0.5, 0.5), seed=0, purpose=purpose)[0] for purpose in ("one", "other"))
    assert {item.id for item in one} != {item.id for item in other}
