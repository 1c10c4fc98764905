"""The layer for operators that EDDL has no layer for: it computes one ONNX operator with its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.op import Op, Slot
from deephealth.eddl.onnx.kernels import Kernel
from deephealth.eddl.onnx.values import Sizes

__all__ = ["Argument", "LOnnx", "OnnxOp", "call_kernel", "to_host"]


@dataclass
class Argument:
    """One argument of the kernel: exactly one of the fields is set, or none for a missing input.

    Args:
        parent: which of the layer's parents.
        stored: name of the parameter or buffer that holds it.
        host: a number or list known beforehand.
        sizes: numbers that follow the batch.
    """

    parent: int | None = None
    stored: str | None = None
    host: Any = None
    sizes: Sizes | None = None


@dataclass
class _Line:
    intercepts: list[int]
    slopes: list[int]
    shape: list[int] = field(default_factory=list)


class OnnxOp(Op):
    """Computes one ONNX operator.

    Args:
        kernel: the operator.
        attributes: its attributes by name.
        arguments: where its inputs come from.
        stored: tensors to keep, by name; a ``Parameter`` is trained.
        output: which of the operator's outputs this is.
        batch_parent: the parent whose first dimension is the batch, for sizes that follow it.
    """

    def __init__(
        self,
        kernel: Kernel,
        attributes: dict[str, Any],
        arguments: Sequence[Argument],
        stored: dict[str, Tensor],
        output: int = 0,
        batch_parent: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.attributes = attributes
        self.arguments = list(arguments)
        self.output = output
        self.batch_parent = batch_parent
        self.lines = {i: _line(each.sizes) for i, each in enumerate(arguments) if each.sizes is not None}
        for name, tensor in stored.items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)
        tensors = [name for name, value in attributes.items() if isinstance(value, Tensor)]
        for name in tensors:  # so that they move with the module
            self.register_buffer(f"attribute_{name}", attributes.pop(name))

    def slots(self) -> list[Slot]:
        """Return the trained tensors, in ONNX's layout; constants are not parameters."""
        return [Slot(name) for name, _ in self.named_parameters(recurse=False)]

    def forward(self, *parents: Tensor) -> Tensor:
        """Compute the operator on the parents' outputs."""
        values = [self._value(i, each, parents) for i, each in enumerate(self.arguments)]
        held = {name.removeprefix("attribute_"): t for name, t in self.named_buffers() if name.startswith("attribute_")}
        result = self.kernel.run(*values, **self.attributes, **held)
        chosen: Tensor = result[self.output] if self.kernel.several else result
        return chosen

    def _value(self, position: int, argument: Argument, parents: Sequence[Tensor]) -> Any:
        host = position in self.kernel.host
        if argument.parent is not None:
            value = parents[argument.parent]
            return to_host(value) if host else value
        if argument.stored is not None:
            return getattr(self, argument.stored)
        if argument.sizes is None or self.batch_parent is None:
            return argument.host
        return self._sizes(self.lines[position], parents[self.batch_parent], host)

    @staticmethod
    def _sizes(line: _Line, like: Tensor, host: bool) -> Any:
        batch = like.shape[0]
        values = [c + k * batch if k else c for c, k in zip(line.intercepts, line.slopes, strict=True)]
        if host:
            return values if line.shape else values[0]
        return torch.tensor(values, device=like.device).reshape(line.shape)


class LOnnx(Layer):
    """A layer that computes one ONNX operator, for those that EDDL has no layer for.

    Args:
        parents: the layers it reads.
        op: what it computes.
        shape: of its output, without the batch.
        name: the node's name.
        op_type: the operator.
    """

    prefix: ClassVar[str] = "onnx"

    def __init__(self, parents: Sequence[Layer], op: OnnxOp, shape: Sequence[int], name: str, op_type: str) -> None:
        self.op_type = op_type
        super().__init__(parents, op, shape, name)


def call_kernel(kernel: Kernel, attributes: dict[str, Any], inputs: Sequence[Tensor | None]) -> Any:
    """Compute an operator on known tensors."""
    values = [
        to_host(value) if value is not None and position in kernel.host else value
        for position, value in enumerate(inputs)
    ]
    return kernel.run(*values, **attributes)


def to_host(tensor: Tensor) -> Any:
    """Return a tensor's numbers as a list, or as one number if it has no dimension."""
    return tensor.tolist()


def _line(sizes: Sizes) -> _Line:
    return _Line(*sizes.line(), list(sizes.first.shape))
