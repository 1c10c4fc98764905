"""A torch module as the op of a layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.op import Op, Slot

__all__ = ["TorchOp"]


class TorchOp(Op):
    """Any torch module.

    Args:
        module: the module; it is used itself, not copied.
        layer: name of the layer, for the error.
    """

    def __init__(self, module: nn.Module, layer: str) -> None:
        super().__init__()
        self.module, self.layer = module, layer

    def slots(self) -> list[Slot]:
        """Return the module's parameters, then its buffers of floats (running statistics)."""
        own = [Slot(f"module.{name}") for name, _ in self.module.named_parameters()]
        buffers = [name for name, buffer in self.module.named_buffers() if buffer.is_floating_point()]
        return own + [Slot(f"module.{name}", trainable=False) for name in buffers]

    def forward(self, *xs: Tensor) -> Tensor:
        """Return what the module computes."""
        return single(self.module(*xs), self.layer)


def single(result: Any, layer: str) -> Tensor:
    """Return ``result`` if it is one tensor with a batch.

    Raises:
        EddlShapeError: the module gave something else.
    """
    if isinstance(result, Tensor) and result.dim() > 0:
        return result
    what = f"the module returned {type(result).__name__}"
    raise EddlShapeError(layer, what, allowed="one tensor [batch, ...]", hint="wrap it in a module that picks one")
