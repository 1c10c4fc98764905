from __future__ import annotations

from collections import Counter
from dataclasses import replace

from deephealth.config.schema import SplitConfig
from deephealth.data.permute import shuffle_labels
from deephealth.data.sample import DataIndex
from deephealth.data.split import make_split


def test_only_training_truth_moves(index: DataIndex) -> None:
    split = make_split(index, SplitConfig())
    shuffled = shuffle_labels(split, seed=0)
    assert (shuffled.val, shuffled.test) == (split.val, split.test)
    assert [sample.id for sample in shuffled.train] == [sample.id for sample in split.train]
    assert [sample.image for sample in shuffled.train] == [sample.image for sample in split.train]
    labels, before = ([sample.label for sample in part.train] for part in (shuffled, split))
    assert labels != before
    assert Counter(labels) == Counter(before)
    assert Counter(sample.mask for sample in shuffled.train) == Counter(sample.mask for sample in split.train)
    assert "permuted" in shuffled.source


def test_depends_on_the_seed_alone(index: DataIndex) -> None:
    split = make_split(index, SplitConfig())
    backwards = replace(split, train=split.train[::-1])
    assert shuffle_labels(backwards, seed=3).train[::-1] == shuffle_labels(split, seed=3).train
    assert shuffle_labels(split, seed=3).train != shuffle_labels(split, seed=4).train
