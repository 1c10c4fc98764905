"""Layers that give samples another shape or another order of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.shapes import PermuteOp, ReshapeOp, SqueezeOp, UnsqueezeOp
from deephealth.eddl.strictness import is_strict

__all__ = [
    "Flatten",
    "LPermute",
    "LReshape",
    "LSqueeze",
    "LUnsqueeze",
    "Permute",
    "Reshape",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
]


class LReshape(Layer):
    """Another shape for each sample.

    Args:
        parent: what it reads.
        shape: the new shape without the batch; one size may be -1.
        name: its name.
    """

    prefix = "reshape"

    def __init__(self, parent: Layer, shape: Sequence[int], name: str = "") -> None:
        self.wanted = list(shape)
        resolved = _resolve(parent.shape, self.wanted)
        super().__init__([parent], ReshapeOp(resolved), resolved, name)


def _resolve(given: Sequence[int], wanted: Sequence[int]) -> list[int]:
    if list(wanted).count(-1) > 1:
        raise EddlShapeError("Reshape", f"{list(wanted)} is ambiguous", allowed="one -1 at most")
    total, known = math.prod(given), math.prod(size for size in wanted if size != -1)
    fits = known > 0 and total % known == 0 if -1 in wanted else known == total
    if not fits:
        what = f"{list(given)} ({total} elements) cannot become {list(wanted)}"
        raise EddlShapeError("Reshape", what, hint="the sizes must have the same product; one of them may be -1")
    return [total // known if size == -1 else size for size in wanted]


class LSqueeze(Layer):
    """No axes of size 1.

    Args:
        parent: what it reads.
        axis: the axis, batch excluded; -1 for all of size 1. An axis of another size stays.
        name: its name.
    """

    prefix = "squeeze"

    def __init__(self, parent: Layer, axis: int = -1, name: str = "") -> None:
        self.axis = axis
        if not -1 <= axis < len(parent.shape):
            what = f"axis {axis} does not exist in samples of shape {parent.shape}"
            raise EddlShapeError("Squeeze", what, allowed=f"0 to {len(parent.shape) - 1}, or -1 for all of size 1")
        gone = [place for place, size in enumerate(parent.shape) if size == 1 and axis in (-1, place)]
        shape = [size for place, size in enumerate(parent.shape) if place not in gone]
        super().__init__([parent], SqueezeOp([place + 1 for place in gone]), shape, name)


class LUnsqueeze(Layer):
    """One more axis of size 1.

    Args:
        parent: what it reads.
        axis: where, batch excluded; -1 for the end (strict mode: for the beginning, as the original).
        name: its name.
    """

    prefix = "unsqueeze"

    def __init__(self, parent: Layer, axis: int = 0, name: str = "") -> None:
        self.axis = axis
        ndim = len(parent.shape)
        if not -1 <= axis <= ndim:
            what = f"axis {axis} cannot be added to samples of shape {parent.shape}"
            raise EddlShapeError("Unsqueeze", what, allowed=f"0 to {ndim}, or -1 for the end")
        end = 0 if is_strict() else ndim
        place = end if axis == -1 else axis
        super().__init__([parent], UnsqueezeOp(place + 1), [*parent.shape[:place], 1, *parent.shape[place:]], name)


class LPermute(Layer):
    """Another order of the axes.

    Args:
        parent: what it reads.
        dims: the old axis of each new one, batch excluded.
        name: its name.
    """

    prefix = "permute_"

    def __init__(self, parent: Layer, dims: Sequence[int], name: str = "") -> None:
        self.dims = list(dims)
        ndim = len(parent.shape)
        if sorted(self.dims) != list(range(ndim)):
            what = f"{self.dims} does not name every axis of {parent.shape} once"
            raise EddlShapeError("Permute", what, allowed=f"an order of the numbers 0 to {ndim - 1}")
        super().__init__([parent], PermuteOp(self.dims), [parent.shape[dim] for dim in self.dims], name)


def Reshape(parent: Layer, shape: Sequence[int], name: str = "") -> Layer:
    """Give every sample another shape.

    Args:
        parent: any layer.
        shape: the new shape without the batch; one size may be -1.
        name: its name.

    Raises:
        EddlShapeError: the sizes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Reshape(Input([784]), [1, 28, -1]).shape
        [1, 28, 28]
    """
    return LReshape(parent, shape, name)


def Flatten(parent: Layer, name: str = "") -> Layer:
    """Make a vector of every sample.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Flatten(Input([3, 4, 5])).shape
        [60]
    """
    return LReshape(parent, [-1], name)


def Squeeze(parent: Layer, axis: int = -1, name: str = "") -> Layer:
    """Drop axes of size 1.

    Args:
        parent: any layer.
        axis: the axis, batch excluded; -1 for all of size 1. An axis of another size stays.
        name: its name.

    Raises:
        EddlShapeError: the axis does not exist.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Squeeze(Input([1, 4, 1])).shape
        [4]
    """
    return LSqueeze(parent, axis, name)


def Unsqueeze(parent: Layer, axis: int = 0, name: str = "") -> Layer:
    """Add an axis of size 1.

    Args:
        parent: any layer.
        axis: where, batch excluded; -1 for the end.
        name: its name.

    Raises:
        EddlShapeError: there is no such place.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Unsqueeze(Input([4])).shape
        [1, 4]
    """
    return LUnsqueeze(parent, axis, name)


def Permute(l: Layer, dims: Sequence[int], name: str = "") -> Layer:
    """Reorder the axes.

    Args:
        l: any layer.
        dims: the old axis of each new one, batch excluded.
        name: its name.

    Raises:
        EddlShapeError: ``dims`` is no order of the axes.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Permute(Input([3, 4, 5]), [2, 0, 1]).shape
        [5, 3, 4]
    """
    return LPermute(l, dims, name)


def Transpose(parent: Layer, name: str = "") -> Layer:
    """Swap the last two axes of every sample.

    Args:
        parent: a layer with at least one axis; a single axis stays as it is.
        name: its name.

    Raises:
        EddlError: the samples are single numbers.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Transpose(Input([3, 5])).shape
        [5, 3]
    """
    dims = list(range(len(parent.shape)))
    if not dims:
        raise EddlError("EDDL::Transpose", "samples without axes cannot be transposed", hint="Unsqueeze them first")
    dims[-2:] = dims[-2:][::-1]
    return LPermute(parent, dims, name)
