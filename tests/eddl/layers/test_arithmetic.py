"""Merges, operators and reductions against torch, with their argument forms."""

import pytest
import torch

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.layers import operators as o
from deephealth.eddl.layers import reductions as r
from deephealth.eddl.layers.core import Input
from deephealth.eddl.layers.merge import Add, Average, Concat, MatMul, Maximum, Minimum, Subtract
from deephealth.eddl.strictness import strict_mode


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


XS = [random(4, 3, 5, seed=s) for s in range(3)]
MERGES = {
    Add: XS[0] + XS[1] + XS[2],
    Average: (XS[0] + XS[1] + XS[2]) / 3,
    Maximum: torch.stack(XS).amax(0),
    Minimum: torch.stack(XS).amin(0),
    Subtract: XS[0] - XS[1] - XS[2],
}


@pytest.mark.parametrize("make", MERGES, ids=lambda f: f.__name__)
def test_merges_do_what_they_are_called_and_only_add_in_strict_mode(make):
    torch.testing.assert_close(make([Input([3, 5]) for _ in XS]).op(*XS), MERGES[make])
    with strict_mode():
        torch.testing.assert_close(make([Input([3, 5]) for _ in XS]).op(*XS), MERGES[Add])


@pytest.mark.parametrize("make", [*MERGES, MatMul, Concat], ids=lambda f: f.__name__)
def test_merges_of_what_does_not_fit(make):
    with pytest.raises(EddlShapeError):
        make([Input([3, 5]), Input([4, 6])])
    with pytest.raises(EddlShapeError):
        make([])


def test_matmul_multiplies_from_left_to_right():
    a, b, c = random(2, 3, 4), random(2, 4, 5), random(2, 5, 2)
    layer = MatMul([Input([3, 4]), Input([4, 5]), Input([5, 2])])
    assert layer.shape == [3, 2]
    torch.testing.assert_close(layer.op(a, b, c), a @ b @ c)
    square = random(2, 3, 3)
    with strict_mode():
        torch.testing.assert_close(MatMul([Input([3, 3])] * 2).op(square, square), 2 * square)
        torch.testing.assert_close(MatMul([Input([3, 4]), Input([4, 5])]).op(a, b), a @ b)


def test_matmul_of_vectors_is_refused_when_it_runs():
    layer = MatMul([Input([4]), Input([4])], "product")
    with pytest.raises(EddlShapeError, match="product: wants matrices"):
        layer.op(random(2, 4), random(2, 4))


def test_concat_counts_axes_without_the_batch():
    a, b = random(2, 3, 4), random(2, 3, 6)
    assert Concat([Input([3, 4]), Input([3, 6])], 1).shape == [3, 10]
    torch.testing.assert_close(Concat([Input([3, 4]), Input([3, 6])], -1).op(a, b), torch.cat([a, b], 2))
    assert Concat([Input([3])]).shape == [3]
    with pytest.raises(EddlShapeError, match="at least 1"):
        Concat([])
    with pytest.raises(EddlShapeError, match="-1 for the last"):
        Concat([Input([3]), Input([3])], 1, "joined").op(random(2, 3), random(2, 3))


BINARY = {
    o.Sum: lambda a, b: a + b,
    o.Sub: lambda a, b: a - b,
    o.Mult: lambda a, b: a * b,
    o.Div: lambda a, b: a / b,
    Add: lambda a, b: a + b,
}


@pytest.mark.parametrize("make", BINARY, ids=lambda f: f.__name__)
def test_two_operands_of_which_one_may_be_a_number(make):
    a, b = random(4, 3), random(4, 3, seed=1)
    wanted = BINARY[make]
    torch.testing.assert_close(make(Input([3]), Input([3])).op(a, b), wanted(a, b))
    torch.testing.assert_close(make(Input([3]), 1.5).op(a), wanted(a, 1.5))
    torch.testing.assert_close(make(1.5, Input([3])).op(a), wanted(1.5, a))
    torch.testing.assert_close(make(2, Input([3])).op(a), wanted(2, a))


