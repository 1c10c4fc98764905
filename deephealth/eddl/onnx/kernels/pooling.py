"""Kernels of pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from deephealth.eddl.onnx.kernels.padding import auto_pads, pad_sides
from deephealth.eddl.onnx.kernels.registry import kernel

__all__: list[str] = []

_MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@kernel("MaxPool")
def _max_pool(
    x: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    storage_order: int = 0,
    strides: list[int] | None = None,
) -> Tensor:
    rank = len(kernel_shape)
    steps, rates = strides or [1] * rank, dilations or [1] * rank
    sides = auto_pads(x, kernel_shape, steps, rates, pads, auto_pad)
    wide = any(2 * before > k for (before, _), k in zip(sides, kernel_shape, strict=True))
    if wide:  # torch refuses more padding than half a window
        x, sides = F.pad(x, [a for side in reversed(sides) for a in side], value=-torch.inf), [(0, 0)] * rank
    x, padding = pad_sides(x, sides, -torch.inf)
    return _MAX[rank](x, kernel_shape, steps, padding, rates, ceil_mode=bool(ceil_mode))


@kernel("AveragePool")
def _average_pool(
    x: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    rank = len(kernel_shape)
    steps, rates = strides or [1] * rank, dilations or [1] * rank
    sides = auto_pads(x, kernel_shape, steps, rates, pads, auto_pad)
    pool = _AVERAGE[rank]
    even = all(before == after and 2 * before <= k for (before, after), k in zip(sides, kernel_shape, strict=True))
    if even and all(rate == 1 for rate in rates):
        before = [before for before, _ in sides]
        return pool(x, kernel_shape, steps, before, bool(ceil_mode), bool(count_include_pad))
    flat = [amount for side in reversed(sides) for amount in side]
    seen = torch.ones_like(x[:1, :1])
    seen = F.pad(seen, flat, value=1.0 if count_include_pad else 0.0)
    window = _Window(kernel_shape, steps, rates, bool(ceil_mode))
    return window.total(F.pad(x, flat)) / window.total(seen)


class _Window:
    """Sums over windows of any dilation, by a convolution with ones."""

    def __init__(self, kernel: list[int], strides: list[int], dilations: list[int], ceil: bool) -> None:
        self.kernel, self.strides, self.dilations, self.ceil = kernel, strides, dilations, ceil

    def total(self, x: Tensor) -> Tensor:
        conv = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(self.kernel)]
        if self.ceil:
            x = F.pad(x, [amount for size in reversed(self._missing(x)) for amount in (0, size)])
        channels = x.shape[1]
        ones = torch.ones([channels, 1, *self.kernel], dtype=x.dtype, device=x.device)
        return conv(x, ones, None, self.strides, 0, self.dilations, channels)

    def _missing(self, x: Tensor) -> list[int]:
        rows = zip(x.shape[2:], self.kernel, self.strides, self.dilations, strict=True)
        return [(-(size - (k - 1) * rate - 1)) % step for size, k, step, rate in rows]


@kernel("LpPool")
def _lp_pool(
    x: Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    p: int = 2,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> Tensor:
    rank = len(kernel_shape)
    steps, rates = strides or [1] * rank, dilations or [1] * rank
    sides = auto_pads(x, kernel_shape, steps, rates, pads, auto_pad)
    padded = F.pad(x.abs() ** p, [amount for side in reversed(sides) for amount in side])
    return _Window(kernel_shape, steps, rates, bool(ceil_mode)).total(padded) ** (1 / p)


def _spatial(x: Tensor) -> list[int]:
    return list(range(2, x.dim()))


@kernel("GlobalAveragePool")
def _global_average_pool(x: Tensor) -> Tensor:
    return x.mean(_spatial(x), keepdim=True)


@kernel("GlobalMaxPool")
def _global_max_pool(x: Tensor) -> Tensor:
    return x.amax(_spatial(x), keepdim=True)


@kernel("GlobalLpPool")
def _global_lp_pool(x: Tensor, *, p: int = 2) -> Tensor:
    return (x.abs() ** p).sum(_spatial(x), keepdim=True) ** (1 / p)
