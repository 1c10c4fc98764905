"""Instance norm and leaky ReLU in one: ``leaky_relu((x - mean) / sqrt(var + eps) * weight + bias)``, layout kept.

torch's instance norm turns channels-last input into channels-first and leaves the rest of the network in that layout,
so a 3-D network that should gain from channels-last loses instead. Here both layouts are worked on as they lie.

Contract:
    Shapes: x B×C×H×W or B×C×D×H×W, contiguous or channels-last (anything else is copied once); weight, bias C.
    Mean and variance (the biased one) are taken over the voxels of each sample and channel, in training and evaluation.
    Types: float32, float64, bfloat16, float16; the statistics of the last two are float32. Sums are joined in float64.
    Gradients: of x, weight and bias. Kept are x, mean and 1 / deviation, 8 bytes per sample and channel;
    the sign before the ReLU is found again. Second derivatives: only by the reference.
    Error: 2e-5 of the largest output against float64, for float32 with mean / deviation up to 100. NaN and infinity in
    a sample's channel make that whole channel NaN.
    Bytes: forward reads x twice and writes y once (once each, where a group of 2 MiB fits the cache); backward reads
    x and the gradient twice and writes once. No other memory of that size is taken.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from deephealth.core.errors import ConfigError, DataError
from deephealth.kernels import instance_norm_compiled, instance_norm_triton
from deephealth.kernels.compilers import version_for

__all__ = ["instance_norm_leaky_relu", "reference"]

_FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


@torch.compiler.disable
def instance_norm_leaky_relu(
    x: torch.Tensor,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *,
    eps: float = 1e-5,
    negative_slope: float = 0.01,
) -> torch.Tensor:
    """Normalise each sample's channels over their voxels, scale and shift them, and apply leaky ReLU.

    Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022; the pair is the one of nnU-Net.

    Args:
        x: B×C×H×W or B×C×D×H×W floats.
        weight: factor per channel, C; ones if left out.
        bias: offset per channel, C; zeros if left out.
        eps: added to the variance.
        negative_slope: of the activation: 0 is ReLU, 1 is no activation.

    Returns:
        The same shape, type and memory layout as ``x``.

    Raises:
        DataError: shapes or types do not fit, or there is one voxel per channel, which has no variance.
        ConfigError: ``eps`` is not above 0, or the slope is not finite.
        DeviceError: the tensors lie on several devices.

    Example:
        >>> x = torch.arange(4.0).reshape(1, 1, 2, 2)
        >>> instance_norm_leaky_relu(x, negative_slope=0.1).flatten().tolist()  # doctest: +ELLIPSIS
        [-0.134..., -0.0447..., 0.447..., 1.34...]
    """
    _check(x, weight, bias, eps, negative_slope)
    version = version_for(*(tensor for tensor in (x, weight, bias) if tensor is not None))
    if version == "reference" or not x.numel():
        return reference(x, weight, bias, eps=eps, negative_slope=negative_slope)
    backend = instance_norm_compiled if version == "compiled" else instance_norm_triton
    with torch.autocast(x.device.type, enabled=False):
        return _Fused.apply(_dense(x), weight, bias, eps, negative_slope, backend)  # type: ignore[no-any-return]


def reference(
    x: torch.Tensor,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *,
    eps: float = 1e-5,
    negative_slope: float = 0.01,
) -> torch.Tensor:
    """Do the same with torch's own functions: the arguments are those of :func:`instance_norm_leaky_relu`.

    Example:
        >>> reference(torch.tensor([[[[0.0, 2.0]]]]), negative_slope=0.5).flatten().tolist()  # doctest: +ELLIPSIS
        [-0.49999..., 0.99999...]
    """
    if x.numel() == 0:
        return _linked(x, weight, bias)
    wide = x.to(_working_type(x))
    weight, bias = (None if each is None else each.to(wide.dtype) for each in (weight, bias))
    y = F.leaky_relu(F.instance_norm(wide, weight=weight, bias=bias, eps=eps), negative_slope).to(x.dtype)
    return y.contiguous(memory_format=_layout(x))


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor | None,
        bias: torch.Tensor | None,
        eps: float,
        slope: float,
        backend: Any,
    ) -> torch.Tensor:
        factor, offset = _by_group(x, weight, 1.0), _by_group(x, bias, 0.0)
        y, mean, rstd = backend.forward(_grouped(x, backend), factor, offset, eps, slope)
        ctx.save_for_backward(x, weight, bias, mean, rstd)
        ctx.slope, ctx.backend = slope, backend
        return _ungrouped(y, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        x, weight, bias, mean, rstd = ctx.saved_tensors
        gradient = gradient.to(x.dtype).contiguous(memory_format=_layout(x))
        factor, offset = _by_group(x, weight, 1.0), _by_group(x, bias, 0.0)
        of_x, of_weight, of_bias = ctx.backend.backward(
            _grouped(gradient, ctx.backend, _layout(x)), _grouped(x, ctx.backend), factor, offset, mean, rstd, ctx.slope
        )
        return _ungrouped(of_x, x), _by_channel(of_weight, weight), _by_channel(of_bias, bias), None, None, None


def _working_type(x: torch.Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _layout(x: torch.Tensor) -> torch.memory_format:
    """The layout that a tensor has, or that it is copied to."""
    last = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
    if x.is_contiguous() or (not x.is_contiguous(memory_format=last) and x.stride(1) != 1):
        return torch.contiguous_format
    return last


def _dense(x: torch.Tensor) -> torch.Tensor:
    return x.contiguous(memory_format=_layout(x))


def _grouped(x: torch.Tensor, backend: Any, layout: torch.memory_format | None = None) -> torch.Tensor:
    """View a dense tensor as groups × rows × channels; see the compiled version's module."""
    if backend is instance_norm_compiled:
        x = x.to(_working_type(x))  # NumPy has no bfloat16
    if (layout or _layout(x)) is torch.contiguous_format:
        return x.reshape(x.shape[0] * x.shape[1], math.prod(x.shape[2:]), 1)
    return x.movedim(1, -1).reshape(x.shape[0], math.prod(x.shape[2:]), x.shape[1])


