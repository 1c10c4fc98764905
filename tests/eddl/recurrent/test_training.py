"""Recurrent nets through the public functions: they learn, predict, and are looked into."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deephealth import eddl
from tests.eddl.recurrent.nets import onehot


def built(net, optimizer=None, loss="softmax_cross_entropy", metric="accuracy"):
    eddl.build(net, optimizer or eddl.adam(0.02), [loss], [metric], eddl.CS_CPU(1))
    return net


def last_loss(net, x, y, steps: int) -> tuple[float, float]:
    losses = []
    for _ in range(steps):
        eddl.reset_loss(net)
        eddl.train_batch(net, [x], [y])
        losses.append(eddl.get_losses(net)[0])
    return losses[0], losses[-1]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_classifier_learns_which_token_came_first() -> None:
    words = torch.randint(1, 4, (64, 6, 1)).float()
    x, y = eddl.Tensor.from_torch(words), eddl.Tensor.from_torch(torch.eye(4)[words[:, 0, 0].long()].unsqueeze(1))
    word = eddl.Input([1])
    out = eddl.Softmax(eddl.Dense(eddl.GRU(eddl.Embedding(word, 4, 1, 8, True), 16, True), 4))
    first, last = last_loss(built(eddl.Model([word], [out])), x, y, 60)
    assert last < 0.3 * first


def test_a_translator_learns_to_copy_and_predicts_without_targets() -> None:
    tokens = onehot(32, 3, classes=4)
    x = y = eddl.Tensor.from_torch(tokens)
    source, word = eddl.Input([4]), eddl.Input([4])
    out = eddl.Softmax(eddl.Dense(eddl.LSTM([word, eddl.GetStates(eddl.LSTM(source, 24))], 24), 4))
    eddl.setDecoder(word)
    net = built(eddl.Model([source], [out]), eddl.adam(0.03))
    first, last = last_loss(net, x, y, 80)
    assert last < 0.4 * first
    guess = eddl.predict(net, [x])[0]
    assert guess.shape == [32, 3, 4]
    assert (guess.torch.argmax(2) == tokens.argmax(2)).float().mean() > 0.6


def test_fit_evaluate_and_predict_a_synchronous_net(capsys) -> None:
    x = eddl.Input([3])
    net = built(eddl.Model([x], [eddl.Dense(eddl.RNN(x, 4), 2)]), eddl.sgd(0.01), "mse", "mse")
    data, targets = eddl.Tensor.randn([8, 5, 3]), eddl.Tensor.randn([8, 5, 2])
    eddl.fit(net, [data], [targets], 4, 1)
    eddl.evaluate(net, [data], [targets], bs=4)
    capsys.readouterr()
    assert np.isfinite(eddl.get_losses(net)).all()
    assert eddl.predict(net, [data])[0].shape == [8, 2]
    recurrent = net.layers[1]
    assert eddl.getOutput(recurrent).shape == [5, 8, 4]


def test_targets_may_cover_the_last_steps_only() -> None:
    x = eddl.Input([3])
    net = built(eddl.Model([x], [eddl.Dense(eddl.LSTM(x, 4), 2)]), loss="mse", metric="mse")
    first, last = last_loss(net, eddl.Tensor.randn([8, 10, 3]), eddl.Tensor.randn([8, 7, 2]), 30)
    assert last < first


def test_a_hand_written_loop_trains_an_encoder() -> None:
    x = eddl.Input([3])
    net = built(eddl.Model([x], [eddl.Dense(eddl.LSTM(x, 4), 2)]), eddl.sgd(0.1), "mse", "mse")
    data, target = eddl.Tensor.randn([8, 5, 3]), eddl.Tensor.randn([8, 1, 2])
    eddl.set_mode(net, 1)
    losses = []
    for _ in range(20):
        eddl.reset_loss(net)
        eddl.zeroGrads(net)
        eddl.forward(net, [data])
        eddl.backward(net, [target])
        eddl.update(net)
        losses.append(eddl.get_losses(net)[0])
    assert losses[-1] < losses[0]
