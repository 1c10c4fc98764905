"""Boundary loss: distances against scipy, the loss against MONAI."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.losses import BoundaryLoss
from scipy import ndimage

from deephealth.core.errors import ConfigError, DataError
from deephealth.losses.boundary import Boundary, boundary, signed_distances
from deephealth.losses.dice_ce import DiceCE


def blobs(*shape: int) -> torch.Tensor:
    field = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=shape), (0, *(1.5 for _ in shape[1:])))
    return torch.from_numpy(np.digitize(field, np.quantile(field, [0.5, 0.8])))[:, None]


@pytest.mark.parametrize(("shape", "spacing"), [((2, 9, 11), (1.5, 0.7)), ((2, 7, 8, 9), (3.0, 0.8, 0.9))])
def test_distances_of_scipy(shape, spacing):
    ids = blobs(*shape)
    found = signed_distances(ids, 3, spacing=spacing)
    for sample in range(2):
        for k in range(3):
            inside = ids[sample, 0].numpy() == k
            out, within = (ndimage.distance_transform_edt(m, sampling=spacing) for m in (~inside, inside))
            expected = np.where(inside, -np.maximum(within - min(spacing), 0), out)
            np.testing.assert_allclose(found[sample, k], expected, rtol=1e-5, atol=1e-6)


def test_absent_and_filling_classes_have_no_border():
    assert not signed_distances(torch.zeros(1, 1, 4, 5, dtype=torch.uint8), 2).any()


@pytest.mark.parametrize("shape", [(2, 9, 11), (2, 7, 8, 9)])
@pytest.mark.parametrize("background", [False, True])
def test_numbers_of_monai(shape, background):
    ids, logits = blobs(*shape), torch.randn(2, 3, *shape[1:], generator=torch.Generator().manual_seed(0))
    peer = BoundaryLoss(softmax=True, to_onehot_y=True, include_background=background)
    loss = Boundary(include_background=background)(logits, ids)
    assert loss.item() == pytest.approx(peer(logits, ids).item(), rel=1e-5)


def test_factory_adds_a_region_loss():
    ids, logits = blobs(2, 9, 11), torch.randn(2, 3, 9, 11)
    expected = 0.1 * Boundary()(logits, ids) + DiceCE()(logits, ids)
    assert boundary([], boundary_weight=0.1)(logits, ids).item() == pytest.approx(expected.item(), rel=1e-6)


def test_gradient():
    ids, logits = blobs(1, 4, 5), torch.randn(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: Boundary()(x, ids), logits)


def test_what_does_not_fit():
    with pytest.raises(DataError, match="spacing"):
        Boundary(spacing=(1.0,))(torch.zeros(1, 2, 4, 5), torch.zeros(1, 4, 5, dtype=torch.long))
    with pytest.raises(ConfigError, match="weight"):
        Boundary(weight=-1.0)
