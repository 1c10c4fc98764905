"""The public functions: names, layouts, states, errors."""

from __future__ import annotations

import inspect

import pytest
import torch

from deephealth import eddl
from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.names import reset_names

SIGNATURES = {
    "RNN": "(parent, units, activation='tanh', use_bias=True, bidirectional=False, name='')",
    "LSTM": "(parent, units, mask_zeros=False, bidirectional=False, name='')",
    "GRU": "(parent, units, mask_zeros=False, bidirectional=False, name='')",
    "States": "(shape, name='')",
    "setDecoder": "(l)",
    "GetStates": "(parent)",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_pyeddls(name: str) -> None:
    signature = inspect.signature(getattr(eddl, name))
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    assert str(inspect.Signature(bare)) == SIGNATURES[name]


def test_default_names() -> None:
    reset_names()
    x = eddl.Input([3])
    made = [eddl.RNN(x, 4), eddl.LSTM(x, 4), eddl.LSTM(x, 4), eddl.GRU(x, 4), eddl.States([2, 4])]
    assert [layer.name for layer in made] == ["RNN1", "LSTM1", "LSTM2", "GRU1", "State1"]
    assert [type(layer).__name__ for layer in made] == ["LRNN", "LLSTM", "LLSTM", "LGRU", "LStates"]
    copied = eddl.GetStates(made[1])
    assert (copied.name, type(copied).__name__, copied.shape) == ("getstates", "LCopyStates", [4])
    assert eddl.LSTM(x, 4, True, True, "foo").name == "foo"


def test_numbers_and_shapes_of_parameters() -> None:
    x = eddl.Input([3])
    count = {layer.name: [len(layer.params), layer.get_trainable_params_count()] for layer in made(x)}
    assert list(count.values()) == [[3, 3], [2, 2], [12, 12], [10, 10], [24, 24]]


def made(x):
    return [
        eddl.RNN(x, 4),
        eddl.RNN(x, 4, use_bias=False),
        eddl.LSTM(x, 4),
        eddl.GRU(x, 4),
        eddl.LSTM(x, 4, bidirectional=True),
    ]


def test_vectors_are_wanted() -> None:
    for make in (eddl.RNN, eddl.LSTM, eddl.GRU):
        with pytest.raises(EddlShapeError, match=r"(?s)\[3, 8\].*Flatten"):
            make(eddl.Input([3, 8]), 4)
    with pytest.raises(EddlShapeError, match="number of states, units"):
        eddl.States([4])


def test_states_must_fit() -> None:
    x = eddl.Input([3])
    with pytest.raises(EddlShapeError, match="2 states of 4 units"):
        eddl.LSTM([x, eddl.States([1, 4])], 4)
    with pytest.raises(EddlShapeError, match="1 states of 4 units"):
        eddl.GRU([x, eddl.LSTM(x, 5)], 4)
    with pytest.raises(EddlShapeError, match="2 states of 4 units"):
        eddl.LSTM([x, eddl.GetStates(eddl.GRU(x, 4))], 4)
    assert eddl.GRU([x, eddl.LSTM(x, 4)], 4).shape == [4]


def test_set_decoder_marks_what_follows() -> None:
    word, other = eddl.Input([3]), eddl.Input([3])
    both = eddl.Concat([word, other])
    out = eddl.Dense(eddl.LSTM(both, 4), 2)
    eddl.setDecoder(word)
    assert [layer.isdecoder for layer in (word, other, both, out)] == [True, False, True, True]


def test_a_layer_that_is_not_recurrent_runs_one_step_from_given_states() -> None:
    word, image, start = eddl.Input([5]), eddl.Input([3]), eddl.States([2, 4])
    lstm = eddl.LSTM([eddl.Concat([word, image]), start], 4, True)
    lstm.isrecurrent = False
    out = eddl.Softmax(eddl.Dense(lstm, 5))
    net = eddl.Model([word, image, start], [out])
    eddl.build(net, eddl.sgd(0.01), ["softmax_cross_entropy"], ["accuracy"], eddl.CS_CPU(1))
    data = [torch.randn(1, 5), torch.randn(1, 3), torch.randn(1, 2, 4)]
    eddl.forward(net, [eddl.Tensor.from_torch(each) for each in data])
    joined = torch.cat(data[:2], dim=1).unsqueeze(0)
    _, h, c = lstm.op(joined, data[2][:, 0], data[2][:, 1])
    states = eddl.getStates(lstm)
    assert [state.shape for state in states] == [[1, 4], [1, 4]]
    torch.testing.assert_close(states[0].torch, h.detach())
    torch.testing.assert_close(states[1].torch, c.detach())
