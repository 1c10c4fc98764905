"""Tversky of class maps: MONAI's numbers, and the focal form by hand."""

from __future__ import annotations

import pytest
import torch
from monai.losses import TverskyLoss

from deephealth.core.errors import ConfigError
from deephealth.losses.tversky import Tversky, focal_tversky, multiclass_tversky

LOGITS = torch.randn(2, 3, 6, 5, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.randint(0, 3, (2, 1, 6, 5, 4), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("settings", [{}, {"batch": True}, {"include_background": False}, {"ignore_index": 9}])
def test_numbers_of_monai(settings):
    labels = LABELS.clone()
    if "ignore_index" in settings:
        labels[:, :, 2] = 9
    peer = TverskyLoss(to_onehot_y=True, softmax=True, alpha=0.2, beta=0.9, **settings)
    loss = multiclass_tversky([], alpha=0.2, beta=0.9, **settings)
    assert loss(LOGITS, labels).item() == pytest.approx(peer(LOGITS, labels).item(), rel=1e-5)


def test_focal_is_a_power_of_each_class():
    p = LOGITS.double().softmax(1)
    y = torch.nn.functional.one_hot(LABELS[:, 0], 3).movedim(-1, 1).double()
    hit, false, missed = ((a * b).sum((2, 3, 4)) for a, b in ((p, y), (p, 1 - y), (1 - p, y)))
    expected = (1 - (hit + 1e-5) / (hit + 0.3 * false + 0.7 * missed + 1e-5)) ** 0.75
    assert focal_tversky([])(LOGITS, LABELS).item() == pytest.approx(expected.mean().item(), rel=1e-5)


def test_gradient():
    logits = LOGITS[:, :, :2, :2, :2].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal_tversky([])(x, LABELS[:, :, :2, :2, :2]), logits)


def test_a_perfect_map_has_a_finite_slope():
    logits = (100.0 * torch.nn.functional.one_hot(LABELS[:, 0], 3).movedim(-1, 1)).requires_grad_()
    focal_tversky([])(logits, LABELS).backward()
    assert logits.grad.isfinite().all()


def test_wrong_settings_are_all_reported():
    with pytest.raises(ConfigError) as caught:
        Tversky(alpha=-1.0, gamma=0.0)
    assert len(caught.value.problems) == 2
