"""Pools over windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.padding import Extent, plan
from deephealth.eddl.ops.pooling import AveragePoolOp, MaxPoolOp, PoolOp

__all__ = [
    "AveragePool",
    "AveragePool1D",
    "AveragePool2D",
    "AveragePool3D",
    "AvgPool",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "LAveragePool",
    "LAveragePool1D",
    "LAveragePool3D",
    "LMaxPool",
    "LMaxPool1D",
    "LMaxPool3D",
    "LPool",
    "MaxPool",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
]


class LPool(Layer):
    """Base of the pools.

    Args:
        parent: what it reads, of shape [channels, *sizes].
        pool_size: window, one number per axis.
        strides: step, one number per axis.
        padding: a word of :data:`deephealth.eddl.ops.padding.PADDINGS`.
        pads: for padding "custom": before and after, axis by axis.
        name: its name; the pools over equally many axes share a counter that goes up by two.

    Attributes:
        ksize: the window.
        stride: the step.
        padding: the word.
        pads: what is added before and after, axis by axis.
    """

    axes: ClassVar[int] = 2
    op_type: ClassVar[type[PoolOp]]
    advance = 2

    def __init__(
        self,
        parent: Layer,
        pool_size: Sequence[int],
        strides: Sequence[int],
        padding: str = "none",
        pads: Sequence[int] = (),
        name: str = "",
    ) -> None:
        self.ksize, self.stride, self.padding = list(pool_size), list(strides), padding
        title = type(self).__name__
        padded = plan(title, self._extents(title, parent), padding, pads)
        self.pads = padded.flat
        op = self.op_type(tuple(self.ksize), tuple(self.stride), padded)
        super().__init__([parent], op, [parent.shape[0], *padded.sizes], name)

    def _extents(self, title: str, parent: Layer) -> list[Extent]:
        if len(parent.shape) != self.axes + 1:
            what = f"wants samples of {self.axes + 1} axes (channels first), got {parent.shape}"
            raise EddlShapeError(title, what, hint="Reshape them first")
        for what, numbers in (("pool_size", self.ksize), ("strides", self.stride)):
            if len(numbers) != self.axes or min(numbers) < 1:
                raise EddlValueError(f"{title}: {what} is {numbers}", allowed=f"{self.axes} numbers of 1 or more")
        return [Extent(*column) for column in zip(parent.shape[1:], self.ksize, self.stride, strict=True)]


class LMaxPool(LPool):
    """The largest element of each window, over two axes."""

    prefix, family, op_type = "maxpool2d", "pool2d", MaxPoolOp


class LMaxPool1D(LPool):
    """The largest element of each window, over one axis."""

    prefix, family, op_type, axes = "maxpool1d", "pool1d", MaxPoolOp, 1


class LMaxPool3D(LPool):
    """The largest element of each window, over three axes."""

    prefix, family, op_type, axes = "maxpool3d", "pool3d", MaxPoolOp, 3


class LAveragePool(LPool):
    """The mean of each window, over two axes."""

    prefix, family, op_type = "avgpool", "pool2d", AveragePoolOp


class LAveragePool1D(LPool):
    """The mean of each window, over one axis."""

    prefix, family, op_type, axes = "avgpool1d", "pool1d", AveragePoolOp, 1


class LAveragePool3D(LPool):
    """The mean of each window, over three axes."""

    prefix, family, op_type, axes = "avgpool3d", "pool3d", AveragePoolOp, 3


def MaxPool(
    parent: Layer,
    pool_size: Sequence[int] = [2, 2],
    strides: Sequence[int] = [2, 2],
    padding: str = "none",
    name: str = "",
) -> Layer:
    """Take the largest element of each window of images; ``MaxPool2D`` is the same.

    Args:
        parent: layer of shape [channels, height, width].
        pool_size: height and width of the window.
        strides: steps of the window.
        padding: "none", "valid", "same" or "zeros"; what is padded never wins.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> MaxPool(Input([3, 9, 9]), padding="same").shape
        [3, 5, 5]
    """
    return LMaxPool(parent, pool_size, strides, padding, name=name)


def MaxPool1D(
    parent: Layer, pool_size: Sequence[int] = [2], strides: Sequence[int] = [2], padding: str = "none", name: str = ""
) -> Layer:
    """Take the largest element of each window of sequences.

    Args:
        parent: layer of shape [channels, length].
        pool_size: length of the window.
        strides: step of the window.
        padding: as for :func:`MaxPool`.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> MaxPool1D(Input([3, 8])).shape
        [3, 4]
    """
    return LMaxPool1D(parent, pool_size, strides, padding, name=name)


def MaxPool3D(
    parent: Layer,
    pool_size: Sequence[int] = [2, 2, 2],
    strides: Sequence[int] = [2, 2, 2],
    padding: str = "none",
    name: str = "",
) -> Layer:
    """Take the largest element of each window of volumes.

    Args:
        parent: layer of shape [channels, depth, height, width].
        pool_size: depth, height and width of the window.
        strides: steps of the window.
        padding: as for :func:`MaxPool`.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> MaxPool3D(Input([3, 8, 8, 8])).shape
        [3, 4, 4, 4]
    """
    return LMaxPool3D(parent, pool_size, strides, padding, name=name)


def AveragePool(
    parent: Layer,
    pool_size: Sequence[int] = [2, 2],
    strides: Sequence[int] = [2, 2],
    padding: str = "none",
    name: str = "",
) -> Layer:
    """Take the mean of each window of images; ``AvgPool``, ``AveragePool2D`` and ``AvgPool2D`` are the same.

    Args:
        parent: layer of shape [channels, height, width].
        pool_size: height and width of the window.
        strides: steps of the window.
        padding: "none", "valid", "same" or "zeros"; padded zeros count in the mean.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> AveragePool(Input([3, 8, 8])).shape
        [3, 4, 4]
    """
    return LAveragePool(parent, pool_size, strides, padding, name=name)


def AveragePool1D(
    parent: Layer, pool_size: Sequence[int] = [2], strides: Sequence[int] = [2], padding: str = "none", name: str = ""
) -> Layer:
    """Take the mean of each window of sequences; ``AvgPool1D`` is the same.

    Args:
        parent: layer of shape [channels, length].
        pool_size: length of the window.
        strides: step of the window.
        padding: as for :func:`AveragePool`.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> AveragePool1D(Input([3, 8])).shape
        [3, 4]
    """
    return LAveragePool1D(parent, pool_size, strides, padding, name=name)


def AveragePool3D(
    parent: Layer,
    pool_size: Sequence[int] = [2, 2, 2],
    strides: Sequence[int] = [2, 2, 2],
    padding: str = "none",
    name: str = "",
) -> Layer:
    """Take the mean of each window of volumes; ``AvgPool3D`` is the same.

    Args:
        parent: layer of shape [channels, depth, height, width].
        pool_size: depth, height and width of the window.
        strides: steps of the window.
        padding: as for :func:`AveragePool`.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> AveragePool3D(Input([3, 8, 8, 8])).shape
        [3, 4, 4, 4]
    """
    return LAveragePool3D(parent, pool_size, strides, padding, name=name)


MaxPool2D = MaxPool
AvgPool = AveragePool2D = AvgPool2D = AveragePool
AvgPool1D = AveragePool1D
AvgPool3D = AveragePool3D
