"""EDDL's names in an exported graph: nodes and outputs are called as their layers, weights as layer and letter."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.layers.core import LDropout

if TYPE_CHECKING:
    import onnx_ir as ir

    from deephealth.eddl.onnx.export_module import Exportable

__all__ = ["RATE", "TARGET", "rename"]

_SCOPES = "pkg.torch.onnx.name_scopes"
RATE = "deephealth.dropout"
"""Metadata of the node that scales by what dropout keeps: the rate."""
TARGET = "_target_shape"

_LETTERS = {
    "weight": "W", "bias": "b", "gamma": "scale", "beta": "bias", "running_mean": "mean", "running_var": "variance",
    "W": "W", "R": "R", "B": "B",
}  # fmt: skip


def rename(model: ir.Model, exportable: Exportable) -> dict[str, tuple[str, str]]:
    """Rename everything in place.

    Args:
        model: as torch exported it.
        exportable: what was exported.

    Returns:
        For every weight in the file: its submodule and the attribute there.
    """
    _part_outputs(model.graph)
    weights = _rename_weights(model.graph, exportable.layers)
    taken = {value.name for value in (*model.graph.inputs, *model.graph.initializers.values())}
    groups: dict[str, list[ir.Node]] = defaultdict(list)
    for node in model.graph:
        groups[_scope(node)].append(node)
    for scope, nodes in groups.items():
        layer = exportable.layers.get(scope)
        _rename_group(nodes, layer.name if layer else "net", taken, own=layer is not None)
        if isinstance(layer, LDropout) and layer.iw and _end(nodes).op_type == "Mul":
            _end(nodes).metadata_props[RATE] = repr(layer.df)
    for node in model.graph:  # stack traces of the exporter: paths of this machine
        for key in [key for key in node.metadata_props if key != RATE]:
            del node.metadata_props[key]
        node.doc_string = None
    for value, name in zip(model.graph.outputs, exportable.outputs, strict=True):
        if value.name != name:
            _call(value, name, taken)
    return weights


def _part_outputs(graph: ir.Graph) -> None:
    """Give every output a value of its own: layers that do nothing in a test share their input's."""
    import onnx_ir as ir

    seen: set[int] = set()
    for i, value in enumerate(graph.outputs):
        if id(value) in seen or value.is_graph_input() or value.is_initializer():
            node = ir.node("Identity", [value])
            node.outputs[0].type, node.outputs[0].shape = value.type, value.shape
            graph.append(node)
            graph.outputs[i] = node.outputs[0]
        seen.add(id(value))


def _scope(node: ir.Node) -> str:
    try:
        scopes = ast.literal_eval(node.metadata_props.get(_SCOPES, "[]"))
    except (ValueError, SyntaxError):
        return ""
    return str(scopes[1]) if len(scopes) > 2 else ""


def _rename_weights(graph: ir.Graph, layers: dict[str, Layer]) -> dict[str, tuple[str, str]]:
    weights = {}
    for value in list(graph.initializers.values()):
        scope, _, attribute = (value.name or "").partition(".")
        layer = layers.get(scope)
        if layer is None:
            continue
        name = f"{layer.name}_{_LETTERS.get(attribute, attribute.replace('.', '_'))}"
        if name in graph.initializers:
            name = f"{name}_{scope}"
        _call(value, name, set())
        weights[name] = (scope, attribute)
    return weights


def _rename_group(nodes: list[ir.Node], name: str, taken: set[str | None], *, own: bool) -> None:
    """Give the node that does a layer's work, and what the last one puts out, the layer's name; derive the others'."""
    main = next((node for node in reversed(nodes) if node.op_type in _MAIN), _end(nodes)) if own else None
    end = _end(nodes)
    for number, node in enumerate(nodes):
        derived = _transpose_name(node) or f"{name}_{node.op_type}_{number}"
        node.name = name if node is main else derived
        ending = own and node is end
        for place, value in enumerate(node.outputs):
            wanted = name if ending and place == 0 else _OUTPUTS.get((node.op_type, place), f"{derived}_{place}")
            _call(value, wanted.replace("{}", name), taken)


def _end(nodes: list[ir.Node]) -> ir.Node:
    """Return the node whose output other layers, or the user, read."""
    inside = set(map(id, nodes))
    working = [node for node in nodes if node.op_type != "Constant"]  # a constant may be shared with other layers
    for node in reversed(working):
        value = node.outputs[0]
        if value.is_graph_output() or any(id(use.node) not in inside for out in node.outputs for use in out.uses()):
            return node
    return (working or nodes)[-1]


_MAIN = {"BatchNormalization", "Conv", "ConvTranspose", "GRU", "Gemm", "LSTM", "MatMul", "RNN"}
_OUTPUTS = {("MatMul", 0): "{}_MatMul"} | {
    (op, place): f"{{}}_{what}" for op in ("LSTM", "GRU", "RNN") for place, what in enumerate(("Y", "Y_h", "Y_c"))
}


def _transpose_name(node: ir.Node) -> str | None:
    """Return EDDL's name of the transpose of a recurrent net's input."""
    source = node.inputs[0] if node.inputs else None
    ours = node.op_type == "Transpose" and source is not None and source.is_graph_input()
    return f"{source.name}_transpose" if ours and source is not None else None


def _call(value: ir.Value, wanted: str, taken: set[str | None]) -> None:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    value.name = name
