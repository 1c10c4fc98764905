"""Which parameters are changed: frozen ones, ones without gradient, shared ones; clipping, cloning, sharing."""

from __future__ import annotations

import pytest
import torch

from deephealth.eddl import optim
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.optim import Optimizer
from tests.eddl.optim.nets import give_gradients, layers, parameters, train

EVERY = [optim.SGD, optim.Adam, optim.RMSProp, optim.AdaDelta, optim.Adagrad, optim.Adamax, optim.Nadam]


def momentum(lr):
    return optim.SGD(lr, 0.9)


@pytest.mark.parametrize("make", [*EVERY, momentum])
def test_a_frozen_layer_stays_and_its_state_waits(make):
    net, twin = layers(), layers()
    optimizer, reference = make(0.1), make(0.1)
    optimizer.setlayers(net)
    reference.setlayers(twin)
    before = [p.detach().clone() for p in net[1].op.parameters()]
    net[1].setTrainable(False)
    train(net, optimizer, 2)
    train(twin, reference, 2)
    assert all(torch.equal(a, b) for a, b in zip(before, net[1].op.parameters(), strict=True))
    for ours, theirs in zip(net[2].op.parameters(), twin[2].op.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    net[1].setTrainable(True)
    train(net, optimizer, 1)
    assert not any(torch.equal(a, b) for a, b in zip(before, net[1].op.parameters(), strict=True))


def test_the_trainable_attribute_alone_freezes_too():
    net = layers()
    optimizer = optim.sgd(0.1)
    optimizer.setlayers(net)
    net[2].trainable = False
    before = net[2].op.weight.detach().clone()
    train(net, optimizer, 1)
    assert torch.equal(before, net[2].op.weight)


@pytest.mark.parametrize("make", [*EVERY, momentum])
def test_a_parameter_without_gradient_is_skipped(make):
    net = layers()
    optimizer = make(0.1)
    optimizer.setlayers(net)
    optimizer.applygrads(1)
    give_gradients(parameters(net), 0)
    net[2].op.bias.grad = None
    before = net[2].op.bias.detach().clone()
    optimizer.applygrads(1)
    assert torch.equal(before, net[2].op.bias)
    assert optimizer.t == 1


def test_a_parameter_that_two_layers_share_is_changed_once():
    net = layers()
    net.append(Layer([net[1]], net[2].op, [3]))
    optimizer = optim.sgd(1.0)
    optimizer.setlayers(net)
    net[2].op.bias.data.zero_()
    net[2].op.bias.grad = torch.ones(3)
    optimizer.applygrads(1)
    assert net[2].op.bias.tolist() == [-1, -1, -1]


def test_clipping_limits_every_value_in_place():
    net = layers()
    optimizer = optim.sgd(1.0)
    optimizer.setlayers(net)
    before = net[1].op.weight.detach().clone()
    give_gradients(parameters(net), 0, scale=10)
    optimizer.clip()
    assert net[1].op.weight.grad.abs().max() > 1
    optimizer.set_clip_val(0.25)
    optimizer.applygrads(1)
    assert net[1].op.weight.grad.abs().max() == 0.25
    assert (before - net[1].op.weight).abs().max() <= 0.2500001
    give_gradients(parameters(net), 0, scale=10)
    optimizer.clip()
    assert net[1].op.bias.grad.abs().max() == 0.25


@pytest.mark.parametrize("make", EVERY)
def test_clones_start_anew_and_shares_pass_on(make):
    optimizer = make(0.1)
    optimizer.set_clip_val(2)
    net = layers()
    optimizer.setlayers(net)
    train(net, optimizer, 2)
    clone, share = optimizer.clone(), optimizer.share()
    assert type(clone) is type(optimizer)
    assert (clone.t, clone.clip_val, clone.isshared, clone.orig) == (0, 2, False, None)
    assert (share.isshared, share.orig) == (True, optimizer)
    share.setlayers(layers())
    share.applygrads(4)
    assert (optimizer.t, share.t) == (3, 0)


def test_changing_rates():
    cases = [(optim.sgd(), [0.5, 0.25], ("lr", "mu")), (optim.rmsprop(), [0.5, 0.25], ("lr", "rho"))]
    for optimizer, values, names in cases:
        optimizer.change(values)
        assert [getattr(optimizer, name) for name in names] == values
        optimizer.change([])
        assert [getattr(optimizer, name) for name in names] == values
    optimizer = optim.adam()
    optimizer.change([0.5, 0.25])
    assert (optimizer.lr, optimizer.beta_1) == (0.5, 0.9)


def test_what_programs_read():
    for make in EVERY:
        optimizer = make(0.1)
        assert {"name", "layers", "isshared", "clip_val", "orig", "lr"} <= set(dir(optimizer))
        net = layers()
        optimizer.setlayers(net)
        assert optimizer.layers == net
        kept = optimizer.gT1 if make is optim.RMSProp else optimizer.mT
        assert [tensor.shape for tensor in kept] == [list(p.shape) for p in parameters(net)]
        assert isinstance(optimizer, Optimizer)


def test_the_default_of_build():
    assert repr(optim.as_optimizer(None)) == repr(optim.sgd(0.001, 0.9))
    assert optim.as_optimizer(chosen := optim.adam()) is chosen
    assert isinstance(optim.as_optimizer(torch.optim.SGD), optim.TorchOptimizer)
