"""Parts of tensors, descriptors, conditions, and tensors made of several."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.eddl.errors import EddlError, EddlShapeError, EddlValueError
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import ExpandDescriptor, GatherDescriptor, SelDescriptor, Tensor, TensorDescriptor
from deephealth.eddl.tensor.indices import parse_indices

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("indices", "part"),
    [
        ([":", "1:3"], X[:, 1:3]),
        (["0"], X[:1]),
        (["-1", ":2", "-2:"], X[-1:, :2, -2:]),
        (["1", "0:-1", " 1 : 3 "], X[1:, 0:-1, 1:3]),
        ([], X),
    ],
)
def test_selecting_keeps_the_dimensions_and_copies(indices, part):
    a = Tensor(X)
    chosen = a.select(indices)
    np.testing.assert_array_equal(chosen, part)
    chosen.fill_(-1.0)
    np.testing.assert_array_equal(a, X)
    a.set_select(indices, chosen)
    assert a.sum() == X.sum() - part.sum() - part.size
    a.set_select(indices, 0.0)
    assert a.sum() == X.sum() - part.sum()


@pytest.mark.parametrize("indices", [["2"], ["-3"], ["1:1"], ["2:"], ["0:3"], [":", ":", ":", ":"]])
def test_indices_outside_are_refused(indices):
    with pytest.raises(EddlError):
        Tensor(X).select(indices)


@pytest.mark.parametrize("text", ["x", "", "1:2:3", "1.5", "1-2"])
def test_what_is_no_index_is_refused(text):
    with pytest.raises(EddlValueError, match="is no index"):
        Tensor(X).select([text])


@pytest.mark.parametrize("on", [False, True])
def test_an_end_of_zero_is_the_end(on):
    with strict_mode(on):
        assert Tensor(X).select([":0"]).shape == [2, 3, 4]
        assert Tensor(X).select(["1:0"]).shape == [1, 3, 4]


@given(st.integers(1, 9), st.data())
def test_ranges_mean_what_they_mean_in_python(size, data):
    first = data.draw(st.integers(0, size - 1))
    last = data.draw(st.integers(first, size - 1))
    for start in (first, first - size):
        for end in (last + 1, *([last + 1 - size] if last + 1 < size else [])):
            assert parse_indices([f"{start}:{end}"], [size]) == [[first, last]]


def test_a_part_of_another_shape_is_refused():
    with pytest.raises(EddlShapeError, match=r"\[1, 3, 4\]"):
        Tensor(X).set_select(["0"], Tensor([3, 4]))


def test_selection_descriptors_carry_deltas_back():
    sd = SelDescriptor(["1", ":", "0"], 0)
    sd.build([2, 3, 4])
    assert (sd.oshape, sd.flat().tolist()) == ([1, 3, 1], [12, 16, 20])
    whole, part = Tensor.ones([2, 3, 4]), Tensor.fromarray([1, 2, 3])
    Tensor.select_back(part, whole, sd)
    assert whole.sum() == 24 + 6
    Tensor.set_select_back(whole, part, sd)
    np.testing.assert_array_equal(part, [3, 5, 7])
    with pytest.raises(EddlShapeError):
        Tensor.select_back(Tensor([4]), whole, sd)
    with pytest.raises(EddlShapeError, match="no addresses yet"):
        Tensor.select_back(part, whole, SelDescriptor(0))


def test_descriptors_can_be_copied_freed_and_resized():
    sd = SelDescriptor(["0"])
    sd.build([2, 2])
    copied = SelDescriptor(sd)
    sd.free_memory()
    assert copied.flat().tolist() == [0, 1]
    sd.resize(5)
    assert sd.flat().tolist() == [0, 1]
    assert TensorDescriptor(3).assign(TensorDescriptor(4)).device == 4


def test_gathering_and_expanding_with_descriptors():
    swap = GatherDescriptor([1, 0], 0)
    swap.build([2, 3])
    a = Tensor([2, 3])
    Tensor.gather(a, Tensor(np.arange(6, dtype=np.float32)), swap)
    np.testing.assert_array_equal(a, [[0, 2, 4], [1, 3, 5]])
    twice = ExpandDescriptor(2, 0)
    twice.build([1, 3])
    b = Tensor(twice.oshape)
    Tensor.static_expand(Tensor.fromarray([[1, 2, 3]]), b, twice)
    np.testing.assert_array_equal(b, [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(Tensor.static_expand(Tensor.fromarray([[1, 2, 3]]), 2), b)
    with pytest.raises(EddlShapeError):
        GatherDescriptor([0, 0]).build([2, 3])


def test_conditions():
    yes, a, b, c = Tensor.fromarray([2, 0]), Tensor.fromarray([1, 2]), Tensor.fromarray([3, 4]), Tensor([2])
    np.testing.assert_array_equal(Tensor.where(yes, a, b), [1, 4])
    Tensor.where(yes, a, b, c)
    np.testing.assert_array_equal(c, [1, 4])
    Tensor.where_back(yes, a, b, c)
    np.testing.assert_array_equal(a, [2, 2])
    np.testing.assert_array_equal(b, [3, 8])
    np.testing.assert_array_equal(Tensor.fromarray([[0, 1], [2, 0]]).nonzero(True), [1, 2])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_joining_and_its_delta(axis):
    parts = [Tensor(X), Tensor(X + 1)]
    whole = Tensor.concat(parts, axis)
    np.testing.assert_array_equal(whole, np.concatenate([X, X + 1], axis))
    Tensor.concat_back(whole, parts, axis)
    np.testing.assert_array_equal(parts[1], 2 * X + 2)
    np.testing.assert_array_equal(Tensor.stack([Tensor(X), Tensor(X + 1)], axis), np.stack([X, X + 1], axis))
    out = Tensor(whole.shape)
    assert Tensor.concat(parts, axis, out) is out
    np.testing.assert_array_equal(out, np.concatenate([2 * X, 2 * X + 2], axis))


def test_parts_that_do_not_fit_are_refused():
    for call in (
        lambda: Tensor.concat([Tensor(X)]),
        lambda: Tensor.concat([Tensor(X), Tensor([2, 3, 5])]),
        lambda: Tensor.concat([Tensor(X), Tensor(X)], 3),
        lambda: Tensor.concat([Tensor(X), Tensor(X)], 0, Tensor([2, 3, 4])),
        lambda: Tensor.stack([Tensor(X), Tensor([2, 3, 5])]),
        lambda: Tensor.stack([Tensor(X)]),
        lambda: Tensor.concat_back(Tensor(X), [Tensor(X), Tensor(X)], 0),
    ):
        with pytest.raises(EddlError):
            call()


@pytest.mark.parametrize(("repeats", "axis"), [(2, 0), (3, 2), ([1, 0, 2], 1)])
def test_repeating_and_its_delta(repeats, axis):
    a, times = Tensor(X), [repeats] * X.shape[axis] if isinstance(repeats, int) else repeats
    wanted = np.repeat(X, times, axis)
    np.testing.assert_array_equal(Tensor.repeat(a, repeats, axis), wanted)
    np.testing.assert_array_equal(Tensor.repeat_desc(a, repeats, axis, Tensor(list(wanted.shape))), wanted)
    Tensor.repeat(a, repeats, axis, Tensor.ones(wanted.shape), True)
    factor = np.array(times, np.float32).reshape([-1 if at == axis else 1 for at in range(3)])
    np.testing.assert_array_equal(a, X + factor)
    with pytest.raises(EddlError):
        Tensor.repeat(a, [1, 2, 3, 4, 5], axis)


def test_tiling():
    np.testing.assert_array_equal(Tensor.tile(Tensor(X), [1, 2, 3]), np.tile(X, [1, 2, 3]))
    for rows in (1, 2, 5):
        b = Tensor([rows, 3, 4])
        Tensor.tile_deprecated(Tensor(X), b)
        np.testing.assert_array_equal(b, X[np.arange(rows) % 2])
    with pytest.raises(EddlError):
        Tensor.tile(Tensor(X), [1, 0, 1])


@pytest.mark.parametrize(
    ("small", "large"),
    [([3], [2, 3, 4]), ([4], [4, 4]), ([3, 1], [3, 4]), ([1, 4], [3, 4]), ([3, 4], [2, 3, 4]), ([1], [2, 2])],
    ids=str,
)
def test_broadcasting(small, large):
    a = np.arange(np.prod(small), dtype=np.float32).reshape(small)
    matched = a[:, None] if (small, large) == ([3], [2, 3, 4]) else a
    wanted = np.broadcast_to(matched, large)
    np.testing.assert_array_equal(Tensor.broadcast(Tensor(a), Tensor(large)), wanted)
    if len(small) < len(large):
        np.testing.assert_array_equal(Tensor.broadcast(Tensor(large), Tensor(a)), wanted)
    out = Tensor(large)
    assert Tensor.broadcast(Tensor(a), Tensor(large), out) is out


def test_shapes_that_cannot_be_broadcast_are_refused():
    for small, large in (([5], [2, 3]), ([2, 2], [3, 3]), ([2, 3], [2, 3, 4])):
        with pytest.raises(EddlShapeError):
            Tensor.broadcast(Tensor(small), Tensor(large))
