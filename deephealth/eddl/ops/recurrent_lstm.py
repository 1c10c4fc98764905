"""LSTM on torch's fused kernel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deephealth.eddl.graph.op import Slot
from deephealth.eddl.ops.recurrent import RecurrentOp, gate_slots
from deephealth.eddl.ops.recurrent_mask import compact, spread_back
from deephealth.eddl.ops.recurrent_strict import StrictMaskedLSTM

__all__ = ["LSTMOp"]

_uncompiled = torch.compiler.disable(torch.lstm)


def _lstm(
    x: torch.Tensor,
    states: list[torch.Tensor],
    weights: list[torch.Tensor],
    training: bool,
    bidirectional: bool = False,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    # torch cannot compile the backward pass of its CPU kernel, so there the kernel is called between compiled parts
    breaks = torch.compiler.is_compiling() and torch.is_grad_enabled() and not x.is_cuda
    return (_uncompiled if breaks else torch.lstm)(x, states, weights, True, 1, 0.0, training, bidirectional, False)


_HOLD = 1e4
"""Added to a gate's input, it makes the sigmoid exactly 0 or 1 in float32, and its derivative exactly 0."""


class LSTMOp(RecurrentOp):
    """LSTM: ``c' = f c + i tanh(g)``, ``h' = o tanh(c')``.

    Stored as torch packs it (gates i, f, g, o); EDDL's order is i, f, o, c, with one bias. The second bias that the
    kernel takes is a constant zero.

    Args:
        size: input features.
        units: units per direction.
        mask_zeros: a step whose input is all zeros leaves the states as they are. Strict mode reproduces the
            original's gradients, in which such steps still count.
        bidirectional: see :class:`~deephealth.eddl.ops.recurrent.RecurrentOp`.
    """

    gates = 4
    state_count = 2

    def __init__(self, size: int, units: int, mask_zeros: bool = False, bidirectional: bool = False) -> None:
        super().__init__(size, units, bidirectional=bidirectional)
        self.mask_zeros = bool(mask_zeros)

    def _allocate(self, end: str) -> None:
        super()._allocate(end)
        self.register_parameter(f"bias{end}", nn.Parameter(torch.empty(4 * self.units)))
        if not end:
            self.register_buffer("no_bias", torch.zeros(4 * self.units), persistent=False)

    def slots(self) -> list[Slot]:
        """Return W, U and b of the gates i, f, o, c; then those of the reverse direction."""
        names = [[f"weight_ih{end}", f"weight_hh{end}", f"bias{end}"] for end in self.endings()]
        return [slot for group in names for slot in gate_slots(group, (0, 1, 3, 2), self.units)]

    def weights(self, end: str) -> list[torch.Tensor]:
        """Return one direction's weights as torch's kernel takes them."""
        own = [getattr(self, f"{name}{end}") for name in ("weight_ih", "weight_hh", "bias")]
        return [*own, self.no_bias]

    def sweep(self, x: torch.Tensor, states: Sequence[torch.Tensor], *, fresh: bool) -> tuple[torch.Tensor, ...]:
        """Run over ``[T, B, in]``; return the outputs, h and c."""
        if self.mask_zeros and self.strict:
            h, c = states
            return StrictMaskedLSTM.apply(x, h, c, *self.weights("")[:3])[:3]
        if self.mask_zeros:
            return self.join([self._masked(*each) for each in self.each_direction(x, states)])
        packed = [self.packed_states(state) for state in states]
        weights = [weight for end in self.endings() for weight in self.weights(end)]
        outputs, h, c = _lstm(x, packed, weights, self.training, self.bidirectional)
        return outputs, self.flat_states(h), self.flat_states(c)

    def _masked(self, end: str, x: torch.Tensor, states: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Run one direction over the valid steps; an added input closes i and opens f after them, so that c is held."""
        compacted = compact(x)
        weight_ih, *others = self.weights(end)
        hold = weight_ih.new_tensor([-_HOLD, _HOLD, 0.0, 0.0]).repeat_interleave(self.units).unsqueeze(1)
        weights = [torch.cat((weight_ih, hold), dim=1), *others]
        inputs = torch.cat((compacted.x, compacted.idle), dim=2)
        packed = [state.unsqueeze(0) for state in states]
        outputs, _, c = _lstm(inputs, packed, weights, self.training)
        outputs = spread_back(outputs, states[0], compacted.seen)
        return outputs, outputs[-1], c[0]
