"""The plain recurrent layer, on torch's fused kernels where there is one for its activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from deephealth.eddl.errors import EddlError
from deephealth.eddl.graph.op import Slot
from deephealth.eddl.ops.recurrent import RecurrentOp, gate_slots

__all__ = ["RNNOp"]


def _hard_sigmoid(x: torch.Tensor) -> torch.Tensor:
    return (0.2 * x + 0.5).clamp(0.0, 1.0)


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


_LOOPED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "none": _same,
}
_FUSED = {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}


class RNNOp(RecurrentOp):
    """RNN: ``h' = activation(W x + U h + b)``.

    Args:
        size: input features.
        units: units per direction.
        activation: tanh, relu, sigmoid, hard_sigmoid or none.
        use_bias: whether there is a b.
        bidirectional: see :class:`~deephealth.eddl.ops.recurrent.RecurrentOp`.

    Raises:
        EddlError: another activation.
    """

    def __init__(
        self, size: int, units: int, activation: str = "tanh", use_bias: bool = True, bidirectional: bool = False
    ) -> None:
        self.activation, self.use_bias = activation, bool(use_bias)
        if activation not in _FUSED and activation not in _LOOPED:
            raise EddlError(
                "RNN::RNN",
                f'activation "{activation}" is not supported for RNN',
                allowed=", ".join([*_FUSED, *_LOOPED]),
            )
        super().__init__(size, units, bidirectional=bidirectional)

    def _allocate(self, end: str) -> None:
        super()._allocate(end)
        if self.use_bias:
            self.register_parameter(f"bias{end}", nn.Parameter(torch.empty(self.units)))
            if not end:
                self.register_buffer("no_bias", torch.zeros(self.units), persistent=False)

    def _stored(self, end: str) -> list[str]:
        return [f"weight_ih{end}", f"weight_hh{end}", *([f"bias{end}"] if self.use_bias else [])]

    def slots(self) -> list[Slot]:
        """Return W, U and, if there is one, b; then those of the reverse direction."""
        return [slot for end in self.endings() for slot in gate_slots(self._stored(end), (0,), self.units)]

    def weights(self, end: str) -> list[torch.Tensor]:
        """Return one direction's weights as torch's kernels take them."""
        own = [getattr(self, name) for name in self._stored(end)]
        return [*own, self.no_bias] if self.use_bias else own

    def sweep(self, x: torch.Tensor, states: Sequence[torch.Tensor], *, fresh: bool) -> tuple[torch.Tensor, ...]:
        """Run over ``[T, B, in]``; return the outputs and h."""
        if self.activation in _LOOPED:
            return self.join([self._looped(*each) for each in self.each_direction(x, states)])
        weights = [weight for end in self.endings() for weight in self.weights(end)]
        h = self.packed_states(states[0])
        outputs, last = _FUSED[self.activation](
            x, h, weights, self.use_bias, 1, 0.0, self.training, self.bidirectional, False
        )
        return outputs, self.flat_states(last)

    def _looped(self, end: str, x: torch.Tensor, states: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        activation = _LOOPED[self.activation]
        weight_ih, weight_hh, *bias = self.weights(end)
        parts = nn.functional.linear(x, weight_ih, bias[0] if bias else None)
        h, outputs = states[0], []
        for part in parts.unbind(0):
            h = activation(torch.addmm(part, h, weight_hh.t()))
            outputs.append(h)
        return torch.stack(outputs), h
