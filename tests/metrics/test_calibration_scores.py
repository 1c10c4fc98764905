"""Calibration scores: those of calibration.py, torchmetrics and scikit-learn, streamed in any order."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

from deephealth.core.errors import ConfigError, DataError
from deephealth.metrics.calibration import bin_error, equal_bins, reliability
from deephealth.metrics.calibration_scores import CalibrationScores

CLASSES = 3


def samples(seed: int, count: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn((count, CLASSES), generator=generator)
    return logits, torch.multinomial((0.5 * logits).softmax(1), 1, generator=generator)[:, 0]


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), bins=st.integers(1, 20))
def test_equal_to_the_fields(seed: int, bins: int) -> None:
    logits, truth = samples(seed)
    metric = CalibrationScores(CLASSES, num_bins=bins)
    metric.update(logits[:100], truth[:100])
    metric.update(logits[100:], truth[100:])
    found = metric.compute()
    table = logits.softmax(1)
    for name, norm in (("ece", "l1"), ("mce", "max")):
        wanted = multiclass_calibration_error(table, truth, CLASSES, n_bins=bins, norm=norm)
        assert found[name].item() == pytest.approx(wanted.item(), abs=1e-5)
    confidence, said = table.max(1)
    rows = reliability(
        confidence.double().numpy(), (said == truth).numpy(), equal_bins(confidence.double().numpy(), bins)
    )
    assert found["ece"].item() == pytest.approx(bin_error(rows), abs=1e-8)
    exact = logits.double().softmax(1)
    hot = torch.nn.functional.one_hot(truth, CLASSES)
    squares = (table.double() - hot) ** 2
    assert found["brier"].item() == pytest.approx(squares.sum(1).mean().item(), abs=1e-7)
    torch.testing.assert_close(found["class_brier"], squares.mean(0), atol=1e-7, rtol=0)
    assert found["nll"].item() == pytest.approx(log_loss(truth, exact, labels=range(CLASSES)), abs=1e-6)
    for value in range(CLASSES):
        column = table[:, value].double().numpy()
        rows = reliability(column, (truth == value).numpy(), equal_bins(column, bins))
        assert found["class_ece"][value].item() == pytest.approx(bin_error(rows), abs=1e-8)
        mine = -table[truth == value, value].double().log().mean()
        assert found["class_nll"][value].item() == pytest.approx(mine.item(), abs=1e-6)


def test_the_order_and_the_stretches_of_the_stream_change_no_bit() -> None:
    logits, truth = samples(0, 5000)
    shuffled = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
    values = []
    for order, size in ((torch.arange(5000), 5000), (shuffled, 700), (shuffled.flip(0), 33)):
        metric = CalibrationScores(CLASSES)
        for part in order.split(size):
            metric.update(logits[part], truth[part])
        values.append(metric.compute())
    for one in values[1:]:
        assert all(torch.equal(one[name], values[0][name]) for name in one)


def test_volumes_half_precision_and_ignored_voxels() -> None:
    logits, truth = samples(1, 4 * 5 * 6 * 2)
    volume = logits.reshape(2, 4, 5, 6, CLASSES).movedim(-1, 1)
    target = truth.reshape(2, 4, 5, 6).clone()
    flat = CalibrationScores(CLASSES)(logits, truth)
    dense = CalibrationScores(CLASSES)(volume, target[:, None])
    assert all(torch.equal(flat[name], dense[name]) for name in flat)
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        near = CalibrationScores(CLASSES)(volume.to(kind), target)
        assert near["nll"].item() == pytest.approx(flat["nll"].item(), abs=2e-2)
    target[0] = -1
    half = CalibrationScores(CLASSES, ignore_index=-1)(volume, target)
    assert torch.equal(half["ece"], CalibrationScores(CLASSES)(volume[1:], target[1:])["ece"])
    certain = CalibrationScores(2)(torch.tensor([[-1e4, 1e4]]), torch.tensor([0]))
    assert certain["nll"].item() == pytest.approx(149 * math.log(2), abs=1e-6)


def test_bad_input_is_named() -> None:
    metric = CalibrationScores(CLASSES)
    logits, truth = samples(0, 4)
    for preds, target, words in (
        (logits[:, :2], truth, r"\(4, 2\).*\(4,\)"),
        (logits, truth[:3], r"\(3,\)"),
        (logits, truth * 0 + 7, r"7 \(4×\)"),
        (logits.masked_fill(logits > 0, math.nan), truth, "not finite"),
    ):
        with pytest.raises(DataError, match=words):
            metric.update(preds, target)
    with pytest.raises(DataError, match="4 of 4 samples are no distributions"):
        CalibrationScores(CLASSES, input_format="probabilities").update(logits, truth)
    metric.update(logits[:0], truth[:0])
    assert metric.compute()["ece"].isnan()
    with pytest.raises(ConfigError, match="3 mistakes"):
        CalibrationScores(1, num_bins=0, input_format="x")  # type: ignore[arg-type]
    assert np.isnan(metric.compute()["mce"].item())
