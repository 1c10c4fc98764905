"""The walk over an ONNX graph: what can be known is computed at once, the rest becomes layers.

Every value is followed at two batch sizes with tensors that have a shape but no memory. What is the same at both is a
constant; what differs follows the batch. So shapes that a file computes from its input vanish, and a file that was
written for one batch size runs with any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from deephealth.eddl.errors import EddlError, EddlOnnxError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.onnx.attributes import attributes_of, tensor_of
from deephealth.eddl.onnx.debatch import batched_concat, expand_target, outer_of, reshape_target, without_strides
from deephealth.eddl.onnx.inputs import InputPlan
from deephealth.eddl.onnx.kernels import KERNELS
from deephealth.eddl.onnx.layer import call_kernel
from deephealth.eddl.onnx.log_level import logger
from deephealth.eddl.onnx.opsets import modernise
from deephealth.eddl.onnx.site import Site
from deephealth.eddl.onnx.values import Const, Data, Known, Sizes

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["BatchLockedError", "Importer"]

_SMALL = 64


class BatchLockedError(EddlOnnxError):
    """The graph can only be followed at the batch size that it was written for."""


class Importer:
    """Turns one graph into layers.

    Args:
        model: the parsed file.
        inputs: the shapes and batch sizes to follow.
        own: whether the original EDDL wrote the file, whose conventions then hold where they differ from the standard.
        make: makes the layer of a node that computes data.
    """

    def __init__(self, model: ir.Model, inputs: InputPlan, *, own: bool, make: Callable[[Site], Layer]) -> None:
        self.graph = model.graph
        self.version = model.graph.opset_imports.get("", 1)
        self.plan = inputs
        self.own = own
        self.make = make
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)
        self.known: dict[ir.Value, Known] = {}
        self.parameters: dict[int, torch.nn.Parameter] = {}
        self.data_of: dict[int, Data] = {}
        self.first_input: Layer | None = None

    def run(self) -> tuple[list[Layer], list[Layer]]:
        """Return the input and output layers.

        Raises:
            BatchLockedError: only one batch size works; plan for that one alone.
            EddlOnnxError: a node cannot be computed.
        """
        lin = [self._enter(value, i) for i, value in enumerate(self.plan.values)]
        self.first_input = lin[0]
        for value in self.graph.initializers.values():
            self._initializer(value)
        with torch.no_grad():
            for node in self.graph:
                self.visit(node)
        lout = [self._output(value) for value in self.graph.outputs]
        self._check_batch(lout)
        _prune(lin, lout)
        return lin, lout

    # ------------------------------------------------------------------ where values come from

    def _enter(self, value: ir.Value, index: int) -> Layer:
        layer = self.plan.layer(index)
        shape = self.plan.shapes[index]
        cast = self.plan.kinds[index]
        sizes = [[batch, *shape] for batch in self.plan.batches]
        with self.mode:
            first, second = (torch.empty(size) for size in sizes)
        self.known[value] = self.data_of[id(layer)] = Data(layer, first, second)
        if cast is not None:
            site = Site(self, "Cast", {"to": cast}, [self.known[value]], f"{layer.name}_cast")
            self._data(site, [value])
        return layer

    def _initializer(self, value: ir.Value) -> None:
        if value in self.known or value.const_value is None:
            return
        self.known[value] = Const(tensor_of(value.const_value), weight=True, name=value.name or "")

    def _output(self, value: ir.Value) -> Layer:
        found = self._found(value, "the graph's output")
        if isinstance(found, Data):
            return found.layer
        if self.first_input is None:
            raise EddlOnnxError("ONNX::ImportNet", "the model has no input", hint="a net needs one")
        site = Site(self, "Identity", {}, [found], value.name or "")
        self._data(site, [value])
        made = self.known[value]
        if not isinstance(made, Data):
            raise EddlOnnxError("ONNX::ImportNet", f"output {value.name} cannot be computed")
        return made.layer

    def _check_batch(self, lout: Sequence[Layer]) -> None:
        """Refuse outputs whose first dimension does not follow the batch, if the file wrote one batch size down."""
        lost = [layer.name for layer in lout if 0 not in self.data_of[id(layer)].batch_axes]
        if lost and self.plan.fixed and not self.plan.locked:
            raise BatchLockedError("ONNX::ImportNet", f"the outputs {lost} do not follow the batch")

    # ------------------------------------------------------------------ one node

    def visit(self, node: ir.Node) -> None:
        """Find out the node's outputs: constants, sizes, or layers."""
        if all(value in self.known for value in node.outputs):  # another node's layer took it in
            return
        if node.op_type == "If":
            self._branch(node)
            return
        if node.op_type == "Constant":
            self.known[node.outputs[0]] = Const(next(iter(_constants(attributes_of(node)))))
            return
        site = self.read(node)
        site.check()
        if any(isinstance(each, Data) for each in site.inputs) and node.op_type not in {"Shape", "Size"}:
            self._data(site, node.outputs)
        else:
            self._fold(site, node.outputs)

    def read(self, node: ir.Node) -> Site:
        """Return a node with what is known of its inputs, written as the newest opset would."""
        inputs = [None if value is None else self._found(value, node.name or node.op_type) for value in node.inputs]
        attributes, inputs = modernise(
            node.op_type, self.version, attributes_of(node), inputs, Const, per_axis=self.own
        )
        return Site(self, node.op_type, attributes, inputs, node.name or "", node)

    def _found(self, value: ir.Value, reader: str) -> Known:
        if value not in self.known:
            raise EddlOnnxError("ONNX::ImportNet", f"'{reader}' reads '{value.name}', which nothing in the file makes")
        return self.known[value]

    def _branch(self, node: ir.Node) -> None:
        condition = self.known[node.inputs[0]] if node.inputs[0] is not None else None
        if not isinstance(condition, Const):
            raise EddlOnnxError("ONNX::ImportNet", f"node {node.name}: 'If' decides on data, which a net cannot do")
        chosen = node.attributes["then_branch" if bool(condition.tensor.reshape(-1)[0]) else "else_branch"].as_graph()
        for value in chosen.initializers.values():
            self._initializer(value)
        for inner in chosen:
            self.visit(inner)
        for outer, inner_value in zip(node.outputs, chosen.outputs, strict=True):
            self.known[outer] = self.known[inner_value]

    def _fold(self, site: Site, outputs: Sequence[ir.Value]) -> None:
        """Compute a node whose inputs are known, once or at both batch sizes."""
        inputs = site.inputs
        sizes = any(not isinstance(each, Const) for each in inputs if each is not None)
        first = self._known_results(site, [each and each.first for each in inputs])
        second = self._known_results(site, [each and each.second for each in inputs]) if sizes else first
        if sizes and not all(_comparable(a, b) for a, b in zip(first, second, strict=True)):
            self._data(site, outputs)
            return
        born = any(isinstance(each, Const) and each.weight for each in inputs)
        for value, a, b in zip(outputs, first, second, strict=False):
            same = a is b or torch.equal(a, b)
            name = value.name or ""
            self.known[value] = Const(a, weight=born, name=name) if same else Sizes(a, b, self.plan.batches)

    def _known_results(self, site: Site, tensors: list[Any]) -> tuple[Tensor, ...]:
        try:
            result = call_kernel(site.kernel, site.attributes, tensors)
        except Exception as error:  # whatever torch raises names neither node nor file
            raise self._failed(site, error) from error
        return result if isinstance(result, tuple) else (result,)

    def _data(self, site: Site, outputs: Sequence[ir.Value]) -> None:
        """Make the layers of a node that computes data: one for each output that is used."""
        site = without_strides(site, self.plan)
        self._free_batch(site)
        if site.op in {"Cast", "CastLike"} and self._same_type(site, outputs[0]):
            return
        for index, value in enumerate(outputs):
            if value in self.known and site.node is not None:
                continue
            if index and not (value.uses() or value.is_graph_output()):
                continue
            site.output = index
            layer = self._guarded(site, lambda: self.make(site))
            self.known[value] = self.adopt(site, layer)
            logger.debug("%s %s: %s %s", site.op, site.name, type(layer).__name__, layer.shape)
            for fused in site.fused:
                self.known[fused] = self.known[value]

    def _same_type(self, site: Site, output: ir.Value) -> bool:
        """Pass a value on as it is where a cast would not change it."""
        data = site.data()
        if data is None or site.expected().dtype != data.first.dtype:
            return False
        self.known[output] = data
        return True

    def adopt(self, site: Site, layer: Layer) -> Data:
        """Follow a new layer at both batch sizes, and give it the shape that comes out."""
        first = self.shadow(site, layer, "first")
        second = first if self.plan.locked else self.shadow(site, layer, "second")
        layer.shape = [int(size) for size in first.shape[1:]]
        made = self.data_of[id(layer)] = Data(layer, first, second, outer_of(site, first, second))
        return made

    def _free_batch(self, site: Site) -> None:
        if site.op == "Reshape":
            site.inputs = reshape_target(site, self.plan)
        elif site.op == "Expand" and self.plan.fixed:
            site.inputs = expand_target(site)
        elif site.op == "Concat" and self.plan.fixed:
            site.inputs = batched_concat(site, self.plan)

    def shadow(self, site: Site, layer: Layer, which: str) -> Tensor:
        """Return what a layer puts out, as a tensor without memory.

        Args:
            site: the node, for messages.
            layer: made for it.
            which: ``"first"`` or ``"second"`` batch size.
        """
        parents = [self.data_of[id(parent)] for parent in layer.parent]
        was, module = layer.module.training, layer.module.eval()
        loud = hasattr(module, "_quiet") and not module._quiet
        if loud:  # an op that looks at its data, to warn: there is none here
            module._quiet = True  # type: ignore[assignment]
        try:
            with self.mode:
                result: Tensor = module(*(getattr(parent, which) for parent in parents))
        except Exception as error:
            if which == "second" and self.plan.fixed:
                raise BatchLockedError("ONNX::ImportNet", f"node {site.name}: {error}") from error
            raise self._failed(site, error) from error
        finally:
            module.train(was)
            if loud:
                module._quiet = False  # type: ignore[assignment]
        return result

    def _guarded(self, site: Site, make: Callable[[], Layer]) -> Layer:
        try:
            return make()
        except EddlError:
            raise
        except Exception as error:
            raise self._failed(site, error) from error

    def _failed(self, site: Site, error: Exception) -> EddlOnnxError:
        reason = str(error).strip().splitlines()
        shapes = [list(each.first.shape) for each in site.inputs if each is not None]
        return EddlOnnxError(
            "ONNX::ImportNet",
            f"node '{site.name}' ({site.op}) cannot be computed: {reason[0] if reason else type(error).__name__}",
            hint=f"its inputs have the shapes {shapes}; check the file, and input_shape if you gave one",
        )

    def parameter(self, const: Const) -> Tensor:
        """Return the tensor to keep in a layer: the same ``Parameter`` wherever the file shares a weight."""
        tensor = const.tensor.float() if const.tensor.dtype == torch.float64 else const.tensor
        if not const.trainable:
            return tensor
        if id(const) not in self.parameters:
            self.parameters[id(const)] = torch.nn.Parameter(tensor)
        return self.parameters[id(const)]


