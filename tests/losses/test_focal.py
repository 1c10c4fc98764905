"""Focal loss against the formula of the paper."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from deephealth.core.errors import ConfigError
from deephealth.losses.cross_entropy import balanced_weights
from deephealth.losses.focal import focal

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0]], dtype=torch.float64)
TARGET = torch.tensor([0, 2])


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_formula(gamma):
    p = LOGITS.softmax(1).gather(1, TARGET[:, None])[:, 0]
    expected = (-((1 - p) ** gamma) * p.log()).mean()
    assert focal([1, 1, 1], gamma=gamma)(LOGITS, TARGET).item() == pytest.approx(expected.item())


def test_gamma_zero_is_cross_entropy():
    assert focal([1, 1, 1], gamma=0.0)(LOGITS, TARGET).item() == pytest.approx(
        functional.cross_entropy(LOGITS, TARGET).item()
    )


def test_class_weights_multiply():
    weights = balanced_weights([6, 3, 1])[TARGET].double()
    p = LOGITS.softmax(1).gather(1, TARGET[:, None])[:, 0]
    expected = (-weights * (1 - p) ** 2 * p.log()).mean()
    assert focal([6, 3, 1], class_weights="balanced")(LOGITS, TARGET).item() == pytest.approx(expected.item(), rel=1e-6)


def test_class_shares_are_taken():
    one_hot = functional.one_hot(TARGET, 3).double()
    assert focal([1, 1, 1])(LOGITS, one_hot).item() == pytest.approx(focal([1, 1, 1])(LOGITS, TARGET).item())


def test_gradient():
    inputs = LOGITS.clone().requires_grad_()  # MONAI computes in float32: a wide step
    assert torch.autograd.gradcheck(lambda x: focal([1, 1, 1])(x, TARGET), inputs, eps=1e-2, atol=2e-3)


def test_wrong_values_are_all_reported():
    with pytest.raises(ConfigError) as caught:
        focal([1, 1], gamma=-1, class_weights="x")
    assert len(caught.value.problems) == 2
