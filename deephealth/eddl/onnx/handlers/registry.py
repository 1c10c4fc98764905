"""The table of handlers: ONNX operator -> the EDDL layer that does the same, where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from deephealth.eddl.graph.layer import Layer
from deephealth.eddl.onnx.site import Site

__all__ = ["HANDLERS", "Handler", "handler", "load"]

Handler = Callable[[Site], Layer | None]

HANDLERS: dict[str, Handler] = {}


def handler(*names: str) -> Callable[[Handler], Handler]:
    """Enter the decorated function as the handler of each operator in ``names``; it returns ``None`` to decline."""

    def enter(make: Handler) -> Handler:
        for name in names:
            HANDLERS[name] = make
        return make

    return enter


def load(layer: Layer, tensors: Sequence[Tensor]) -> Layer:
    """Copy weights into a layer's parameters, in EDDL's order and layout, and return the layer."""
    with torch.no_grad():
        for param, tensor in zip(layer.params, tensors, strict=False):
            param.torch.copy_(tensor.reshape(param.torch.shape))
    return layer
