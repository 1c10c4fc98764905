"""Pads given as numbers, as imported networks have them."""

import pytest
import torch
from torch.nn import functional as F

from deephealth.eddl.layers.convolutions import ConvSettings, LConv
from deephealth.eddl.layers.core import Input
from deephealth.eddl.layers.pooling import LAveragePool, LMaxPool
from deephealth.eddl.layers.transposed import LConvT2D


def fill(layer):
    for slot, tensor in enumerate(layer.params):
        tensor.torch.normal_(generator=torch.Generator().manual_seed(slot))
    return layer


X = torch.randn(2, 3, 6, 7, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 2, 2], [2, 0, 0, 1]])
def test_convolution(pads):
    layer = fill(LConv(Input([3, 6, 7]), ConvSettings(4, [3, 3], [2, 1], "custom", pads=pads)))
    weight, bias = (tensor.torch for tensor in layer.params)
    wanted = F.conv2d(F.pad(X, (pads[2], pads[3], pads[0], pads[1])), weight, bias, (2, 1))
    torch.testing.assert_close(layer.op(X), wanted)
    assert layer.shape == list(wanted.shape[1:])


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 0, 0], [2, 2, 2, 2], [0, 1, 2, 0]])
def test_pools_even_where_the_pads_are_wider_than_half_the_window(pads):
    order = (pads[2], pads[3], pads[0], pads[1])
    layer = LMaxPool(Input([3, 6, 7]), [3, 3], [2, 2], "custom", pads)
    torch.testing.assert_close(layer.op(X), F.max_pool2d(F.pad(X, order, value=-torch.inf), 3, 2))
    mean = LAveragePool(Input([3, 6, 7]), [3, 3], [2, 2], "custom", pads)
    torch.testing.assert_close(mean.op(X), F.avg_pool2d(F.pad(X, order), 3, 2))
    assert layer.shape == mean.shape == list(mean.op(X).shape[1:])


@pytest.mark.parametrize(("pads", "padding", "missing"), [([1, 1, 0, 0], (1, 0), 0), ([1, 0, 1, 0], 1, 1)])
def test_transposed_convolution(pads, padding, missing):
    layer = fill(LConvT2D(Input([3, 6, 7]), ConvSettings(4, [3, 3], [2, 2], "custom", pads=pads)))
    weight, bias = (tensor.torch for tensor in layer.params)
    wanted = F.conv_transpose2d(X, weight, bias, 2, padding, missing)
    torch.testing.assert_close(layer.op(X), wanted)
    assert layer.shape == list(wanted.shape[1:])


def test_transposed_convolution_that_is_cut_more_at_the_far_end():
    layer = fill(LConvT2D(Input([3, 6, 7]), ConvSettings(4, [3, 3], [2, 2], "custom", pads=[0, 2, 1, 1])))
    weight, bias = (tensor.torch for tensor in layer.params)
    wanted = F.conv_transpose2d(X, weight, bias, 2)[:, :, :-2, 1:-1]
    torch.testing.assert_close(layer.op(X), wanted)
