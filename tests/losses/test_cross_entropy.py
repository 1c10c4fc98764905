"""Cross-entropy and kin against values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.losses.cross_entropy import balanced_softmax, balanced_weights, cross_entropy, logit_adjusted

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0]], dtype=torch.float64)
TARGET = torch.tensor([0, 2])
COUNTS = [70, 20, 10]


def log_softmax(row: list[float]) -> list[float]:
    total = math.log(sum(math.exp(value) for value in row))
    return [value - total for value in row]


def by_hand(weights=(1.0, 1.0, 1.0), smoothing=0.0, shift=(0.0, 0.0, 0.0)) -> float:
    """Mean over samples, weighted by the weight of the true class; smoothing spreads evenly over all classes."""
    total, norm = 0.0, 0.0
    for row, label in zip(LOGITS.tolist(), TARGET.tolist(), strict=True):
        logs = log_softmax([value + s for value, s in zip(row, shift, strict=True)])
        total += -(1 - smoothing) * weights[label] * logs[label]
        total += -smoothing / 3 * sum(w * value for w, value in zip(weights, logs, strict=True))
        norm += weights[label]
    return total / norm


def test_plain():
    assert cross_entropy(COUNTS)(LOGITS, TARGET).item() == pytest.approx(by_hand())


def test_label_smoothing():
    assert cross_entropy(COUNTS, label_smoothing=0.1)(LOGITS, TARGET).item() == pytest.approx(by_hand(smoothing=0.1))


def test_balanced_weights():
    weights = [100 / (3 * count) for count in COUNTS]
    assert balanced_weights(COUNTS).tolist() == pytest.approx(weights)
    loss = cross_entropy(COUNTS, class_weights="balanced", label_smoothing=0.1)
    assert loss(LOGITS, TARGET).item() == pytest.approx(by_hand(weights, 0.1), rel=1e-6)


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 2.0])
def test_logit_adjusted(tau):
    shift = [tau * math.log(count / 100) for count in COUNTS]
    assert logit_adjusted(COUNTS, tau=tau)(LOGITS, TARGET).item() == pytest.approx(by_hand(shift=shift), rel=1e-6)


def test_balanced_softmax_is_the_paper_formula():
    weighted = LOGITS.exp() * torch.tensor(COUNTS)
    expected = -(weighted / weighted.sum(1, keepdim=True)).log().gather(1, TARGET[:, None]).mean()
    assert balanced_softmax(COUNTS)(LOGITS, TARGET).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("factory", [cross_entropy, logit_adjusted])
def test_class_shares_mix_linearly(factory):
    loss = factory(COUNTS, label_smoothing=0.1)
    one_hot, other = (torch.nn.functional.one_hot(t, 3).double() for t in (TARGET, TARGET.flip(0)))
    mixed = loss(LOGITS, 0.3 * one_hot + 0.7 * other)
    assert mixed.item() == pytest.approx((0.3 * loss(LOGITS, TARGET) + 0.7 * loss(LOGITS, TARGET.flip(0))).item())


@pytest.mark.parametrize("parameters", [{}, {"label_smoothing": 0.1}, {"class_weights": "balanced"}])
def test_gradient(parameters):
    assert torch.autograd.gradcheck(
        lambda x: cross_entropy(COUNTS, **parameters)(x, TARGET), LOGITS.clone().requires_grad_()
    )


def test_gradient_of_logit_adjusted():
    assert torch.autograd.gradcheck(lambda x: logit_adjusted(COUNTS)(x, TARGET), LOGITS.clone().requires_grad_())


@pytest.mark.parametrize("counts", [[], [3, 0, 2]])
def test_empty_class_is_named(counts):
    with pytest.raises(DataError, match="class number"):
        logit_adjusted(counts)


@pytest.mark.parametrize("parameters", [{"class_weights": "sqrt"}, {"label_smoothing": 1.5}])
def test_wrong_value(parameters):
    with pytest.raises(ConfigError):
        cross_entropy(COUNTS, **parameters)
