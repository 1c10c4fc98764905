"""GRU on torch's fused kernel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deephealth.eddl.graph.op import Slot
from deephealth.eddl.ops.recurrent import RecurrentOp, gate_slots
from deephealth.eddl.ops.recurrent_mask import compact, spread_back
from deephealth.eddl.ops.recurrent_strict import StrictGRU

__all__ = ["GRUOp"]


class GRUOp(RecurrentOp):
    """GRU: ``n = tanh(W x + b + r (U h + b_hidden))``, ``h' = (1 - z) n + z h``.

    Stored as torch packs it (gates r, z, n); EDDL's order is z, r, n, with one bias per gate and a hidden bias for n
    only.

    Args:
        size: input features.
        units: units per direction.
        mask_zeros: a step whose input is all zeros leaves the state as it is.
        bidirectional: see :class:`~deephealth.eddl.ops.recurrent.RecurrentOp`.
    """

    gates = 3

    def __init__(self, size: int, units: int, mask_zeros: bool = False, bidirectional: bool = False) -> None:
        super().__init__(size, units, bidirectional=bidirectional)
        self.mask_zeros = bool(mask_zeros)

    def _allocate(self, end: str) -> None:
        super()._allocate(end)
        self.register_parameter(f"bias{end}", nn.Parameter(torch.empty(3 * self.units)))
        self.register_parameter(f"bias_n_hidden{end}", nn.Parameter(torch.empty(self.units)))
        if not end:
            self.register_buffer("no_bias", torch.zeros(2 * self.units), persistent=False)

    def slots(self) -> list[Slot]:
        """Return W, U and b of the gates z, r, n and the hidden bias of n; then those of the reverse direction."""
        found = []
        for end in self.endings():
            found += gate_slots([f"weight_ih{end}", f"weight_hh{end}", f"bias{end}"], (1, 0, 2), self.units)
            found.append(Slot(f"bias_n_hidden{end}"))
        return found

    def weights(self, end: str) -> list[torch.Tensor]:
        """Return one direction's weights as torch's kernel takes them: the hidden biases of r and z are zero."""
        hidden = torch.cat((self.no_bias, getattr(self, f"bias_n_hidden{end}")))
        return [getattr(self, f"weight_ih{end}"), getattr(self, f"weight_hh{end}"), getattr(self, f"bias{end}"), hidden]

    def sweep(self, x: torch.Tensor, states: Sequence[torch.Tensor], *, fresh: bool) -> tuple[torch.Tensor, ...]:
        """Run over ``[T, B, in]``; return the outputs and h."""
        (h,) = states
        if self.strict:
            own = (self.weight_ih, self.weight_hh, self.bias, self.bias_n_hidden)
            return StrictGRU.apply(x, h, *own, self.mask_zeros, fresh)[:2]
        if self.mask_zeros:
            return self.join([self._masked(*each) for each in self.each_direction(x, states)])
        weights = [weight for end in self.endings() for weight in self.weights(end)]
        outputs, last = torch.gru(
            x, self.packed_states(h), weights, True, 1, 0.0, self.training, self.bidirectional, False
        )
        return outputs, self.flat_states(last)

    def _masked(self, end: str, x: torch.Tensor, states: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        compacted = compact(x)
        outputs, _ = torch.gru(
            compacted.x, states[0].unsqueeze(0), self.weights(end), True, 1, 0.0, self.training, False, False
        )
        outputs = spread_back(outputs, states[0], compacted.seen)
        return outputs, outputs[-1]
