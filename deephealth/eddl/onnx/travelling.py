"""Weights and gradients that travel between processes as ONNX bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from deephealth.eddl.errors import EddlOnnxError, EddlShapeError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.onnx.importing import import_net_from_onnx_string

if TYPE_CHECKING:
    import onnx_ir as ir

    from deephealth.eddl.net.net import Net
    from deephealth.eddl.onnx.export_module import Exportable

__all__ = ["apply_grads_from_onnx", "put_gradients", "set_weights_from_onnx"]


def set_weights_from_onnx(net: Net, model_string: bytes) -> None:
    """Copy the weights of serialised bytes into a net; layers are found by their names.

    Args:
        net: the net.
        model_string: from ``serialize_net_to_onnx_string(other, False)``.

    Raises:
        EddlOnnxError: not ONNX, or a layer with weights is missing in it.
        EddlShapeError: weights of another shape.

    Example:
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = eddl.Model([x], [eddl.Dense(x, 2, name="d")])
        >>> content = eddl.serialize_net_to_onnx_string(net, False)
        >>> before = eddl.getLayer(net, "d").params[0].torch.clone()
        >>> _ = eddl.getLayer(net, "d").params[0].torch.zero_()
        >>> set_weights_from_onnx(net, content)
        >>> bool((eddl.getLayer(net, "d").params[0].torch == before).all())
        True
    """
    with torch.no_grad():
        for mine, theirs in _pairs(net, model_string):
            mine.copy_(theirs)


def apply_grads_from_onnx(net: Net, model_string: bytes) -> None:
    """Add the gradients of serialised bytes to a net's own; ``update(net)`` then applies them.

    Args:
        net: the net.
        model_string: from ``serialize_net_to_onnx_string(other, True)``.

    Raises:
        EddlOnnxError: not ONNX, or a layer with weights is missing in it.
        EddlShapeError: gradients of another shape.

    Example:
        >>> import torch
        >>> from deephealth import eddl
        >>> x = eddl.Input([4])
        >>> net = eddl.Model([x], [eddl.Dense(x, 2, name="d")])
        >>> net.module(torch.ones(3, 4)).sum().backward()
        >>> apply_grads_from_onnx(net, eddl.serialize_net_to_onnx_string(net, True))
        >>> eddl.getLayer(net, "d").gradients[1].torch
        tensor([6., 6.])
    """
    for layer, other in _layers(net, model_string):
        slots = layer.slots()
        for slot, tensor in zip(slots, other.params, strict=False):
            if not slot.trainable:
                continue
            stored = _stored(layer, slot.name)
            if stored.grad is None:
                stored.grad = torch.zeros_like(stored)
            grad = slot.gradient(layer.module)
            if grad is not None:
                _fit(layer, grad, tensor.torch)
                grad.add_(tensor.torch)


def _stored(layer: Layer, name: str) -> torch.nn.Parameter:
    return layer.module.get_parameter(name)


def _layers(net: Net, content: bytes) -> list[tuple[Layer, Layer]]:
    others = {layer.name: layer for layer in import_net_from_onnx_string(content).layers}
    missing = [layer.name for layer in net.layers if layer.slots() and layer.name not in others]
    if missing:
        raise EddlOnnxError(
            "ONNX::SetWeights",
            f"the bytes have no weights for {', '.join(missing)}",
            hint="serialise a net of the same layers",
        )
    return [(layer, others[layer.name]) for layer in net.layers if layer.slots()]


def _pairs(net: Net, content: bytes) -> list[tuple[Tensor, Tensor]]:
    found = []
    for layer, other in _layers(net, content):
        for mine, theirs in zip(layer.params, other.params, strict=False):
            _fit(layer, mine.torch, theirs.torch)
            found.append((mine.torch, theirs.torch))
    return found


def _fit(layer: Layer, mine: Tensor, theirs: Tensor) -> None:
    if mine.shape != theirs.shape:
        raise EddlShapeError(
            "ONNX::SetWeights", f"layer {layer.name}: got {list(theirs.shape)}", allowed=f"{list(mine.shape)}"
        )


def put_gradients(graph: ir.Graph, exportable: Exportable, weights: dict[str, tuple[str, str]]) -> None:
    """Replace the weights of an exported graph by their gradients, in place.

    Args:
        graph: the graph.
        exportable: what was exported.
        weights: for every weight in the graph, its submodule and the attribute there.
    """
    import onnx_ir as ir

    for name, (scope, attribute) in weights.items():
        grad = _gradient(exportable, scope, attribute)
        if grad is not None:
            graph.initializers[name].const_value = ir.tensor(grad.detach().cpu().numpy(), name=name)


def _gradient(exportable: Exportable, scope: str, attribute: str) -> Tensor | None:
    layer = exportable.layers[scope]
    if scope in exportable.packed:
        from deephealth.eddl.onnx.export_recurrent import kind_of, pack

        both = bool(getattr(layer.op, "bidirectional", False))
        packed = pack(kind_of(layer), [each.torch for each in layer.gradients], both)
        return dict(zip("WRB", packed, strict=True))[attribute]
    stored = dict(layer.module.named_parameters()).get(attribute)
    if stored is None:
        return None
    return torch.zeros_like(stored) if stored.grad is None else stored.grad
