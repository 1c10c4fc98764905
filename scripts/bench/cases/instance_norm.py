"""Instance norm + leaky ReLU, forward and backward, in both memory layouts, and a step of a network with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from row import Row
from torch import nn

from deephealth.kernels.compilers import using
from deephealth.kernels.instance_norm import instance_norm_leaky_relu
from deephealth.kernels.instance_norm_module import fuse_instance_norm

__all__ = ["ROWS"]

_LAST = torch.channels_last_3d
_FIRST = torch.contiguous_format


def _peers(
    shape: tuple[int, ...], layout: torch.memory_format, dtype: torch.dtype, device: str, backward: bool
) -> Mapping[str, Callable[[], Any]]:
    torch.manual_seed(0)
    x = torch.randn(shape, device=device).to(dtype).contiguous(memory_format=layout).requires_grad_(backward)
    above = torch.randn_like(x)
    pair = nn.Sequential(nn.InstanceNorm3d(shape[1], affine=True), nn.LeakyReLU(0.01, inplace=True)).to(device)
    for values in pair.parameters():
        nn.init.uniform_(values)
    inputs = [x, *pair.parameters()]
    version = "triton" if device == "cuda" else "auto"

    def ours(values: torch.Tensor) -> torch.Tensor:
        with using(version):
            return instance_norm_leaky_relu(values, pair[0].weight, pair[0].bias)

    def step(run: Callable[[torch.Tensor], torch.Tensor]) -> tuple[torch.Tensor, ...]:
        if not backward:
            with torch.no_grad():
                return (run(x),)
        y = run(x)
        return (y.detach(), *torch.autograd.grad(y, inputs, above))

    runs = {"deephealth": ours, "torch eager": pair, "torch.compile": torch.compile(pair)}
    return {name: partial(step, run) for name, run in runs.items()}


def _check(bound: float, outputs: Mapping[str, Any]) -> str:
    """Compare; an element within rounding of the kink may take the other slope, which moves a sum by up to 1e-3."""
    worst = summed = 0.0
    for theirs in outputs.values():
        for mine, peer in zip(outputs["deephealth"], theirs, strict=True):
            apart = (mine.float() - peer.float()).abs().flatten() / peer.float().abs().max()
            if mine.ndim == 1:
                summed = max(summed, float(apart.max()))
            else:
                worst = max(worst, float(apart.topk(1 + len(apart) // 100_000).values[-1]))
    text = f"output and gradient of x within {worst:.1e} of the largest value, of weight and bias {summed:.1e}"
    if worst > bound or summed > max(2e-3, bound):
        raise AssertionError(text)
    return text


def _network(
    layout: torch.memory_format, dtype: torch.dtype, size: int, device: str
) -> Mapping[str, Callable[[], Any]]:
    """One forward and backward of a network like nnU-Net's: fused channels-last against eager as it is today."""
    from monai.networks.nets import DynUNet

    torch.manual_seed(0)
    widths = [32, 64, 128, 256]
    plain = DynUNet(3, 1, 3, [3] * 4, [1, 2, 2, 2], [2] * 3, filters=widths, res_block=False).to(device)
    x = torch.randn(2, 1, size, size, size, device=device)
    fused = fuse_instance_norm(copy.deepcopy(plain)).to(memory_format=layout)
    last = copy.deepcopy(plain).to(memory_format=_LAST)
    version = "triton" if device == "cuda" else "auto"

    def step(net: nn.Module, values: torch.Tensor) -> torch.Tensor:
        with using(version), torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            y = net(values)
        y.float().square().mean().backward()
        for parameter in net.parameters():
            parameter.grad = None
        return y.detach()

    return {
        "deephealth": partial(step, fused, x.contiguous(memory_format=layout)),
        "torch eager, contiguous": partial(step, plain, x),
        "torch eager, channels-last": partial(step, last, x.contiguous(memory_format=_LAST)),
    }


def _network_check(bound: float, outputs: Mapping[str, Any]) -> str:
    ours = outputs["deephealth"].float()
    worst = max(float((ours - y.float()).abs().max() / y.abs().max()) for y in outputs.values())
    if worst > bound:
        message = f"the network's output differs by {worst:.1e} of the largest value"
        raise AssertionError(message)
    return f"the network's output within {worst:.1e} of the largest value"


def _row(name: str, layout: torch.memory_format) -> Row:
    return Row(
        name=f"instance-norm-{name}",
        title=f"Instance norm + leaky ReLU, forward and backward, 2×32×64³ float32, {name}",
        peers=partial(_peers, (2, 32, 64, 64, 64), layout, torch.float32, "cpu", True),
        check=partial(_check, 1e-5),
        goals={"torch eager": 1.5, "torch.compile": 1.5},
        memory_goals={"torch eager": 1.0, "torch.compile": 1.0},
        packages=("torch",),
        bytes_moved=2 * 32 * 64**3 * 4 * 8,  # x twice and y, then x and the gradient twice and the result
    )


def _device_row(name: str, layout: torch.memory_format, backward: bool) -> Row:
    kind = "forward and backward" if backward else "forward"
    return Row(
        name=f"instance-norm-{name}-{'both' if backward else 'forward'}-device",
        title=f"Instance norm + leaky ReLU on an accelerator, {kind}, 2×32×128³ bfloat16, {name}",
        peers=partial(_peers, (2, 32, 128, 128, 128), layout, torch.bfloat16, "cuda", backward),
        check=partial(_check, 2e-2),
        goals={"torch eager": 1.5, "torch.compile": 1.5},
        threads=(1,),
        packages=("torch", "triton"),
        device="cuda",
        bytes_moved=805_000_000 if not backward else 805_000_000 * 8 // 3,
    )


ROWS = [
    _row("contiguous", _FIRST),
    _row("channels-last", _LAST),
    Row(
        name="instance-norm-network",
        title="A step of a DynUNet like nnU-Net's, 2×1×32³ float32, layers fused",
        peers=partial(_network, _FIRST, torch.float32, 32, "cpu"),
        check=partial(_network_check, 1e-4),
        goals={"torch eager, contiguous": 1.0},
        rounds=5,
        packages=("torch", "monai"),
    ),
    *(
        _device_row(name, layout, way)
        for name, layout in (("contiguous", _FIRST), ("channels-last", _LAST))
        for way in (False, True)
    ),
    Row(
        name="instance-norm-network-device",
        title="A step of a DynUNet like nnU-Net's on an accelerator, 2×1×128³ bfloat16, fused and channels-last",
        peers=partial(_network, _LAST, torch.bfloat16, 128, "cuda"),
        check=partial(_network_check, 5e-2),
        goals={"torch eager, contiguous": 1.2},
        threads=(1,),
        packages=("torch", "triton", "monai"),
        device="cuda",
    ),
]
