"""Saving and loading what an optimizer has learned."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save

from deephealth.eddl import optim
from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.graph.layer import Layer
from tests.eddl.optim.nets import Affine, give_gradients, layers, parameters, train

MAKERS = {
    "sgd": lambda: optim.sgd(0.1),
    "momentum": lambda: optim.sgd(0.1, 0.9, 0.01, True),
    "adam": lambda: optim.adam(0.1, amsgrad=True),
    "rmsprop": lambda: optim.rmsprop(0.1),
    "adadelta": lambda: optim.adadelta(1, 0.9, 1e-6, 0),
    "adagrad": lambda: optim.adagrad(0.1, 1e-8, 0),
    "adamax": lambda: optim.adamax(0.1, 0.9, 0.99, 1e-8, 0),
    "nadam": lambda: optim.nadam(0.1, 0.9, 0.99, 1e-8, 0.004),
    "torch": lambda: optim.TorchOptimizer(lambda p: torch.optim.AdamW(p, 0.1)),
    "torch, momentum": lambda: optim.TorchOptimizer(lambda p: torch.optim.SGD(p, 0.1, 0.9)),
}


def built(make, net):
    optimizer = make()
    optimizer.setlayers(net)
    return optimizer


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("steps", [0, 3])
def test_a_run_goes_on_to_the_bit(name, steps):
    net = layers()
    optimizer = built(MAKERS[name], net)
    train(net, optimizer, steps)
    optimizer.change([0.05])
    stored = load(save(optimizer.state_dict()))

    again = layers(seed=9)
    for ours, theirs in zip(parameters(again), parameters(net), strict=True):
        ours.data.copy_(theirs)
    resumed = built(MAKERS[name], again)
    resumed.load_state_dict(stored)
    for a, b in zip(train(net, optimizer, 3), train(again, resumed, 3), strict=True):
        assert torch.equal(a, b)
    assert resumed.t == steps + 3


def test_a_state_does_not_change_with_further_steps():
    net = layers()
    optimizer = built(MAKERS["momentum"], net)
    train(net, optimizer, 1)
    stored = optimizer.state_dict()
    before = {key: tensor.clone() for key, tensor in stored.items()}
    train(net, optimizer, 2)
    assert all(torch.equal(before[key], tensor) for key, tensor in stored.items())


@pytest.mark.parametrize("name", ["momentum", "torch"])
def test_a_state_of_other_shapes_is_refused(name):
    net = layers()
    optimizer = built(MAKERS[name], net)
    train(net, optimizer, 1)
    other = [Layer([], Affine(5, 2), [2]), Layer([], Affine(2, 3), [3])]
    with pytest.raises(EddlShapeError, match=r"/0.* \[5, 7\].* \[5, 2\]"):
        built(MAKERS[name], other).load_state_dict(optimizer.state_dict())


def test_a_state_of_another_optimizer_is_refused():
    net = layers()
    optimizer = built(MAKERS["adam"], net)
    train(net, optimizer, 1)
    with pytest.raises(EddlValueError, match="not one of sgd over 4 parameters"):
        built(MAKERS["momentum"], net).load_state_dict(optimizer.state_dict())
    with pytest.raises(EddlValueError, match="not part of the state of SGD"):
        built(MAKERS["torch, momentum"], net).load_state_dict(optimizer.state_dict())
    with pytest.raises(EddlValueError, match=r"mT/0"):
        optimizer.load_state_dict({k: v for k, v in optimizer.state_dict().items() if k != "mT/0"})


class TestTorchOptimizer:
    def test_one_that_is_made_already(self):
        net = layers()
        optimizer = optim.TorchOptimizer(torch.optim.SGD(parameters(net)[:2], 0.5))
        optimizer.setlayers(net)
        before = net[2].op.weight.detach().clone()
        train(net, optimizer, 1)
        assert torch.equal(before, net[2].op.weight)
        assert optimizer.lr == 0.5
        optimizer.change([0.1])
        assert optimizer.torch.param_groups[0]["lr"] == 0.1

    def test_its_clone_trains_another_net(self):
        made = torch.optim.AdamW(parameters(layers()), 0.5, weight_decay=0.25)
        clone, other = optim.TorchOptimizer(made).clone(), layers()
        clone.setlayers(other)
        assert clone.torch.param_groups[0]["weight_decay"] == 0.25
        assert clone.torch.param_groups[0]["params"][0] is other[1].op.weight

    def test_strangers_are_refused(self):
        optimizer = optim.TorchOptimizer(torch.optim.SGD(parameters(layers()), 0.5))
        with pytest.raises(EddlValueError, match="4 parameters that are not the net's"):
            optimizer.setlayers(layers())

    def test_frozen_layers_and_clipping(self):
        net = layers()
        optimizer = optim.TorchOptimizer(lambda p: torch.optim.SGD(p, 1.0, 0.9))
        optimizer.setlayers(net)
        optimizer.set_clip_val(0.5)
        train(net, optimizer, 1)
        net[1].trainable = False
        frozen, free = net[1].op.weight.detach().clone(), net[2].op.bias.detach().clone()
        give_gradients(parameters(net), 3, scale=100)
        optimizer.applygrads(1)
        assert torch.equal(frozen, net[1].op.weight)
        assert net[1].op.weight.grad is not None
        assert 0 < (free - net[2].op.bias).abs().max() < 1

    def test_before_build_it_says_so(self):
        optimizer = optim.TorchOptimizer(torch.optim.Adam)
        with pytest.raises(EddlValueError, match="build the net first"):
            optimizer.change([0.1])

    def test_anything_else_is_refused(self):
        with pytest.raises(EddlValueError, match="'adam'"):
            optim.TorchOptimizer("adam")

    def test_shares_pass_on(self):
        net = layers()
        optimizer = optim.TorchOptimizer(lambda p: torch.optim.SGD(p, 1.0))
        optimizer.setlayers(net)
        give_gradients(parameters(net), 0)
        optimizer.share().applygrads(1)
        assert optimizer.t == 1
