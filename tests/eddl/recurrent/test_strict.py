"""Strict mode's gradients, against an emulation of the original with hooks on an ordinary autograd tape.

The recorded results of the original cover the GRU; the masked LSTM is covered here.
"""

from __future__ import annotations

import pytest
import torch

from deephealth.eddl.ops.recurrent_gru import GRUOp
from deephealth.eddl.ops.recurrent_lstm import LSTMOp
from deephealth.eddl.strictness import strict_mode
from tests.eddl.recurrent.reference import compare_gradients, fill, gru_step, lstm_step, tensors

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def leaky(new: torch.Tensor, old: torch.Tensor, idle: torch.Tensor, later: dict) -> torch.Tensor:
    """The masked value; backward, the gradient goes to ``new`` whole, and ``old`` gets keep * own + idle * later."""
    if old.requires_grad:
        old.register_hook(lambda own: (1 - idle) * own + idle * later.get("delta", 0.0))
    value = new + (idle * (old - new)).detach()
    value.register_hook(lambda delta: later.update(delta=delta.clone()))
    return value.clone()  # the next step's hook goes on the clone, and so runs before the one above


def original(step, x: torch.Tensor, states: list[torch.Tensor], p) -> list[torch.Tensor]:
    outputs = []
    for part in x:
        idle = (part.abs().sum(1, keepdim=True) == 0).float()
        new = step(part, *states, p)
        states = [leaky(a, b, idle, {}) for a, b in zip(new, states, strict=True)]
        outputs.append(states[0])
    return [torch.stack(outputs), *states]


def data() -> torch.Tensor:
    x = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(3))
    x[0, 0] = x[2, 0] = x[5, 0] = x[:, 1] = x[3:5, 2] = 0.0
    return x


def test_the_masked_lstm_has_the_originals_gradients() -> None:
    with strict_mode():
        op = fill(LSTMOp(3, 5, True))
    p, x, mine = tensors(op), data().requires_grad_(), data().requires_grad_()
    wanted = original(lstm_step, x, [torch.zeros(4, 5), torch.zeros(4, 5)], p)
    got = op(mine)
    weights = torch.randn_like(wanted[0])
    (wanted[0] * weights).sum().backward()
    (got[0] * weights).sum().backward()
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b, **CLOSE)
    torch.testing.assert_close(mine.grad, x.grad, **CLOSE)
    compare_gradients(op, p, **CLOSE)


def test_masked_steps_count_in_the_originals_bias_gradients_and_not_in_ours() -> None:
    x = torch.zeros(3, 1, 3)
    x[2] = 1.0
    grads = []
    for strict in (True, False):
        with strict_mode(strict):
            op = fill(LSTMOp(3, 5, True))
        op(x)[0].sum().backward()
        grads.append(op.bias.grad)
    with strict_mode(False):
        alone = fill(LSTMOp(3, 5))
    alone(x[2:])[0].sum().backward()
    torch.testing.assert_close(grads[1], alone.bias.grad, **CLOSE)
    assert not torch.allclose(grads[0], grads[1], rtol=1e-2)


def test_strict_gru_differs_in_two_gradients_only() -> None:
    x = torch.randn(6, 4, 3)
    both = []
    for strict in (True, False):
        with strict_mode(strict):
            op = fill(GRUOp(3, 5))
        out, _ = op(x)
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        both.append((out.detach(), [slot.gradient(op) for slot in op.slots()]))
    (out, grads), (out_default, grads_default) = both
    torch.testing.assert_close(out, out_default, **CLOSE)
    differ = [not torch.allclose(a, b, rtol=1e-3, atol=1e-4) for a, b in zip(grads, grads_default, strict=True)]
    assert differ == [False] * 5 + [True] + [False] * 3 + [True], "U of n and the hidden bias of n"


def test_strict_gru_masked_has_the_originals_gradients_elsewhere() -> None:
    with strict_mode():
        op = fill(GRUOp(3, 5, True))
    p, x = tensors(op), data()
    wanted = original(gru_step, x, [torch.zeros(4, 5)], p)
    got = op(x)
    weights = torch.randn_like(wanted[0])
    (wanted[0] * weights).sum().backward()
    (got[0] * weights).sum().backward()
    for number, (slot, leaf) in enumerate(zip(op.slots(), p, strict=True)):
        if number not in (5, 9):
            torch.testing.assert_close(slot.gradient(op), leaf.grad, msg=f"slot {number}", **CLOSE)


@pytest.mark.parametrize("kind", [LSTMOp, GRUOp])
def test_strict_ignores_bidirectional(kind) -> None:
    with strict_mode():
        op = kind(3, 5, False, True)
    assert op.width == 5
    assert fill(op)(torch.randn(2, 1, 3))[0].shape == (2, 1, 5)
