"""Losses of masks against values computed by hand."""

from __future__ import annotations

import pytest
import torch

from deephealth.core.errors import ConfigError
from deephealth.losses import LOSSES
from deephealth.losses.overlap import bce, dice, dice_bce, jaccard, jaccard_bce, tversky

LOGITS = torch.tensor([[[[1.0, -2.0], [0.5, 0.0]]], [[[3.0, -1.0], [-1.0, 2.0]]]], dtype=torch.float64)
MASK = torch.tensor([[[[1, 0], [1, 0]]], [[[1, 0], [0, 0]]]], dtype=torch.float64)
P = LOGITS.sigmoid()
NAMES = [entry.name for entry in LOSSES if entry.facts["task"] == "segmentation"]


def sums(x: torch.Tensor) -> torch.Tensor:
    return x.sum((1, 2, 3))


def test_bce():
    expected = -(MASK * P.log() + (1 - MASK) * (1 - P).log()).mean()
    assert bce([])(LOGITS, MASK).item() == pytest.approx(expected.item())


def test_bce_positive_weight():
    expected = -(3 * MASK * P.log() + (1 - MASK) * (1 - P).log()).mean()
    assert bce([], positive_weight=3.0)(LOGITS, MASK).item() == pytest.approx(expected.item())


def test_dice_per_image_and_per_batch():
    inside, total = sums(P * MASK), sums(P) + sums(MASK)
    assert dice([], smooth=0.0)(LOGITS, MASK).item() == pytest.approx((1 - 2 * inside / total).mean().item())
    whole = 1 - 2 * inside.sum() / total.sum()
    assert dice([], smooth=0.0, batch=True)(LOGITS, MASK).item() == pytest.approx(whole.item())


def test_jaccard():
    inside = sums(P * MASK)
    expected = (1 - inside / (sums(P) + sums(MASK) - inside)).mean()
    assert jaccard([], smooth=0.0)(LOGITS, MASK).item() == pytest.approx(expected.item())


def test_tversky():
    inside, false, missed = sums(P * MASK), sums(P * (1 - MASK)), sums((1 - P) * MASK)
    expected = (1 - inside / (inside + 0.2 * false + 0.8 * missed)).mean()
    assert tversky([], alpha=0.2, beta=0.8, smooth=0.0)(LOGITS, MASK).item() == pytest.approx(expected.item())


@pytest.mark.parametrize(("both", "overlap"), [(dice_bce, dice), (jaccard_bce, jaccard)])
def test_sums_are_weighted(both, overlap):
    key = f"{overlap.__name__}_weight"
    expected = 2 * overlap([])(LOGITS, MASK) + 0.5 * bce([])(LOGITS, MASK)
    assert both([], **{key: 2.0, "bce_weight": 0.5})(LOGITS, MASK).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("name", NAMES)
def test_gradient_and_empty_mask(name):
    loss = LOSSES.get(name)([])
    assert torch.autograd.gradcheck(lambda x: loss(x, MASK), LOGITS.clone().requires_grad_())
    assert loss(LOGITS, torch.zeros_like(MASK)).isfinite()


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 1.0)])
def test_weights_must_make_sense(weights):
    with pytest.raises(ConfigError, match="weights"):
        dice_bce([], dice_weight=weights[0], bce_weight=weights[1])
