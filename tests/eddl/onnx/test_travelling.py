"""Weights and gradients travel between nets as ONNX bytes."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("onnxscript")

from deephealth import eddl
from deephealth.eddl.onnx.travelling import apply_grads_from_onnx, set_weights_from_onnx


def _net(units=3):
    x = eddl.Input([2, 6, 6], name="x")
    y = eddl.ReLu(eddl.BatchNormalization(eddl.Conv(x, 4, [3, 3], name="conv"), True, name="bn"), name="relu")
    return eddl.Model([x], [eddl.Dense(eddl.Flatten(y, name="flat"), units, name="head")])


def _recurrent():
    x = eddl.Input([3], name="x")
    return eddl.Model([x], [eddl.Dense(eddl.GRU(eddl.LSTM(x, 4, name="lstm"), 5, name="gru"), 2, name="head")])


def _built(net, seed):
    torch.manual_seed(seed)
    eddl.build(net, eddl.sgd(0.1, 0.0), ["mse"], ["mse"], eddl.CS_CPU(), True)
    for layer in net.layers:
        for param in layer.params:
            param.torch.uniform_(0.1, 1.0)
    return net


@pytest.mark.parametrize("make", [_net, _recurrent])
def test_weights_travel(make):
    one, other = _built(make(), 1), _built(make(), 2)
    set_weights_from_onnx(other, eddl.serialize_net_to_onnx_string(one, False))
    for a, b in zip(one.layers, other.layers, strict=True):
        assert all(torch.equal(p.torch, q.torch) for p, q in zip(a.params, b.params, strict=True)), a.name


@pytest.mark.parametrize(("make", "x"), [(_net, torch.rand(4, 2, 6, 6)), (_recurrent, torch.rand(4, 5, 3))])
def test_gradients_travel_and_add_up(make, x):
    one = _built(make(), 1)
    module = one.module.train()
    module(x).square().sum().backward()
    other = _built(make(), 1)
    content = eddl.serialize_net_to_onnx_string(one, True)
    apply_grads_from_onnx(other, content)
    apply_grads_from_onnx(other, content)
    for a, b in zip(one.layers, other.layers, strict=True):
        for mine, theirs in zip(a.gradients, b.gradients, strict=True):
            assert mine.torch.any(), a.name
            torch.testing.assert_close(theirs.torch, 2 * mine.torch)


def test_weights_of_another_net_are_refused():
    one = _built(_net(5), 1)
    content = eddl.serialize_net_to_onnx_string(one, False)
    with pytest.raises(eddl.EddlShapeError, match="head"):
        set_weights_from_onnx(_built(_net(3), 1), content)
    with pytest.raises(eddl.EddlOnnxError, match="lstm"):
        set_weights_from_onnx(_built(_recurrent(), 1), content)
