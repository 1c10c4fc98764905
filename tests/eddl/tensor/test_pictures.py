"""Geometric changes as methods of Tensor (their numbers are tested with the functions)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deephealth.eddl.errors import EddlError, EddlValueError
from deephealth.eddl.tensor import Tensor, TransformationMode, WrappingMode

X = np.arange(20, dtype=np.float32).reshape(1, 1, 4, 5)


def test_fixed_changes():
    a = Tensor(X)
    np.testing.assert_array_equal(a.flip(0), X[:, :, ::-1])
    np.testing.assert_array_equal(a.crop([1, 1], [2, 3]), X[:, :, 1:3, 1:4])
    np.testing.assert_array_equal(a.pad([1, 2], 9.0), np.pad(X, [(0, 0), (0, 0), (1, 1), (2, 2)], constant_values=9))
    np.testing.assert_array_equal(a.shift([1, 0], WrappingMode.Constant, -1.0)[0, 0, 0], [-1] * 5)
    np.testing.assert_array_equal(a.shift([0, 1], WrappingMode.Nearest)[0, 0, 0], [0, 0, 1, 2, 3])
    assert a.rotate(90.0, [0, 0], WrappingMode.Nearest).shape == [1, 1, 4, 5]
    np.testing.assert_array_equal(a.scale([8, 10]), X.repeat(2, 2).repeat(2, 3))
    assert a.scale([2, 2], WrappingMode.Constant, 0.0, TransformationMode.HalfPixel, True).shape == [1, 1, 4, 5]
    assert a.cutout([0, 0], [3, 4], 1.0).sum() == 20.0
    np.testing.assert_array_equal(a.crop_scale([0, 0], [3, 4]), X)
    b = Tensor([1, 1, 4, 5])
    Tensor.static_flip(a, b, 1)
    np.testing.assert_array_equal(b, X[:, :, :, ::-1])


def test_results_have_memory_of_their_own():
    a = Tensor(X)
    for made in (a.crop([0, 0], [3, 4]), a.scale([4, 5]), a.shift([0, 0]), a.pad([0, 0])):
        made.fill_(0.0)
        assert np.asarray(made).flags.c_contiguous
    np.testing.assert_array_equal(a, X)


@pytest.mark.parametrize("mode", WrappingMode)
@pytest.mark.parametrize("coordinates", TransformationMode)
def test_every_mode_scales(mode, coordinates):
    a = Tensor(X)
    assert a.scale([2, 3], mode, 0.5, coordinates, True).shape == [1, 1, 4, 5]
    assert a.scale([2, 3], mode, 0.5, coordinates).shape == [1, 1, 2, 3]


def test_modes_may_be_named_and_unknown_ones_are_refused():
    a = Tensor(X)
    np.testing.assert_array_equal(a.shift([0, 1], "nearest"), a.shift([0, 1], WrappingMode.Nearest))
    with pytest.raises(EddlValueError):
        a.shift([0, 1], "somehow")
    with pytest.raises(EddlValueError, match="17 is no WrappingMode"):
        a.shift([0, 1], 17)


def test_random_changes_can_be_repeated():
    a = Tensor(np.repeat(X, 8, 0))
    calls = {
        "shift": lambda: a.shift_random([-0.5, 0.5], [-0.5, 0.5]),
        "rotate": lambda: a.rotate_random([-90, 90]),
        "scale": lambda: a.scale_random([0.5, 2.0]),
        "flip": lambda: a.flip_random(0),
        "crop": lambda: a.crop_random(2, 2),
        "crop kept": lambda: a.crop_random(2, 2, 0.5, True),
        "crop scale": lambda: a.crop_scale_random([0.3, 0.6]),
        "cutout": lambda: a.cutout_random([0.3, 0.6], [0.3, 0.6]),
    }
    for name, call in calls.items():
        torch.manual_seed(1)
        first = call()
        torch.manual_seed(1)
        np.testing.assert_array_equal(first, call())
        assert any(not np.array_equal(first[0], first[index]) for index in range(1, 8)), name
    b = Tensor([8, 1, 2, 3])
    Tensor.static_crop_random(a, b)
    Tensor.static_flip_random(a, Tensor([8, 1, 4, 5]), 1)
    assert b.max() > 0
    np.testing.assert_array_equal(a, np.repeat(X, 8, 0))


def test_what_is_no_picture_is_refused():
    for call in (lambda a: a.flip(0), lambda a: a.pad([1, 1]), lambda a: a.flip_random(0)):
        with pytest.raises(EddlError):
            call(Tensor([4, 5]))
