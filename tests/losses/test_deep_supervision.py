"""Deep supervision: nnU-Net's weights, torch's nearest-exact labels, lists and stacks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.losses import DeepSupervisionLoss, DiceCELoss
from torch.nn import functional

from deephealth.core.errors import ConfigError, DataError
from deephealth.losses.deep_supervision import DeepSupervision, downsample_labels, supervision_weights
from deephealth.losses.dice_ce import DiceCE

LABELS = torch.randint(0, 3, (2, 1, 8, 8, 8), generator=torch.Generator().manual_seed(1))
OUTPUTS = [torch.randn(2, 3, n, n, n, generator=torch.Generator().manual_seed(n)) for n in (8, 4, 2)]


def test_weights():
    assert supervision_weights(4) == pytest.approx([4 / 7, 2 / 7, 1 / 7, 0])  # nnU-Net: the coarsest counts nothing
    assert supervision_weights(3, drop_lowest=False) == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert supervision_weights(1) == [1.0]


@given(have=st.integers(1, 40), wanted=st.integers(1, 40))
def test_labels_are_those_of_nearest_exact(have, wanted):
    labels = torch.arange(have)
    expected = functional.interpolate(labels[None, None].double(), size=wanted, mode="nearest-exact")[0, 0]
    assert downsample_labels(labels, (wanted,)).tolist() == expected.tolist()


def test_numbers_of_monai():
    peer = DeepSupervisionLoss(DiceCELoss(to_onehot_y=True, softmax=True), weights=[0.5, 0.3, 0.2])
    loss = DeepSupervision(DiceCE(), weights=[0.5, 0.3, 0.2])
    assert loss(OUTPUTS, LABELS).item() == pytest.approx(peer(OUTPUTS, LABELS.float()).item(), rel=1e-5)
    assert loss(OUTPUTS, LABELS[:, 0].to(torch.uint8)).item() == pytest.approx(loss(OUTPUTS, LABELS).item())


def test_stacked_outputs_and_a_single_one():
    stack = torch.stack([OUTPUTS[0], OUTPUTS[0] / 2], 1)
    loss = DeepSupervision(DiceCE(), drop_lowest=False, stacked=True)
    listed = DeepSupervision(DiceCE(), drop_lowest=False)
    assert loss(stack, LABELS) == listed([OUTPUTS[0], OUTPUTS[0] / 2], LABELS)
    assert listed(OUTPUTS[0], LABELS) == DiceCE()(OUTPUTS[0], LABELS)


def test_the_coarsest_gets_no_gradient():
    leaves = [output.clone().requires_grad_() for output in OUTPUTS]
    DeepSupervision(DiceCE())(leaves, LABELS).backward()
    assert [leaf.grad is not None for leaf in leaves] == [True, True, False]


def test_what_does_not_fit():
    with pytest.raises(DataError, match="0 outputs"):
        DeepSupervision(DiceCE(), weights=[1.0])([], LABELS)
    with pytest.raises(DataError, match="3 outputs for 2"):
        DeepSupervision(DiceCE(), weights=[1.0, 1.0])(OUTPUTS, LABELS)
    with pytest.raises(DataError, match="finest"):
        DeepSupervision(DiceCE())(OUTPUTS, LABELS[:, :, 1:])
    with pytest.raises(ConfigError, match="none below 0"):
        DeepSupervision(DiceCE(), weights=[0.0])
