"""What regularizers take from a weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.initial import L1, L1L2, L2, RL1, RL1L2, RL2
from deephealth.eddl.tensor import Tensor

W = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
W[0, 0] = 0
FORMULAS = [
    (RL1(0.1), W - 0.1 * np.sign(W)),
    (RL2(0.1), W - 0.1 * W),
    (RL1L2(0.1, 0.2), W - 0.1 * np.sign(W) - 0.2 * W),
]


@pytest.mark.parametrize(("regularizer", "wanted"), FORMULAS, ids=lambda value: getattr(value, "name", ""))
def test_formulas(regularizer, wanted):
    weight = Tensor.fromarray(W)
    alias = weight.torch
    regularizer.apply(weight)
    np.testing.assert_allclose(alias.numpy(), wanted, rtol=1e-6, atol=1e-7)


def test_a_parameter_can_be_passed():
    weight = nn.Parameter(torch.ones(3))
    RL2(0.5).apply(weight)
    assert weight.tolist() == [0.5, 0.5, 0.5]
    assert weight.requires_grad


def test_the_functions_attach_and_return_the_layer():
    layer = Layer([], None, [3])
    assert L1(layer, 0.1) is layer
    assert (layer.reg.name, layer.reg.l1) == ("l1", 0.1)
    assert L2(layer, 0.2).reg.l2 == 0.2
    assert (L1L2(layer, 0.1, 0.2).reg.l1, layer.reg.l2, layer.reg.name) == (0.1, 0.2, "l1_l2")
