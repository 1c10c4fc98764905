"""Distributions, seeds and strict mode of the initializers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.eddl import initial
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

MATRIX, KERNEL, LINE, VOLUME = (200, 300), (40, 20, 5, 5), (40, 20, 25), (40, 20, 3, 3, 3)
GLOROT = {MATRIX: 2 / 500, KERNEL: 2 / (60 * 25), LINE: 2 / (60 * 25), VOLUME: 2 / (60 * 27)}
HE = {MATRIX: 2 / 200, KERNEL: 2 / (20 * 25), LINE: 2 / (20 * 25), VOLUME: 2 / (20 * 27)}
SCALED = {
    initial.IGlorotUniform: GLOROT,
    initial.IGlorotNormal: GLOROT,
    initial.IHeUniform: HE,
    initial.IHeNormal: HE,
}
NORMAL = {initial.IGlorotNormal, initial.IHeNormal}


def drawn(initializer, shape, key=()):
    tensor = torch.full(shape, 9.0)
    initializer.apply(Tensor.from_torch(tensor), key)
    return tensor


def spread(tensor):
    return tensor.std().item(), tensor.abs().max().item()


@pytest.mark.parametrize("shape", GLOROT, ids=str)
@pytest.mark.parametrize("make", SCALED)
def test_variance_follows_the_fans(make, shape):
    std, largest = spread(drawn(make(1), shape))
    variance = SCALED[make][shape]
    assert std == pytest.approx(variance**0.5, rel=0.03)
    if make in NORMAL:
        assert largest > 3 * std
    else:
        assert 0.99 * math.sqrt(3 * variance) < largest <= math.sqrt(3 * variance) * 1.0001


@pytest.mark.parametrize("shape", GLOROT, ids=str)
@pytest.mark.parametrize("make", SCALED)
def test_strict_widths_are_eddls(make, shape):
    with strict_mode():
        std, largest = spread(drawn(make(1), shape))
    if shape in (LINE, VOLUME):
        assert 0.099 < largest <= 0.1
    elif make in NORMAL:
        assert std == pytest.approx((SCALED[make][shape] / 2) ** 0.5, rel=0.03)
    else:
        assert std == pytest.approx(SCALED[make][shape] ** 0.5, rel=0.03)


def test_biases_are_zero_and_in_strict_mode_eddls_draw():
    limits = {
        initial.IGlorotUniform: math.sqrt(3 / 5000),
        initial.IGlorotNormal: 0.1,
        initial.IHeNormal: 0.1,
        initial.IHeUniform: 0,
    }
    for make, limit in limits.items():
        assert spread(drawn(make(1), (5000,))) == (0, 0)
        with strict_mode():
            assert spread(drawn(make(1), (5000,)))[1] == pytest.approx(limit, rel=0.01)


@pytest.mark.parametrize("shape", [(5000,), (50, 100)], ids=str)
def test_plain_ones_take_every_parameter(shape):
    assert spread(drawn(initial.IConstant(0.25), shape)) == (0, 0.25)
    normal = drawn(initial.IRandomNormal(2.0, 0.5, 1), shape)
    assert (normal.mean().item(), normal.std().item()) == pytest.approx((2, 0.5), rel=0.05)
    uniform = drawn(initial.IRandomUniform(-0.5, 1.5, 1), shape)
    assert (uniform.min().item(), uniform.max().item()) == pytest.approx((-0.5, 1.5), abs=0.01)
    with strict_mode():
        assert drawn(initial.IRandomNormal(2.0, 0.5, 1), shape).std() == pytest.approx(0.5 * 0.7071, rel=0.05)


RANDOM = [*SCALED, lambda seed: initial.IRandomNormal(0, 1, seed), lambda seed: initial.IRandomUniform(0, 1, seed)]


@pytest.mark.parametrize("make", RANDOM)
def test_seeds_and_keys_decide_and_nothing_else(make):
    torch.manual_seed(0)
    first = drawn(make(7), MATRIX, (1, 0))
    torch.manual_seed(1)
    assert torch.equal(first, drawn(make(7), MATRIX, (1, 0)))
    assert not torch.equal(first, drawn(make(8), MATRIX, (1, 0)))
    assert not torch.equal(first, drawn(make(7), MATRIX, (2, 0)))
    assert not torch.equal(first, drawn(make(7), MATRIX, (1, 1)))


@pytest.mark.parametrize("make", RANDOM)
@pytest.mark.parametrize("strict", [False, True])
def test_negative_seeds_and_strict_mode_draw_from_the_global_generator(make, strict):
    with strict_mode(strict):
        initializer = make(7 if strict else -1)
    torch.manual_seed(0)
    first, second = drawn(initializer, MATRIX), drawn(initializer, MATRIX)
    torch.manual_seed(0)
    assert torch.equal(first, drawn(initializer, MATRIX))
    assert not torch.equal(first, second)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 20), columns=st.integers(1, 20), seed=st.integers(0, 2**31))
def test_memory_layout_does_not_matter(rows, columns, seed):
    plain, turned = torch.empty(rows, columns), torch.empty(columns, rows).t()
    for tensor in (plain, turned):
        initial.IGlorotNormal(seed).apply(tensor, (3,))
    assert torch.equal(plain, turned)


def test_the_functions_attach_and_return_the_layer():
    layer = Layer([], None, [3])
    for function, name in {
        initial.GlorotNormal: "glorot_normal",
        initial.GlorotUniform: "glorot_uniform",
        initial.HeNormal: "He_normal",
        initial.HeUniform: "He_uniform",
        initial.RandomNormal: "random_normal",
        initial.RandomUniform: "random_uniform",
    }.items():
        assert function(layer) is layer
        assert (layer.init.name, layer.init.seed) == (name, 1234)
    assert (layer.init.minval, layer.init.maxval) == (0.0, 0.1)
    assert initial.Constant(layer).init.value == 0.1
