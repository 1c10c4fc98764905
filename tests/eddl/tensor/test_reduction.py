"""Reductions: numbers and axes against NumPy, ties, NaN, descriptors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import ReduceDescriptor2, Tensor

X = np.random.default_rng(3).permutation(60).astype(np.float32).reshape(3, 4, 5) / 7 - 4
NUMPY = {
    "max": np.max,
    "min": np.min,
    "sum": np.sum,
    "sum_abs": lambda x, **axis: np.sum(np.abs(x), **axis),
    "prod": np.prod,
    "mean": np.mean,
    "median": np.median,
}
AXES = [[0], [1], [2], [0, 2], [-1], [0, 1, 2]]


@pytest.mark.parametrize("name", NUMPY)
def test_all_elements(name):
    got = getattr(Tensor(X), name)()
    assert isinstance(got, float)
    np.testing.assert_allclose(got, NUMPY[name](X.astype(np.float64)), rtol=1e-4)


@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", NUMPY)
def test_along_axes(name, axis, keepdims):
    got = getattr(Tensor(X), name)(axis, keepdims)
    wanted = NUMPY[name](X.astype(np.float64), axis=tuple(axis), keepdims=keepdims)
    np.testing.assert_allclose(got, wanted if wanted.ndim else wanted.reshape(1), rtol=1e-4)


@pytest.mark.parametrize("unbiased", [True, False])
def test_spread(unbiased):
    a, ddof = Tensor(X), int(unbiased)
    np.testing.assert_allclose(a.std(unbiased), X.std(ddof=ddof), rtol=1e-4)
    np.testing.assert_allclose(Tensor.static_var(a, unbiased), X.var(ddof=ddof), rtol=1e-4)
    np.testing.assert_allclose(a.var([1], True, unbiased), X.var(axis=1, ddof=ddof, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(a.std(axis=[0], unbiased=unbiased), X.std(axis=0, ddof=ddof), rtol=1e-4)


def test_places_of_the_extremes_are_the_first_ones():
    a = Tensor.fromarray([[1, 5, 5], [0, 0, 2]])
    assert (a.argmax(), a.argmin()) == (1, 3)
    np.testing.assert_array_equal(a.argmax([1]), [1, 2])
    np.testing.assert_array_equal(a.argmin([0]), [1, 1, 1])


def test_nan_is_left_out_of_the_search_for_extremes():
    a = Tensor.fromarray([math.nan, 2, 1])
    assert (a.max(), a.min(), a.argmax(), a.argmin()) == (2.0, 1.0, 1, 2)


def test_the_median_of_one_element_is_that_element():
    assert Tensor.fromarray([3]).median() == 3.0


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        # which of the equally frequent ones wins was read off the original's table in C++
        ([-2, 3, 1, 1, 3, 0, 3, -2, 3, 0, 2, 0, -2, 1, 0], 0),
        ([5, 5, 1], 5),
        ([1.9, 1.1, 2.0], 1),
        ([3, 16, 29], 29),
        ([3, 4, 16], 4),
        (list(range(14)), 13),
        (list(range(13)), 12),
    ],
)
def test_the_most_frequent_whole_part(values, wanted):
    got = Tensor.fromarray(np.array(values, np.float32)).mode()
    assert got == wanted
    assert isinstance(got, int)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_the_mode_is_one_of_the_most_frequent(values):
    got = Tensor.fromarray(np.array(values, np.float32)).mode()
    assert values.count(got) == max(map(values.count, values))


def test_an_empty_tensor_has_no_extreme():
    with pytest.raises(EddlError, match="no elements"):
        Tensor([0]).max()
    assert Tensor([0]).sum() == 0.0


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(EddlError, match=r"axes \[3\] of a tensor with 3 dimensions"):
        Tensor(X).sum([3])


@pytest.mark.parametrize("name", ["max", "sum", "mean", "median", "std", "argmax"])
def test_descriptors_write_into_a_result(name):
    rd = ReduceDescriptor2([1], False)
    rd.build([3, 4, 5])
    wanted = getattr(Tensor(X), name)([1])
    b = Tensor(rd.oshape)
    getattr(Tensor, f"static_{name}")(Tensor(X), b, rd)
    np.testing.assert_array_equal(b, wanted)
    full = Tensor([3, 4, 5])
    getattr(Tensor, f"static_{name}")(Tensor(X), full, rd)
    np.testing.assert_array_equal(full, np.broadcast_to(np.asarray(wanted)[:, None], (3, 4, 5)))
    with pytest.raises(EddlShapeError):
        getattr(Tensor, f"static_{name}")(Tensor(X), Tensor([7]), rd)


def test_a_reduction_descriptor_knows_shapes_groups_and_maps():
    rd = ReduceDescriptor2([0], True)
    rd.build([2, 3])
    assert (rd.oshape, rd.size_reduction) == ([1, 3], 2)
    assert rd.index == [[0, 3], [1, 4], [2, 5]]
    rd.build_map()
    assert rd.flat().tolist() == [0, 1, 2, 0, 1, 2]
    rd.build_map(True)
    assert rd.flat().tolist() == [0, 3, 1, 4, 2, 5]
    rd.resize(4)
    assert rd.ishape == [4, 3]
    with strict_mode():
        rd.build([2, 3])
    assert rd.oshape == [2, 3]
    assert ReduceDescriptor2(rd).axis == [0]


def test_the_delta_of_argmax_goes_to_the_place_found():
    a, below = Tensor.fromarray([[1, 9], [8, 2]]), Tensor.ones([2, 2])
    Tensor.argmax_d(Tensor.fromarray([3, 4]), a.argmax([1]), below)
    np.testing.assert_array_equal(below, [[1, 4], [5, 1]])
    with pytest.raises(EddlError, match="outside its group"):
        Tensor.argmax_d(Tensor([2]), Tensor.full([2], 2), below)
