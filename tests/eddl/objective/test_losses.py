"""Values and gradients of the losses, against formulas written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.objective import LOSSES, LCategoricalCrossEntropy, LMeanSquaredError, LMin, Loss, getLoss
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

SHAPES = [(7, 1), (6, 5), (3, 2, 4, 5)]
EPS = 1e-7


def pair(shape, seed=0):
    rng = np.random.default_rng(seed)
    t = (rng.random(shape) < 0.5).astype(np.float32)
    t.reshape(len(t), -1)[:, 0] = 1  # no sample is empty: Dice of nothing is 0 / 0
    return t, rng.uniform(0.05, 0.95, shape).astype(np.float32)


def cross(t, y, eps):
    return -(t * np.log(y + eps)).sum()


def binary(t, y, eps):
    return -(t * np.log(y + eps) + (1 - t) * np.log(1 - y + eps)).sum()


def binary_delta(t, y, eps):
    return ((1 - t) / (1 - y + eps) - t / (y + eps)) / len(t)


def dice_delta(t, y):
    axes, keep = tuple(range(1, t.ndim)), {"keepdims": True}
    total = (t + y).sum(axes, **keep)
    return -(t * total - (t * y).sum(axes, **keep)) / total**2


def dice(t, y):
    axes = tuple(range(1, t.ndim))
    return len(t) - (2 * (t * y).sum(axes) / (t + y).sum(axes)).sum()


FORMULAS = {
    "mse": (lambda t, y: ((t - y) ** 2).sum() / t[0].size, lambda t, y: (y - t) / len(t)),
    "sce": (lambda t, y: cross(t, y, EPS), lambda t, y: (y - t) / len(t)),
    "cce": (lambda t, y: cross(t, y, EPS), lambda t, y: -t / (y + EPS) / len(t)),
    "bce": (lambda t, y: binary(t, y, EPS), lambda t, y: binary_delta(t, y, EPS)),
    "deprecated_cross_entropy": (lambda t, y: binary(t, y, 1e-5), lambda t, y: binary_delta(t, y, 1e-6)),
    "dice": (dice, dice_delta),
    "none": (lambda t, y: 0, lambda t, y: 0 * t),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_gradient(name, shape):
    t, y = pair(shape)
    loss, d = getLoss(name), Tensor.full(list(shape), 9)
    if name == "none":
        d = Tensor.zeros(list(shape))
    value, delta = (formula(t.astype(np.float64), y.astype(np.float64)) for formula in FORMULAS[name])
    loss.delta(Tensor.fromarray(t), Tensor.fromarray(y), d)
    assert loss.value(Tensor.fromarray(t), Tensor.fromarray(y)) == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(d.getdata(), delta, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(loss.torch_delta(torch.tensor(t), torch.tensor(y)).numpy(), d.getdata())


@settings(max_examples=40, deadline=None)
@given(batch=st.integers(1, 33), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_gradient_of_mse_is_numpys_to_the_bit(batch, width, seed):
    rng = np.random.default_rng(seed)
    t, y = (rng.normal(size=(batch, width)).astype(np.float32) for _ in range(2))
    for name in ("mse", "sce"):
        np.testing.assert_array_equal(
            getLoss(name).torch_delta(torch.tensor(t), torch.tensor(y)).numpy(), (y - t) / batch
        )


@pytest.mark.parametrize("name", ["cce", "sce"])
def test_strict_cross_entropy_counts_the_first_values_of_a_map(name):
    t, y = pair((3, 2, 4, 5))
    with strict_mode():
        strict = getLoss(name)
    first_t, first_y = (a.reshape(3, -1)[:, :2] for a in (t, y))
    value = strict.torch_value(torch.tensor(t), torch.tensor(y)).item()
    assert value == pytest.approx(cross(first_t, first_y, EPS), rel=1e-5)
    everything = strict.torch_delta(torch.tensor(t), torch.tensor(y))
    assert torch.equal(everything, getLoss(name).torch_delta(torch.tensor(t), torch.tensor(y)))


def test_only_the_softmax_loss_bypasses_the_last_activation():
    assert {name for name in LOSSES if getLoss(name).bypass} == {"soft_cross_entropy", "softmax_cross_entropy", "sce"}


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"none"}))
@pytest.mark.parametrize("where", ["target", "output"])
def test_nan_is_not_hidden(name, where):
    t, y = (torch.tensor(a) for a in pair((4, 3)))
    (t if where == "target" else y)[2, 1] = torch.nan
    assert torch.isnan(getLoss(name).torch_value(t, y))
    assert torch.isnan(getLoss(name).torch_delta(t, y)).any()


def test_saturated_probabilities_stay_finite():
    t = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    for name in ("cce", "sce", "bce", "deprecated_cross_entropy"):
        for y in (t, 1 - t):
            assert getLoss(name).torch_value(t, y).isfinite()
            assert getLoss(name).torch_delta(t, y).isfinite().all()


def test_shapes_that_differ_are_named():
    with pytest.raises(EddlShapeError, match=r"mean_squared_error: the target has shape \[4, 3\] .* \[4, 1\]"):
        getLoss("mse").value(Tensor.zeros([4, 3]), Tensor.zeros([4, 1]))
    with pytest.raises(EddlShapeError, match=r"gradient goes into shape \[3, 4\]"):
        getLoss("mse").delta(Tensor.zeros([4, 3]), Tensor.zeros([4, 3]), Tensor.zeros([3, 4]))


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(EddlValueError, match="did you mean 'soft_cross_entropy'"):
        getLoss("soft_crossentropy")


def test_no_graph_is_recorded_and_half_precision_gives_half_gradients():
    t, y = (torch.tensor(a) for a in pair((4, 3)))
    loss = getLoss("bce")
    assert not loss.torch_value(t, y.requires_grad_()).requires_grad
    half = loss.torch_delta(t, y.detach().bfloat16())
    assert half.dtype is torch.bfloat16
    assert loss.torch_value(t, y.detach().bfloat16()).dtype is torch.float32


def test_the_sum_of_the_output_as_a_loss():
    y = torch.tensor([[1.0, 2.0]])
    assert LMin().torch_value(torch.zeros(1, 2), y).item() == 3
    assert LMin().torch_delta(torch.zeros(1, 2), y).tolist() == [[1, 1]]


class Own(Loss):
    def __init__(self):
        Loss.__init__(self, "own")

    def value(self, t, y):
        return np.float32(((t.getdata() - y.getdata()) ** 2).sum() / (t.size / t.shape[0]))

    def delta(self, t, y, d):
        np.array(d, copy=None)[:] = (y.getdata() - t.getdata()) / t.shape[0]


def test_a_users_loss_does_as_the_built_in_one():
    t, y = (torch.tensor(a) for a in pair((8, 10)))
    own, built_in = Own(), getLoss("mse")
    assert own.name == "own"
    assert not own.bypass
    assert own.torch_value(t, y).item() == pytest.approx(built_in.torch_value(t, y).item())
    assert torch.equal(own.torch_delta(t, y), built_in.torch_delta(t, y))


def test_a_subclass_of_a_built_in_loss_can_change_one_method():
    class Doubled(LMeanSquaredError):
        def value(self, t, y):
            return 2 * super().value(t, y)

    t, y = (torch.tensor(a) for a in pair((8, 10)))
    assert Doubled().torch_value(t, y) == 2 * LMeanSquaredError().torch_value(t, y)
    assert torch.equal(Doubled().torch_delta(t, y), LMeanSquaredError().torch_delta(t, y))


def test_a_loss_remembers_the_mode_it_was_made_in():
    with strict_mode():
        assert LCategoricalCrossEntropy().strict
    assert not LCategoricalCrossEntropy().strict
