"""Metrics against formulas written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.objective import METRICS, Metric, MMeanRelativeError, MSum, getMetric
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

RNG = np.random.default_rng(0)
FORMULAS = {
    "mse": lambda t, y: ((t - y) ** 2).sum() / t[0].size,
    "mean_absolute_error": lambda t, y: np.abs(t - y).sum() / t[0].size,
    "mean_relative_error": lambda t, y: (np.abs(t - y) / (np.abs(t) + 0.001)).sum() / t[0].size,
    "dice": lambda t, y: sum(2 * (a * b).sum() / (a + b).sum() for a, b in zip(t, y, strict=True)),
    "none": lambda t, y: 0,
}


@pytest.mark.parametrize("shape", [(7, 1), (6, 5), (3, 2, 4, 5)], ids=str)
@pytest.mark.parametrize("name", FORMULAS)
def test_values(name, shape):
    t, y = (RNG.uniform(0.1, 1, shape).astype(np.float32) for _ in range(2))
    assert getMetric(name).value(Tensor.fromarray(t), Tensor.fromarray(y)) == pytest.approx(
        FORMULAS[name](t, y), rel=1e-5
    )
    assert getMetric(name).torch_value(torch.tensor(t), torch.tensor(y)).shape == ()


def test_categorical_accuracy_takes_the_first_of_equal_values():
    t = torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
    y = torch.tensor([[0.2, 0.6, 0.2], [0.5, 0.5, 0], [0.4, 0.2, 0.4]])
    assert getMetric("accuracy").torch_value(t, y) == 2


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4, 4)], ids=str)
def test_categorical_accuracy_wants_rows(shape):
    with pytest.raises(EddlShapeError, match="flatten"):
        getMetric("categorical_accuracy").torch_value(torch.zeros(shape), torch.zeros(shape))


def test_binary_accuracy():
    t = torch.tensor([[1.0], [0], [1], [0], [0.5]])
    y = torch.tensor([[0.9], [0.5], [0.5], [0.6], [0.5]])
    assert getMetric("binary_accuracy").torch_value(t, y) == 2  # 0.5 itself is a no; a target of 0.5 is never right


def test_binary_accuracy_of_wide_outputs_is_a_mean_and_in_strict_mode_the_first_values():
    t = torch.tensor([[1.0, 0, 0, 0], [1, 1, 1, 1]])
    y = torch.tensor([[0.9, 0.9, 0, 0], [0, 0, 0, 0.9]])
    assert getMetric("binary_accuracy").torch_value(t, y) == 3 / 4 + 1 / 4
    with strict_mode():
        assert getMetric("binary_accuracy").torch_value(t, y) == 1


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"none"}))
@pytest.mark.parametrize("where", ["target", "output"])
def test_nan_is_not_hidden(name, where):
    t, y = torch.ones(3, 1), torch.full((3, 1), 0.7)
    (t if where == "target" else y)[1] = torch.nan
    assert torch.isnan(getMetric(name).torch_value(t, y))


def test_names():
    assert getMetric("accuracy").name == "categorical_accuracy"
    with pytest.raises(EddlValueError, match=r"unsupported metric: acuracy\n.*did you mean 'accuracy'"):
        getMetric("acuracy")
    with pytest.raises(ValueError, match="unsupported metric: sum"):
        getMetric("sum")  # a class only, as in EDDL


def test_shapes_that_differ_are_named():
    with pytest.raises(EddlShapeError, match=r"metric dice: the target has shape \[2, 3\] .* \[2, 4\]"):
        getMetric("dice").torch_value(torch.zeros(2, 3), torch.zeros(2, 4))


def test_a_users_metric_and_a_changed_built_in_one():
    class Own(Metric):
        def __init__(self):
            Metric.__init__(self, "own")

        def value(self, t, y):
            return (np.argmax(t.getdata(), -1) == np.argmax(y.getdata(), -1)).sum()

    class Capped(MMeanRelativeError):
        def value(self, t, y):
            return min(super().value(t, y), 1.0)

    t, y = torch.eye(3), torch.eye(3)[[0, 2, 2]]
    assert Own().torch_value(t, y) == getMetric("accuracy").torch_value(t, y) == 2
    assert Capped().torch_value(t, y) == 1
    assert MSum().torch_value(t, 2 * y) == 6
