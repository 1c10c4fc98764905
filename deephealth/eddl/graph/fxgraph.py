"""From a graph of layers to a ``torch.fx.GraphModule`` whose submodules are the layers' ops.

Two graphs are made of one net: a lean one, which returns the outputs and lets everything else go as soon as it is not
needed any more, and a capturing one, which returns what every layer computed. They share the submodules.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import fx, nn

from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.graph.names import identifier
from deephealth.eddl.graph.order import ancestors

__all__ = ["Submodules", "build_capturing", "build_lean"]

_ANY_MODULE = fx.GraphModule({}, fx.Graph())


class Submodules:
    """Submodule names for the layers of a net: identifiers, unique, and no attribute that a module has already.

    Args:
        layers: the layers of a net, in order.

    Attributes:
        names: id of a layer -> name of its submodule.
        modules: name -> op, for layers that have one.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.names: dict[int, str] = {}
        self.modules: dict[str, nn.Module] = {}
        taken: set[str] = set()
        for layer in layers:
            name = self.free(identifier(layer.name), taken)
            taken.add(name)
            self.names[id(layer)] = name
            if layer.op is not None:
                self.modules[name] = layer.op

    @staticmethod
    def free(wanted: str, taken: set[str]) -> str:
        """Return ``wanted``, or ``wanted_2``, ``wanted_3``, … if it is taken or means something to torch."""
        name, number = wanted, 1
        while name in taken or hasattr(_ANY_MODULE, name):
            number += 1
            name = f"{wanted}_{number}"
        return name

    def __getitem__(self, layer: Layer) -> str:
        return self.names[id(layer)]


def build_lean(lin: Sequence[Layer], lout: Sequence[Layer], layers: Sequence[Layer]) -> fx.GraphModule:
    """Return a module from the inputs (in order) to the output, or to a tuple of them if there are several."""
    names = Submodules(layers)
    graph, nodes = _trace(lin, ancestors(lout, layers), names)
    values = [nodes[id(layer)] for layer in lout]
    graph.output(values[0] if len(values) == 1 else tuple(values))
    return fx.GraphModule(names.modules, graph, class_name="EddlNet")


def build_capturing(lin: Sequence[Layer], layers: Sequence[Layer]) -> fx.GraphModule:
    """Return a module from the inputs to a tuple of what every one of ``layers`` computed."""
    names = Submodules(layers)
    graph, nodes = _trace(lin, layers, names)
    graph.output(tuple(nodes[id(layer)] for layer in layers))
    return fx.GraphModule(names.modules, graph, class_name="EddlCapture")


def _trace(lin: Sequence[Layer], layers: Sequence[Layer], names: Submodules) -> tuple[fx.Graph, dict[int, fx.Node]]:
    graph = fx.Graph()
    nodes = {id(layer): graph.placeholder(names[layer]) for layer in lin}
    for layer in layers:
        if id(layer) in nodes:
            continue
        if layer.op is None:
            raise EddlError(
                "Model",
                f"layer {layer.name} is an input but not one of the net's inputs",
                allowed=", ".join(each.name for each in lin),
                hint="add it to the list of inputs of Model([...], [...])",
            )
        nodes[id(layer)] = graph.call_module(names[layer], tuple(nodes[id(parent)] for parent in layer.parent))
    return graph, nodes
