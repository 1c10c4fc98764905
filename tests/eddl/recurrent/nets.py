"""Small recurrent nets with random parameters."""

from __future__ import annotations

import torch

from deephealth import eddl
from deephealth.eddl.net.net import Net
from tests.eddl.recurrent.reference import fill


def random(net: Net) -> Net:
    """Give every parameter of the net random values."""
    for number, layer in enumerate(net.layers):
        if layer.op is not None:
            fill(layer.op, seed=number)
    return net


def encoder(make=eddl.LSTM, *, before: bool = False) -> Net:
    """[B, T, 3] -> recurrent 4 -> dense 2."""
    x = eddl.Input([3])
    layer = eddl.Tanh(eddl.Dense(x, 3)) if before else x
    return random(eddl.Model([x], [eddl.Dense(make(layer, 4), 2)]))


def translator(make=eddl.LSTM) -> Net:
    """[B, T, 3] -> encoder 5; tokens of 4 -> decoder 5 from the encoder's states -> softmax over 4."""
    x, word = eddl.Input([3]), eddl.Input([4])
    states = eddl.GetStates(make(x, 5))
    out = eddl.Softmax(eddl.Dense(make([word, states], 5), 4))
    eddl.setDecoder(word)
    return random(eddl.Model([x], [out]))


def captioner() -> Net:
    """[B, 6] -> dense 3, beside every token of 4 -> decoder 5 -> softmax over 4."""
    picture, word = eddl.Input([6]), eddl.Input([4])
    seen = eddl.ReLu(eddl.Dense(picture, 3))
    out = eddl.Softmax(eddl.Dense(eddl.LSTM(eddl.Concat([word, seen]), 5), 4))
    eddl.setDecoder(word)
    return random(eddl.Model([picture], [out]))


def onehot(*shape: int, classes: int) -> torch.Tensor:
    """Random one-hot vectors."""
    return torch.nn.functional.one_hot(torch.randint(classes, shape), classes).float()


def ops(net: Net) -> list[torch.nn.Module]:
    """What the layers compute, in order, without the inputs."""
    return [layer.op for layer in net.layers if layer.op is not None]
