"""Torch modules as layers."""

import pytest
import torch
from torch import nn

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.layers.core import Input
from deephealth.eddl.layers.torch_layer import from_torch


class Sum(nn.Module):
    def forward(self, a, b):
        return a + b


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class LooksAtData(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 3)

    def forward(self, x):
        return self.inner(x) * (2 if float(x.sum()) > 0 else 1)


def block():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5), nn.ReLU())


def test_the_shape_is_inferred_and_nothing_is_changed():
    module = block()
    module[1].eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = torch.get_rng_state()
    layer = from_torch(module, Input([3, 16, 16]), "block")
    assert (layer.shape, layer.name) == ([8, 14, 14], "block")
    assert [part.training for part in module] == [True, False, True, True]
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_its_parameters_are_the_modules_own():
    module = block()
    layer = from_torch(module, Input([3, 8, 8]))
    assert [list(p.torch.shape) for p in layer.params] == [[8, 3, 3, 3], [8], [8], [8], [8], [8]]
    assert layer.get_trainable_params_count() == 4
    layer.params[0].torch.zero_()
    assert module[0].weight.abs().sum() == 0
    x = torch.randn(2, 3, 8, 8)
    layer.op(x).sum().backward()
    torch.testing.assert_close(layer.gradients[0].torch, module[0].weight.grad)
    layer.op.eval()
    assert not module[2].training


def test_building_keeps_the_weights_that_it_has():
    module = nn.Linear(4, 3)
    layer, weight = from_torch(module, Input([4])), module.weight.detach().clone()
    layer.initialize((0,))
    torch.testing.assert_close(module.weight.detach(), weight)


def test_an_initializer_that_was_set_is_used(monkeypatch):
    from deephealth.eddl.graph.layer import Layer

    asked = []
    monkeypatch.setattr(Layer, "initialize", lambda self, key=(): asked.append(key))
    layer = from_torch(nn.Linear(4, 3), Input([4]))
    layer.init = object()
    layer.initialize((7,))
    assert asked == [(7,)]


def test_several_layers_may_be_read():
    a, b = Input([4]), Input([4])
    layer = from_torch(Sum(), [a, b])
    assert layer.parent == [a, b]
    torch.testing.assert_close(layer.op(torch.ones(2, 4), torch.ones(2, 4)), torch.full((2, 4), 2.0))


def test_modules_that_need_real_data_to_be_run():
    assert from_torch(LooksAtData(), Input([4])).shape == [3]
    lazy = nn.LazyLinear(5)
    assert from_torch(lazy, Input([4])).shape == [5]
    assert lazy.weight.shape == (5, 4)


@pytest.mark.parametrize(
    ("module", "words"),
    [(nn.Linear(5, 3), r"Linear does not run on samples of shape \[\[4\]\]"), (Pair(), "one tensor")],
)
def test_modules_that_do_not_fit(module, words):
    with pytest.raises(EddlShapeError, match=words):
        from_torch(module, Input([4]))


def test_default_names_are_counted():
    first, second = from_torch(nn.ReLU(), Input([4])), from_torch(nn.ReLU(), Input([4]))
    assert first.name.startswith("torch")
    assert int(second.name[5:]) == int(first.name[5:]) + 1