def _ungrouped(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """View groups × rows × channels in the shape and layout of ``x``."""
    if _layout(x) is torch.contiguous_format:
        return y.reshape(x.shape).to(x.dtype)
    return y.reshape(x.shape[0], *x.shape[2:], x.shape[1]).movedim(-1, 1).to(x.dtype)


def _by_group(x: torch.Tensor, values: torch.Tensor | None, default: float) -> torch.Tensor:
    """One number per group and channel."""
    samples, channels = x.shape[:2]
    if values is None:
        each = torch.full((samples, channels), default, dtype=_working_type(x), device=x.device)
    else:
        each = values.detach().to(_working_type(x)).expand(samples, channels).contiguous()
    return each.reshape(-1, 1) if _layout(x) is torch.contiguous_format else each


def _by_channel(sums: torch.Tensor, like: torch.Tensor | None) -> torch.Tensor | None:
    """Add up what the samples gave."""
    return None if like is None else sums.reshape(-1, len(like)).sum(0, dtype=torch.float64).to(like.dtype)


def _linked(x: torch.Tensor, *others: torch.Tensor | None) -> torch.Tensor:
    """Return an empty output whose gradients are zeros, as DDP expects of a rank without samples."""
    return x * 1 + sum(each.sum().to(x.dtype) for each in others if each is not None)


def _check(x: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float, slope: float) -> None:
    if x.ndim not in (4, 5):
        raise DataError(f"x has the shape {tuple(x.shape)}", allowed="B×C×H×W or B×C×D×H×W")
    if x.dtype not in _FLOATS:
        raise DataError(f"x is {x.dtype}", allowed="float32, float64, bfloat16 or float16", hint="x.float()")
    for name, values in (("weight", weight), ("bias", bias)):
        if values is not None and values.shape != x.shape[1:2]:
            raise DataError(
                f"{name} has the shape {tuple(values.shape)}, and x has {x.shape[1]} channels",
                allowed=f"one number per channel: ({x.shape[1]},)",
            )
    if x.numel() == x.shape[0] * x.shape[1] > 0:
        raise DataError(
            f"x has one voxel per channel (shape {tuple(x.shape)}), and one value has no variance",
            allowed="at least two voxels per channel",
            hint="use larger patches or fewer downsampling steps",
        )
    problems = [] if eps > 0 and math.isfinite(eps) else [f"eps: {eps} is not a finite number above 0"]
    problems += [] if math.isfinite(slope) else [f"negative_slope: {slope} is not finite"]
    if problems:
        raise ConfigError(problems, source="instance_norm_leaky_relu")