def test_operands_may_stretch_but_not_misfit():
    a, b = random(2, 3, 4), random(2, 3, 1, seed=1)
    layer = o.Mult(Input([3, 4]), Input([3, 1]))
    torch.testing.assert_close(layer.op(a, b), a * b)
    assert layer.shape == [3, 4]
    for shape in ([4], [2, 4]):
        with pytest.raises(EddlShapeError, match="do not fit"):
            o.Sum(Input([3, 4]), Input(shape))
    with pytest.raises(ValueError, match="two numbers"):
        o.Div(1.0, 2.0)
    with pytest.raises(EddlError, match="two summands"):
        Add(Input([3]), "sum")


@pytest.mark.parametrize("name", ["Abs", "Exp", "Log", "Log2", "Log10", "Sqrt"])
def test_functions_of_one_layer(name):
    x = random(4, 3).abs() + 0.1
    torch.testing.assert_close(getattr(o, name)(Input([3])).op(x), getattr(torch, name.lower())(x))


def test_powers_and_clipping_with_their_gradients():
    x = torch.tensor([[-2.0, -1.0, 0.5, 1.0, 3.0]], requires_grad=True)
    o.Clip(Input([5]), -1.0, 1.0).op(x).sum().backward()
    assert x.grad.tolist() == [[0, 1, 1, 1, 0]]
    torch.testing.assert_close(o.Pow(Input([5]), 3).op(x), x**3)


REDUCTIONS = {
    r.ReduceMean: lambda x, axes: x.mean(axes),
    r.ReduceVar: lambda x, axes: x.var(axes, correction=0),
    r.ReduceSum: lambda x, axes: x.sum(axes),
    r.ReduceMax: lambda x, axes: x.amax(axes),
    r.ReduceMin: lambda x, axes: x.amin(axes),
}


@pytest.mark.parametrize("make", REDUCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [[0], [1], [2], [0, 2], [2, 1], [0, 1, 2], [-1], []])
@pytest.mark.parametrize("strict", [False, True])
def test_reductions(make, axis, strict):
    x = random(2, 3, 4, 5)
    axes = sorted(a % 3 + 1 for a in axis) or [1, 2, 3]
    with strict_mode(strict):
        plain, kept = make(Input([3, 4, 5]), axis), make(Input([3, 4, 5]), axis, True)
    wanted = x if strict and not axis else REDUCTIONS[make](x, axes)
    torch.testing.assert_close(plain.op(x), wanted)
    assert plain.shape == list(wanted.shape[1:])
    full = (
        x
        if strict and not axis
        else REDUCTIONS[make](x, axes).reshape([1 if i in axes else n for i, n in enumerate(x.shape)])
    )
    torch.testing.assert_close(kept.op(x), full.expand_as(x) if strict else full)
    assert kept.shape == list(kept.op(x).shape[1:])


def test_the_place_of_the_maximum_is_a_float_and_has_no_gradient():
    x = random(2, 3, 4).requires_grad_()
    out = r.ReduceArgMax(Input([3, 4]), [1]).op(x)
    assert out.dtype == torch.float32
    assert out.tolist() == x.argmax(2).tolist()
    assert not out.requires_grad
    flat = r.ReduceArgMax(Input([3, 4]), [0, 1], keepdims=True)
    assert flat.op(x).flatten().tolist() == x.flatten(1).argmax(1).tolist()
    assert flat.shape == [1, 1]


def test_equal_maxima_share_nothing_the_first_one_gets_the_gradient():
    x = torch.zeros(1, 2, 3, requires_grad=True)
    r.ReduceMax(Input([2, 3]), [0, 1]).op(x).sum().backward()
    assert x.grad.flatten().tolist() == [1, 0, 0, 0, 0, 0]


def test_an_axis_that_does_not_exist():
    with pytest.raises(EddlShapeError, match="without the batch"):
        r.ReduceMean(Input([3, 4]), [2])
