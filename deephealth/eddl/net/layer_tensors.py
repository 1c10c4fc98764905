"""Tensors inside layers: copies of outputs, gradients, parameters and states, and copying between layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.net.replicas import spread_weights
from deephealth.eddl.net.running import recompute
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import Tensor

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer

__all__ = [
    "copyDelta",
    "copyGradient",
    "copyOutput",
    "copyParam",
    "distributeParams",
    "getDelta",
    "getGradient",
    "getGradients",
    "getInput",
    "getOutput",
    "getParam",
    "getParams",
    "getState",
    "getStates",
]


def getOutput(l1: Layer) -> Tensor:
    """Return a copy of what a layer computed in its net's last pass: [B, …]; of a recurrent net [T, B, …].

    Whole training steps keep only the outputs of the net. The first time an inner layer is asked for after one, the
    pass is run again (with the weights after the update); from then on the net keeps every layer's output.
    """
    _make_sure(l1)
    value = l1.output.torch
    if l1.net is not None and l1.net.isrecurrent and l1.value is not None and l1 in l1.net.outputs:
        value = value.transpose(0, 1)  # kept batch first, for losses
    return _copy(value)


def _make_sure(layer: Layer) -> None:
    net = layer.net
    if net is None or net.captured or layer in net.outputs or not (net.kept_inputs or net.generators):
        return
    recompute(net)


def _copy(tensor: torch.Tensor) -> Tensor:
    return Tensor.from_torch(tensor.detach().to("cpu", copy=True).contiguous())


def getInput(l1: Layer) -> Tensor:
    """Return a copy of what went into a layer: its first parent's output (strict mode: its own, as the original)."""
    if is_strict() or not l1.parent:
        return getOutput(l1)
    return getOutput(l1.parent[0])


def getDelta(l1: Layer) -> Tensor:
    """Return a copy of the gradient of the loss at a layer's output; zeros before a backward pass."""
    return _copy(l1.delta.torch)


def getParam(l1: Layer, p: int) -> Tensor:
    """Return a copy of parameter ``p`` of a layer."""
    return _copy(_pick(l1, l1.params, p, "getParam").torch)


def getGradient(l1: Layer, p: int) -> Tensor:
    """Return a copy of the gradient of parameter ``p`` of a layer."""
    return _copy(_pick(l1, l1.gradients, p, "getGradient").torch)


def getState(l1: Layer, p: int) -> Tensor:
    """Return a copy of state ``p`` (0: h, 1: c) of a recurrent layer after the last pass."""
    return _copy(_pick(l1, l1.states, p, "getState").torch)


def _pick(layer: Layer, tensors: list[Tensor], index: int, where: str) -> Tensor:
    if not 0 <= index < len(tensors):
        raise EddlShapeError(where, f"layer {layer.name} has no tensor {index}", allowed=f"0 to {len(tensors) - 1}")
    return tensors[index]


def getParams(l1: Layer) -> list[Tensor]:
    """Return copies of all parameters of a layer."""
    return [_copy(param.torch) for param in l1.params]


def getGradients(l1: Layer) -> list[Tensor]:
    """Return copies of the gradients of a layer's trainable parameters."""
    return [_copy(gradient.torch) for gradient in l1.gradients]


def getStates(l1: Layer) -> list[Tensor]:
    """Return copies of the states of a recurrent layer after the last pass."""
    return [_copy(state.torch) for state in l1.states]


def copyOutput(l1: Layer, l2: Layer) -> None:
    """Copy the output of ``l1`` into ``l2``."""
    _make_sure(l1)
    l2.value = l1.output.torch.detach().clone()


def copyDelta(l1: Layer, l2: Layer) -> None:
    """Copy the gradient at ``l1``'s output to ``l2``'s, from where ``backward(net)`` can begin."""
    if l2.value is None:
        l2.value = torch.zeros_like(l1.delta.torch, requires_grad=True)
    if l2.value.shape != l1.delta.torch.shape:
        raise EddlShapeError(
            "copyDelta",
            f"{l1.name} has a gradient of shape {l1.delta.shape}",
            allowed=f"{l2.output.shape}, as {l2.name}",
        )
    l2.value.grad = l1.delta.torch.clone()


def copyParam(l1: Layer, l2: Layer, p: int = -1) -> None:
    """Copy parameter ``p`` (all of them: -1) of ``l1`` into ``l2``.

    Raises:
        EddlShapeError: the layers' parameters have different shapes.
    """
    sources, targets = l1.params, l2.params
    if p != -1:
        sources, targets = [_pick(l1, sources, p, "copyParam")], [_pick(l2, targets, p, "copyParam")]
    wanted, got = [tensor.shape for tensor in targets], [tensor.shape for tensor in sources]
    if wanted != got:
        raise EddlShapeError(
            "copyParam", f"{l1.name} has parameters of shapes {got}", allowed=f"{wanted}, as {l2.name}"
        )
    with torch.no_grad():
        for source, target in zip(sources, targets, strict=True):
            target.torch.copy_(source.torch)


def copyGradient(l1: Layer, l2: Layer, p: int) -> None:
    """Copy the gradient of parameter ``p`` of ``l1`` into ``l2``."""
    source = _pick(l1, l1.gradients, p, "copyGradient").torch
    slot = [slot for slot in l2.slots() if slot.trainable][p]
    stored = l2.module.get_parameter(slot.name)
    if stored.grad is None:
        stored.grad = torch.zeros_like(stored)
    target = slot.gradient(l2.module)
    if target is None or target.shape != source.shape:
        raise EddlShapeError(
            "copyGradient", f"{l1.name} has a gradient of shape {list(source.shape)}", allowed=f"that of {l2.name}"
        )
    target.copy_(source)


def distributeParams(l: Layer) -> None:
    """Bring a layer's parameters, edited here, to the net's other devices."""
    if l.net is not None and len(l.net.snets) > 1:
        spread_weights(l.net)