def _constants(attributes: dict[str, Any]) -> Iterator[Tensor]:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in attributes:
            found = attributes[name]
            kind = torch.int64 if "int" in name else torch.float32
            yield found if isinstance(found, Tensor) else torch.tensor(found, dtype=kind)
    raise EddlOnnxError("ONNX::ImportNet", f"a Constant without a value that can be used: {sorted(attributes)}")


def unknown_operators(nodes: Sequence[ir.Node]) -> list[str]:
    """Return the operators that nothing here computes, sorted."""
    names = {_text(node.op_type) for node in nodes}
    return sorted(name for name in names if name not in KERNELS and name not in {"Constant", "If"})


def _text(name: Any) -> str:
    return name if isinstance(name, str) else repr(name)  # bytes that are no text, in a damaged file


def _comparable(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and (torch.equal(a, b) or (a.numel() <= _SMALL and not a.is_floating_point()))


def _prune(lin: Sequence[Layer], lout: Sequence[Layer]) -> None:
    """Unlink layers that no output needs (what only a shape was read from)."""
    needed: dict[int, Layer] = {}
    stack = list(lout)
    while stack:
        layer = stack.pop()
        if id(layer) not in needed:
            needed[id(layer)] = layer
            stack.extend(layer.parent)
    for layer in [*needed.values(), *lin]:
        layer.child = [child for child in layer.child if id(child) in needed]
