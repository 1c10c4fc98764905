"""EDDL's own formulas, written out on one number, in both modes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from deephealth.eddl import optim
from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.strictness import strict_mode
from tests.eddl.optim.nets import Affine, layers, parameters, train

GRADIENTS = [0.5, -1.5, 2.0, 0.25]


def one_number(optimizer, gradients=GRADIENTS, between=None):
    """Return where steps with these gradients take a parameter that begins at 1."""
    net = [Layer([], Affine(1, 1), [1])]
    weight = net[0].op.weight
    weight.data.fill_(1)
    optimizer.setlayers(net)
    places = []
    for step, gradient in enumerate(gradients):
        if between:
            between(step)
        weight.grad = torch.full_like(weight, gradient)
        optimizer.applygrads(1)
        places.append(weight.item())
    return places


def test_the_rate_is_inside_the_momentum():
    """After a change of the rate, EDDL's momentum keeps its size; torch's would shrink with the rate."""
    optimizer = optim.sgd(0.5, 0.9)

    def between(step):
        if step == 2:
            optimizer.change([0.01])

    wanted, p, m = [], 1.0, 0.0
    for step, gradient in enumerate(GRADIENTS):
        m = (0.5 if step < 2 else 0.01) * gradient + 0.9 * m
        p -= m
        wanted.append(p)
    assert one_number(optimizer, between=between) == pytest.approx(wanted, rel=1e-5)
    assert optimizer.mT[0].torch.item() == pytest.approx(m, rel=1e-5)


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_rate_of_zero_lets_the_momentum_run_out(nesterov):
    optimizer = optim.sgd(0.5, 0.9, 0.0, nesterov)

    def between(step):
        optimizer.lr = [0.5, 0.0, 0.0, 0.1][step]

    wanted, p, m = [], 1.0, 0.0
    for rate, gradient in zip([0.5, 0.0, 0.0, 0.1], GRADIENTS, strict=True):
        m = rate * gradient + 0.9 * m
        p -= 0.9 * m + rate * gradient if nesterov else m
        wanted.append(p)
    assert one_number(optimizer, between=between) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("strict", [False, True])
def test_adam_has_epsilon_inside_the_root(strict):
    with strict_mode(strict):
        optimizer = optim.adam(0.1, 0.8, 0.9, 0.5)
    wanted, p, m, v = [], 1.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
        p -= 0.1 * (m / (1 - 0.8**t)) / math.sqrt(v / (1 - 0.9**t) + 0.5)
        wanted.append(p)
    assert one_number(optimizer) == pytest.approx(wanted, rel=1e-5)
    assert optimizer.mT[0].torch.item() == pytest.approx(m, rel=1e-5)
    assert optimizer.vCap[0].torch.item() == pytest.approx(v / (1 - 0.9**4), rel=1e-5)


@pytest.mark.parametrize("strict", [False, True])
def test_rmsprop_runs_a_mean_and_in_strict_mode_looks_one_step_back(strict):
    with strict_mode(strict):
        optimizer = optim.rmsprop(0.1, 0.8, 0.01)
    wanted, p, v, before = [], 1.0, 0.0, 0.0
    for g in GRADIENTS:
        v = 0.2 * g * g + 0.8 * (before**2 if strict else v)
        p, before = p - 0.1 * g / math.sqrt(v + 0.01), g
        wanted.append(p)
    assert one_number(optimizer) == pytest.approx(wanted, rel=1e-5)


def test_strict_mode_ignores_what_eddl_ignores():
    for plain, full in (
        (lambda: optim.sgd(0.1, 0.9), lambda: optim.sgd(0.1, 0.9, 0.3, True)),
        (lambda: optim.adam(0.1), lambda: optim.adam(0.1, weight_decay=0.3, amsgrad=True)),
        (lambda: optim.rmsprop(0.1), lambda: optim.rmsprop(0.1, weight_decay=0.3)),
    ):
        with strict_mode():
            assert one_number(full()) == one_number(plain())
        assert one_number(full()) != one_number(plain())


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.adadelta(1, 0.9, 1e-6, 0),
        lambda: optim.adagrad(0.1, 1e-8, 0),
        lambda: optim.adamax(0.1, 0.9, 0.99, 1e-8, 0),
        lambda: optim.nadam(0.1, 0.9, 0.99, 1e-8, 0.004),
    ],
)
def test_what_eddl_never_wrote_does_nothing_in_strict_mode_only(make):
    with strict_mode():
        idle = make()
    assert one_number(idle) == [1, 1, 1, 1]
    idle.change([7.0])
    assert idle.lr != 7
    working = make()
    assert len(set(one_number(working))) == 4
    working.change([7.0])
    assert working.lr == 7


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.RMSProp, optim.AdaDelta, optim.Adagrad, optim.Nadam])
def test_gradients_that_are_not_finite_are_not_hidden(make):
    assert math.isnan(one_number(make(0.1), [math.nan])[0])


@pytest.mark.parametrize("arguments", [{"lr": math.nan}, {"lr": "0.1"}, {"beta_1": 1.0}, {"beta_2": -0.1}])
def test_numbers_that_make_no_sense_are_refused(arguments):
    with pytest.raises(EddlValueError, match=next(iter(arguments))):
        optim.adam(**arguments)


def test_other_memory_layouts_train_alike():
    """The one-pass kernel ignores strides, so that gradients of another layout must not reach it."""
    net, twin = layers(), layers()
    for layer in net[1:]:
        layer.op.weight.data = layer.op.weight.data.t().contiguous().t()
    for optimizer, which in ((optim.sgd(0.1, 0.9), net), (optim.sgd(0.1, 0.9), twin)):
        optimizer.setlayers(which)
        which.append(train(which[:3], optimizer)[-1])
    torch.testing.assert_close(net[3], twin[3])


def adam_in_double(gradients, epsilon, lr=0.1, beta_1=0.9, beta_2=0.999):
    p, m, v = np.ones(gradients.shape[1]), 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
        p = p - lr * m / (1 - beta_1**t) / np.sqrt(v / (1 - beta_2**t) + epsilon)
    return p, v


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("epsilon", [0.0, 1e-12, 1e-6, 1e-2])
def test_adam_stays_exact_over_many_steps(size, epsilon):
    """Epsilon rides along in the kept squares; it must not wear off, nor drown gradients much smaller than it."""
    gradients = np.random.default_rng(0).normal(size=(500, 1)) * size + size
    optimizer = optim.adam(0.1, epsilon=epsilon)
    wanted, v = adam_in_double(gradients, epsilon)
    assert one_number(optimizer, gradients.ravel().tolist())[-1] == pytest.approx(wanted.item(), rel=1e-4)
    assert optimizer.vT[0].torch.item() == pytest.approx(v.item(), rel=1e-4, abs=1e-6 * epsilon)


def test_adam_changes_between_its_two_ways_when_layers_freeze_and_epsilon_changes():
    net = layers()
    optimizer, frozen = optim.adam(0.01, epsilon=1e-3), net[1].op.weight
    optimizer.setlayers(net)
    weight = net[2].op.bias
    p, m, v = weight.detach().double(), 0.0, 0.0
    for step in range(40):
        net[1].setTrainable(step % 4 < 2)
        optimizer.epsilon = 1e-3 if step < 20 else 1e-14
        before = frozen.detach().clone()
        train(net, optimizer, 1)
        g, t = weight.grad.double(), step + 1
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p - 0.01 * m / (1 - 0.9**t) / (v / (1 - 0.999**t) + optimizer.epsilon).sqrt()
        assert torch.equal(before, frozen) == (step % 4 >= 2)
    torch.testing.assert_close(weight.detach().double(), p, rtol=1e-5, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("make", [lambda: optim.sgd(0.1), lambda: optim.sgd(0.1, 0.9, 0.1, True), optim.adam])
def test_an_accelerator_computes_the_same_also_when_the_net_moves_there_later(make):
    net, twin = layers(), layers()
    for optimizer, which in ((make(), net), (make(), twin)):
        optimizer.setlayers(which)
        train(which, optimizer, 2)
        if which is net:
            for layer in net[1:]:
                layer.op.cuda()
        train(which, optimizer, 3)
    for ours, theirs in zip(parameters(net), parameters(twin), strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-5, atol=1e-6)
