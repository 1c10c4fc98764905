"""The convolutions over one, two and three axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.convolution import Conv1DOp, ConvGeometry, ConvOp
from deephealth.eddl.ops.padding import Extent, Padded, plan
from deephealth.eddl.strictness import is_strict

__all__ = [
    "Conv",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvSettings",
    "DepthwiseConv2D",
    "LConv",
    "LConv1D",
    "LConv3D",
    "PointwiseConv",
    "PointwiseConv2D",
]


@dataclass(frozen=True)
class ConvSettings:
    """What the user says about a convolution.

    Args:
        filters: channels of the output.
        kernel_size: window, one number per axis.
        strides: step, one number per axis.
        padding: a word of :data:`deephealth.eddl.ops.padding.PADDINGS`.
        pads: for padding "custom": before and after, axis by axis.
        use_bias: whether the bias is added.
        groups: groups of channels that do not see each other.
        dilation_rate: distance between window elements, one number per axis.
    """

    filters: int
    kernel_size: Sequence[int]
    strides: Sequence[int]
    padding: str = "same"
    use_bias: bool = True
    groups: int = 1
    dilation_rate: Sequence[int] = (1, 1)
    pads: Sequence[int] = ()


class LConv(Layer):
    """A convolution.

    Args:
        parent: what it reads, of shape [channels, *sizes].
        settings: what the user said.
        name: its name.

    Attributes:
        settings: what the user said.
        pads: what is added before and after, axis by axis.
    """

    prefix = "conv2d"
    axes: ClassVar[int] = 2

    def __init__(self, parent: Layer, settings: ConvSettings, name: str = "") -> None:
        title = type(self).__name__
        self.settings = settings
        extents = conv_extents(title, parent, settings, self.axes)
        padded = self.plan(title, extents)
        self.pads = padded.flat
        op = self.make_op(conv_geometry(parent.shape[0], settings, padded))
        super().__init__([parent], op, [op.filters(op.geometry), *padded.sizes], name)

    def plan(self, title: str, extents: Sequence[Extent]) -> Padded:
        """Return output sizes and pads."""
        return plan(title, extents, self.settings.padding, self.settings.pads)

    def make_op(self, geometry: ConvGeometry) -> ConvOp:
        """Return what the layer computes."""
        return ConvOp(geometry, use_bias=self.settings.use_bias)


class LConv1D(LConv):
    """A convolution over one axis."""

    prefix = "conv1d"
    axes = 1

    def make_op(self, geometry: ConvGeometry) -> ConvOp:
        """Return what the layer computes."""
        return Conv1DOp(geometry, use_bias=self.settings.use_bias)


class LConv3D(LConv):
    """A convolution over three axes (strict mode: its bias takes no part, as in the original)."""

    prefix = "conv3d"
    axes = 3

    def make_op(self, geometry: ConvGeometry) -> ConvOp:
        """Return what the layer computes."""
        return ConvOp(geometry, use_bias=self.settings.use_bias, forget_bias_when_strict=True)


def conv_extents(title: str, parent: Layer, settings: ConvSettings, axes: int) -> list[Extent]:
    """Return the axes of a convolution, checked.

    Raises:
        EddlShapeError: the input has another number of axes, or its channels cannot be grouped.
        EddlValueError: settings of the wrong length, or filters that cannot be grouped.
    """
    if len(parent.shape) != axes + 1:
        wanted = f"[channels, {', '.join(['depth', 'height', 'width'][-axes:] if axes > 1 else ['length'])}]"
        raise EddlShapeError(title, f"wants samples of shape {wanted}, got {parent.shape}", hint="Reshape them first")
    s = settings
    for what, numbers in (("kernel_size", s.kernel_size), ("strides", s.strides), ("dilation_rate", s.dilation_rate)):
        if len(numbers) != axes or min(numbers) < 1:
            raise EddlValueError(f"{title}: {what} is {list(numbers)}", allowed=f"{axes} numbers of 1 or more")
    if s.groups < 1 or parent.shape[0] % s.groups or s.filters % s.groups:
        what = f"{parent.shape[0]} channels and {s.filters} filters cannot be split into {s.groups} groups"
        raise EddlShapeError(title, what, allowed="a divisor of both")
    columns = zip(parent.shape[1:], s.kernel_size, s.strides, s.dilation_rate, strict=True)
    return [Extent(*column) for column in columns]


def conv_geometry(channels: int, settings: ConvSettings, padded: Padded) -> ConvGeometry:
    """Return the numbers of a convolution."""
    s = settings
    kernel, stride, dilation = tuple(s.kernel_size), tuple(s.strides), tuple(s.dilation_rate)
    return ConvGeometry(channels, s.filters, kernel, stride, dilation, s.groups, padded)


def Conv(
    parent: Layer,
    filters: int,
    kernel_size: Sequence[int],
    strides: Sequence[int] = [1, 1],
    padding: str = "same",
    use_bias: bool = True,
    groups: int = 1,
    dilation_rate: Sequence[int] = [1, 1],
    name: str = "",
) -> Layer:
    """Convolve images; ``Conv2D`` is the same.

    Args:
        parent: layer of shape [channels, height, width].
        filters: channels of the output.
        kernel_size: height and width of the window.
        strides: steps of the window.
        padding: "same" or "zeros" (size / stride, rounded up), "none" or "valid", "same,none" or "none,same" (rows,
            columns). An odd number of pads adds one more below and on the right.
        use_bias: whether a bias is added.
        groups: groups of channels that do not see each other.
        dilation_rate: distance between window elements.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.
        EddlError: an unknown padding.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Conv(Input([3, 32, 32]), 16, [3, 3], [2, 2]).shape
        [16, 16, 16]
    """
    settings = ConvSettings(filters, kernel_size, strides, padding, use_bias, groups, dilation_rate)
    return LConv(parent, settings, name)


def Conv1D(
    parent: Layer,
    filters: int,
    kernel_size: Sequence[int],
    strides: Sequence[int] = [1],
    padding: str = "same",
    use_bias: bool = True,
    groups: int = 1,
    dilation_rate: Sequence[int] = [1],
    name: str = "",
) -> Layer:
    """Convolve sequences.

    Args:
        parent: layer of shape [channels, length].
        filters: channels of the output.
        kernel_size: length of the window.
        strides: step of the window.
        padding: "same", "zeros", "none" or "valid".
        use_bias: whether a bias is added.
        groups: groups of channels that do not see each other.
        dilation_rate: distance between window elements.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.
        EddlError: an unknown padding.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Conv1D(Input([1, 100]), 8, [5], padding="none").shape
        [8, 96]
    """
    settings = ConvSettings(filters, kernel_size, strides, padding, use_bias, groups, dilation_rate)
    return LConv1D(parent, settings, name)


def Conv3D(
    parent: Layer,
    filters: int,
    kernel_size: Sequence[int],
    strides: Sequence[int] = [1, 1, 1],
    padding: str = "same",
    use_bias: bool = True,
    groups: int = 1,
    dilation_rate: Sequence[int] = [1, 1, 1],
    name: str = "",
) -> Layer:
    """Convolve volumes.

    Args:
        parent: layer of shape [channels, depth, height, width].
        filters: channels of the output.
        kernel_size: depth, height and width of the window.
        strides: steps of the window.
        padding: as for :func:`Conv`; in a pair the first word is for depth and rows.
        use_bias: whether a bias is added (strict mode: never, as in the original).
        groups: groups of channels that do not see each other.
        dilation_rate: distance between window elements.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.
        EddlError: an unknown padding.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Conv3D(Input([1, 8, 16, 16]), 4, [3, 3, 3]).shape
        [4, 8, 16, 16]
    """
    settings = ConvSettings(filters, kernel_size, strides, padding, use_bias, groups, dilation_rate)
    return LConv3D(parent, settings, name)


def PointwiseConv(
    parent: Layer,
    filters: int,
    strides: Sequence[int] = [1, 1],
    use_bias: bool = True,
    groups: int = 1,
    dilation_rate: Sequence[int] = [1, 1],
    name: str = "",
) -> Layer:
    """Convolve images with a 1x1 window; ``PointwiseConv2D`` is the same.

    Args:
        parent: layer of shape [channels, height, width].
        filters: channels of the output.
        strides: steps of the window.
        use_bias: whether a bias is added.
        groups: groups of channels that do not see each other.
        dilation_rate: without effect on a 1x1 window.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> PointwiseConv(Input([3, 8, 8]), 16).shape
        [16, 8, 8]
    """
    settings = ConvSettings(filters, [1, 1], strides, "none", use_bias, groups, dilation_rate)
    return LConv(parent, settings, name)


def DepthwiseConv2D(
    parent: Layer,
    kernel_size: Sequence[int],
    strides: Sequence[int] = [1, 1],
    padding: str = "same",
    use_bias: bool = True,
    dilation_rate: Sequence[int] = [1, 1],
    name: str = "",
) -> Layer:
    """Convolve every channel of images with a window of its own.

    Args:
        parent: layer of shape [channels, height, width].
        kernel_size: height and width of the window.
        strides: steps of the window.
        padding: as for :func:`Conv` (strict mode: always "none", as in the original).
        use_bias: whether a bias is added.
        dilation_rate: distance between window elements.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> DepthwiseConv2D(Input([3, 8, 8]), [3, 3]).params[0].torch.shape
        torch.Size([3, 1, 3, 3])
    """
    channels = parent.shape[0]
    word = "none" if is_strict() else padding
    settings = ConvSettings(channels, kernel_size, strides, word, use_bias, channels, dilation_rate)
    return LConv(parent, settings, name)


Conv2D = Conv
PointwiseConv2D = PointwiseConv
