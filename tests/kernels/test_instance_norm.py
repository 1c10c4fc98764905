"""Instance norm + leaky ReLU against torch's pair, MONAI's networks, and float64."""

from __future__ import annotations

import copy
import os
import pickle

os.environ.setdefault("TRITON_INTERPRET", "1")

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.networks.nets import BasicUNet, DynUNet
from torch import nn

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels import instance_norm_compiled
from deephealth.kernels.compilers import using
from deephealth.kernels.instance_norm import instance_norm_leaky_relu, reference
from deephealth.kernels.instance_norm_module import InstanceNormLeakyReLU, fuse_instance_norm

LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
TOLERANCES = {torch.float64: 1e-11, torch.float32: 2e-5, torch.bfloat16: 2e-2, torch.float16: 4e-3}


def _gradients(run, x, weight, bias, above, **settings):
    inputs = [each.detach().clone(memory_format=torch.preserve_format).requires_grad_() for each in (x, weight, bias)]
    y = run(*inputs, **settings)
    y.backward(above)
    return [y.detach(), *(each.grad for each in inputs)]


def _torch_pair(x, weight, bias, eps=1e-5, negative_slope=0.01):
    """torch's functions in float64."""
    if not x.numel():
        return x.double() * 1 + 0 * (weight.sum() + bias.sum())
    y = nn.functional.instance_norm(x.double(), weight=weight.double(), bias=bias.double(), eps=eps)
    return nn.functional.leaky_relu(y, negative_slope)


def _compare(version, x, weight, bias, above, **settings):
    with using(version):
        ours = _gradients(instance_norm_leaky_relu, x, weight, bias, above, **settings)
    wide = _gradients(_torch_pair, x, weight, bias, above.double(), **settings)
    if not x.numel():
        assert [each.shape for each in ours] == [each.shape for each in wide]
        return
    for mine, theirs in zip(ours, wide, strict=True):
        # a value within rounding of 0 may fall on the other side of the ReLU: its gradient then differs by itself
        scale = max(float(theirs.abs().max()), float(above.abs().max()), 1e-3)
        near = ((mine.double() - theirs).abs() > TOLERANCES[x.dtype] * 10 * scale).sum()
        assert near <= (2 if mine.numel() > 4 else 0), (version, tuple(x.shape), x.dtype, settings)
    for mine in ours[:2]:
        assert mine.shape == x.shape
        assert mine.dtype == x.dtype


def _input(draws, shape, dtype, last):
    x = torch.from_numpy(draws.normal(draws.uniform(-3, 3), 1.0, shape)).to(dtype)
    if last == 1:
        return x.contiguous(memory_format=LAST[x.ndim])
    return x.transpose(2, 3) if last == 2 else x


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "shape", [(2, 3, 4, 5, 6), (1, 40, 5, 3, 3), (2, 1, 90, 85, 75), (2, 20, 34, 33, 32), (2, 600, 2, 2)]
)
def test_compiled_forward_and_gradients(shape, dtype, last):
    draws = np.random.default_rng(0)
    x = _input(draws, shape, dtype, last)
    weight, bias = torch.randn(2, shape[1], dtype=dtype).unbind(0)
    above = torch.from_numpy(draws.normal(size=shape)).to(dtype)
    with using("compiled"):
        ours = _gradients(instance_norm_leaky_relu, x, weight, bias, above)
    theirs = _gradients(_torch_pair, x, weight, bias, above.double())
    for mine, peer, bound in zip(ours, theirs, (2e-6, 2e-5, 2e-4, 2e-4), strict=True):
        bound = bound if dtype == torch.float32 else 1e-11
        # where x lies within rounding of the kink, one voxel's gradient may differ
        off = ((mine.double() - peer).abs() > bound * peer.abs().max()).sum()
        assert off <= (5 if mine.ndim > 1 and dtype == torch.float32 else 0)
    assert ours[0].stride() == x.stride()
    assert ours[1].stride() == x.stride()


