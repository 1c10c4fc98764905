"""Which layer a failing pass failed in, said with the shapes it got."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import fx

from deephealth.eddl.errors import EddlError, EddlShapeError

if TYPE_CHECKING:
    from deephealth.eddl.net.net import Net

__all__ = ["blame"]


class _Witness(fx.Interpreter):
    """Runs a graph node by node and remembers the node it is at, and what went into it."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.node: fx.Node | None = None
        self.shapes: list[list[int]] = []

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.shapes = [list(arg.shape) for arg in args if isinstance(arg, torch.Tensor)]
        return super().call_module(target, args, kwargs)

    def run_node(self, n: fx.Node) -> Any:
        self.node = n
        return super().run_node(n)


def blame(net: Net, inputs: Sequence[torch.Tensor], error: Exception) -> EddlError:
    """Return an error that names the layer in which ``error`` came up, and the shapes that went into it.

    Args:
        net: the net whose pass failed.
        inputs: what it was run on.
        error: what torch said.
    """
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if net.isrecurrent:
        return EddlError("Net.forward", reason)
    witness = _Witness(net.capture)
    try:
        with torch.no_grad():
            witness.run(*inputs)
    except (RuntimeError, IndexError, ValueError):
        layer = _layer_at(net, witness)
        if layer is not None:
            return EddlShapeError(
                "Net.forward",
                f"{type(layer).__name__} {layer.name} cannot run on {', '.join(map(str, witness.shapes))}: {reason}",
                allowed=f"parents of shape {', '.join(str(['batch', *parent.shape]) for parent in layer.parent)}",
                hint="eddl.summary(net) shows every layer's shapes",
            )
    return EddlError("Net.forward", reason)


def _layer_at(net: Net, witness: _Witness) -> Any:
    if witness.node is None:
        return None
    names = [str(node.target) for node in net.capture.graph.nodes if node.op in {"placeholder", "call_module"}]
    by_name = dict(zip(names, [*net.lin, *(layer for layer in net.layers if layer not in net.lin)], strict=False))
    return by_name.get(str(witness.node.target))
