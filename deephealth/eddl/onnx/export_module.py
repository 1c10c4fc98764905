"""The module that is exported: a net without recurrence, as it computes outside training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, fx, nn

from deephealth.eddl.errors import EddlOnnxError
from deephealth.eddl.graph.fxgraph import Submodules
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.order import ancestors
from deephealth.eddl.layers.special import LConstOfTensor

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["Exportable", "plain_exportable", "submodule_of"]

BATCH, SEQUENCE = "batch", "sequence"


@dataclass
class Exportable:
    """What torch's exporter is given.

    Args:
        module: in test mode, on the CPU.
        examples: one tensor per input.
        axes: for each input, which axes are free, and what they are called.
        inputs: names of the inputs.
        outputs: names of the outputs.
        layers: submodule name -> layer.
        packed: submodules that hold weights in ONNX's packing (recurrent ones).
    """

    module: nn.Module
    examples: list[Tensor]
    axes: list[dict[int, str]]
    inputs: list[str]
    outputs: list[str]
    layers: dict[str, Layer]
    packed: set[str] = field(default_factory=set)


def plain_exportable(net: Net) -> Exportable:
    """Return what to export of a net without recurrence."""
    layers = ancestors(net.outputs, net.layers)
    names = Submodules(net.layers)
    graph = fx.Graph()
    nodes = {id(layer): graph.placeholder(names[layer]) for layer in net.lin}
    modules: dict[str, nn.Module] = {}
    for layer in layers:
        if id(layer) in nodes:
            continue
        parents = layer.parent or net.lin[:1]  # a constant follows the batch of the first input
        modules[names[layer]] = submodule_of(layer)
        nodes[id(layer)] = graph.call_module(names[layer], tuple(nodes[id(parent)] for parent in parents))
    graph.output(tuple(nodes[id(layer)] for layer in net.outputs))
    module = fx.GraphModule(modules, graph, class_name="EddlNet")
    return Exportable(
        module=module,
        examples=[torch.rand(2, *layer.shape) for layer in net.lin],
        axes=[{0: BATCH} for _ in net.lin],
        inputs=[layer.name for layer in net.lin],
        outputs=[layer.name for layer in net.outputs],
        layers={names[layer]: layer for layer in layers},
    )


def submodule_of(layer: Layer) -> nn.Module:
    """Return what a layer computes, in a form that can be exported."""
    if isinstance(layer, LConstOfTensor):
        return _Constant(layer)
    if layer.is_random_generator:
        raise EddlOnnxError(
            "ONNX::ExportNet", f"layer {layer.name} draws random numbers", hint="replace it by an Input, and feed it"
        )
    return layer.module


class _Constant(nn.Module):
    """A constant for every entry of the batch."""

    value: Tensor

    def __init__(self, layer: LConstOfTensor) -> None:
        super().__init__()
        value = next(iter(layer.module.buffers()))
        self.register_buffer("value", value.detach().reshape(layer.shape).clone())

    def forward(self, like: Tensor) -> Tensor:
        return self.value.unsqueeze(0).expand(like.shape[0], *self.value.shape)
