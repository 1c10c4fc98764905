"""Other shapes and orders of dimensions, sorting, matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import Tensor

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_reshaping_keeps_the_memory_and_works_out_one_size():
    values = X.copy()
    a = Tensor.from_numpy(values)
    a.reshape_([4, -1, 2])
    assert a.shape == [4, 3, 2]
    a.fill_(7.0)
    assert (values == 7).all()
    assert a.reshape([24]).shape == [24]
    a.shape = [6, 4]
    assert (a.shape, a.stride, a.ndim, a.size) == ([6, 4], [4, 1], 2, 24)


@pytest.mark.parametrize("shape", [[5, -1], [-1, -1], [23], [0, -1]])
def test_a_shape_that_does_not_fit_is_refused(shape):
    with pytest.raises(EddlShapeError, match="24 elements"):
        Tensor(X).reshape_(shape)


@given(st.permutations([0, 1, 2]))
def test_permuting(dims):
    a = Tensor(X)
    np.testing.assert_array_equal(a.permute(dims), X.transpose(dims))
    np.testing.assert_array_equal(Tensor.permute_static(a, dims), X.transpose(dims))
    a.permute_(dims)
    np.testing.assert_array_equal(a, X.transpose(dims))
    assert np.asarray(a).flags.c_contiguous


@given(st.integers(-3, 2), st.integers(-3, 2))
def test_moving_and_swapping_axes(first, second):
    a = Tensor(X)
    np.testing.assert_array_equal(a.moveaxis(first, second), np.moveaxis(X, first, second))
    np.testing.assert_array_equal(Tensor.static_swapaxis(a, first, second), np.swapaxes(X, first, second))
    a.swapaxis_(first, second)
    a.moveaxis_(first, second)
    np.testing.assert_array_equal(a, np.moveaxis(np.swapaxes(X, first, second), first, second))


def test_axes_that_are_not_there_are_refused():
    for call in (
        lambda a: a.moveaxis(3, 0),
        lambda a: a.swapaxis(0, 3),
        lambda a: a.permute([0, 1]),
        lambda a: a.squeeze(3),
    ):
        with pytest.raises(RuntimeError):
            call(Tensor(X))


def test_squeezing_and_unsqueezing():
    a = Tensor([1, 3, 1])
    assert (a.squeeze().shape, a.squeeze(0).shape, a.squeeze(1).shape) == ([3], [3, 1], [1, 3, 1])
    assert [Tensor.static_unsqueeze(a, axis).shape for axis in (0, 3, -1)] == [[1, 1, 3, 1], [1, 3, 1, 1], [1, 3, 1, 1]]
    a.squeeze_()
    a.unsqueeze_(1)
    assert a.shape == [3, 1]
    assert Tensor([1, 1]).squeeze().shape == []
    assert (Tensor(X).flatten().shape, Tensor.static_flatten(Tensor([0, 2])).shape) == ([24], [0])


def test_transposing_permutes_and_in_strict_mode_copies_as_the_values_lie():
    a, b = Tensor(X[0]), Tensor([4, 3])
    Tensor.transpose(a, b, [1, 0])
    np.testing.assert_array_equal(b, X[0].T)
    with strict_mode():
        Tensor.transpose(a, b, [1, 0])
    np.testing.assert_array_equal(b, X[0].reshape(4, 3))
    Tensor.transpose(a, a, [1, 0])
    np.testing.assert_array_equal(a, X[0].T)
    for wrong in ([4, 3], [5]):
        with pytest.raises(EddlShapeError):
            Tensor.transpose(a, Tensor(wrong), [1, 0])


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.booleans())
def test_sorting_is_of_all_elements_and_stable(values, descending):
    a, places = Tensor.fromarray(values), Tensor([len(values)])
    np.testing.assert_array_equal(a.sort(descending), sorted(values, reverse=descending))
    key = -np.array(values) if descending else np.array(values)
    np.testing.assert_array_equal(a.argsort(descending), np.argsort(key, kind="stable"))
    Tensor.static_argsort(a, places, descending)
    np.testing.assert_array_equal(places, a.argsort(descending))
    a.sort_(descending)
    Tensor.static_sort(a, places, descending)
    np.testing.assert_array_equal(places, a)


def test_matrices_are_sorted_row_by_row_as_one_list():
    np.testing.assert_array_equal(Tensor.fromarray([[4, 1], [3, 2]]).sort(True), [[4, 3], [2, 1]])


def test_products_of_matrices():
    a, b = X[0], X[1].T.copy()
    np.testing.assert_allclose(Tensor.mult2D(Tensor(a), Tensor(b)), a @ b)
    c = Tensor.ones([4, 4])
    Tensor.mult2D(Tensor(a), 1, Tensor(b), 1, c, 1)
    np.testing.assert_allclose(c, 1 + a.T @ b.T)
    for left, right in ((X[0], X[0]), (X, X[0])):
        with pytest.raises(EddlShapeError):
            Tensor.mult2D(Tensor(left), Tensor(right))


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 2, 5])
def test_diagonals(k):
    values = X[0][:, :3].copy()
    a, b, wanted = Tensor(values), Tensor([3, 3]), np.triu(np.tril(values, k), k)
    np.testing.assert_array_equal(a.diag(k), wanted)
    assert Tensor.static_trace(a, k) == np.trace(values, k)
    Tensor.static_diag(a, b, k)
    a.diag_(k)
    np.testing.assert_array_equal(a, b)


def test_a_diagonal_needs_a_square_matrix():
    with pytest.raises(EddlError, match="a square matrix"):
        Tensor([2, 3]).trace()
    assert not Tensor.isSquared(Tensor([2, 3]))


def test_sums_with_vectors_and_of_rows_and_columns():
    a, c = Tensor(X[0]), Tensor([3, 4])
    Tensor.sum2D_rowwise(a, Tensor(X[1][0]), c)
    np.testing.assert_array_equal(c, X[0] + X[1][0])
    Tensor.sum2D_colwise(a, Tensor(X[1][:, 0]), c)
    np.testing.assert_array_equal(c, X[0] + X[1][:, :1])
    for axis, size in ((0, 4), (1, 3)):
        sums = Tensor.ones([size])
        Tensor.reduce_sum2D(a, sums, axis, 1)
        np.testing.assert_array_equal(sums, 1 + X[0].sum(axis))
        Tensor.reduce_sum2D(a, sums, axis, 0)
        np.testing.assert_array_equal(sums, X[0].sum(axis))
    with pytest.raises(EddlShapeError):
        Tensor.sum2D_rowwise(a, Tensor([3]), c)
    np.testing.assert_allclose(a.norm(), np.linalg.norm(X[0]), rtol=1e-6)
    np.testing.assert_allclose(a.norm_along([0], True), np.linalg.norm(X[0], axis=0, keepdims=True), rtol=1e-6)
