"""Layers that hand on, choose, or give constants."""

from __future__ import annotations

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.ops.shapes import IdentityOp, ShapeOp
from deephealth.eddl.ops.special import ConstantTensorOp, TransformOp, WhereOp
from deephealth.eddl.tensor import Tensor

__all__ = [
    "Bypass",
    "ConstOfTensor",
    "LBypass",
    "LConstOfTensor",
    "LShape",
    "LTransform",
    "LWhere",
    "Shape",
    "Transform",
    "Where",
]


class LBypass(Layer):
    """What its parent gives.

    Args:
        parent: what it reads.
        bypass_name: what it stands for; a note for the reader.
        name: its name.
    """

    prefix = "bypass"

    def __init__(self, parent: Layer, bypass_name: str = "", name: str = "") -> None:
        self.bypass_name = bypass_name
        super().__init__([parent], IdentityOp(), parent.shape, name)


class LShape(Layer):
    """The shape of its parent's samples, as numbers.

    Args:
        parent: what it reads.
        include_batch: begin with the batch, which counts as 1.
        name: its name.
    """

    prefix = "shape"

    def __init__(self, parent: Layer, include_batch: bool = True, name: str = "") -> None:
        self.include_batch = include_batch
        numbers = [1, *parent.shape] if include_batch else parent.shape
        super().__init__([parent], ShapeOp(numbers), [len(numbers)], name)


class LConstOfTensor(Layer):
    """A constant for every sample; it reads nothing.

    Args:
        t: the constant, without the batch; it is copied.
        name: its name.
    """

    prefix = "const_of_tensor"
    is_random_generator = True  # like a generator it has no parents and must be told the batch size

    def __init__(self, t: Tensor, name: str = "") -> None:
        constant = t.torch.detach().clone()
        super().__init__([], ConstantTensorOp(constant), list(constant.shape), name)


class LWhere(Layer):
    """One of two layers, element by element.

    Args:
        parent1: taken where the condition is not zero.
        parent2: taken elsewhere.
        condition: the condition, of the same shape.
        name: its name.
    """

    prefix = "where"

    def __init__(self, parent1: Layer, parent2: Layer, condition: Layer, name: str = "") -> None:
        parents = [parent1, parent2, condition]
        if any(parent.shape != parent1.shape for parent in parents):
            what = f"the shapes {[parent.shape for parent in parents]} differ"
            raise EddlShapeError("LWhere", what, allowed="three layers of one shape")
        super().__init__(parents, WhereOp(), parent1.shape, name)


class LTransform(Layer):
    """A data movement of accelerator cards that this package does not drive; it can be made but not run.

    Args:
        parent: what it reads.
        copy_cpu_to_fpga: kept as given.
        copy_fpga_to_cpu: kept as given.
        transform: kept as given.
        mode: kept as given.
        name: its name.
    """

    prefix = "transform_"

    def __init__(
        self,
        parent: Layer,
        copy_cpu_to_fpga: int,
        copy_fpga_to_cpu: int,
        transform: int,
        mode: int = 0,
        name: str = "",
    ) -> None:
        self.copy_cpu_to_fpga, self.copy_fpga_to_cpu = copy_cpu_to_fpga, copy_fpga_to_cpu
        self.transform, self.transform_mode = transform, mode
        super().__init__([parent], TransformOp(), parent.shape, name)


def Bypass(parent: Layer, bypass_name: str = "", name: str = "") -> Layer:
    """Hand on what the parent gives.

    Args:
        parent: any layer.
        bypass_name: what it stands for; a note for the reader.
        name: its name.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Bypass(Input([4])).shape
        [4]
    """
    return LBypass(parent, bypass_name, name)


def Shape(parent: Layer, include_batch: bool = True, name: str = "") -> Layer:
    """Give the shape of the parent's samples, as numbers.

    Args:
        parent: any layer.
        include_batch: begin with the batch, which counts as 1.
        name: its name.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Shape(Input([3, 8, 8])).shape
        [4]
    """
    return LShape(parent, include_batch, name)


def ConstOfTensor(t: Tensor, name: str = "") -> Layer:
    """Give the same tensor for every sample.

    Args:
        t: the tensor, without the batch; it is copied.
        name: its name.

    Example:
        >>> import torch
        >>> ConstOfTensor(Tensor.from_torch(torch.ones(2, 3))).shape
        [2, 3]
    """
    return LConstOfTensor(t, name)


def Where(parent1: Layer, parent2: Layer, condition: Layer, name: str = "") -> Layer:
    """Choose between two layers, element by element.

    Args:
        parent1: taken where the condition is not zero.
        parent2: taken elsewhere.
        condition: the condition, of the same shape; no gradient reaches it.
        name: its name.

    Raises:
        EddlShapeError: the shapes differ.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Where(Input([4]), Input([4]), Input([4])).shape
        [4]
    """
    return LWhere(parent1, parent2, condition, name)


def Transform(
    parent: Layer, copy_cpu_to_fpga: int, copy_fpga_to_cpu: int, transform: int, mode: int, name: str = ""
) -> Layer:
    """Mark a data movement to or from an FPGA; the layer can be made, so that old scripts load, but not run.

    Args:
        parent: any layer.
        copy_cpu_to_fpga: kept as given.
        copy_fpga_to_cpu: kept as given.
        transform: kept as given.
        mode: kept as given.
        name: its name.

    Example:
        >>> from deephealth.eddl.layers.core import Input
        >>> Transform(Input([3, 8, 8]), 1, 0, 1, 0).shape
        [3, 8, 8]
    """
    return LTransform(parent, copy_cpu_to_fpga, copy_fpga_to_cpu, transform, mode, name)
