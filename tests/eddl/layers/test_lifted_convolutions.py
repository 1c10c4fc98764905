"""What the original refused on its CPU, against torch's formulas: asymmetric pads, groups, dilation, transposition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.layers.convolutions import Conv, Conv1D, Conv3D, DepthwiseConv2D, PointwiseConv
from deephealth.eddl.layers.core import Input
from deephealth.eddl.layers.pooling import AveragePool2D, MaxPool1D, MaxPool2D, MaxPool3D
from deephealth.eddl.layers.transposed import ConvT2D, ConvT3D
from deephealth.eddl.ops.padding import Extent, plan, plan_transposed
from deephealth.eddl.strictness import strict_mode


def fill(layer):
    for slot, tensor in enumerate(layer.params):
        tensor.torch.normal_(generator=torch.Generator().manual_seed(slot))
    return layer


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


def parts(layer):
    return [tensor.torch for tensor in layer.params]


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "pads"),
    [
        ([2, 8, 7], [3, 3], [2, 2], "same", (0, 1, 1, 1)),
        ([2, 8, 8], [3, 3], [2, 2], "zeros", (0, 1, 0, 1)),
        ([2, 8, 8], [3, 3], [2, 2], "same,none", (0, 1, 0, 0)),
        ([2, 8, 8], [3, 3], [2, 2], "none,same", (0, 0, 0, 1)),
        ([2, 9, 11], [4, 4], [1, 1], "same", (1, 2, 1, 2)),
        ([2, 9, 11], [2, 2], [2, 2], "same", (0, 1, 0, 1)),
    ],
)
def test_asymmetric_same_pads_below_and_on_the_right(shape, kernel, stride, padding, pads):
    layer = fill(Conv(Input(shape), 3, kernel, stride, padding))
    x, (weight, bias) = random(2, *shape), parts(layer)
    top, bottom, left, right = pads
    assert layer.pads == list(pads)
    wanted = F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, stride)
    torch.testing.assert_close(layer.op(x), wanted)
    assert list(wanted.shape[1:]) == layer.shape


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [[1, 1], [2, 3]])
def test_groups_and_dilation(groups, dilation):
    layer = fill(Conv(Input([4, 9, 9]), 8, [3, 3], [1, 1], "none", True, groups, dilation))
    x, (weight, bias) = random(2, 4, 9, 9), parts(layer)
    assert list(weight.shape) == [8, 4 // groups, 3, 3]
    torch.testing.assert_close(layer.op(x), F.conv2d(x, weight, bias, 1, 0, dilation, groups))


def test_dilated_same_keeps_the_size():
    layer = fill(Conv(Input([2, 9, 9]), 3, [3, 3], dilation_rate=[2, 2]))
    x, (weight, bias) = random(2, 2, 9, 9), parts(layer)
    torch.testing.assert_close(layer.op(x), F.conv2d(x, weight, bias, 1, 2, 2))


def test_depthwise_pads_unless_strict():
    x = random(2, 3, 6, 6)
    layer = fill(DepthwiseConv2D(Input([3, 6, 6]), [3, 3]))
    weight, bias = parts(layer)
    torch.testing.assert_close(layer.op(x), F.conv2d(x, weight, bias, padding=1, groups=3))
    with strict_mode():
        assert DepthwiseConv2D(Input([3, 6, 6]), [3, 3]).shape == [3, 4, 4]


def test_conv3d_forgets_its_bias_only_in_strict_mode():
    x = random(1, 2, 4, 5, 6)
    layer = fill(Conv3D(Input([2, 4, 5, 6]), 3, [2, 3, 3]))
    weight, bias = parts(layer)
    torch.testing.assert_close(layer.op(x), F.conv3d(F.pad(x, (1, 1, 1, 1, 0, 1)), weight, bias))
    with strict_mode():
        silent = fill(Conv3D(Input([2, 4, 5, 6]), 3, [2, 3, 3]))
    torch.testing.assert_close(silent.op(x), layer.op(x) - bias.view(3, 1, 1, 1))


def test_conv1d_lists_a_kernel_with_four_axes_that_aliases_what_it_computes_with():
    layer = fill(Conv1D(Input([2, 9]), 3, [3]))
    x, (weight, bias) = random(2, 2, 9), parts(layer)
    assert list(weight.shape) == [3, 2, 3, 1]
    torch.testing.assert_close(layer.op(x), F.conv1d(x, weight[..., 0], bias, padding=1))
    weight.zero_()
    torch.testing.assert_close(layer.op(x), bias.view(1, 3, 1).expand(2, 3, 9))
    layer.op(x).sum().backward()
    assert list(layer.gradients[0].torch.shape) == [3, 2, 3, 1]


def test_a_bias_that_is_not_used_is_listed_and_never_changes():
    layer = fill(PointwiseConv(Input([2, 4, 4]), 3, use_bias=False))
    assert (len(layer.params), layer.get_trainable_params_count()) == (2, 2)
    weight, _ = parts(layer)
    x = random(1, 2, 4, 4)
    out = layer.op(x)
    torch.testing.assert_close(out, F.conv2d(x, weight))
    out.sum().backward()
    assert layer.gradients[1].torch.abs().sum() == 0
    assert not any(p.shape == (3,) for p in layer.op.parameters())


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_transposed_is_the_full_result_cut_or_filled(stride, kernel, padding):
    layer = fill(ConvT2D(Input([3, 4, 5]), 2, [kernel] * 2, [stride] * 2, padding))
    x, (weight, bias) = random(2, 3, 4, 5), parts(layer)
    assert list(weight.shape) == [3, 2, kernel, kernel]
    wanted = torch.zeros(2, 2, *layer.shape[1:])
    full = F.conv_transpose2d(x, weight, stride=stride)
    lows = [max(f - w, 0) // 2 for f, w in zip(full.shape[2:], wanted.shape[2:], strict=True)]
    part = full[:, :, lows[0] :, lows[1] :][:, :, : wanted.shape[2], : wanted.shape[3]]
    wanted[:, :, : part.shape[2], : part.shape[3]] = part
    torch.testing.assert_close(layer.op(x), wanted + bias.view(1, 2, 1, 1))
    grows = 0 if padding == "same" else kernel - 1
    assert layer.shape == [2, 4 * stride + grows, 5 * stride + grows]


def test_transposed_volumes_groups_and_strict_filters():
    layer = fill(ConvT3D(Input([4, 2, 3, 4]), 6, [2, 2, 2], [2, 2, 2], groups=2))
    x, (weight, bias) = random(1, 4, 2, 3, 4), parts(layer)
    torch.testing.assert_close(layer.op(x), F.conv_transpose3d(x, weight, bias, 2, groups=2))
    with strict_mode():
        strict = ConvT3D(Input([4, 2, 3, 4]), 6, [3, 3, 3])
    assert strict.shape == [4, 2, 3, 4]
    assert [list(p.shape) for p in parts(strict)] == [[4, 4, 3, 3, 3], [4]]


def test_asymmetric_pools():
    x = -random(2, 3, 7, 8).abs()
    wanted = F.max_pool2d(F.pad(x, (0, 1, 1, 1), value=-torch.inf), 3, 2)
    torch.testing.assert_close(MaxPool2D(Input([3, 7, 8]), [3, 3], [2, 2], "same").op(x), wanted)
    mean = AveragePool2D(Input([3, 7, 8]), [3, 3], [2, 2], "same")
    torch.testing.assert_close(mean.op(x), F.avg_pool2d(F.pad(x, (0, 1, 1, 1)), 3, 2))
    sequence = MaxPool1D(Input([3, 7]), [2], [2], "same")
    torch.testing.assert_close(sequence.op(x[..., 0]), F.max_pool1d(F.pad(x[..., 0], (0, 1), value=-torch.inf), 2))
    assert MaxPool3D(Input([1, 7, 7, 7]), padding="same").op(random(1, 1, 7, 7, 7)).isfinite().all()


@given(
    size=st.integers(1, 30), kernel=st.integers(1, 7), stride=st.integers(1, 5), dilation=st.integers(1, 3),
    word=st.sampled_from(["same", "none"]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_plans_agree_with_torch(size, kernel, stride, dilation, word):
    extent = Extent(size, kernel, stride, dilation)
    if word == "none" and extent.reach > size:
        with pytest.raises(EddlShapeError, match="larger than the input"):
            plan("here", [extent], word)
        return
    planned = plan("here", [extent], word)
    low, high = planned.pads[0]
    x, weight = torch.ones(1, 1, size), torch.ones(1, 1, kernel)
    out = F.conv1d(F.pad(x, (low, high)), weight, stride=stride, dilation=dilation)
    assert [out.shape[-1]] == planned.sizes
    assert 0 <= high - low <= 1
    assert word == "none" or planned.sizes[0] == int(np.ceil(size / stride))


@given(
    size=st.integers(1, 9), kernel=st.integers(1, 5), stride=st.integers(1, 4), word=st.sampled_from(["same", "none"])
)
@settings(max_examples=60, deadline=None)
def test_transposed_plans_are_kept_by_the_layer(size, kernel, stride, word):
    planned = plan_transposed("here", [Extent(size, kernel, stride)] * 2, word)
    layer = fill(ConvT2D(Input([1, size, size]), 1, [kernel] * 2, [stride] * 2, word))
    assert list(layer.op(torch.ones(1, 1, size, size)).shape[2:]) == planned.sizes == layer.shape[1:]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Conv(Input([3, 8]), 4, [3, 3]), "channels, height, width"),
        (lambda: Conv(Input([3, 8, 8]), 4, [3]), "2 numbers"),
        (lambda: Conv(Input([3, 8, 8]), 4, [3, 3], groups=2), "2 groups"),
        (lambda: Conv(Input([3, 8, 8]), 4, [9, 9], padding="none"), "larger than the input"),
        (lambda: Conv(Input([3, 8, 8]), 4, [3, 3], padding="half"), "same,none"),
        (lambda: MaxPool2D(Input([8, 8])), "channels first"),
        (lambda: MaxPool2D(Input([3, 8, 8]), [2, 2], [0, 2]), "1 or more"),
    ],
)
def test_wrong_settings_are_refused_with_what_is_right(make, words):
    with pytest.raises((EddlError, ValueError), match=words):
        make()
