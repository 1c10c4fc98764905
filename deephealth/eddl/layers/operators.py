"""Layers that compute with layers and numbers, element by element."""

from __future__ import annotations

from typing import ClassVar

import torch

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.names import default_name
from deephealth.eddl.ops.operators import BinaryOp, ClampOp, ConstantOp, PowOp, UnaryOp

__all__ = [
    "Abs",
    "Clamp",
    "Clip",
    "Diff",
    "Div",
    "Exp",
    "LAbs",
    "LClamp",
    "LDiff",
    "LDiv",
    "LExp",
    "LLog",
    "LLog10",
    "LLog2",
    "LMult",
    "LPow",
    "LSqrt",
    "LSum",
    "Log",
    "Log10",
    "Log2",
    "Mult",
    "Pow",
    "Sqrt",
    "Sub",
    "Sum",
]


class _UnaryLayer(Layer):
    """Base of the functions of one layer.

    Args:
        parent: what it reads.
        name: its name.
    """

    kind: ClassVar[str]

    def __init__(self, parent: Layer, name: str = "") -> None:
        super().__init__([parent], UnaryOp(self.kind), parent.shape, name)


class LAbs(_UnaryLayer):
    """The absolute value."""

    prefix, kind = "abs_", "abs"


class LExp(_UnaryLayer):
    """The exponential."""

    prefix, kind = "exp_", "exp"


class LLog(_UnaryLayer):
    """The natural logarithm."""

    prefix, kind = "log_", "log"


class LLog2(_UnaryLayer):
    """The logarithm of base 2."""

    prefix, kind = "log2_", "log2"


class LLog10(_UnaryLayer):
    """The logarithm of base 10."""

    prefix, kind = "log10_", "log10"


class LSqrt(_UnaryLayer):
    """The square root."""

    prefix, kind = "sqrt_", "sqrt"


class _BinaryLayer(Layer):
    """Base of the functions of two operands, of which one at least is a layer.

    Args:
        first: left operand.
        second: right operand.
        name: its name.

    Attributes:
        binary: whether both operands are layers.
        val: the number, if there is one.
        left: whether the layer is the left operand.
    """

    kind: ClassVar[str]

    def __init__(self, first: Layer | float, second: Layer | float, name: str = "") -> None:
        parents = [operand for operand in (first, second) if isinstance(operand, Layer)]
        numbers = [float(operand) for operand in (first, second) if not isinstance(operand, Layer)]
        if not parents:
            raise EddlValueError(f"{type(self).__name__}: got two numbers", allowed="a layer and a layer or a number")
        self.binary, self.left = len(parents) == 2, isinstance(first, Layer)
        self.val = numbers[0] if numbers else 0.0
        op = BinaryOp(self.kind) if self.binary else ConstantOp(self.kind, self.val, left=self.left)
        super().__init__(parents, op, _common_shape(type(self).__name__, parents), name)


def _common_shape(title: str, parents: list[Layer]) -> list[int]:
    shapes = [parent.shape for parent in parents]
    if len(shapes) == 1 or shapes[0] == shapes[1]:
        return shapes[0]
    try:
        if len(shapes[0]) != len(shapes[1]):
            raise RuntimeError
        return list(torch.broadcast_shapes(*shapes))
    except RuntimeError:
        what = f"the shapes {shapes[0]} and {shapes[1]} do not fit"
        raise EddlShapeError(title, what, hint="Reshape, Repeat or Broadcast one of the layers") from None


class LSum(_BinaryLayer):
    """The sum."""

    prefix, kind = "sum", "sum"


class LDiff(_BinaryLayer):
    """The difference."""

    prefix, kind = "diff", "diff"

    def make_name(self) -> str:
        """Return the next default name; the one of two layers has an underscore."""
        return default_name("diff_" if self.binary else "diff", "diff")


class LMult(_BinaryLayer):
    """The product."""

    prefix, kind = "mult_", "mult"


class LDiv(_BinaryLayer):
    """The quotient."""

    prefix, kind = "div_", "div"


class LPow(Layer):
    """A power.

    Args:
        parent: what it reads.
        exponent: the power.
        name: its name.
    """

    prefix = "pow_"

    def __init__(self, parent: Layer, exponent: float, name: str = "") -> None:
        self.exponent = float(exponent)
        super().__init__([parent], PowOp(exponent), parent.shape, name)


class LClamp(Layer):
    """Clipping to a range.

    Args:
        parent: what it reads.
        low: smallest value.
        high: largest value.
        name: its name.
    """

    prefix = "clamp_"

    def __init__(self, parent: Layer, low: float, high: float, name: str = "") -> None:
        self.min, self.max = float(low), float(high)
        super().__init__([parent], ClampOp(low, high), parent.shape, name)


def Abs(l: Layer) -> Layer:
    """Take the absolute value.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Abs(Input([4])).shape
        [4]
    """
    return LAbs(l)


def Exp(l: Layer) -> Layer:
    """Take the exponential.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Exp(Input([4])).shape
        [4]
    """
    return LExp(l)


def Log(l: Layer) -> Layer:
    """Take the natural logarithm.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Log(Input([4])).shape
        [4]
    """
    return LLog(l)


def Log2(l: Layer) -> Layer:
    """Take the logarithm of base 2.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Log2(Input([4])).shape
        [4]
    """
    return LLog2(l)


def Log10(l: Layer) -> Layer:
    """Take the logarithm of base 10.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Log10(Input([4])).shape
        [4]
    """
    return LLog10(l)


def Sqrt(l: Layer) -> Layer:
    """Take the square root.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Sqrt(Input([4])).shape
        [4]
    """
    return LSqrt(l)


def Pow(l1: Layer, k: float) -> Layer:
    """Raise to a power.

    Args:
        l1: any layer.
        k: the power.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Pow(Input([4]), 2.0).shape
        [4]
    """
    return LPow(l1, k)


def Clamp(parent: Layer, min: float, max: float, name: str = "") -> Layer:
    """Clip to a range.

    Args:
        parent: any layer.
        min: smallest value.
        max: largest value.
        name: its name.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Clamp(Input([4]), 0.0, 1.0).shape
        [4]
    """
    return LClamp(parent, min, max, name)


def Sum(l1: Layer | float, l2: Layer | float) -> Layer:
    """Add two layers, or a layer and a number.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Sum(Input([4]), 1.0).shape
        [4]
    """
    return LSum(l1, l2)


def Diff(l1: Layer | float, l2: Layer | float) -> Layer:
    """Subtract two layers, or a layer and a number; ``Sub`` is the same.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Diff(1.0, Input([4])).shape
        [4]
    """
    return LDiff(l1, l2)


def Mult(l1: Layer | float, l2: Layer | float) -> Layer:
    """Multiply two layers, or a layer and a number.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Mult(Input([4]), Input([4])).shape
        [4]
    """
    return LMult(l1, l2)


def Div(l1: Layer | float, l2: Layer | float) -> Layer:
    """Divide two layers, or a layer and a number.

    Raises:
        EddlShapeError: the shapes do not fit.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Div(1.0, Input([4])).shape
        [4]
    """
    return LDiv(l1, l2)


Sub = Diff
Clip = Clamp
