from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError
from deephealth.data.catalogue import SAMPLERS

targets = st.lists(st.integers(0, 4), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None)
@given(targets, st.integers(0, 2**32 - 1), st.integers(0, 1000), st.sampled_from(SAMPLERS.names()))
def test_order_is_a_function_of_seed_and_epoch(labels: list[int], seed: int, epoch: int, name: str) -> None:
    sampler = SAMPLERS.get(name)
    order = sampler(labels, seed).order(epoch)
    assert order == sampler(labels, seed).order(epoch)
    assert len(order) == len(sampler(labels, seed)) == len(labels)
    assert set(order) <= set(range(len(labels)))


@given(targets)
def test_shuffle_has_every_sample_once(labels: list[int]) -> None:
    assert sorted(SAMPLERS.get("shuffle")(labels, 0).order(3)) == list(range(len(labels)))


@settings(max_examples=40, deadline=None)
@given(targets)
def test_class_balanced_counts_classes_evenly_and_uses_all_before_repeating(labels: list[int]) -> None:
    order = SAMPLERS.get("class_balanced")(labels, 0).order(0)
    per_class = Counter(labels[index] for index in order)
    assert max(per_class.values()) - min(per_class.values()) <= 1 or len(per_class) < len(set(labels))
    uses = Counter(order)
    for label in per_class:
        counts = [uses[index] for index, other in enumerate(labels) if other == label]
        assert max(counts) - min(counts) <= 1


def test_sqrt_balanced_lies_between() -> None:
    labels = [0] * 900 + [1] * 100
    counts = Counter(labels[index] for index in SAMPLERS.get("sqrt_balanced")(labels, 0).order(0))
    assert counts == {0: 750, 1: 250}


def test_epochs_and_seeds_differ() -> None:
    shuffle = SAMPLERS.get("shuffle")(list(range(50)), 0)
    orders = [shuffle.order(0), shuffle.order(1), SAMPLERS.get("shuffle")(list(range(50)), 1).order(0)]
    assert len({tuple(order) for order in orders}) == 3


def test_parameters() -> None:
    assert list(SAMPLERS.parameters("class_balanced")) == ["num_samples"]
    assert not SAMPLERS.parameters("shuffle")
    assert len(SAMPLERS.get("class_balanced")([0, 1], 0, num_samples=10).order(0)) == 10
    with pytest.raises(DataError):
        SAMPLERS.get("class_balanced")([], 0)
