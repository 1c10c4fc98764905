from __future__ import annotations

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, jaccard_score

from deephealth.train.meters import BalancedAccuracy, MeanJaccard, WeightedMean, meter_state, restore_meter
from deephealth.train.monitor import Monitor


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_balanced_accuracy_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    predicted, true = torch.tensor(pairs).T
    logits = torch.nn.functional.one_hot(predicted, 4).float()
    meter = BalancedAccuracy(4)
    for part in range(0, len(pairs), 7):
        meter.update(logits[part : part + 7], true[part : part + 7])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about classes without a sample, which both leave out
        expected = balanced_accuracy_score(true, predicted)
    assert float(meter.compute()) == pytest.approx(expected)


def test_mean_jaccard_is_the_mean_over_images() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, masks = (
        torch.randn(5, 1, 6, 6, generator=generator),
        torch.randint(0, 2, (5, 1, 6, 6), generator=generator).float(),
    )
    masks[4] = 0
    logits[4] = -1
    meter = MeanJaccard(0.5)
    meter.update(logits[:2], masks[:2])
    meter.update(logits[2:], masks[2:])
    expected = [jaccard_score(masks[i].flatten(), logits[i].flatten() > 0) for i in range(4)] + [1.0]
    assert float(meter.compute()) == pytest.approx(sum(expected) / 5)


def test_meter_state_round_trip() -> None:
    meter, other = WeightedMean(), WeightedMean()
    meter.update(torch.tensor(2.0), 3)
    restore_meter(other, meter_state(meter))
    other.update(torch.tensor(6.0), 1)
    assert float(other.compute()) == 3.0
    restore_meter(other, meter_state(meter), owner=False)
    assert float(other.weight) == 0.0


def test_monitor() -> None:
    loss, score = Monitor("val_loss"), Monitor("val_jaccard", required=False)
    assert loss.better(1.0, None)
    assert not loss.better(math.nan, None)
    assert not loss.better(math.nan, 2.0)
    assert not score.better(0.55, 0.5, by=0.1)
    assert score.read({"val_loss": 1.0}) is None
    with pytest.raises(KeyError, match="train_loss"):
        loss.read({"train_loss": 1.0})
