"""What a layer computes: a ``torch.nn.Module`` that also knows its parameters in EDDL's order and layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

import torch
from torch import nn

from deephealth.eddl.strictness import is_strict

__all__ = ["Op", "Slot", "slots_of"]


@dataclass(frozen=True)
class Slot:
    """One parameter tensor in EDDL's list.

    Args:
        name: attribute of the module that stores it (dotted inside submodules): a ``Parameter`` or a buffer.
        view: takes the stored tensor (or its gradient) and returns EDDL's view of it, aliasing its memory;
            ``None`` when the stored tensor is already in EDDL's layout.
        trainable: whether the optimizer changes it.
        fixed: the constant it gets at initialisation; ``None``: the layer's initializer draws it.
        scratch: it is left over from the last batch, as long as that batch, and means nothing to the next.
    """

    name: str
    view: Callable[[torch.Tensor], torch.Tensor] | None = None
    trainable: bool = True
    fixed: float | None = None
    scratch: bool = False

    def value(self, module: nn.Module) -> torch.Tensor:
        """Return the parameter, detached, aliasing what the module computes with."""
        stored = attrgetter(self.name)(module).detach()
        return self.view(stored) if self.view else stored

    def gradient(self, module: nn.Module) -> torch.Tensor | None:
        """Return its gradient in the same layout, or ``None`` where there is none yet."""
        grad = attrgetter(self.name)(module).grad if self.trainable else None
        if grad is None:
            return None
        return self.view(grad) if self.view else grad


class Op(nn.Module):
    """Base of what layers compute: ``forward(*parent_outputs) -> output``, batch first, float32.

    An op remembers whether strict mode was on when it was made (``self.strict``).
    """

    strict: bool

    def __init__(self) -> None:
        super().__init__()
        self.strict = is_strict()

    def slots(self) -> list[Slot]:
        """Return this op's parameters in EDDL's order: by default parameters, then buffers, as registered."""
        own = [Slot(name) for name, _ in self.named_parameters(recurse=False)]
        return own + [Slot(name, trainable=False, fixed=0.0) for name, _ in self.named_buffers(recurse=False)]


def slots_of(module: nn.Module) -> list[Slot]:
    """Return the parameters of any module; a module that is no :class:`Op` lists its own, then its buffers, by path."""
    if isinstance(module, Op):
        return module.slots()
    own = [Slot(name) for name, _ in module.named_parameters()]
    return own + [Slot(name, trainable=False) for name, _ in module.named_buffers()]
