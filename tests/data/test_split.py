from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deephealth.config.schema import SplitConfig
from deephealth.core.errors import DataError, LeakError
from deephealth.data.sample import DataIndex, Sample
from deephealth.data.split import SPLITS, Split, check_classes, check_leaks, make_split, overfit_split
from deephealth.io.source import Source


def sample(number: int, group: object, label: str | None = "a", split: str | None = None) -> Sample:
    return Sample(f"s{number}", f"g{group}", Source(Path(f"{number}.png")), label, split=split)


def index_of(samples: list[Sample]) -> DataIndex:
    return DataIndex(Path("set"), "test", (), tuple(samples))


def ids(samples: tuple[Sample, ...]) -> list[str]:
    return [item.id for item in samples]


@st.composite
def indexes(draw: st.DrawFn) -> DataIndex:
    rows = draw(st.lists(st.tuples(st.integers(0, 15), st.sampled_from("aaab")), min_size=12, max_size=60))
    assume(len({group for group, _ in rows}) >= 5)
    return index_of([sample(number, group, label) for number, (group, label) in enumerate(rows)])


def split_or_skip(index: DataIndex, config: SplitConfig) -> Split:
    try:
        return make_split(index, config)
    except DataError as error:  # a class of one group that had to feed test: the check did its work
        assume("train has none" not in str(error))
        raise


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(indexes(), seeds)
def test_every_sample_once_and_groups_apart(index: DataIndex, seed: int) -> None:
    split = split_or_skip(index, SplitConfig(seed=seed))
    dealt = [name for _, samples in split.items() for name in ids(samples)]
    assert sorted(dealt) == sorted(ids(index.samples))
    groups = [{item.group for item in samples} for _, samples in split.items()]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert all(groups)


@settings(max_examples=60, deadline=None)
@given(indexes(), seeds, st.randoms(use_true_random=False))
def test_order_of_samples_does_not_matter(index: DataIndex, seed: int, shuffler: random.Random) -> None:
    shuffled = list(index.samples)
    shuffler.shuffle(shuffled)
    for config in (SplitConfig(seed=seed), SplitConfig(seed=seed, folds=2, fold=1)):
        assert split_or_skip(replace(index, samples=tuple(shuffled)), config) == split_or_skip(index, config)


@settings(max_examples=40, deadline=None)
@given(indexes(), seeds, st.integers(2, 4))
def test_folds_cover_train_and_val_once_and_leave_test(index: DataIndex, seed: int, folds: int) -> None:
    splits = [split_or_skip(index, SplitConfig(seed=seed, folds=folds, fold=fold)) for fold in range(folds)]
    whole = split_or_skip(index, SplitConfig(seed=seed))
    assert all(split.test == whole.test for split in splits)
    in_val = [name for split in splits for name in ids(split.val)]
    assert sorted(in_val) == sorted(ids(whole.train) + ids(whole.val))
    for split in splits:
        check_leaks(split)
        assert len(split.train) + len(split.val) == len(in_val)


