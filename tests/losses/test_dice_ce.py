"""Dice and cross-entropy of class maps as modules: settings reach the kernel, numbers are MONAI's."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss

from deephealth.core.errors import ConfigError
from deephealth.losses.dice_ce import DiceCE, dice_ce, multiclass_dice

LOGITS = torch.randn(2, 3, 6, 5, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(0, 3, (2, 1, 6, 5, 4), generator=torch.Generator().manual_seed(1))


def test_dice_ce():
    weights = [1.0, 2.0, 0.5]
    peer = DiceCELoss(
        to_onehot_y=True,
        softmax=True,
        lambda_dice=0.4,
        lambda_ce=2.0,
        weight=torch.tensor(weights),
        label_smoothing=0.1,
    )
    loss = dice_ce([], dice_weight=0.4, ce_weight=2.0, class_weights=weights, label_smoothing=0.1)
    assert loss(LOGITS, LABELS).item() == pytest.approx(peer(LOGITS, LABELS).item(), rel=1e-5)


@pytest.mark.parametrize("jaccard", [False, True])
def test_dice(jaccard):
    peer = DiceLoss(to_onehot_y=True, softmax=True, squared_pred=True, jaccard=jaccard, include_background=False)
    loss = multiclass_dice([], squared=True, jaccard=jaccard, include_background=False)
    assert loss(LOGITS, LABELS[:, 0]).item() == pytest.approx(peer(LOGITS, LABELS).item(), rel=1e-5)


def test_a_step_makes_it_fall():
    leaf = LOGITS.clone().requires_grad_()
    loss = DiceCE()
    before = loss(leaf, LABELS)
    before.backward()
    assert loss(leaf.detach() - 50 * leaf.grad, LABELS) < before


def test_weights_move_with_the_module_and_settings_are_shown():
    loss = dice_ce([], class_weights=[1.0, 2.0, 3.0], ignore_index=7)
    assert loss.double().weights.dtype == torch.float64
    assert repr(loss) == "DiceCE(ignore_index=7)"
    assert not loss.state_dict()


def test_wrong_settings():
    with pytest.raises(ConfigError, match="label_smoothing"):
        dice_ce([], label_smoothing=2.0)
