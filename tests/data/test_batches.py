from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import CheckpointError, DataError
from deephealth.data.batches import EvaluationBatches, TrainBatches
from deephealth.data.sampler import ClassBalanced, Shuffle

counts, sizes, worlds = st.integers(1, 100), st.integers(1, 16), st.integers(1, 4)


@settings(max_examples=80, deadline=None)
@given(counts, sizes, worlds)
def test_training_is_shared_evenly(count: int, size: int, world: int) -> None:
    if count < world:
        with pytest.raises(DataError):
            TrainBatches(Shuffle(range(count), 0), size, world=world)
        return
    ranks = [list(TrainBatches(Shuffle(range(count), 0), size, rank=rank, world=world)) for rank in range(world)]
    assert len({tuple(map(len, batches)) for batches in ranks}) == 1
    indices = [index for batches in ranks for batch in batches for _, _, index in batch]
    assert len(indices) == len(set(indices))
    assert len(indices) >= count - 2 * world + 1 or len(ranks[0]) == 1
    single = list(TrainBatches(Shuffle(range(count), 0), size * world))
    for number, batch in enumerate(single[: len(ranks[0])]):  # the global batches are those of one process
        together = set(chain.from_iterable(batches[number] for batches in ranks))
        assert together <= set(batch)
        assert len(batch) - len(together) < world


@settings(max_examples=80, deadline=None)
@given(counts, sizes, worlds)
def test_evaluation_has_every_sample_once(count: int, size: int, world: int) -> None:
    if count < world:
        with pytest.raises(DataError):
            EvaluationBatches(count, size, world=world)
        return
    ranks = [EvaluationBatches(count, size, rank=rank, world=world) for rank in range(world)]
    indices = [index for batches in ranks for batch in batches for _, _, index in batch]
    assert sorted(indices) == list(range(count))
    assert all(0 < len(batch) <= size for batches in ranks for batch in batches)
    assert size == 1 or len({len(batches) for batches in ranks}) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), sizes, st.integers(0, 5), st.data())
def test_position_yields_the_rest_of_that_epoch_and_all_of_the_next(
    count: int, size: int, epoch: int, data: st.DataObject
) -> None:
    batches = TrainBatches(Shuffle(range(count), 7), size)
    batches.set_epoch(epoch)
    whole = list(batches)
    done = data.draw(st.integers(0, len(whole)))
    resumed = TrainBatches(Shuffle(range(count), 7), size)
    resumed.set_position(epoch, done)
    resumed.set_epoch(epoch)  # as Lightning does
    assert list(resumed) == whole[done:]
    assert len(resumed) == len(whole)
    for later in (resumed, batches):
        later.set_epoch(epoch + 1)
    assert list(resumed) == list(batches)


def test_a_single_last_sample_is_left_out_unless_it_is_all() -> None:
    assert [len(batch) for batch in TrainBatches(Shuffle(range(9), 0), 4)] == [4, 4]
    assert [len(batch) for batch in TrainBatches(Shuffle(range(10), 0), 4)] == [4, 4, 2]
    assert [len(batch) for batch in TrainBatches(Shuffle(range(1), 0), 4)] == [1]


def test_repeats_are_counted_across_the_epoch() -> None:
    keys = list(chain.from_iterable(TrainBatches(ClassBalanced([0] * 9 + [1], 0), 3)))
    assert sorted(repeat for _, repeat, index in keys if index == 9) == [0, 1, 2, 3, 4][: len(keys) - 4]
    assert len(set(keys)) == len(keys)


def test_impossible_positions() -> None:
    batches = TrainBatches(Shuffle(range(10), 0), 4)
    for epoch, done in ((0, 4), (0, -1), (-1, 0)):
        with pytest.raises(CheckpointError, match="3 batches"):
            batches.set_position(epoch, done)
    assert batches.sampler is batches
