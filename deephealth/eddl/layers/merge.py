"""Layers that merge several layers into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import nn

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.operators import LSum
from deephealth.eddl.ops.merge import ConcatOp, MatMulOp, MergeOp
from deephealth.eddl.strictness import is_strict

__all__ = [
    "Add",
    "Average",
    "Concat",
    "LAdd",
    "LAverage",
    "LConcat",
    "LMatMul",
    "LMaximum",
    "LMinimum",
    "LSubtract",
    "MatMul",
    "Maximum",
    "Minimum",
    "Subtract",
]


class _MergeLayer(Layer):
    """Base of the merges over layers of one shape.

    Args:
        parents: what it reads, at least one.
        name: its name.
    """

    kind: ClassVar[str]

    def __init__(self, parents: Sequence[Layer], name: str = "") -> None:
        _need(parents, 1, type(self).__name__)
        for parent in parents:
            if parent.shape != parents[0].shape:
                what = f"the shapes {[p.shape for p in parents]} differ"
                raise EddlShapeError(type(self).__name__, what, allowed="layers of one shape")
        super().__init__(parents, MergeOp(self.kind), parents[0].shape, name)


class LAdd(_MergeLayer):
    """The sum of layers."""

    prefix, kind = "merge_add", "add"


class LAverage(_MergeLayer):
    """The mean of layers (strict mode: their sum)."""

    prefix, kind = "average", "average"


class LMaximum(_MergeLayer):
    """The elementwise maximum of layers (strict mode: their sum)."""

    prefix, kind = "maximum", "maximum"


class LMinimum(_MergeLayer):
    """The elementwise minimum of layers (strict mode: their sum)."""

    prefix, kind = "minimum", "minimum"


class LSubtract(_MergeLayer):
    """The first layer minus all others (strict mode: their sum)."""

    prefix, kind = "subtract", "subtract"


class LMatMul(Layer):
    """The matrix product of layers, over the last two axes (strict mode: the sum of equal shapes).

    Args:
        parents: what it reads, at least one.
        name: its name.
    """

    prefix = "matmul"

    def __init__(self, parents: Sequence[Layer], name: str = "") -> None:
        _need(parents, 1, "LMatMul")
        super().__init__(parents, None, _product_shape(parents), name)
        self.op = MatMulOp(self.name)


class LConcat(Layer):
    """Layers side by side.

    Args:
        parents: what it reads, at least one.
        axis: along which axis, batch excluded; -1 for the last.
        name: its name.
    """

    prefix = "concat"

    def __init__(self, parents: Sequence[Layer], axis: int = 0, name: str = "") -> None:
        _need(parents, 1, "LConcat")
        shapes = [parent.shape for parent in parents]
        self.axis = len(shapes[0]) - 1 if axis == -1 else axis
        if self.axis < 0:
            raise EddlShapeError("LConcat", f"axis {axis} does not exist", allowed="0 or more, or -1 for the last")
        super().__init__(parents, None, _joined(shapes, self.axis), name)
        self.op: nn.Module | None = ConcatOp(self.name, self.axis)


def _need(parents: Sequence[Layer], least: int, title: str) -> None:
    if len(parents) < least:
        raise EddlShapeError(title, f"got {len(parents)} layers", allowed=f"at least {least}")


def _joined(shapes: Sequence[Sequence[int]], axis: int) -> list[int]:
    rests = [[*shape[:axis], *shape[axis + 1 :]] for shape in shapes]
    if any(len(shape) != len(shapes[0]) for shape in shapes) or any(rest != rests[0] for rest in rests):
        what = f"the shapes {[list(shape) for shape in shapes]} differ elsewhere than on axis {axis}"
        raise EddlShapeError("LConcat", what, hint="axes are counted without the batch: 0 is the channel")
    joined = list(shapes[0])
    if axis < len(joined):
        joined[axis] = sum(shape[axis] for shape in shapes)
    return joined


def _product_shape(parents: Sequence[Layer]) -> list[int]:
    """Return the product's shape; vectors, which cannot be multiplied, are refused when the net runs."""
    shape = list(parents[0].shape)
    if is_strict() and all(parent.shape == shape for parent in parents):
        return shape
    for parent in parents[1:]:
        if min(len(shape), len(parent.shape)) < 2:
            return shape
        if shape[-1] != parent.shape[-2]:
            what = f"{shape} times {parent.shape}: {shape[-1]} columns meet {parent.shape[-2]} rows"
            raise EddlShapeError("LMatMul", what, hint="Transpose one of the layers")
        shape = [*shape[:-1], parent.shape[-1]]
    return shape


def Add(layers: Sequence[Layer] | Layer | float, name: str | Layer | float = "") -> Layer:
    """Add layers of one shape; ``Add(a, b)``, ``Add(a, 1.0)`` and ``Add(1.0, a)`` work too.

    Args:
        layers: the layers, or the first summand.
        name: its name, or the second summand.

    Raises:
        EddlShapeError: the shapes differ.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> a, b = Input([4]), Input([4])
        >>> type(Add([a, b])).__name__, type(Add(a, 1.0)).__name__
        ('LAdd', 'LSum')
    """
    if isinstance(layers, (Layer, int, float)):
        if isinstance(name, str):
            raise EddlShapeError("Add", f"got {layers} and {name!r}", allowed="a list of layers, or two summands")
        return LSum(layers, name)
    return LAdd(layers, str(name))


def Average(layers: Sequence[Layer], name: str = "") -> Layer:
    """Take the mean of layers of one shape.

    Raises:
        EddlShapeError: the shapes differ.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Average([Input([4]), Input([4])]).shape
        [4]
    """
    return LAverage(layers, name)


def Concat(layers: Sequence[Layer], axis: int = 0, name: str = "") -> Layer:
    """Put layers side by side.

    Args:
        layers: layers whose shapes agree on the other axes.
        axis: along which axis, batch excluded: 0 is the channel; -1 for the last.
        name: its name.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Concat([Input([2, 8, 8]), Input([3, 8, 8])]).shape
        [5, 8, 8]
    """
    return LConcat(layers, axis, name)


def MatMul(layers: Sequence[Layer], name: str = "") -> Layer:
    """Multiply matrices from left to right, over the last two axes of each sample.

    Raises:
        EddlShapeError: columns and rows do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> MatMul([Input([2, 3]), Input([3, 4])]).shape
        [2, 4]
    """
    return LMatMul(layers, name)


def Maximum(layers: Sequence[Layer], name: str = "") -> Layer:
    """Take the largest of several layers, element by element.

    Raises:
        EddlShapeError: the shapes differ.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Maximum([Input([4]), Input([4])]).shape
        [4]
    """
    return LMaximum(layers, name)


def Minimum(layers: Sequence[Layer], name: str = "") -> Layer:
    """Take the smallest of several layers, element by element.

    Raises:
        EddlShapeError: the shapes differ.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Minimum([Input([4]), Input([4])]).shape
        [4]
    """
    return LMinimum(layers, name)


def Subtract(layers: Sequence[Layer], name: str = "") -> Layer:
    """Take the first layer minus all others.

    Raises:
        EddlShapeError: the shapes differ.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Subtract([Input([4]), Input([4])]).shape
        [4]
    """
    return LSubtract(layers, name)
