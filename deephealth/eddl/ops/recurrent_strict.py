"""The original's backward passes of GRU and of the masked LSTM, which are not the derivatives of their forward passes.

Both let steps that are masked out count in the gradients of recurrent weights and biases, and wipe the gradient that
earlier steps of the masked samples get from elsewhere. GRU's recurrent weight of n gets the gradient of the other GRU
variant (reset before the product), and its hidden bias gets none at a first step without a state.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd import Function

__all__ = ["StrictGRU", "StrictMaskedLSTM"]


def _idle(x: torch.Tensor, masked: bool) -> torch.Tensor:
    """Return ``[T, B, 1]``: 1 where a step is masked out."""
    if not masked:
        return x.new_zeros(*x.shape[:2], 1)
    return (x.abs().sum(dim=2, keepdim=True) == 0).to(x.dtype)


class StrictMaskedLSTM(Function):
    """Masked LSTM with the original's gradients: ``apply(x, h, c, weight_ih, weight_hh, bias) -> outputs, h, c``."""

    @staticmethod
    def forward(
        x: torch.Tensor,
        h: torch.Tensor,
        c: torch.Tensor,
        weight_ih: torch.Tensor,
        weight_hh: torch.Tensor,
        bias: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        """Run over ``[T, B, in]``; the last three results are kept for backward."""
        idle = _idle(x, True)
        outputs, kept, cells = [], [], [c]
        for step, skip in zip(x, idle, strict=True):
            i, f, g, o = torch.addmm(bias, step, weight_ih.t()).addmm(h, weight_hh.t()).chunk(4, dim=1)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            fresh = i * g + f * c
            squashed = fresh.tanh()
            h = (1 - skip) * (squashed * o) + skip * h
            c = (1 - skip) * fresh + skip * c
            outputs.append(h)
            kept.append(torch.cat((i, f, g, o, squashed), dim=1))
            cells.append(c)
        return torch.stack(outputs), h.clone(), c.clone(), torch.stack(kept), torch.stack(cells), idle

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
        """Keep what backward needs."""
        x, h, _, weight_ih, weight_hh, _ = inputs
        outputs, _, _, kept, cells, idle = output
        ctx.mark_non_differentiable(kept, cells, idle)
        ctx.save_for_backward(x, h, weight_ih, weight_hh, outputs, kept, cells, idle)

    @staticmethod
    def backward(ctx: Any, *deltas: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Go back step by step, as the original's unrolled layers do."""
        x, h0, weight_ih, weight_hh, outputs, kept, cells, idle = ctx.saved_tensors
        from_above, delta_h, delta_c = deltas[0], deltas[1] + deltas[0][-1], deltas[2]
        before = torch.cat((h0.unsqueeze(0), outputs[:-1]))
        gates = torch.empty_like(kept[..., : weight_ih.shape[0]])
        for t in range(len(x) - 1, -1, -1):
            i, f, g, o, squashed = kept[t].chunk(5, dim=1)
            into_cell = delta_c + delta_h * o * (1 - squashed * squashed)
            gates[t] = torch.cat(
                (
                    into_cell * g * i * (1 - i),
                    into_cell * cells[t] * f * (1 - f),
                    into_cell * i * (1 - g * g),
                    delta_h * squashed * o * (1 - o),
                ),
                dim=1,
            )
            earlier = gates[t] @ weight_hh
            if t:
                earlier = earlier + from_above[t - 1]
            delta_h = (1 - idle[t]) * earlier + idle[t] * delta_h
            delta_c = (1 - idle[t]) * (into_cell * f) + idle[t] * delta_c
        flat = gates.flatten(0, 1)
        return (
            gates @ weight_ih,
            delta_h,
            delta_c,
            flat.t() @ x.flatten(0, 1),
            flat.t() @ before.flatten(0, 1),
            flat.sum(0),
        )


class StrictGRU(Function):
    """GRU with the original's gradients.

    ``apply(x, h, weight_ih, weight_hh, bias, bias_n_hidden, masked, from_start) -> outputs, h``; ``from_start`` says
    that no state was given.
    """

    @staticmethod
    def forward(
        x: torch.Tensor,
        h: torch.Tensor,
        weight_ih: torch.Tensor,
        weight_hh: torch.Tensor,
        bias: torch.Tensor,
        bias_n_hidden: torch.Tensor,
        masked: bool,
        from_start: bool,
    ) -> tuple[torch.Tensor, ...]:
        """Run over ``[T, B, in]``; the last two results are kept for backward."""
        idle = _idle(x, masked)
        outputs, kept = [], []
        for step, skip in zip(x, idle, strict=True):
            in_r, in_z, in_n = torch.addmm(bias, step, weight_ih.t()).chunk(3, dim=1)
            hidden_r, hidden_z, hidden_n = (h @ weight_hh.t()).chunk(3, dim=1)
            r, z = (in_r + hidden_r).sigmoid(), (in_z + hidden_z).sigmoid()
            hidden_n = hidden_n + bias_n_hidden
            n = (in_n + r * hidden_n).tanh()
            h = (1 - skip) * ((1 - z) * n + z * h) + skip * h
            outputs.append(h)
            kept.append(torch.cat((r, z, n, hidden_n), dim=1))
        return torch.stack(outputs), h.clone(), torch.stack(kept), idle

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
        """Keep what backward needs."""
        x, h, weight_ih, weight_hh, _, _, _, from_start = inputs
        outputs, _, kept, idle = output
        ctx.mark_non_differentiable(kept, idle)
        ctx.from_start = from_start
        ctx.save_for_backward(x, h, weight_ih, weight_hh, outputs, kept, idle)

    @staticmethod
    def backward(ctx: Any, *deltas: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Go back step by step, as the original's unrolled layers do."""
        x, h0, weight_ih, weight_hh, outputs, kept, idle = ctx.saved_tensors
        from_above, delta = deltas[0], deltas[1] + deltas[0][-1]
        before = torch.cat((h0.unsqueeze(0), outputs[:-1]))
        r, z, n, hidden_n = kept.chunk(4, dim=2)
        gates = x.new_empty(*x.shape[:2], weight_ih.shape[0])
        for t in range(len(x) - 1, -1, -1):
            into_n = delta * (1 - z[t]) * (1 - n[t] * n[t])
            into_r = into_n * hidden_n[t] * r[t] * (1 - r[t])
            into_z = delta * (before[t] - n[t]) * z[t] * (1 - z[t])
            gates[t] = torch.cat((into_r, into_z, into_n), dim=1)
            earlier = torch.cat((into_r, into_z, into_n * r[t]), dim=1) @ weight_hh + delta * z[t]
            if t:
                earlier = earlier + from_above[t - 1]
            delta = (1 - idle[t]) * earlier + idle[t] * delta
        return _gru_gradients(x, before, gates, r, weight_ih, ctx.from_start, delta)


def _gru_gradients(
    x: torch.Tensor,
    before: torch.Tensor,
    gates: torch.Tensor,
    r: torch.Tensor,
    weight_ih: torch.Tensor,
    from_start: bool,
    delta: torch.Tensor,
) -> tuple[torch.Tensor | None, ...]:
    flat = gates.flatten(0, 1)
    units = r.shape[2]
    rz, into_n = gates[..., : 2 * units].flatten(0, 1), gates[..., 2 * units :]
    weight_hh = torch.cat((rz.t() @ before.flatten(0, 1), into_n.flatten(0, 1).t() @ (r * before).flatten(0, 1)))
    first = 1 if from_start else 0
    hidden = (into_n * r)[first:].sum((0, 1))
    return gates @ weight_ih, delta, flat.t() @ x.flatten(0, 1), weight_hh, flat.sum(0), hidden, None, None
