"""Which parameters of some layers an optimizer may change."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from deephealth.eddl.graph.layer import Layer

__all__ = ["Trainable"]


class Trainable:
    """The trainable parameters of some layers, each once, in the order of the layers.

    Args:
        layers: the layers, frozen ones too: they may be thawed later.

    Attributes:
        params: the parameters, as torch keeps them.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        found: dict[int, tuple[Layer, nn.Parameter]] = {}
        for layer in layers:
            for slot in layer.slots():
                stored = attrgetter(slot.name)(layer.module)
                if slot.trainable and isinstance(stored, nn.Parameter):
                    found.setdefault(id(stored), (layer, stored))
        self._pairs = list(found.values())
        self.params: list[torch.Tensor] = [param for _, param in self._pairs]

    def gradients(self) -> list[torch.Tensor]:
        """Return the gradients of the parameters that are not frozen and have one."""
        return self.ready()[2]

    def ready(self) -> tuple[list[int] | None, list[torch.Tensor], list[torch.Tensor]]:
        """Return which parameters can be changed now (``None`` for all), these parameters, and their gradients."""
        chosen: list[int] = []
        params: list[torch.Tensor] = []
        grads: list[torch.Tensor] = []
        for index, (layer, param) in enumerate(self._pairs):
            grad = param.grad
            if grad is not None and param.requires_grad and layer.trainable:
                chosen.append(index)
                params.append(param)
                grads.append(grad)
        if len(params) == len(self.params):
            return None, self.params, grads
        return chosen, params, grads

    def beside(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the tensors, one for each parameter, on the devices where the parameters are now."""
        return [tensor.to(param.device) for tensor, param in zip(tensors, self.params, strict=True)]
