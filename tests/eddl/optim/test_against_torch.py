"""Default mode: where torch has the same algorithm, the same numbers."""

from __future__ import annotations

import pytest
import torch

from deephealth.eddl import optim
from tests.eddl.optim.nets import give_gradients, layers, parameters, train

T = torch.optim
TINY = 1e-10  # EDDL's epsilon is inside the root, torch's outside: 1e-20 and 1e-10 are then the same

CASES = {
    "sgd": (lambda: optim.sgd(0.1), lambda p: T.SGD(p, 0.1)),
    "sgd, decay": (lambda: optim.sgd(0.1, 0, 0.1), lambda p: T.SGD(p, 0.1, weight_decay=0.1)),
    "momentum": (lambda: optim.sgd(0.1, 0.9), lambda p: T.SGD(p, 0.1, 0.9)),
    "momentum, decay": (lambda: optim.sgd(0.1, 0.9, 0.1), lambda p: T.SGD(p, 0.1, 0.9, weight_decay=0.1)),
    "nesterov": (lambda: optim.sgd(0.1, 0.9, 0.1, True), lambda p: T.SGD(p, 0.1, 0.9, 0, 0.1, True)),
    "adam": (lambda: optim.adam(0.1, epsilon=TINY**2), lambda p: T.Adam(p, 0.1, eps=TINY)),
    "amsgrad": (
        lambda: optim.adam(0.1, 0.9, 0.6, TINY**2, 0.1, True),
        lambda p: T.Adam(p, 0.1, (0.9, 0.6), TINY, 0.1, True),
    ),
    "rmsprop": (
        lambda: optim.rmsprop(0.1, 0.8, TINY**2, 0.1),
        lambda p: T.RMSprop(p, 0.1, 0.8, TINY, weight_decay=0.1),
    ),
    "adadelta": (lambda: optim.adadelta(1, 0.9, 1e-6, 0.1), lambda p: T.Adadelta(p, 1, 0.9, 1e-6, 0.1)),
    "adagrad": (lambda: optim.adagrad(0.1, 1e-8, 0.1), lambda p: T.Adagrad(p, 0.1, 0, 0.1, eps=1e-8)),
    "adamax": (lambda: optim.adamax(0.1, 0.9, 0.99, 1e-8, 0.1), lambda p: T.Adamax(p, 0.1, (0.9, 0.99), 1e-8, 0.1)),
    "nadam": (lambda: optim.nadam(0.1, 0.9, 0.99, 1e-8, 0.004), lambda p: T.NAdam(p, 0.1, (0.9, 0.99), 1e-8)),
    "wrapped": (lambda: optim.TorchOptimizer(lambda p: T.AdamW(p, 0.1)), lambda p: T.AdamW(p, 0.1)),
}


@pytest.mark.parametrize("name", CASES)
def test_same_numbers(name):
    ours, theirs = CASES[name]
    net, twin, optimizer = layers(), layers(), ours()
    optimizer.setlayers(net)
    reference = theirs(parameters(twin))
    for step, got in enumerate(train(net, optimizer)):
        give_gradients(parameters(twin), step)
        reference.step()
        wanted = torch.cat([p.detach().flatten() for p in parameters(twin)])
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"wrapped"}))
def test_the_signature_holds_the_arguments_in_order(name):
    made = CASES[name][0]()
    assert repr(made) == repr(made.clone())
