"""Sums, products, comparisons and logic: values, forms, shapes that do not fit, and what strict mode reproduces."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

A = np.array([[1.0, 2.0], [-3.0, 0.5]], np.float32)
B = np.array([[4.0, 2.0], [-1.0, 0.25]], np.float32)
OPERATIONS = {"add": np.add, "sub": np.subtract, "mult": np.multiply, "div": np.divide}
COMPARISONS = {
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_in_all_forms(name):
    function, static = OPERATIONS[name], getattr(Tensor, f"static_{name}")
    np.testing.assert_allclose(getattr(Tensor(A), name)(Tensor(B)), function(A, B))
    np.testing.assert_allclose(getattr(Tensor(A), name)(2), function(A, 2))
    np.testing.assert_allclose(static(Tensor(A), Tensor(B)), function(A, B))
    for other, wanted in ((Tensor(B), function(A, B)), (3.0, function(A, 3.0))):
        a = Tensor(A)
        getattr(a, f"{name}_")(other)
        np.testing.assert_allclose(a, wanted)
    c = Tensor([2, 2])
    static(Tensor(A), Tensor(B), c)
    np.testing.assert_allclose(c, function(A, B))
    static(Tensor(A), c, 3.0)
    np.testing.assert_allclose(c, function(A, 3.0))


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_in_all_forms(name):
    function, c = COMPARISONS[name], Tensor([2, 2])
    np.testing.assert_array_equal(getattr(Tensor(A), name)(Tensor(B)), function(A, B))
    np.testing.assert_array_equal(getattr(Tensor(A), name)(0.5), function(A, 0.5))
    a = Tensor(A)
    getattr(a, f"{name}_")(0.5)
    np.testing.assert_array_equal(a, function(A, 0.5))
    getattr(Tensor, f"static_{name}")(Tensor(A), Tensor(B), c)
    np.testing.assert_array_equal(c, function(A, B))
    getattr(Tensor, f"static_{name}")(Tensor(A), c, 0.5)
    np.testing.assert_array_equal(c, function(A, 0.5))


def test_less_equal_with_a_number_tests_equality_in_strict_mode_only():
    a = Tensor.fromarray([0, 1, 2])
    np.testing.assert_array_equal(a.less_equal(1.0), [1, 1, 0])
    with strict_mode():
        np.testing.assert_array_equal(a.less_equal(1.0), [0, 1, 0])
        np.testing.assert_array_equal(a.less_equal(Tensor.ones([3])), [1, 1, 0])
        a.less_equal_(1.0)
    np.testing.assert_array_equal(a, [0, 1, 0])


def test_a_number_is_compared_in_single_precision():
    np.testing.assert_array_equal(Tensor.fromarray([0.1]).equal(0.1), [1])


def test_weighted_sums_and_increments():
    a, b, c = Tensor(A), Tensor(B), Tensor.ones([2, 2])
    Tensor.static_add(2.0, a, -0.5, b, c, 1)
    np.testing.assert_allclose(c, 1 + 2 * A - 0.5 * B)
    Tensor.static_add(2.0, a, -0.5, b, c, 0)
    np.testing.assert_allclose(c, 2 * A - 0.5 * B)
    Tensor.inc(a, c)
    np.testing.assert_allclose(c, 3 * A - 0.5 * B)
    Tensor.el_mult(a, b, c, 0)
    Tensor.el_div(a, b, c, 1)
    np.testing.assert_allclose(c, A * B + A / B)


def test_interpolation_writes_and_in_strict_mode_adds():
    a, b, c = Tensor(A), Tensor(B), Tensor.ones([2, 2])
    np.testing.assert_allclose(Tensor.interpolate(0.25, a, 0.75, b), 0.25 * A + 0.75 * B)
    Tensor.interpolate(0.25, a, 0.75, b, c)
    np.testing.assert_allclose(c, 0.25 * A + 0.75 * B)
    with strict_mode():
        Tensor.interpolate(0.25, a, 0.75, b, c)
    np.testing.assert_allclose(c, 2 * (0.25 * A + 0.75 * B))


def test_larger_and_smaller_of_two():
    a, c = Tensor(A), Tensor([2, 2])
    np.testing.assert_array_equal(a.maximum(0.75), np.maximum(A, 0.75))
    np.testing.assert_array_equal(Tensor.static_minimum(a, Tensor(B)), np.minimum(A, B))
    Tensor.static_maximum(a, Tensor(B), c)
    np.testing.assert_array_equal(c, np.maximum(A, B))
    Tensor.static_minimum(a, c, 0.75)
    np.testing.assert_array_equal(c, np.minimum(A, 0.75))


def test_shapes_that_differ_are_refused_by_name():
    with pytest.raises(EddlShapeError, match=r"\[2, 2\] and \[4\]") as caught:
        Tensor(A).add(Tensor([4]))
    assert "broadcast" in caught.value.hint
    with pytest.raises(RuntimeError):
        Tensor.el_mult(Tensor(A), Tensor(B), Tensor([4]), 0)


def test_what_is_neither_tensor_nor_number_is_refused():
    with pytest.raises(EddlValueError, match="str is no operand"):
        Tensor(A).add("x")


def test_python_operators():
    a, b = Tensor(A), Tensor(B)
    np.testing.assert_allclose((1 - a) * b / 2 + b, (1 - A) * B / 2 + B)
    np.testing.assert_allclose(6 / b - np.float32(1), 6 / B - 1)
    np.testing.assert_allclose(-a, -A)
    before = a
    a += 1
    a *= b
    assert a is before
    np.testing.assert_allclose(a, (A + 1) * B)
    assert len(a) == 2
    assert Tensor([0])
    a[0] = 5
    np.testing.assert_array_equal(a[0], [5, 5])
    assert float(a[0, 1]) == 5.0
    with pytest.raises(TypeError):
        a + "x"


def test_logic():
    a, b, c = Tensor.fromarray([0, 2, 1, 0]), Tensor.fromarray([0, 0, 3, 1]), Tensor([4])
    for name, wanted in {"and": [0, 0, 1, 0], "or": [0, 1, 1, 1], "xor": [0, 1, 0, 1]}.items():
        np.testing.assert_array_equal(getattr(a, f"logical_{name}")(b), wanted)
        getattr(Tensor, f"static_logical_{name}")(a, b, c)
        np.testing.assert_array_equal(c, wanted)
    np.testing.assert_array_equal(a.logical_not(), [1, 0, 0, 1])


def test_all_and_any_ask_for_ones_in_strict_mode():
    two = Tensor.full([2], 2.0)
    assert two.all()
    assert Tensor.static_any(two)
    assert not Tensor.fromarray([1, 0]).all()
    with strict_mode():
        assert not two.all()
        assert not Tensor.static_any(two)


def test_tests_for_nan_and_infinity():
    a = Tensor.fromarray([math.nan, 1, math.inf, -math.inf])
    wanted = {"isfinite": [0, 1, 0, 0], "isinf": [0, 0, 1, 1], "isnan": [1, 0, 0, 0]}
    wanted |= {"isneginf": [0, 0, 0, 1], "isposinf": [0, 0, 1, 0]}
    for name, values in wanted.items():
        np.testing.assert_array_equal(getattr(a, name)(), values)
    assert a.anynan()


def test_closeness(capsys):
    a, b = Tensor.fromarray([1, 2, math.nan, math.inf]), Tensor.fromarray([1.05, 2, math.nan, math.inf])
    np.testing.assert_array_equal(a.isclose(b), [0, 1, 0, 1])
    np.testing.assert_array_equal(a.isclose(b, 0.1, 0.0, True), [1, 1, 1, 1])
    assert a.allclose(b, 0.1, 0.0, True)
    with strict_mode():
        np.testing.assert_array_equal(a.isclose(b, 0.1, 0.0, True), [1, 1, 0, 0])
    assert Tensor.equivalent(a, b, 0.1, 0.0, True) == 1
    assert Tensor.equivalent(a, Tensor([2, 2])) == 0
    assert capsys.readouterr().err == ""
    assert Tensor.equivalent(a, b) == 0
    assert capsys.readouterr().err.startswith("[idx=0]:\t1!=1.05")


def test_shape_and_device_predicates():
    a, b = Tensor([2, 3]), Tensor([3, 2])
    assert (Tensor.sameShape(a, b), Tensor.eqsize(a, a), Tensor.sameSize(a, b), Tensor.sameDevice(a, b)) == (
        0,
        1,
        True,
        True,
    )
