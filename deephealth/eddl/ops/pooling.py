"""What pools compute: one torch call, with EDDL's paddings."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from deephealth.eddl.graph.op import Op
from deephealth.eddl.ops.padding import Padded

__all__ = ["AveragePoolOp", "MaxPoolOp", "PoolOp"]

_MAXIMA: dict[int, Callable[..., Tensor]] = {1: torch.max_pool1d, 2: torch.max_pool2d, 3: torch.max_pool3d}
_MEANS: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class PoolOp(Op):
    """Base of the pools.

    Args:
        kernel: window, one number per axis.
        stride: step, one number per axis.
        padded: pads per axis.
    """

    fill = 0.0

    def __init__(self, kernel: tuple[int, ...], stride: tuple[int, ...], padded: Padded) -> None:
        super().__init__()
        self.kernel, self.stride, self.padded = kernel, stride, padded
        within = padded.symmetric and all(2 * low <= size for low, size in zip(padded.lows, kernel, strict=True))
        self.pads = None if within else padded.for_torch
        self._padding: tuple[int, ...] | int = padded.lows if within else 0
        self._function = self.functions()[len(kernel)]

    def functions(self) -> dict[int, Callable[..., Tensor]]:
        """Return torch's functions by the number of axes."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return the pool of ``x`` [B, channels, *sizes]."""
        if self.pads is not None:
            x = F.pad(x, self.pads, value=self.fill)
        return self._function(x, self.kernel, self.stride, self._padding)

    def extra_repr(self) -> str:
        """Return the numbers."""
        return f"kernel={self.kernel}, stride={self.stride}, pads={self.padded.flat}"


class MaxPoolOp(PoolOp):
    """The largest element of each window; what is padded never wins."""

    fill = float("-inf")

    def functions(self) -> dict[int, Callable[..., Tensor]]:
        """Return torch's maxima."""
        return _MAXIMA


class AveragePoolOp(PoolOp):
    """The mean of each window; padded zeros count, so the divisor is always the window's size."""

    def functions(self) -> dict[int, Callable[..., Tensor]]:
        """Return torch's means."""
        return _MEANS
