"""Layers that move, cut, repeat, choose: against torch and NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.eddl.errors import EddlError, EddlShapeError, EddlUnsupportedError, EddlValueError
from deephealth.eddl.layers.core import Input
from deephealth.eddl.layers.repetition import Broadcast, Expand, Repeat, Tile
from deephealth.eddl.layers.selection import Select, Split, parse_ranges
from deephealth.eddl.layers.shapes import Flatten, Permute, Reshape, Squeeze, Transpose, Unsqueeze
from deephealth.eddl.layers.special import Bypass, ConstOfTensor, Shape, Transform, Where
from deephealth.eddl.layers.upsampling import LUpSampling, UpSampling2D
from deephealth.eddl.tensor import Tensor


def numbers(*shape):
    return torch.arange(1, 1 + int(np.prod(shape)), dtype=torch.float32).reshape(shape)


def check(layer, x, wanted):
    torch.testing.assert_close(layer.op(x), wanted)
    assert layer.shape == list(wanted.shape[1:])
    return layer


def test_shapes():
    x = numbers(2, 1, 3, 1, 4)
    image = Input([1, 3, 1, 4])
    check(Reshape(image, [2, -1]), x, x.reshape(2, 2, 6))
    check(Flatten(image), x, x.reshape(2, 12))
    check(Squeeze(image), x, x.reshape(2, 3, 4))
    check(Squeeze(image, 0), x, x.squeeze(1))
    check(Squeeze(image, 1), x, x)
    check(Unsqueeze(image), x, x.unsqueeze(1))
    check(Unsqueeze(image, 4), x, x.unsqueeze(5))
    check(Unsqueeze(image, -1), x, x.unsqueeze(5))
    check(Permute(image, [2, 3, 1, 0]), x, x.permute(0, 3, 4, 2, 1))
    check(Transpose(image), x, x.transpose(-1, -2))
    check(Transpose(Input([5])), numbers(2, 5), numbers(2, 5))


def test_a_batch_of_none_keeps_its_shape():
    assert Flatten(Input([3, 4])).op(torch.zeros(0, 3, 4)).shape == (0, 12)


@pytest.mark.parametrize(
    "make",
    [
        lambda i: Reshape(i, [5, -1]),
        lambda i: Reshape(i, [-1, -1]),
        lambda i: Reshape(i, [3, 5]),
        lambda i: Squeeze(i, 2),
        lambda i: Unsqueeze(i, 3),
        lambda i: Permute(i, [0, 0]),
        lambda i: Permute(i, [0]),
        lambda i: Transpose(Input([])),
        lambda i: Repeat(i, 2, 2),
        lambda i: Repeat(i, [1, 2], 0),
        lambda i: Tile(i, [2]),
        lambda i: Tile(i, [0, 1]),
        lambda i: Broadcast(i, Input([2, 4])),
        lambda i: Select(i, [":", ":", ":"]),
        lambda i: Select(i, ["3"]),
        lambda i: Select(i, ["2:1"]),
        lambda i: Select(i, ["-5:"]),
        lambda i: Split(i, [], 0),
        lambda i: Split(i, [3], 0),
        lambda i: Split(i, [2, 1], 0),
        lambda i: Split(i, [1], 2),
        lambda i: Where(i, i, Input([4, 3])),
        lambda i: UpSampling2D(i, [2, 2]),
        lambda i: UpSampling2D(Input([1, 4, 4]), [0, 2]),
    ],
)
def test_what_cannot_be_is_refused_at_once(make):
    with pytest.raises(EddlError, match=r"do next|allowed"):
        make(Input([3, 4]))


def test_repetition():
    x = numbers(2, 3, 4)
    layer = Input([3, 4])
    check(Repeat(layer, 2, 0), x, x.repeat_interleave(2, 1))
    check(Repeat(layer, 3, -1), x, x.repeat_interleave(3, 2))
    check(Repeat(layer, [0, 1, 3], 0), x, x[:, [1, 2, 2, 2]])
    check(Tile(layer, [2, 3]), x, x.tile(1, 2, 3))
    check(Expand(Input([1, 4, 1]), 3), numbers(2, 1, 4, 1), numbers(2, 1, 4, 1).expand(2, 3, 4, 3))
    assert Repeat(layer, 2, 0).params == []


@pytest.mark.parametrize(
    ("small", "large", "aligned"),
    [
        ([3], [3, 4, 5], [3, 1, 1]),
        ([4], [3, 4, 5], [1, 4, 1]),
        ([4], [4, 4], [4, 1]),
        ([1], [3, 4], [1, 1]),
        ([1, 4], [3, 4], [1, 4]),
        ([4, 5], [3, 4, 5], [1, 4, 5]),
        ([3, 4], [3, 4], [3, 4]),
    ],
)
def test_broadcast_stretches_the_smaller_one(small, large, aligned):
    x = numbers(2, *small)
    wanted = x.reshape(2, *aligned).expand(2, *large)
    check(Broadcast(Input(small), Input(large)), x, wanted)
    if small != large:
        assert check(Broadcast(Input(large), Input(small)), x, wanted).shapes_swapped


def test_select_reads_the_originals_index_strings():
    x = numbers(2, 4, 5, 6)
    check(Select(Input([4, 5, 6]), ["1:3", "-1", ":-2"]), x, x[:, 1:3, -1:, :-2])
    check(Select(Input([4, 5, 6]), [" 1 : 3 "]), x, x[:, 1:3])
    check(Select(Input([4, 5, 6]), [":0", "-3:-1"]), x, x[:, :, -3:-1])
    with pytest.raises(EddlValueError, match="a:b"):
        Select(Input([4]), ["1:2:3"])


@given(size=st.integers(1, 9), data=st.data())
@settings(max_examples=60, deadline=None)
def test_ranges_that_are_accepted_are_pythons(size, data):
    low = data.draw(st.one_of(st.none(), st.integers(-12, 12)))
    high = data.draw(st.one_of(st.none(), st.integers(-12, 12)))
    text = f"{'' if low is None else low}:{'' if high is None else high}"
    wanted = list(range(size))[slice(low, high)]
    if high == 0:
        wanted = list(range(size))[slice(low, None)]
    bad = any(v is not None and not -size <= v <= size for v in (low, high)) or not wanted
    try:
        first, end = parse_ranges([text], [size])[0]
    except EddlShapeError:
        assert bad
    else:
        assert list(range(first, end)) == wanted


def test_split_gives_the_pieces_as_layers():
    x = numbers(2, 4, 6)
    layer = Input([4, 6])
    for piece, wanted in zip(Split(layer, [1, 3], 0), (x[:, :1], x[:, 1:3], x[:, 3:]), strict=True):
        check(piece, x, wanted)
    assert [p.shape for p in Split(layer, [5])] == [[4, 5], [4, 1]]
    assert len(layer.child) == 5


def test_choosing_and_constants():
    a, b, condition = numbers(2, 3), -numbers(2, 3), torch.tensor([[1.0, 0, -2], [0, 0, 1]])
    layer = Where(Input([3]), Input([3]), Input([3]))
    torch.testing.assert_close(layer.op(a, b, condition), torch.tensor([[1.0, -2, 3], [-4, -5, 6]]))
    check(Shape(Input([3, 4])), numbers(5, 3, 4), torch.tensor([1.0, 3, 4]).expand(5, 3))
    check(Shape(Input([3, 4]), False), numbers(5, 3, 4), torch.tensor([3.0, 4]).expand(5, 2))
    check(Bypass(Input([3]), "note"), a, a)


def test_a_constant_is_copied_and_given_for_every_sample():
    source = numbers(2, 3)
    layer = ConstOfTensor(Tensor.from_torch(source))
    source.zero_()
    layer.op.batch_size = 4
    assert layer.is_random_generator
    torch.testing.assert_close(layer.op(), numbers(2, 3).expand(4, 2, 3))
    assert (layer.parent, layer.params, layer.shape) == ([], [], [2, 3])


def test_accelerator_transfers_can_be_made_but_not_run():
    layer = Transform(Input([3]), 1, 0, 1, 0)
    with pytest.raises(EddlUnsupportedError, match="FPGA"):
        layer.op(torch.zeros(1, 3))


def test_upsampling_repeats_pixels_and_sums_their_gradients():
    x = numbers(2, 3, 2, 2).requires_grad_()
    wanted = x.repeat_interleave(2, 2).repeat_interleave(3, 3)
    layer = check(UpSampling2D(Input([3, 2, 2]), [2, 3]), x, wanted)
    assert type(layer).__name__ == "LResize"
    layer.op(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 6.0))
    check(LUpSampling(Input([3, 2, 2]), [2, 3]), x, wanted)
    with pytest.warns(UserWarning, match="nearest"):
        UpSampling2D(Input([3, 2, 2]), [2, 3], "bilinear")