@given(
    shape=st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(1, 7), st.integers(1, 7), st.integers(2, 7)),
    flat=st.booleans(),
    last=st.integers(0, 2),
    dtype=st.sampled_from(list(TOLERANCES)),
    slope=st.sampled_from([0.0, 0.01, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
def test_compiled_on_random_shapes(shape, flat, last, dtype, slope, seed):
    draws = np.random.default_rng(seed)
    x = _input(draws, shape[:2] + shape[3:] if flat else shape, dtype, last)
    weight, bias = (torch.from_numpy(draws.normal(size=shape[1])).float() for _ in range(2))
    above = torch.from_numpy(draws.normal(size=x.shape)).to(dtype)
    _compare("compiled", x, weight, bias, above, negative_slope=slope, eps=1e-3)
    _compare("reference", x, weight, bias, above, negative_slope=slope, eps=1e-3)


def test_triton_on_500_random_cases():
    draws = np.random.default_rng(1)
    for case in range(500):
        longest = 6 if case % 10 == 0 else 3  # a program costs milliseconds; the long ones have several parts
        sizes = draws.integers(1, longest + 1, int(draws.integers(2, 4)))
        shape = [int(draws.integers(0, 3)), int(draws.integers(1, 4)), *sizes]
        shape[-1] += shape[-1] == 1
        dtype = list(TOLERANCES)[case % 4]
        x = _input(draws, tuple(map(int, shape)), dtype, case % 3)
        weight, bias = (torch.from_numpy(draws.normal(size=shape[1])).float() for _ in range(2))
        above = torch.from_numpy(draws.normal(size=tuple(x.shape))).to(dtype)
        _compare("triton", x, weight, bias, above, negative_slope=(0.0, 0.01, 1.0)[case % 3], eps=1e-3)


@pytest.mark.parametrize("version", ["reference", "compiled", "triton"])
@pytest.mark.parametrize("last", [0, 1])
def test_gradcheck(version, last):
    torch.manual_seed(2)
    x = torch.randn(1, 2, 1, 3, 2, dtype=torch.float64)
    x = (x.contiguous(memory_format=torch.channels_last_3d) if last else x).requires_grad_()
    weight, bias = (torch.randn(2, dtype=torch.float64).requires_grad_() for _ in range(2))

    def run(*inputs):
        return instance_norm_leaky_relu(*inputs, negative_slope=0.2)

    with using(version):
        assert torch.autograd.gradcheck(run, (x, weight, bias), fast_mode=version == "triton")
        assert torch.autograd.gradcheck(run, (x,), fast_mode=version == "triton")


def test_large_mean_keeps_its_digits():
    torch.manual_seed(0)
    x = torch.randn(1, 2, 40, 40, 40) + 100
    for each in (x, x.contiguous(memory_format=torch.channels_last_3d)):
        apart = instance_norm_leaky_relu(each).double() - reference(each.double())
        assert apart.abs().max() < 1e-4


def test_the_number_of_threads_changes_no_bit():
    x = torch.randn(1, 3, 100, 90, 90).contiguous(memory_format=torch.channels_last_3d)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(instance_norm_leaky_relu(x))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_nan_stays_in_its_channel():
    x = torch.randn(2, 3, 4, 4, 4)
    x[1, 2, 0, 0, 0] = float("nan")
    y = instance_norm_leaky_relu(x, negative_slope=0.0)
    assert y[1, 2].isnan().all()
    assert y[0].isfinite().all()
    assert y[1, :2].isfinite().all()


def test_constant_channel_and_zero_weight():
    weight = torch.zeros(2, requires_grad=True)
    y = instance_norm_leaky_relu(torch.full((1, 2, 3, 3), 7.0), weight, torch.tensor([1.0, -1.0]), negative_slope=0.5)
    assert y[0, 0].unique().tolist() == [1.0]
    assert y[0, 1].unique().tolist() == [-0.5]


def test_nothing_but_x_and_two_numbers_per_channel_is_saved():
    x = torch.randn(2, 4, 8, 8, 8, requires_grad=True)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda each: saved.append(each.numel()) or each, lambda each: each):
        instance_norm_leaky_relu(x)
    assert sorted(saved) == [8, 8, x.numel()]


def test_offsets_beyond_31_bits():
    """The sums of a stretch that begins behind 2^31: one number stands for all."""
    size = 2**31 + 4096
    flat = np.broadcast_to(np.float32(3.0), (size,))
    mean, squares = np.zeros(1), np.zeros(1)
    instance_norm_compiled._moments(flat, size - 2048, size, 1, 512, 4096, mean, squares)
    assert mean[0] == 3.0
    assert squares[0] == 0.0


@pytest.mark.parametrize(
    ("x", "weight", "message"),
    [
        (torch.zeros(2, 3, 1, 1, 1), None, "one voxel per channel"),
        (torch.zeros(2, 3, 4), None, "(2, 3, 4)"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.int32), None, "int32"),
        (torch.zeros(2, 3, 4, 4), torch.ones(4), "3 channels"),
    ],
)
def test_bad_input(x, weight, message):
    with pytest.raises(DataError, match=message.replace("(", r"\(").replace(")", r"\)")):
        instance_norm_leaky_relu(x, weight)


