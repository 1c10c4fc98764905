"""New tensors: from sizes, values, ranges, other tensors, at random; the exchange with NumPy; devices."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from deephealth.eddl.errors import EddlError, EddlShapeError, EddlUnsupportedError, EddlValueError
from deephealth.eddl.strictness import strict_mode
from deephealth.eddl.tensor import DEV_CPU, DEV_FPGA, DEV_GPU, Tensor

X = np.arange(6, dtype=np.float32).reshape(2, 3)
no_card = pytest.mark.skipif(torch.cuda.is_available(), reason="a graphics card is here")


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ([2, 3], [2, 3]),
        ((4,), [4]),
        (np.array([2, 3]), [2, 3]),
        (np.array([2.0, 3.0]), [2]),
        (np.array([2, 3], np.float32), [2]),
        (np.array([[2, 3]]), [1, 2]),
        ([1.5, 2.0], [2]),
        ([[1, 2], [3, 4]], [2, 2]),
        (None, [0]),
    ],
    ids=str,
)
def test_whole_numbers_in_one_dimension_are_a_shape_and_all_else_values(given, shape):
    assert Tensor(given).shape == shape


def test_values_are_converted_and_copied():
    for values in (X, X.astype(np.int16), X.T.copy().T, X[::-1], X.tolist(), torch.from_numpy(X)):
        a = Tensor(values) if not isinstance(values, list) else Tensor.fromarray(values)
        np.testing.assert_array_equal(a, np.asarray(values))
        a.fill_(9.0)
    assert X[0, 1] == 1
    assert Tensor.fromarray(np.array([2, 3])).shape == [2]


@pytest.mark.parametrize("given", [[-1, 2], ["a"], [[1], [2, 3]], {"a": 1}])
def test_what_is_no_tensor_is_refused(given):
    with pytest.raises(EddlValueError):
        Tensor(given)


def test_numpy_sees_the_memory():
    a = Tensor(X)
    view = np.array(a, copy=False) if int(np.__version__.split(".")[0]) < 2 else np.asarray(a)
    view[0, 0] = 42
    assert a.max() == 42.0
    assert np.shares_memory(np.asarray(a), view)
    assert not np.shares_memory(np.array(a), view)
    assert not np.shares_memory(a.getdata(), view)
    assert np.asarray(a, dtype=np.float64).dtype == np.float64
    np.testing.assert_array_equal(X + a, X + view)
    assert a.__array_interface__["data"][0] == a.torch.data_ptr()
    with pytest.raises(ValueError, match="without a copy"):
        a.__array__(np.float64, copy=False)


def test_memory_is_shared_both_ways():
    values = X.copy()
    a = Tensor.from_numpy(values)
    a.add_(1.0)
    np.testing.assert_array_equal(values, X + 1)
    assert a.isshared
    below = torch.zeros(2)
    Tensor.from_torch(below).fill_(3.0)
    assert below.tolist() == [3.0, 3.0]
    assert torch.from_dlpack(a).data_ptr() == a.torch.data_ptr()
    for wrong in (X.astype(np.float64), X[::-1]):
        with pytest.raises(EddlValueError, match="can't be shared"):
            Tensor.from_numpy(wrong)


def test_a_view_of_another_layout_is_written_in_row_major_order():
    below = torch.arange(6.0).reshape(2, 3)
    turned = Tensor.from_torch(below.T)
    assert turned.stride == [2, 1]
    Tensor.copy(Tensor(np.arange(6, dtype=np.float32)), turned)
    assert below.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    np.testing.assert_array_equal(turned.clone(), turned)


def test_copies():
    a = Tensor(X)
    for b in (a.clone(), copy.deepcopy(a), pickle.loads(pickle.dumps(a)), Tensor(a)):
        b.fill_(0.0)
    np.testing.assert_array_equal(a, X)
    with pytest.raises(EddlShapeError):
        Tensor.copy(a, Tensor([7]))


def test_constants_and_likes():
    a = Tensor.full([2, 3], 2.5)
    for b, wanted in ((Tensor.zeros_like(a), 0), (Tensor.ones_like(a), 1), (Tensor.full_like(a, 4), 4), (a.fill(5), 5)):
        np.testing.assert_array_equal(b, np.full((2, 3), wanted))
    assert (Tensor.empty_like(a).shape, Tensor.empty([4]).shape) == ([2, 3], [4])
    Tensor.static_fill(a, 1.0)
    assert a.sum() == 6.0


def test_copying_a_part_along_the_second_dimension():
    a, b = Tensor(X), Tensor.ones([2, 5])
    Tensor.static_fill(a, 1, 3, b, 2, 4, 0)
    np.testing.assert_array_equal(b, [[1, 1, 1, 2, 1], [1, 1, 4, 5, 1]])
    Tensor.static_fill(a, 1, 3, b, 2, 4, 1)
    np.testing.assert_array_equal(b, [[1, 1, 2, 4, 1], [1, 1, 8, 10, 1]])
    with pytest.raises(EddlShapeError):
        Tensor.static_fill(a, 1, 3, b, 4, 6, 0)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: Tensor.arange(1.0, 7.0, 1.5), [1, 2.5, 4, 5.5]),
        (lambda: Tensor.arange(0, 3), [0, 1, 2]),
        (lambda: Tensor.arange(3, 0, -1), [3, 2, 1]),
        (lambda: Tensor.arange(3, 0), []),
        (lambda: Tensor.range(0, 3, 0), [0, 1, 2, 3]),
        (lambda: Tensor.range(0, 1, 0.4), [0, 0.4, 0.8]),
        (lambda: Tensor.linspace(2, 3, 1), [2]),
        (lambda: Tensor.linspace(-1, 1, 5), [-1, -0.5, 0, 0.5, 1]),
        (lambda: Tensor.logspace(0, 3, 4, 2.0), [1, 2, 4, 8]),
        (lambda: Tensor.geomspace(1, 16, 5), [1, 2, 4, 8, 16]),
    ],
)
def test_ranges(made, wanted):
    np.testing.assert_allclose(made(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps", range(2, 120, 7))
def test_linspace_has_as_many_values_as_were_asked_for(steps):
    a = Tensor.linspace(0.1, 0.9, steps)
    assert a.shape == [steps]
    np.testing.assert_allclose(a, np.linspace(0.1, 0.9, steps), rtol=1e-5)


def test_linspace_adds_up_steps_in_strict_mode():
    with strict_mode():
        sizes = [Tensor.linspace(0.1, 0.9, steps).size for steps in range(2, 120)]
    assert all(abs(size - steps) <= 1 for size, steps in zip(sizes, range(2, 120), strict=True))


def test_endless_ranges_are_refused():
    for call in (lambda: Tensor.arange(0, float("inf")), lambda: Tensor.range(0, 1, 1e-30)):
        with pytest.raises(EddlValueError):
            call()


@pytest.mark.parametrize("offset", [-3, -1, 0, 2, 7])
def test_identities(offset):
    np.testing.assert_array_equal(Tensor.eye(4, offset), np.eye(4, k=offset))


def test_onehot():
    np.testing.assert_array_equal(Tensor.onehot(Tensor.fromarray([[2, 0]]), 3), [[[0, 0, 1], [1, 0, 0]]])
    for word in (3, -1):
        with pytest.raises(EddlValueError):
            Tensor.onehot(Tensor.fromarray([word]), 3)


def test_random_values_have_their_distribution_and_can_be_repeated():
    torch.manual_seed(0)
    a = Tensor([200, 200])
    drawn = {
        "uniform": (a.fill_rand_uniform(2.0), 1.0, 2 / 12**0.5),
        "signed": (a.fill_rand_signed_uniform(3.0), 0.0, 3 / 3**0.5),
        "normal": (a.fill_rand_normal(1.0, 2.0), 1.0, 2.0),
        "binary": (a.fill_rand_binary(0.25), 0.25, (0.25 * 0.75) ** 0.5),
        "randu": (Tensor.randu([200, 200]), 0.5, 1 / 12**0.5),
        "randn": (Tensor.randn([200, 200]), 0.0, 1.0),
    }
    for made, mean, spread in drawn.values():
        assert abs(made.mean() - mean) < 0.05
        assert abs(made.std() - spread) < 0.03
    with strict_mode():
        assert abs(a.fill_rand_normal(0.0, 1.0).std() - 0.7071) < 0.02
    torch.manual_seed(0)
    np.testing.assert_array_equal(a.fill_rand_uniform(2.0), drawn["uniform"][0])


def test_devices():
    a = Tensor([2, 3], DEV_CPU)
    a.toCPU()
    a.toDevice(0)
    assert (a.isCPU(), a.isGPU(), a.isFPGA(), a.device, a.gpu_device) == (1, 0, 0, 0, 0)
    assert [Tensor.getDeviceID(name) for name in ("cpu", "gpu", "cuda:2", "fpga:1")] == [0, 1000, 1002, 2001]
    assert [Tensor.getDeviceID(number) for number in (0, 1003, 2000)] == [0, 1, 2]
    assert Tensor.is_hardware_supported("cpu")
    assert Tensor.is_hardware_supported("gpu") == torch.cuda.is_available()
    for name in ("tpu", "cuda:x", ""):
        with pytest.raises(EddlError, match="names no device"):
            Tensor.getDeviceID(name)
    with pytest.raises(EddlUnsupportedError, match="FPGA"):
        a.toFPGA()
    with pytest.raises(EddlValueError):
        Tensor([2], -1)
    with pytest.raises(EddlUnsupportedError):
        Tensor([2], DEV_FPGA)


@no_card
def test_a_card_that_is_not_there_is_refused_and_ignored_in_strict_mode():
    with pytest.raises(RuntimeError, match="graphics card 0 was asked for and 0 are here"):
        Tensor([2]).toGPU()
    with pytest.raises(EddlUnsupportedError):
        Tensor([2], DEV_GPU)
    with strict_mode():
        a = Tensor([2])
        a.toGPU()
        assert a.isCPU()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
def test_on_a_graphics_card():
    a = Tensor(X)
    a.toGPU()
    assert (a.isGPU(), a.device) == (1, DEV_GPU)
    a.mult_(2.0)
    b = Tensor([2, 3])
    Tensor.copy(a, b)
    np.testing.assert_array_equal(b, 2 * X)
    np.testing.assert_array_equal(a.getdata(), 2 * X)
    with pytest.raises(EddlValueError, match="toCPU"):
        np.asarray(a)
    with pytest.raises(EddlShapeError, match="different devices"):
        a.add(b)


def test_memory_calls():
    a, b = Tensor(X), Tensor.ones([3, 2])
    a.resize(2)
    np.testing.assert_array_equal(a, X)
    a.resize(4)
    assert (a.shape, a.sum()) == ([4, 3], 0.0)
    a.resize(2, b)
    a.fill_(5.0)
    assert (b.sum(), a.isshared) == (30.0, True)
    a.updateData(None)
    assert (a.sum(), b.sum(), a.isshared, a.numel()) == (0.0, 30.0, False, 6)
    a.updateSize(), a.updateStrides(), a.updateDevice(0)
    with pytest.raises(EddlShapeError):
        a.reallocate(Tensor([5]))
    a.deleteData()
    assert a.size == 0
