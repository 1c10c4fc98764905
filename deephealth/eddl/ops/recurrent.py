"""What recurrent layers have in common: weights packed for torch's fused kernels, seen as EDDL's tensors per gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import nn

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.graph.op import Op, Slot

__all__ = ["RecurrentOp", "gate", "gate_slots"]


def gate(stored: torch.Tensor, *, index: int, units: int) -> torch.Tensor:
    """Return one gate's part of a packed tensor, aliasing it: ``[in, units]`` for weights, ``[units]`` for a bias.

    Args:
        stored: ``[gates * units, in]`` or ``[gates * units]``, as torch packs them.
        index: which gate, in torch's order.
        units: units per gate.

    Example:
        >>> packed = torch.arange(8.0).reshape(4, 2)
        >>> gate(packed, index=1, units=2)
        tensor([[4., 6.],
                [5., 7.]])
    """
    part = stored.narrow(0, index * units, units)
    return part.t() if part.dim() == 2 else part


def gate_slots(stored: Sequence[str], order: Sequence[int], units: int) -> list[Slot]:
    """Return the slots of packed tensors, tensor by tensor, the gates of each in EDDL's order.

    Args:
        stored: attribute names of the packed tensors.
        order: torch's index of each of EDDL's gates.
        units: units per gate.
    """
    return [Slot(name, view=partial(gate, index=index, units=units)) for name in stored for index in order]


class RecurrentOp(Op):
    """Base of RNN, LSTM and GRU.

    ``forward`` takes one step ``[B, in]`` and returns its output ``[B, width]``, or a sequence ``[T, B, in]`` and
    returns the outputs ``[T, B, width]`` followed by the last states, each ``[B, width]``. The initial states follow
    the input: nothing (zeros), the states one by one (``[B, width]`` each), or all in one tensor
    ``[B, number, width]``.

    Args:
        size: input features.
        units: units per direction.
        bidirectional: also run from the last step to the first, with weights of its own; the outputs are concatenated.
            Ignored in strict mode, as the original ignores it.

    Attributes:
        width: output features.
        left: the states that the last pass left, for ``getStates``.
    """

    gates = 1
    state_count = 1
    no_bias: torch.Tensor

    def __init__(self, size: int, units: int, *, bidirectional: bool = False) -> None:
        super().__init__()
        self.size, self.units = int(size), int(units)
        self.bidirectional = bool(bidirectional) and not self.strict
        self.directions = 2 if self.bidirectional else 1
        self.width = self.units * self.directions
        self.left: list[torch.Tensor] = []
        for end in self.endings():
            self._allocate(end)

    def endings(self) -> list[str]:
        """Return what the names of the parameters end with: nothing, and ``_reverse`` for the other direction."""
        return ["", "_reverse"][: self.directions]

    def _allocate(self, end: str) -> None:
        rows = self.gates * self.units
        self.register_parameter(f"weight_ih{end}", nn.Parameter(torch.empty(rows, self.size)))
        self.register_parameter(f"weight_hh{end}", nn.Parameter(torch.empty(rows, self.units)))

    # ------------------------------------------------------------------ what the kinds differ in

    def weights(self, end: str) -> list[torch.Tensor]:
        """Return one direction's weights as torch's kernels take them."""
        raise NotImplementedError

    def sweep(self, x: torch.Tensor, states: Sequence[torch.Tensor], *, fresh: bool) -> tuple[torch.Tensor, ...]:
        """Run over a sequence.

        Args:
            x: ``[T, B, in]``.
            states: the initial states, ``[B, width]`` each.
            fresh: whether no states were given, so that these are zeros.

        Returns:
            The outputs ``[T, B, width]``, then the last states ``[B, width]``.
        """
        raise NotImplementedError

    # ------------------------------------------------------------------ running

    def forward(self, x: torch.Tensor, *states: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Run one step or a sequence (see the class)."""
        one_step = x.dim() == 2
        results = self.sweep(x.unsqueeze(0) if one_step else x, self._initial(x, states), fresh=len(states) == 0)
        if not torch.compiler.is_compiling():
            self.left = [state.detach().clone() for state in results[1:]]
        return results[0][0] if one_step else results

    def _initial(self, x: torch.Tensor, given: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        states: list[torch.Tensor] = []
        for part in given:
            states.extend(part.unbind(1) if part.dim() == 3 else [part])
        if self.bidirectional:  # states of one direction begin both
            states = [torch.cat((each, each), 1) if each.shape[-1] == self.units else each for each in states]
        if x.shape[-1] != self.size or any(state.shape[-1] != self.width for state in states):
            raise EddlShapeError(
                type(self).__name__,
                f"got features {x.shape[-1]} and states of {[state.shape[-1] for state in states]} units",
                allowed=f"features {self.size}, states of {self.width} units",
            )
        while len(states) < self.state_count:
            states.append(x.new_zeros(x.shape[-2], self.width))
        return states[: self.state_count]

    def packed_states(self, state: torch.Tensor) -> torch.Tensor:
        """Return ``[B, width]`` as the ``[directions, B, units]`` that torch's kernels take."""
        if self.directions == 1:
            return state.unsqueeze(0)
        return torch.stack(state.split(self.units, dim=1))

    def flat_states(self, state: torch.Tensor) -> torch.Tensor:
        """Return ``[directions, B, units]`` as ``[B, width]``."""
        return state[0] if self.directions == 1 else torch.cat((state[0], state[1]), dim=1)

    def each_direction(
        self, x: torch.Tensor, states: Sequence[torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor, list[torch.Tensor]]]:
        """Yield (ending of the parameters' names, input in the order of reading, that direction's states)."""
        for number, end in enumerate(self.endings()):
            own = [state.narrow(1, number * self.units, self.units) for state in states]
            yield end, x.flip(0) if number else x, own

    def join(self, results: Sequence[tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
        """Concatenate what the directions gave, the outputs of the second put back in the order of time."""
        if len(results) == 1:
            return results[0]
        forward, backward = results
        outputs = torch.cat((forward[0], backward[0].flip(0)), dim=2)
        return outputs, *(torch.cat(pair, dim=1) for pair in zip(forward[1:], backward[1:], strict=True))
