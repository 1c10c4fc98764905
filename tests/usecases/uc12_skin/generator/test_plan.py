"""The plan of a generated set: how many of each class, how many views of a lesion."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.usecases.uc12_skin.classes import CLASSES
from deephealth.usecases.uc12_skin.generator.plan import plan


@given(st.integers(7, 400), st.integers(0, 2**32 - 1), st.booleans())
def test_every_plan_is_whole(n, seed, balanced):
    planned = plan(n, seed, balanced=balanced)
    assert len({item.image_id for item in planned}) == len(planned) == n
    assert {item.label for item in planned} == set(CLASSES)
    labels = defaultdict(set)
    for item in planned:
        labels[item.lesion_id].add(item.label)
    assert all(len(found) == 1 for found in labels.values())
    assert planned == plan(n, seed, balanced=balanced)


@given(st.integers(42, 400))
def test_rare_classes_are_not_too_rare_for_three_splits(n):
    assert min(Counter(item.label for item in plan(n, 0)).values()) >= 6


def test_frequencies_are_those_of_ham10000():
    counts = Counter(item.label for item in plan(2000, 1))
    assert [name for name, _ in counts.most_common(3)] == ["nv", "mel", "bkl"]
    assert counts["nv"] == pytest.approx(2000 * 6705 / 10015, rel=0.05)


def test_balanced_means_equal():
    counts = Counter(item.label for item in plan(70, 1, balanced=True))
    assert set(counts.values()) == {10}


def test_some_lesions_have_several_views_of_one_confirmation():
    planned = plan(400, 0)
    views = Counter(item.lesion_id for item in planned)
    assert set(views.values()) == {1, 2, 3}
    assert 1.2 < len(planned) / len(views) < 1.5
    confirmed = defaultdict(set)
    for item in planned:
        confirmed[item.lesion_id].add(item.confirmation)
    assert all(len(found) == 1 for found in confirmed.values())
    assert {item.confirmation for item in planned if item.label == "mel"} == {"histopathology"}
