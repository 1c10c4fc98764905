"""Small clean-ups of an exported graph: shapes written as numbers, padding as an attribute of what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["tidy"]


def tidy(model: ir.Model) -> None:
    """Simplify in place; values stay the same."""
    import onnx_ir as ir
    from onnx_ir.passes import common

    common.InlinePass()(model)
    common.IdentityEliminationPass()(model)
    _fold(model)
    for node in list(model.graph):
        if node.op_type == "Reshape":
            _plain_target(ir, model.graph, node)
    if any(node.op_type == "CastLike" for node in model.graph):
        common.ShapeInferencePass()(model)
    for node in list(model.graph):
        if node.op_type == "CastLike":
            _plain_cast(ir, model.graph, node)
    for node in list(model.graph):
        if node.op_type in {"Conv", "MaxPool"}:
            _take_in_pad(ir, node)
    common.RemoveUnusedNodesPass()(model)


def _fold(model: ir.Model) -> None:
    """Compute what depends on nothing, weights aside, which keep their names; rewrite sequences of tensors as Split."""
    from onnxscript import optimizer

    weights = set(model.graph.initializers)
    scopes = {value.name: dict(node.metadata_props) for node in model.graph for value in node.outputs}

    def only_without_weights(node: ir.Node) -> bool | None:
        return False if any(value is not None and value.name in weights for value in node.inputs) else None

    optimizer.fold_constants(model, should_fold=only_without_weights)
    for node in reversed(list(model.graph)):  # new nodes belong to the layer that the old ones, or their readers, do
        if not node.metadata_props:
            known = [scopes[value.name] for value in node.outputs if value.name in scopes]
            readers = [dict(use.node.metadata_props) for value in node.outputs for use in value.uses()]
            node.metadata_props.update(next(iter(known + readers), {}))


def _numbers(value: ir.Value | None) -> list[int] | None:
    """Return a value's numbers if it is a constant."""
    if value is None:
        return None
    producer = value.producer()
    if value.const_value is not None:
        return [int(each) for each in np.atleast_1d(value.const_value.numpy())]
    if producer is None or producer.op_type != "Constant":
        return None
    (attribute,) = producer.attributes.values()
    found = attribute.value
    return [int(each) for each in np.atleast_1d(found.numpy() if hasattr(found, "numpy") else found)]


def _plain_target(ir: object, graph: ir.Graph, node: ir.Node) -> None:
    """Write -1 for the one size of a Reshape that is not known before it runs."""
    target = node.inputs[1]
    concat = target.producer() if target is not None else None
    if concat is None or concat.op_type != "Concat":
        return
    parts = [_numbers(value) for value in concat.inputs]
    open_parts = [i for i, part in enumerate(parts) if part is None]
    if len(open_parts) != 1 or any(part is not None and (-1 in part or 0 in part) for part in parts):
        return
    sizes = [size for part in parts for size in (part if part is not None else [-1])]
    if node.outputs[0].shape is not None and len(sizes) != len(node.outputs[0].shape):
        return
    _replace_target(ir, graph, node, sizes)


def _replace_target(ir: object, graph: ir.Graph, node: ir.Node, sizes: list[int]) -> None:
    tensor = ir.tensor(np.array(sizes, np.int64))  # type: ignore[attr-defined]
    made = ir.node("Constant", [], {"value": tensor})  # type: ignore[attr-defined]
    made.metadata_props.update(node.metadata_props)
    graph.insert_before(node, made)
    node.replace_input_with(1, made.outputs[0])
    node.attributes.pop("allowzero", None)


def _plain_cast(ir: object, graph: ir.Graph, node: ir.Node) -> None:
    """Name the type of a CastLike, which not every runtime computes, if it is known."""
    like = node.inputs[1]
    kind = like.dtype if like is not None else None
    if kind is None:
        return
    made = ir.node("Cast", [node.inputs[0]], {"to": int(kind)})  # type: ignore[attr-defined]
    made.metadata_props.update(node.metadata_props)
    made.outputs[0].shape, made.outputs[0].type = node.outputs[0].shape, node.outputs[0].type
    graph.insert_before(node, made)
    node.outputs[0].replace_all_uses_with(made.outputs[0])
    for i, output in enumerate(graph.outputs):
        if output is node.outputs[0]:
            graph.outputs[i] = made.outputs[0]


def _take_in_pad(ir: object, node: ir.Node) -> None:
    """Make a Pad that only this node reads its ``pads`` attribute."""
    source = node.inputs[0]
    pad = source.producer() if source is not None else None
    if pad is None or pad.op_type != "Pad" or len(list(pad.outputs[0].uses())) != 1 or len(pad.inputs) > 3:
        return
    amounts = _numbers(pad.inputs[1])
    if amounts is None or min(amounts) < 0 or not _is_neutral(node.op_type, pad):
        return
    rank = len(amounts) // 2
    if any(amounts[i] for i in (0, 1, rank, rank + 1)) or any(node.attributes["pads"].as_ints()):
        return
    node.attributes["pads"] = ir.AttrInt64s("pads", amounts[2:rank] + amounts[rank + 2 :])  # type: ignore[attr-defined]
    node.replace_input_with(0, pad.inputs[0])


def _is_neutral(op_type: str, pad: ir.Node) -> bool:
    """Return whether a Pad fills in what the operator's own padding would."""
    mode = pad.attributes["mode"].as_string() if "mode" in pad.attributes else "constant"
    value = pad.inputs[2] if len(pad.inputs) > 2 else None
    number = 0.0
    if value is not None:
        producer = value.producer()
        held = value.const_value
        if held is None and producer is not None and "value" in producer.attributes:
            held = producer.attributes["value"].as_tensor()
        if held is None:
            return False
        number = float(held.numpy())
    return mode == "constant" and number == (0.0 if op_type == "Conv" else -np.inf)
