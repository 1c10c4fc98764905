"""The transposed convolutions over two and three axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.convolutions import ConvSettings, LConv
from deephealth.eddl.ops.convolution import ConvGeometry, ConvOp, ConvTransposeOp
from deephealth.eddl.ops.padding import Extent, Padded, plan_transposed
from deephealth.eddl.strictness import is_strict

__all__ = ["ConvT2D", "ConvT3D", "LConvT2D", "LConvT3D"]


class LConvT2D(LConv):
    """A transposed convolution over two axes.

    Its kernel is [channels, filters / groups, height, width]; in strict mode ``filters`` counts as the channels of the
    input, as in the original.
    """

    prefix = "convT2d"

    def __init__(self, parent: Layer, settings: ConvSettings, name: str = "") -> None:
        if is_strict() and parent.shape:
            settings = replace(settings, filters=parent.shape[0])
        super().__init__(parent, settings, name)

    def plan(self, title: str, extents: Sequence[Extent]) -> Padded:
        """Return output sizes, and what is cut off."""
        return plan_transposed(title, extents, self.settings.padding, self.settings.pads)

    def make_op(self, geometry: ConvGeometry) -> ConvOp:
        """Return what the layer computes."""
        return ConvTransposeOp(geometry, use_bias=self.settings.use_bias)


class LConvT3D(LConvT2D):
    """A transposed convolution over three axes."""

    prefix = "convT3d"
    axes = 3


def ConvT2D(
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
    """Convolve images the other way round, so that they grow by the strides.

    Args:
        parent: layer of shape [channels, height, width].
        filters: channels of the output (strict mode: ignored, as in the original).
        kernel_size: height and width of the window.
        strides: by how much the image grows.
        padding: "same" (size * stride) or "none" (size * stride + window - 1), and the other words of ``Conv``.
        use_bias: whether a bias is added.
        groups: groups of channels that do not see each other.
        dilation_rate: distance between window elements.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.
        EddlError: an unknown padding.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ConvT2D(Input([8, 16, 16]), 4, [2, 2], [2, 2]).shape
        [4, 32, 32]
    """
    settings = ConvSettings(filters, kernel_size, strides, padding, use_bias, groups, dilation_rate)
    return LConvT2D(parent, settings, name)


def ConvT3D(
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
    """Convolve volumes the other way round, so that they grow by the strides.

    Args:
        parent: layer of shape [channels, depth, height, width].
        filters: channels of the output (strict mode: ignored, as in the original).
        kernel_size: depth, height and width of the window.
        strides: by how much the volume grows.
        padding: as for :func:`ConvT2D`.
        use_bias: whether a bias is added.
        groups: groups of channels that do not see each other.
        dilation_rate: distance between window elements.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.
        EddlError: an unknown padding.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ConvT3D(Input([8, 4, 8, 8]), 2, [2, 2, 2], [2, 2, 2]).shape
        [2, 8, 16, 16]
    """
    settings = ConvSettings(filters, kernel_size, strides, padding, use_bias, groups, dilation_rate)
    return LConvT3D(parent, settings, name)
