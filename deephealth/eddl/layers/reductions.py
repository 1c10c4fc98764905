"""Layers that reduce axes of every sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.reductions import ReductionOp
from deephealth.eddl.strictness import is_strict

__all__ = [
    "LRArgmax",
    "LRMax",
    "LRMean",
    "LRMin",
    "LRSum",
    "LRVar",
    "ReduceArgMax",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "ReduceVar",
]


class _Reduction(Layer):
    """Base of the reductions.

    Args:
        parent: what it reads.
        axis: the axes, batch excluded; negative ones count from the end; none means all.
        keepdims: keep the axes with size 1 (strict mode: with their full size, the result repeated).
        name: its name.
    """

    kind: ClassVar[str]

    def __init__(self, parent: Layer, axis: Sequence[int], keepdims: bool = False, name: str = "") -> None:
        self.axis, self.keepdims = _axes(type(self).__name__, parent.shape, axis), keepdims
        shape = [1 if place in self.axis else size for place, size in enumerate(parent.shape)]
        if not keepdims:
            shape = [size for place, size in enumerate(parent.shape) if place not in self.axis]
        elif is_strict():
            shape = parent.shape
        super().__init__([parent], ReductionOp(self.kind, self.axis, keepdims=keepdims), shape, name)


def _axes(title: str, shape: Sequence[int], axis: Sequence[int]) -> list[int]:
    ndim = len(shape)
    if any(not -ndim <= one < ndim for one in axis):
        what = f"axes {list(axis)} do not exist in samples of shape {list(shape)}"
        raise EddlShapeError(title, what, allowed=f"0 to {ndim - 1}, counted without the batch")
    if not axis and not is_strict():
        return list(range(ndim))
    return sorted({one % ndim for one in axis})


class LRMean(_Reduction):
    """The mean."""

    prefix, kind = "reduction_mean", "mean"


class LRVar(_Reduction):
    """The variance: the mean square of the differences from the mean."""

    prefix, kind = "reduction_var", "var"


class LRSum(_Reduction):
    """The sum."""

    prefix, kind = "reduction_sum", "sum"


class LRMax(_Reduction):
    """The maximum."""

    prefix, kind = "reduction_max", "max"


class LRMin(_Reduction):
    """The minimum."""

    prefix, kind = "reduction_min", "min"


class LRArgmax(_Reduction):
    """The place of the maximum."""

    prefix, kind = "reduction_argmax", "argmax"


def ReduceMean(l: Layer, axis: Sequence[int], keepdims: bool = False) -> Layer:
    """Take the mean over axes.

    Args:
        l: any layer.
        axis: the axes, batch excluded; none means all.
        keepdims: keep the axes with size 1.

    Raises:
        EddlShapeError: an axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ReduceMean(Input([3, 4, 5]), [1, 2]).shape
        [3]
    """
    return LRMean(l, axis, keepdims)


def ReduceVar(l: Layer, axis: Sequence[int], keepdims: bool = False) -> Layer:
    """Take the (biased) variance over axes.

    Args:
        l: any layer.
        axis: the axes, batch excluded; none means all.
        keepdims: keep the axes with size 1.

    Raises:
        EddlShapeError: an axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ReduceVar(Input([3, 4]), [0], keepdims=True).shape
        [1, 4]
    """
    return LRVar(l, axis, keepdims)


def ReduceSum(l: Layer, axis: Sequence[int], keepdims: bool = False) -> Layer:
    """Take the sum over axes.

    Args:
        l: any layer.
        axis: the axes, batch excluded; none means all.
        keepdims: keep the axes with size 1.

    Raises:
        EddlShapeError: an axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ReduceSum(Input([3, 4]), [0]).shape
        [4]
    """
    return LRSum(l, axis, keepdims)


def ReduceMax(l: Layer, axis: Sequence[int], keepdims: bool = False) -> Layer:
    """Take the maximum over axes.

    Args:
        l: any layer.
        axis: the axes, batch excluded; none means all.
        keepdims: keep the axes with size 1.

    Raises:
        EddlShapeError: an axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ReduceMax(Input([3, 4]), [0]).shape
        [4]
    """
    return LRMax(l, axis, keepdims)


def ReduceMin(l: Layer, axis: Sequence[int], keepdims: bool = False) -> Layer:
    """Take the minimum over axes.

    Args:
        l: any layer.
        axis: the axes, batch excluded; none means all.
        keepdims: keep the axes with size 1.

    Raises:
        EddlShapeError: an axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ReduceMin(Input([3, 4]), [0]).shape
        [4]
    """
    return LRMin(l, axis, keepdims)


def ReduceArgMax(l: Layer, axis: Sequence[int], keepdims: bool = False) -> Layer:
    """Take the place of the maximum over axes, as floats; no gradient passes.

    Args:
        l: any layer.
        axis: the axes, batch excluded; over several the place counts in the flattened axes.
        keepdims: keep the axes with size 1.

    Raises:
        EddlShapeError: an axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> ReduceArgMax(Input([3, 4]), [0]).shape
        [4]
    """
    return LRArgmax(l, axis, keepdims)
