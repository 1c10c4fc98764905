"""One node of the graph on its way to a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from deephealth.eddl.errors import EddlOnnxError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.onnx.kernels import KERNELS, Kernel
from deephealth.eddl.onnx.layer import Argument, LOnnx, OnnxOp, call_kernel
from deephealth.eddl.onnx.values import Const, Data, Known, Sizes

if TYPE_CHECKING:
    import onnx_ir as ir

    from deephealth.eddl.onnx.importer import Importer

__all__ = ["Site"]


class Site:
    """A node, with what is known of its inputs.

    Args:
        importer: the walk.
        op: the operator.
        attributes: by name, as the newest opset has them.
        inputs: what is known of them, ``None`` for a missing one.
        name: of the node.
        node: in the file; ``None`` for one that the importer made up.
    """

    def __init__(
        self,
        importer: Importer,
        op: str,
        attributes: dict[str, Any],
        inputs: list[Known | None],
        name: str,
        node: ir.Node | None = None,
    ) -> None:
        self.importer, self.op, self.attributes, self.node = importer, op, attributes, node
        self.kernel: Kernel = KERNELS[op]
        self.inputs = inputs if self.kernel.arity is None else inputs[: self.kernel.arity]
        self.name = name
        self.output = 0
        self.fused: list[ir.Value] = []

    def replaced(self, op: str, inputs: list[Known | None]) -> Site:
        """Return the same node as another operator without attributes."""
        return Site(self.importer, op, {}, inputs, self.name, self.node)

    def check(self) -> None:
        """Refuse attributes that the kernel does not know, rather than compute something else.

        Raises:
            EddlOnnxError: there is one.
        """
        odd = sorted(set(self.attributes) - self.kernel.attributes)
        if odd and "_" not in self.kernel.attributes:
            raise EddlOnnxError(
                "ONNX::ImportNet",
                f"node '{self.name}' ({self.op}) has attributes that are not supported: {', '.join(odd)}",
            )

    # ------------------------------------------------------------------ for handlers

    def data(self, position: int = 0) -> Data | None:
        """Return an input if a layer computes it."""
        found = self.inputs[position] if position < len(self.inputs) else None
        return found if isinstance(found, Data) else None

    def const(self, position: int) -> Tensor | None:
        """Return an input if it is a constant."""
        found = self.inputs[position] if position < len(self.inputs) else None
        return found.tensor if isinstance(found, Const) else None

    def missing(self, position: int) -> bool:
        """Return whether an input is not given."""
        return position >= len(self.inputs) or self.inputs[position] is None

    def expected(self) -> Tensor:
        """Return what the operator gives at the first batch size, without memory."""
        tensors = [None if each is None else each.first for each in self.inputs]
        with self.importer.mode:
            result = call_kernel(self.kernel, self.attributes, tensors)
        chosen: Tensor = result[self.output] if self.kernel.several else result
        return chosen

    # ------------------------------------------------------------------ the layer of any operator

    def generic(self) -> Layer:
        """Return a layer that computes the operator with its kernel."""
        parents: list[Layer] = []
        stored: dict[str, Tensor] = {}
        arguments = [self._argument(i, each, parents, stored) for i, each in enumerate(self.inputs)]
        batch_parent = None
        if any(each.sizes is not None for each in arguments) or not parents:
            batch_parent = len(parents)
            parents.append(self.batch_layer())
        op = OnnxOp(self.kernel, dict(self.attributes), arguments, stored, self.output, batch_parent)
        name = self.name if not self.output else f"{self.name}_{self.output}"
        return LOnnx(parents, op, [], name, self.op)

    def batch_layer(self) -> Layer:
        """Return the net's first input, whose first dimension is the batch."""
        first = self.importer.first_input
        if first is None:
            raise EddlOnnxError("ONNX::ImportNet", f"node '{self.name}' needs an input of the net")
        return first

    def _argument(
        self, position: int, value: Known | None, parents: list[Layer], stored: dict[str, Tensor]
    ) -> Argument:
        if value is None:
            return Argument()
        if isinstance(value, Data):
            parents.append(value.layer)
            return Argument(parent=len(parents) - 1)
        if isinstance(value, Sizes):
            return Argument(sizes=value)
        if position in self.kernel.host:
            return Argument(host=value.tensor.tolist())
        name = f"input{position}"
        stored[name] = value.tensor if position in self.kernel.frozen else self.importer.parameter(value)
        return Argument(stored=name)

    def expanded(self, value: Const, axis: int, batches: tuple[int, int]) -> Data:
        """Return a layer that repeats a constant along the batch."""
        shapes = [torch.tensor([batch if i == axis else -1 for i in range(value.tensor.dim())]) for batch in batches]
        target = Sizes(shapes[0], shapes[1], batches)
        site = Site(self.importer, "Expand", {}, [value, target], f"{self.name}_expand")
        return self.importer.adopt(site, site.generic())
