"""Layer and group normalisation, and those of a sample without parameters."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.names import reset_names
from deephealth.eddl.layers import normalization as n
from deephealth.eddl.layers.core import Input
from deephealth.eddl.strictness import strict_mode
from tests.eddl.geometry import direct

SHAPES = [(4, 6), (4, 6, 5), (3, 6, 4, 5), (2, 6, 2, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_layer_normalisation_is_torchs(shape: tuple[int, ...]) -> None:
    layer = n.LayerNormalization(Input(shape[1:]), True, 1e-3)
    torch.nn.init.uniform_(layer.op.gamma)
    torch.nn.init.uniform_(layer.op.beta)
    x = torch.randn(shape)
    flat = functional.layer_norm(x.flatten(1), [x[0].numel()], layer.op.gamma, layer.op.beta, 1e-3)
    y = layer.op(x)
    torch.testing.assert_close(y.flatten(1), flat)
    y.sum().backward()
    assert [list(p.torch.shape) for p in layer.params] == [[x[0].numel()]] * 2 + [[shape[0]]] * 2
    torch.testing.assert_close(layer.params[2].torch, x.flatten(1).mean(1))
    torch.testing.assert_close(layer.params[3].torch, (x.flatten(1).var(1, unbiased=False) + 1e-3).sqrt())
    assert layer.get_trainable_params_count() == 2
    torch.testing.assert_close(layer.gradients[1].torch, torch.full([x[0].numel()], float(shape[0])))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_normalisation_shares_its_parameters_between_groups(shape: tuple[int, ...], groups: int) -> None:
    layer = n.GroupNormalization(Input(shape[1:]), groups)
    assert [list(p.torch.shape) for p in layer.params] == [[6 // groups]] * 2
    torch.nn.init.uniform_(layer.op.gamma)
    x = torch.randn(shape, requires_grad=True)
    y, delta = layer.op(x), torch.randn(shape)
    plain = functional.group_norm(x, groups, eps=1e-3)
    per_group = plain.view(shape[0], groups, 6 // groups, -1)
    torch.testing.assert_close(y, (per_group * layer.op.gamma.view(1, 1, -1, 1)).view(shape))
    y.backward(delta)
    wanted = (per_group * delta.view(per_group.shape)).sum((0, 1, 3))
    torch.testing.assert_close(layer.gradients[0].torch, wanted.detach())


@pytest.mark.parametrize("shape", SHAPES)
def test_normalisations_of_a_sample(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    flat, image = x.detach().flatten(1), Input(shape[1:])
    norm, by_max, by_range = n.Norm(image), n.NormMax(image, 0.01), n.NormMinMax(image)
    mean, variance = flat.mean(1, keepdim=True), flat.var(1, unbiased=False, keepdim=True)
    torch.testing.assert_close(norm.op(x).flatten(1), (flat - mean) / (variance + 0.001).sqrt())
    torch.testing.assert_close(by_max.op(x).flatten(1), flat / (flat.amax(1, keepdim=True) + 0.01))
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    torch.testing.assert_close(by_range.op(x).flatten(1), (flat - low) / (high - low + 0.001))
    for layer in (norm, by_max, by_range):
        assert torch.autograd.gradcheck(layer.op, x[:2])


@pytest.mark.parametrize("name", direct.names("layernorm", "groupnorm", "norm_", "normm"))
def test_the_originals_numbers_in_strict_mode(name: str) -> None:
    with strict_mode():
        assert direct.Direct(name).compare() == []


@pytest.mark.parametrize("name", [x for x in direct.names("norm_", "normm") if not direct.is_bug(x)])
def test_the_originals_numbers_by_default(name: str) -> None:
    # Maximum and minimum pass no gradient on in the original, but for a wrong one in the first sample.
    assert direct.Direct(name).compare() == (["train/din/x"] if name.startswith("normm") else [])


def test_strict_gradients_of_scale_and_offset_are_means() -> None:
    x, delta = torch.randn(3, 4, 2, 2), torch.randn(3, 4, 2, 2)
    for make, values in ((n.LayerNormalization, 3), (lambda i: n.GroupNormalization(i, 2), 3 * 2 * 4)):
        grads = {}
        for strict in (False, True):
            with strict_mode(strict):
                layer = make(Input([4, 2, 2]))
            layer.op(x).backward(delta)
            grads[strict] = layer.gradients[1].torch
        torch.testing.assert_close(grads[True], grads[False] / values)


def test_strict_statistics_are_the_originals() -> None:
    with strict_mode():
        layer = n.LayerNormalization(Input([5]))
    x = torch.randn(3, 5)
    layer.op(x)
    torch.testing.assert_close(layer.params[3].torch, (x.var(1, unbiased=False) + 1e-5).sqrt())


def test_default_names() -> None:
    reset_names()
    image = Input([4, 2, 2])
    made = [n.BatchNormalization(image, True), n.LayerNormalization(image), n.GroupNormalization(image, 2)]
    made += [n.Norm(image), n.NormMax(image), n.NormMinMax(image)]
    assert [layer.name for layer in made] == [
        "batchnorm1",
        "layernorm1",
        "groupnorm1",
        "norm1",
        "normmax1",
        "normminmax1",
    ]
    assert [layer.isnorm for layer in made] == [True, True, False, False, False, False]


def test_what_does_not_fit_says_so() -> None:
    image = Input([6, 4, 4])
    for groups in (0, 4, 7):
        with pytest.raises(EddlShapeError, match="do not divide the 6 channels"):
            n.GroupNormalization(image, groups)
    layer = n.LayerNormalization(image)
    with pytest.raises(EddlShapeError, match=layer.name):
        layer.op(torch.ones(2, 6, 4, 5))
    layer = n.GroupNormalization(image, 3)
    with pytest.raises(EddlShapeError, match=layer.name):
        layer.op(torch.ones(2, 5, 4, 4))
    with pytest.raises(EddlShapeError, match="at least one axis"):
        n.Norm(image).op(torch.ones(3))