def test_bad_settings_come_together():
    with pytest.raises(ConfigError) as caught:
        instance_norm_leaky_relu(torch.zeros(1, 1, 2, 2), eps=0.0, negative_slope=float("nan"))
    assert len(caught.value.problems) == 2


def test_under_autocast_and_in_bfloat16_weights():
    layer = InstanceNormLeakyReLU(4, dtype=torch.bfloat16)
    x = torch.randn(1, 4, 4, 4, 4, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x).sum().backward()
    assert layer.weight.grad.dtype == torch.bfloat16
    assert x.grad.dtype == torch.bfloat16


def _spread(net: nn.Module) -> nn.Module:
    for values in net.parameters():
        if values.ndim == 1:
            nn.init.normal_(values)
    return net


NETS = {
    "dynunet": lambda: DynUNet(3, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 8, 8]),
    "residual": lambda: DynUNet(3, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 8, 8], res_block=True),
    "basic": lambda: BasicUNet(features=(4, 4, 8, 8, 8, 4), out_channels=2),
    "relu": lambda: nn.Sequential(nn.Conv3d(1, 4, 3), nn.InstanceNorm3d(4), nn.ReLU(), nn.InstanceNorm3d(4), nn.GELU()),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_a_fused_network_gives_the_same(name, layout):
    torch.manual_seed(0)
    net = _spread(NETS[name]()).to(memory_format=layout)
    fused = fuse_instance_norm(copy.deepcopy(net))
    x = torch.randn(1, 1, 32, 32, 32).contiguous(memory_format=layout)
    with torch.no_grad():
        torch.testing.assert_close(fused(x), net(x), rtol=1e-5, atol=2e-5)
    count = sum(isinstance(layer, InstanceNormLeakyReLU) for layer in fused.modules())
    assert count == {"dynunet": 10, "residual": 6, "basic": 18, "relu": 1}.get(name) or count > 0
    assert list(fused.state_dict()) == list(net.state_dict())
    net.load_state_dict(fused.state_dict())
    pickle.loads(pickle.dumps(fused))


def test_a_second_name_of_the_norm_follows_and_parameters_stay_the_same_objects():
    class Block(nn.Module):
        """As nnU-Net's: a sequence, and its parts by name."""

        def __init__(self):
            super().__init__()
            self.norm, self.nonlin = nn.InstanceNorm3d(3, affine=True), nn.LeakyReLU()
            self.all_modules = nn.Sequential(self.norm, self.nonlin)

        def forward(self, x):
            return self.all_modules(x)

    block = Block()
    weight, keys = block.norm.weight, list(block.state_dict())
    fuse_instance_norm(block)
    assert block.norm is block.all_modules[0]
    assert block.norm.weight is weight
    assert list(block.state_dict()) == keys


def test_pairs_that_can_not_be_fused_are_left_alone():
    norm, act = nn.InstanceNorm3d(2), nn.LeakyReLU()
    watched = nn.InstanceNorm3d(2)
    watched.register_forward_hook(lambda *_: None)
    for pair in (
        nn.Sequential(nn.InstanceNorm3d(2, track_running_stats=True), act),
        nn.Sequential(watched, act),
        nn.Sequential(nn.Sequential(norm, act), nn.Sequential(norm, nn.GELU())),
        nn.Sequential(nn.InstanceNorm3d(2), nn.Dropout3d(0.5), act),
    ):
        before = str(pair)
        assert str(fuse_instance_norm(pair)) == before


def test_compiled_by_torch_it_is_traced_through():
    layer = InstanceNormLeakyReLU(2)
    x = torch.randn(1, 2, 4, 4, 4)
    whole = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(whole(x), layer(x))
