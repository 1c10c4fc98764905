"""A layer: one node of the symbolic graph, with its op, its parameters and what the last pass left in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from deephealth.eddl.graph.names import clean_name, default_name
from deephealth.eddl.graph.op import Slot, slots_of
from deephealth.eddl.tensor import DEV_CPU, Tensor

if TYPE_CHECKING:
    from deephealth.eddl.initial import Initializer, Regularizer

__all__ = ["Layer"]


class Layer:
    """One node of the graph.

    Args:
        parents: the layers it reads, in order.
        op: the module it computes with, called on the parents' outputs; ``None`` for an input.
        shape: the shape of its output, without the batch.
        name: the user's name; empty for the next default name.

    Attributes:
        parent: layers it reads.
        child: layers that read it.
        op: its torch module.
        shape: shape of its output, without the batch.
        trainable: whether the optimizer changes it.
    """

    prefix: ClassVar[str] = "layer"
    family: ClassVar[str | None] = None
    advance: ClassVar[int] = 1
    is_random_generator: ClassVar[bool] = False
    """A source without parents: its op gets ``batch_size`` set before every pass."""

    def __init__(self, parents: Sequence[Layer], op: nn.Module | None, shape: Sequence[int], name: str = "") -> None:
        self.parent: list[Layer] = list(parents)
        self.child: list[Layer] = []
        self.op = op
        self.shape = [int(size) for size in shape]
        self.name = clean_name(name) if name else self.make_name()
        for layer in self.parent:
            layer.child.append(self)
        self._start()

    def _start(self) -> None:
        self.net: Any = None
        self.trainable = True
        self.init: Initializer | None = None
        self.reg: Regularizer | None = None
        self.isrecurrent = self.isshared = self.iscloned = self.isnorm = self.isdecoder = False
        self.distributed_training = self.detached = self.do_deletes = False
        self.orig: Layer | None = None
        self.sorig: Layer | None = None
        self.clones: list[Layer] = []
        self.mem_level = self.mode = self.delta_bp = self.verbosity_level = 0
        self.dev = DEV_CPU
        self.target: Tensor | None = None
        self.acc_gradients: list[Tensor] = []
        self.value: torch.Tensor | None = None
        """What the last pass computed, still on the autograd tape if it was a training pass."""
        self.state_values: list[torch.Tensor] = []
        """States that the last pass left (recurrent layers: h, and c for LSTM)."""

    def make_name(self) -> str:
        """Return the next default name of this layer's family."""
        return default_name(self.prefix, self.family, advance=self.advance)

    # ------------------------------------------------------------------ parameters

    def slots(self) -> list[Slot]:
        """Return the descriptions of the parameters, in EDDL's order."""
        return slots_of(self.op) if self.op is not None else []

    @property
    def params(self) -> list[Tensor]:
        """Parameters in EDDL's order and layout; they alias what the net computes with."""
        return [Tensor.from_torch(slot.value(self.module)) for slot in self.slots()]

    @property
    def gradients(self) -> list[Tensor]:
        """Gradients of the trainable parameters, zero where no backward pass has been."""
        return [Tensor.from_torch(self._gradient(slot)) for slot in self.slots() if slot.trainable]

    def _gradient(self, slot: Slot) -> torch.Tensor:
        found = slot.gradient(self.module)
        return torch.zeros_like(slot.value(self.module)) if found is None else found.detach()

    @property
    def module(self) -> nn.Module:
        """The op; an error names the layer if it has none (an input)."""
        if self.op is None:
            msg = f"layer {self.name} is an input and computes nothing"
            raise AttributeError(msg)
        return self.op

    def get_trainable_params_count(self) -> int:
        """Return how many of ``params`` the optimizer may change."""
        return sum(slot.trainable for slot in self.slots())

    def setTrainable(self, value: bool) -> None:
        """Freeze (``False``) or thaw (``True``) the layer."""
        self.trainable = bool(value)
        if self.op is not None:
            self.op.requires_grad_(self.trainable)

    def initialize(self, key: Sequence[int] = ()) -> None:
        """Draw the parameters again with the layer's initializer.

        Args:
            key: extra integers that tell this layer's draws from another's under one seed.
        """
        from deephealth.eddl.initial import initialize_layer

        initialize_layer(self, key)

    # ------------------------------------------------------------------ what the last pass left

    @property
    def output(self) -> Tensor:
        """The last output, aliased; zeros of batch 1 before the first pass."""
        if self.value is None:
            return Tensor.from_torch(torch.zeros([1, *self.shape]))
        return Tensor.from_torch(self.value.detach())

    @output.setter
    def output(self, tensor: Tensor) -> None:
        self.value = tensor.torch

    @property
    def input(self) -> Tensor | None:
        """The last output of the first parent."""
        return self.parent[0].output if self.parent else self.output

    @property
    def delta(self) -> Tensor:
        """The gradient of the loss at this layer's output; zeros before a backward pass."""
        if self.value is None or self.value.grad is None:
            return Tensor.from_torch(torch.zeros_like(self.output.torch))
        return Tensor.from_torch(self.value.grad)

    @property
    def states(self) -> list[Tensor]:
        """States of a recurrent layer after the last pass."""
        return [Tensor.from_torch(state.detach()) for state in self.state_values]

    @property
    def delta_states(self) -> list[Tensor]:
        """Gradients of the states, zero where the pass kept none."""
        return [Tensor.from_torch(torch.zeros_like(s) if s.grad is None else s.grad) for s in self.state_values]

    # ------------------------------------------------------------------ graph

    @property
    def lin(self) -> int:
        """How many layers it reads."""
        return len(self.parent)

    @property
    def lout(self) -> int:
        """How many layers read it."""
        return len(self.child)

    def set_detach(self) -> None:
        """Stop the gradient at this layer's output until the next forward pass."""
        self.detached = True

    # ------------------------------------------------------------------ small methods of the original

    def info(self) -> None:
        """Print the name, the layers it reads and those that read it."""
        parents, children = (", ".join(each.name for each in side) for side in (self.parent, self.child))
        sys.stdout.write(f"{self.name}: shape {self.shape}, reads [{parents}], read by [{children}]\n")

    def zeroGrads(self) -> None:
        """Forget the gradients of its parameters."""
        for parameter in self.op.parameters() if self.op is not None else ():
            parameter.grad = None

    def clamp(self, min: float, max: float) -> None:
        """Clamp its parameters to ``min`` .. ``max``."""
        for param in self.params:
            param.torch.clamp_(min, max)

    def copy(self, l2: Layer) -> None:
        """Copy its parameters into ``l2``."""
        for own, other in zip(self.params, l2.params, strict=True):
            other.torch.copy_(own.torch)

    def setmode(self, m: int) -> None:
        """Set training (1) or test (0) mode of this layer alone."""
        self.mode = m
        if self.op is not None:
            self.op.train(bool(m))

    def reset(self) -> None:
        """Forget the gradient at its output, and its ``detach`` mark."""
        self.detached = False
        if self.value is not None:
            self.value.grad = None

    def resize(self, batch: int) -> None:
        """Forget the last output; the next pass brings its own batch size, so that nothing else has to change."""
        self.value = None if self.value is not None and self.value.shape[0] != batch else self.value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.shape}>"