def test_rare_classes_are_in_proportion() -> None:
    counts = {"nv": 800, "mel": 300, "df": 40, "vasc": 20}
    numbers = iter(range(10_000))
    samples = [
        sample(n, n // 2, label) for label, count in counts.items() for n in (next(numbers) for _ in range(count))
    ]
    for seed in range(3):
        split = make_split(index_of(samples), SplitConfig(seed=seed))
        for (_, part), fraction in zip(split.items(), (0.7, 0.15, 0.15), strict=True):
            found = Counter(item.label for item in part)
            for label, count in counts.items():
                assert abs(found[label] - fraction * count) <= max(2, 0.01 * count)


def test_large_groups_have_no_preferred_part() -> None:
    sizes = [1] * 60 + [10] * 20
    samples = [sample(f"{group}-{n}", group) for group, size in enumerate(sizes) for n in range(size)]
    shares = Counter()
    for seed in range(20):
        split = make_split(index_of(samples), SplitConfig(seed=seed))
        for name, part in split.items():
            shares[name] += sum(size >= 10 for size in Counter(item.group for item in part).values()) / 400
            assert abs(len(part) / 260 - {"train": 0.7}.get(name, 0.15)) < 0.02
    assert 0.6 < shares["train"] < 0.8


def test_seeds_give_different_splits() -> None:
    samples = [sample(n, n) for n in range(50)]
    assert make_split(index_of(samples), SplitConfig(seed=1)) != make_split(index_of(samples), SplitConfig(seed=2))


def test_given_split_is_kept() -> None:
    samples = [sample(n, n, split=SPLITS[n % 3]) for n in range(12)]
    split = make_split(index_of([*samples, sample(99, 99)]), SplitConfig())
    assert [name for name, part in split.items() if all(item.split == name for item in part)] == list(SPLITS)
    assert split.source == "given; 1 samples it leaves out are not used"
    drawn = make_split(index_of([*samples, sample(99, 99)]), SplitConfig(source="groups"))
    assert sum(len(part) for _, part in drawn.items()) == 13


def test_missing_parts_are_drawn_from_train() -> None:
    train = [sample(n, n // 2, "ab"[n % 2], "train") for n in range(200)]
    test = [sample(n, n, "a", "test") for n in range(200, 240)]
    split = make_split(index_of([*train, *test]), SplitConfig())
    assert split.source == "given; val drawn from train by groups (seed 0)"
    assert len(split.test) == 40
    assert 30 <= len(split.val) <= 40  # 0.15 / 0.85 of 200
    split = make_split(index_of(train), SplitConfig(fractions=(0.6, 0.2, 0.2)))
    assert split.source == "given; test drawn from train by groups (seed 0); val drawn from train by groups (seed 0)"
    assert [len(part) for _, part in split.items()] == [120, 40, 40]
    val = [sample(n, n, "a", "val") for n in range(200, 220)]
    split = make_split(index_of([*train, *val]), SplitConfig(fractions=(0.8, 0.1, 0.1)))
    assert [len(part) for _, part in split.items()] == [178, 20, 22]


def test_leak_names_groups_and_parts() -> None:
    samples = [sample(1, "X", split="train"), sample(2, "X", split="test"), sample(3, "Y", split="val")]
    with pytest.raises(LeakError, match=r"both train and test: gX") as caught:
        make_split(index_of(samples), SplitConfig())
    assert "split.source=groups" in str(caught.value)
    many = tuple(sample(n, n) for n in range(8))
    with pytest.raises(LeakError, match=r"8 of the groups .* val and test: g0, g1, g2, g3, g4 and 3 more"):
        check_leaks(Split((), many, many, ""))


def test_class_only_in_test() -> None:
    samples = [sample(1, 1, "a", "train"), sample(2, 2, "a", "val"), sample(3, 3, "df", "test")]
    with pytest.raises(DataError, match="test has samples of 'df'"):
        make_split(index_of(samples), SplitConfig())
    check_classes(Split((sample(1, 1),), (), (sample(2, 2, None),), ""))


@pytest.mark.parametrize(
    ("samples", "config", "message"),
    [
        ([sample(1, 1), sample(2, 2), sample(3, 3)], SplitConfig(source="given"), "no split of its own"),
        ([sample(1, 1), sample(2, 2)], SplitConfig(), "2 groups .* 3 parts"),
        ([sample(n, n) for n in range(6)], SplitConfig(folds=6), "6 parts"),
        ([sample(1, 1), sample(1, 2), sample(3, 3)], SplitConfig(), "two samples are called 's1'"),
        ([sample(1, 1, split="test")], SplitConfig(), "no training samples"),
        ([sample(1, 1, split="holdout")], SplitConfig(), "given to the split 'holdout'"),
    ],
)
def test_impossible_splits(samples: list[Sample], config: SplitConfig, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_split(index_of(samples), config)


def test_three_groups_fill_three_parts() -> None:
    split = make_split(index_of([sample(n, n) for n in range(3)]), SplitConfig())
    assert [len(part) for _, part in split.items()] == [1, 1, 1]


def test_overfit_split() -> None:
    split = make_split(index_of([sample(n, n) for n in range(20)]), SplitConfig())
    few = overfit_split(split, 4)
    assert few.train == few.val == few.test == split.train[:4]


def test_overfit_split_lets_the_classes_take_turns() -> None:
    samples = [sample(n, n, label="ab"[n > 5] if n < 8 else "c") for n in range(9)]
    few = overfit_split(Split(tuple(samples), (), (), "given"), 4)
    assert [item.label for item in few.train] == ["a", "b", "c", "a"]
