"""Activations: formulas, defaults, strict backward passes, and the loss bypass."""

import numpy as np
import pytest
import torch

from deephealth.eddl.errors import EddlError, EddlValueError
from deephealth.eddl.layers.activations import Activation, ReLu, Selu, Softmax, Softplus, Softsign
from deephealth.eddl.layers.core import Input
from deephealth.eddl.ops.activation import ACTIVATIONS
from deephealth.eddl.strictness import strict_mode

X = np.linspace(-4, 4, 41, dtype=np.float32).reshape(1, 41)
FORMULAS = {
    "relu": ([], np.maximum(X, 0)),
    "thresholded_relu": ([], X * (X > 1)),
    "leaky_relu": ([], np.where(X > 0, X, 0.01 * X)),
    "elu": ([], np.where(X > 0, X, np.exp(X) - 1)),
    "selu": ([], 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * (np.exp(X) - 1))),
    "exp": ([], np.exp(X)),
    "softplus": ([], np.log1p(np.exp(X))),
    "softsign": ([], X / (1 + np.abs(X))),
    "softmax": ([], np.exp(X) / np.exp(X).sum()),
    "softmax_deprecated": ([], np.exp(X) / np.exp(X).sum()),
    "sigmoid": ([], 1 / (1 + np.exp(-X))),
    "hard_sigmoid": ([], np.clip(0.2 * X + 0.5, 0, 1)),
    "tanh": ([], np.tanh(X)),
    "linear": ([], X),
}
WITH_PARAMETERS = {
    "thresholded_relu": ([0.5], X * (X > 0.5)),
    "leaky_relu": ([0.3], np.where(X > 0, X, 0.3 * X)),
    "elu": ([0.3], np.where(X > 0, X, 0.3 * (np.exp(X) - 1))),
    "selu": ([0.5, 2.0], 2 * np.where(X > 0, X, 0.5 * (np.exp(X) - 1))),
    "softmax": ([0], np.ones_like(X)),
    "linear": ([-2.0], -2 * X),
}


def gradient(layer, x, delta=1.0):
    x = torch.from_numpy(np.array(x, dtype=np.float32)).requires_grad_()
    layer.op(x).backward(torch.full(x.shape, delta))
    return x.grad.numpy()


def test_every_activation_has_a_formula_here():
    assert set(FORMULAS) == set(ACTIVATIONS)


@pytest.mark.parametrize(
    ("name", "params", "wanted"),
    [(n, p, y) for table in (FORMULAS, WITH_PARAMETERS) for n, (p, y) in table.items()],
)
@pytest.mark.parametrize("strict", [False, True])
def test_formulas(name, params, wanted, strict):
    with strict_mode(strict):
        layer = Activation(Input([41]), name, params)
    np.testing.assert_allclose(layer.op(torch.from_numpy(X)).numpy(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [Softplus, Softsign])
def test_strict_backward_is_evaluated_at_the_output(make):
    derivative = {Softplus: lambda v: 1 / (1 + np.exp(-v)), Softsign: lambda v: 1 / (1 + np.abs(v)) ** 2}[make]
    layer = make(Input([41]))
    np.testing.assert_allclose(gradient(layer, X), derivative(X), rtol=1e-4)
    with strict_mode():
        strict = make(Input([41]))
    y = layer.op(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(gradient(strict, X, 2.0), 2 * derivative(y), rtol=1e-4)


def test_the_deprecated_softmax_keeps_the_diagonal_of_its_jacobian():
    layer = Activation(Input([41]), "softmax_deprecated")
    y = FORMULAS["softmax"][1]
    np.testing.assert_allclose(gradient(layer, X), y * (1 - y), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["softmax", "sigmoid", "relu"])
def test_the_bypass_hands_the_gradient_on_in_training_only(name):
    layer = Activation(Input([41]), name)
    true = gradient(layer, X, 3.0)
    layer.op.bypass = True
    np.testing.assert_array_equal(gradient(layer, X, 3.0), np.full_like(X, 3.0))
    wanted = FORMULAS[name][1]
    np.testing.assert_allclose(layer.op(torch.from_numpy(X)).numpy(), wanted, rtol=1e-5, atol=1e-6)
    layer.op.eval()
    np.testing.assert_allclose(gradient(layer, X, 3.0), true)


def test_the_bypass_is_compiled_without_a_break():
    layer = Softmax(Input([5]))
    layer.op.bypass = True
    compiled = torch.compile(layer.op, fullgraph=True, backend="aot_eager")
    x = torch.randn(2, 5, requires_grad=True)
    compiled(x).backward(torch.full((2, 5), 4.0))
    torch.testing.assert_close(x.grad, torch.full((2, 5), 4.0))


def test_softmax_counts_the_batch_as_an_axis():
    x = torch.randn(3, 4, 5)
    for axis in (0, 1, 2):
        torch.testing.assert_close(Softmax(Input([4, 5]), axis).op(x), x.softmax(axis))
    assert Softmax(Input([4, 5])).act_params == [2]


@pytest.mark.parametrize("params", [[3], [-2], [0, 1]])
def test_softmax_axes_that_do_not_exist(params):
    with pytest.raises(EddlError, match="axis"):
        Activation(Input([4, 5]), "softmax", params)


def test_an_unknown_activation_is_refused_with_the_known_ones():
    with pytest.raises(EddlValueError, match="leaky_relu"):
        Activation(Input([4]), "gelu")


def test_relu_leaves_its_input_alone():
    x = torch.tensor([[-1.0, 2.0]])
    ReLu(Input([2])).op(x)
    assert x.tolist() == [[-1.0, 2.0]]


def test_selu_uses_torchs_kernel_only_for_the_usual_constants():
    assert Selu(Input([2])).op.function is torch.nn.functional.selu
    assert Activation(Input([2]), "selu", [1.0, 2.0]).op.function is not torch.nn.functional.selu
