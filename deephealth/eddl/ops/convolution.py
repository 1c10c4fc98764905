"""What convolutions compute: one torch call, with EDDL's kernels and paddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deephealth.eddl.graph.op import Op, Slot
from deephealth.eddl.ops.padding import Padded

__all__ = ["Conv1DOp", "ConvGeometry", "ConvOp", "ConvTransposeOp"]

_CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED: dict[int, Callable[..., Tensor]] = {2: F.conv_transpose2d, 3: F.conv_transpose3d}


@dataclass(frozen=True)
class ConvGeometry:
    """The numbers of a convolution.

    Args:
        channels: channels of the input.
        filters: channels of the output.
        kernel: window, one number per axis.
        stride: step, one number per axis.
        dilation: distance between window elements, one number per axis.
        groups: groups of channels that do not see each other.
        padded: pads per axis.
    """

    channels: int
    filters: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    padded: Padded


class ConvOp(Op):
    """A convolution over 1, 2 or 3 axes: kernel ``[filters, channels / groups, *window]``, bias ``[filters]``.

    Args:
        geometry: its numbers.
        use_bias: whether the bias is added; it is listed either way, as the original does.
        forget_bias_when_strict: strict mode leaves a used bias out (the original's 3-D convolution forgets it).
    """

    bias: Tensor

    def __init__(self, geometry: ConvGeometry, *, use_bias: bool, forget_bias_when_strict: bool = False) -> None:
        super().__init__()
        g = geometry
        self.geometry = g
        self.weight = nn.Parameter(torch.empty(self.kernel_shape(g)))
        if use_bias:
            self.bias = nn.Parameter(torch.empty(self.filters(g)))
        else:
            self.register_buffer("bias", torch.zeros(self.filters(g)))
        self.adds_bias = use_bias and not (self.strict and forget_bias_when_strict)
        self.pads = None if g.padded.symmetric else g.padded.for_torch
        self._keywords = self.keywords(g)
        self._function = self.torch_function(g)

    def torch_function(self, g: ConvGeometry) -> Callable[..., Tensor]:
        """Return torch's function for this number of axes."""
        return _CONVOLUTIONS[len(g.kernel)]

    def filters(self, g: ConvGeometry) -> int:
        """Return the number of output channels."""
        return g.filters

    def kernel_shape(self, g: ConvGeometry) -> tuple[int, ...]:
        """Return the shape of the stored kernel."""
        return (g.filters, g.channels // g.groups, *g.kernel)

    def keywords(self, g: ConvGeometry) -> dict[str, Any]:
        """Return what torch's function gets besides tensors."""
        pads = g.padded.lows if self.pads is None else 0
        return {"stride": g.stride, "padding": pads, "dilation": g.dilation, "groups": g.groups}

    def slots(self) -> list[Slot]:
        """Return kernel and bias; the bias starts at zero whatever the initializer."""
        return [Slot("weight"), Slot("bias", fixed=0.0)]

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of ``x`` [B, channels, *sizes]."""
        if self.pads is not None:
            x = F.pad(x, self.pads)
        return self._function(x, self.weight, self.bias if self.adds_bias else None, **self._keywords)

    def extra_repr(self) -> str:
        """Return the numbers."""
        return repr(self.geometry)


class Conv1DOp(ConvOp):
    """A convolution over one axis; EDDL lists its kernel with a fourth axis of size 1."""

    def slots(self) -> list[Slot]:
        """Return kernel [filters, channels, window, 1] and bias."""
        return [Slot("weight", view=_with_last_axis), Slot("bias", fixed=0.0)]


class ConvTransposeOp(ConvOp):
    """A transposed convolution: kernel ``[channels, filters / groups, *window]``, as torch has it.

    ``geometry.padded`` says what is cut off the full result before and after; negative numbers add to it.
    """

    def torch_function(self, g: ConvGeometry) -> Callable[..., Tensor]:
        """Return torch's function for this number of axes."""
        return _TRANSPOSED[len(g.kernel)]

    def kernel_shape(self, g: ConvGeometry) -> tuple[int, ...]:
        """Return the shape of the stored kernel."""
        return (g.channels, g.filters // g.groups, *g.kernel)

    cuts: tuple[slice, ...] | None

    def keywords(self, g: ConvGeometry) -> dict[str, Any]:
        """Return what torch's function gets besides tensors: equal cuts, and what is missing at the far end."""
        missing = tuple(max(low - high, 0) for low, high in g.padded.pads)
        self.cuts = None
        if any(high > low for low, high in g.padded.pads):
            self.cuts = (slice(None), slice(None), *(slice(0, size) for size in g.padded.sizes))
        return {
            "stride": g.stride,
            "padding": g.padded.lows,
            "output_padding": missing,
            "dilation": g.dilation,
            "groups": g.groups,
        }

    def forward(self, x: Tensor) -> Tensor:
        """Return the transposed convolution of ``x`` [B, channels, *sizes]."""
        bias = self.bias if self.adds_bias else None
        full = self._function(x, self.weight, bias, **self._keywords)
        return full if self.cuts is None else full[self.cuts]


def _with_last_axis(kernel: Tensor) -> Tensor:
    return kernel.unsqueeze(-1)
