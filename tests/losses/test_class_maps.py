"""Losses of class maps that MONAI computes: what we add is the check in front, and ignored voxels."""

from __future__ import annotations

import pytest
import torch
from monai.losses import GeneralizedDiceLoss, HausdorffDTLoss
from torch.nn import functional

from deephealth.core.errors import ConfigError, DataError
from deephealth.losses.class_maps import generalized_dice, hausdorff, multiclass_focal

LOGITS = torch.randn(2, 3, 6, 5, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(0, 3, (2, 1, 6, 5, 4), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_focal_by_hand(gamma):
    log_p = LOGITS.double().log_softmax(1).gather(1, LABELS)
    weights = torch.tensor([1.0, 2.0, 0.5])
    expected = -(weights[LABELS] * (1 - log_p.exp()) ** gamma * log_p).mean()
    loss = multiclass_focal([], gamma=gamma, class_weights=weights.tolist())
    assert loss(LOGITS, LABELS[:, 0]).item() == pytest.approx(expected.item(), rel=1e-5)


def test_focal_leaves_out_what_is_ignored():
    labels = LABELS.clone()
    labels[:, :, 3] = 255
    expected = functional.cross_entropy(LOGITS, labels[:, 0], ignore_index=255)
    loss = multiclass_focal([], gamma=0.0, ignore_index=255)
    assert loss(LOGITS, labels).item() == pytest.approx(expected.item(), rel=1e-5)
    assert loss(LOGITS, torch.full_like(labels, 255)) == 0


def test_generalized_dice_and_hausdorff_are_monais():
    peer = GeneralizedDiceLoss(to_onehot_y=True, softmax=True, w_type="simple")
    assert generalized_dice([], weighting="simple")(LOGITS, LABELS[:, 0]) == peer(LOGITS, LABELS)
    peer = HausdorffDTLoss(to_onehot_y=True, softmax=True, alpha=1.5)
    assert hausdorff([], alpha=1.5)(LOGITS, LABELS) == peer(LOGITS, LABELS)


@pytest.mark.parametrize("factory", [multiclass_focal, generalized_dice, hausdorff])
def test_bad_input_is_named(factory):
    loss = factory([])
    labels = LABELS.clone()
    labels[0, 0, 0, 0, :2] = 4
    with pytest.raises(DataError, match=r"4 \(2 voxels\)"):
        loss(LOGITS, labels)
    with pytest.raises(DataError, match="NaN"):
        loss(LOGITS * float("nan"), LABELS)
    with pytest.raises(DataError, match="argmax"):
        loss(LOGITS, LOGITS.softmax(1))


def test_wrong_settings():
    with pytest.raises(ConfigError, match="weighting"):
        generalized_dice([], weighting="cubic")
    with pytest.raises(ConfigError, match="gamma"):
        multiclass_focal([], gamma=-1.0)
