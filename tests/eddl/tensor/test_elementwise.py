"""Functions of one number: values against NumPy, C's rounding rules, and agreement of the three forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

UNIT = np.linspace(-0.9, 0.9, 12, dtype=np.float32).reshape(3, 4)
POSITIVE = np.linspace(0.1, 4.0, 12, dtype=np.float32).reshape(3, 4)
NUMPY = {
    "abs": (np.abs, UNIT),
    "acos": (np.arccos, UNIT),
    "asin": (np.arcsin, UNIT),
    "atan": (np.arctan, UNIT),
    "ceil": (np.ceil, UNIT * 3),
    "cos": (np.cos, UNIT),
    "cosh": (np.cosh, UNIT),
    "exp": (np.exp, UNIT),
    "floor": (np.floor, UNIT * 3),
    "log": (np.log, POSITIVE),
    "log2": (np.log2, POSITIVE),
    "log10": (np.log10, POSITIVE),
    "neg": (np.negative, UNIT),
    "reciprocal": (np.reciprocal, POSITIVE),
    "rsqrt": (lambda x: 1 / np.sqrt(x), POSITIVE),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), UNIT),
    "sin": (np.sin, UNIT),
    "sinh": (np.sinh, UNIT),
    "sqr": (np.square, UNIT),
    "sqrt": (np.sqrt, POSITIVE),
    "tan": (np.tan, UNIT),
    "tanh": (np.tanh, UNIT),
    "trunc": (np.trunc, UNIT * 3),
}
WITH_NUMBERS = {
    "clamp": ((-0.5, 0.25), lambda x: np.clip(x, -0.5, 0.25)),
    "clampmax": ((0.25,), lambda x: np.minimum(x, 0.25)),
    "clampmin": ((0.25,), lambda x: np.maximum(x, 0.25)),
    "inv": ((2.0,), lambda x: 2 / x),
    "logn": ((3.0,), lambda x: np.log(x) / np.log(3)),
    "mod": ((0.7,), lambda x: np.fmod(x, np.float32(0.7))),
    "pow": ((3.0,), lambda x: x**3),
    "powb": ((3.0,), lambda x: 3**x),
    "remainder": ((-0.7,), lambda x: np.remainder(x, np.float32(-0.7))),
    "normalize": ((-1.0, 2.0), lambda x: (x - x.min()) / (x.max() - x.min()) * 3 - 1),
}


@pytest.mark.parametrize("name", NUMPY)
def test_the_three_forms_agree_with_numpy(name):
    function, values = NUMPY[name]
    wanted = function(values)
    a, b = Tensor(values), Tensor([12])
    np.testing.assert_allclose(getattr(a, name)(), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(a, values)
    getattr(Tensor, f"static_{name}")(a, b)
    np.testing.assert_allclose(np.asarray(b).reshape(3, 4), wanted, rtol=1e-5, atol=1e-6)
    assert getattr(a, f"{name}_")() is None
    np.testing.assert_allclose(a, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", WITH_NUMBERS)
def test_the_three_forms_with_numbers_agree_with_numpy(name):
    arguments, function = WITH_NUMBERS[name]
    values = POSITIVE if name == "logn" else UNIT
    wanted = function(values.astype(np.float64))
    a, b = Tensor(values), Tensor([3, 4])
    np.testing.assert_allclose(getattr(a, name)(*arguments), wanted, rtol=1e-4, atol=1e-5)
    getattr(Tensor, f"static_{name}")(a, b, *arguments)
    np.testing.assert_allclose(b, wanted, rtol=1e-4, atol=1e-5)
    getattr(a, f"{name}_")(*arguments)
    np.testing.assert_allclose(a, wanted, rtol=1e-4, atol=1e-5)


@given(st.floats(width=32, allow_nan=False))
def test_rounding_is_half_away_from_zero(value):
    rounded = float(Tensor.fromarray([value]).round())
    wanted = math.copysign(math.floor(abs(value) + 0.5), value) if math.isfinite(value) else value
    assert rounded == wanted


def test_rounding_keeps_nan_and_infinity():
    rounded = np.asarray(Tensor.fromarray([math.nan, math.inf, -math.inf, 0.49999997]).round())
    np.testing.assert_array_equal(rounded, [math.nan, math.inf, -math.inf, 0.0])


def test_the_sign_of_zero_and_of_nan_is_the_argument():
    np.testing.assert_array_equal(Tensor.fromarray([-2, 0, 3, math.nan]).sign(7.0), [-1, 7, 1, 7])


def test_swapped_bounds_try_the_lower_one_first():
    np.testing.assert_array_equal(Tensor.fromarray([0, 2, 5]).clamp(3.0, 1.0), [3, 3, 1])


def test_a_tensor_without_extent_is_normalised_to_the_minimum_and_to_nan_in_strict_mode():
    a = Tensor.full([3], 4.0)
    np.testing.assert_array_equal(a.normalize(0.5, 1.0), [0.5] * 3)
    with strict_mode():
        assert a.normalize(0.5, 1.0).isnan().all()


def test_arguments_may_be_named():
    np.testing.assert_array_equal(Tensor.fromarray([0, 5]).clamp(min=1, max=2), [1, 2])


def test_a_result_of_another_size_is_refused():
    with pytest.raises(EddlShapeError, match=r"\[2\] has 2 elements and \[3\] has 3"):
        Tensor.static_abs(Tensor([2]), Tensor([3]))


def test_the_delta_of_clamp_stops_outside_the_bounds():
    below = Tensor.ones([3])
    Tensor.d_clamp(Tensor.full([3], 2.0), Tensor.fromarray([-1, 0, 1]), below, 0.0, 0.5)
    np.testing.assert_array_equal(below, [1, 3, 1])


def test_a_trainable_parameter_may_be_overwritten():
    import torch

    weight = torch.nn.Parameter(torch.ones(2))
    Tensor.from_torch(weight).mult_(3.0)
    Tensor.from_torch(weight).abs_()
    assert weight.tolist() == [3.0, 3.0]
    assert not Tensor.from_torch(weight).add(1.0).torch.requires_grad
