"""Plain time loops to compare the fused layers with, one line per formula."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deephealth.eddl.ops.recurrent import RecurrentOp


def fill(op: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Give every parameter random values."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in op.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.7)
    return op


def tensors(op: RecurrentOp) -> list[torch.Tensor]:
    """The parameters in EDDL's layout, as leaves of their own."""
    return [slot.value(op).clone().requires_grad_() for slot in op.slots()]


def lstm_step(x: torch.Tensor, h: torch.Tensor, c: torch.Tensor, p: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """EDDL's order: W i f o c, U i f o c, b i f o c."""
    i, f, o, g = (x @ p[k] + h @ p[4 + k] + p[8 + k] for k in range(4))
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return [o.sigmoid() * c.tanh(), c]


def gru_step(x: torch.Tensor, h: torch.Tensor, p: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """EDDL's order: W z r n, U z r n, b z r n, hidden b of n."""
    z = (x @ p[0] + h @ p[3] + p[6]).sigmoid()
    r = (x @ p[1] + h @ p[4] + p[7]).sigmoid()
    n = (x @ p[2] + p[8] + r * (h @ p[5] + p[9])).tanh()
    return [(1 - z) * n + z * h]


def loop(step, x: torch.Tensor, states: Sequence[torch.Tensor], p, *, mask: bool) -> tuple[torch.Tensor, ...]:
    """Run ``step`` over [T, B, in]; a masked step leaves the states as they are."""
    states, outputs = list(states), []
    for part in x:
        new = step(part, *states, p)
        if mask:
            valid = (part != 0).any(1, keepdim=True)
            new = [torch.where(valid, a, b) for a, b in zip(new, states, strict=True)]
        states = new
        outputs.append(states[0])
    return torch.stack(outputs), *states


def compare_gradients(op: RecurrentOp, leaves: Sequence[torch.Tensor], **tolerance: float) -> None:
    """The op's gradients in EDDL's layout are those of the leaves."""
    for number, (slot, leaf) in enumerate(zip(op.slots(), leaves, strict=True)):
        torch.testing.assert_close(slot.gradient(op), leaf.grad, msg=f"slot {number}", **tolerance)
