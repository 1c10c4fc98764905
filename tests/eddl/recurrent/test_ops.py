"""The fused layers compute what plain time loops compute, forward and backward."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.ops.recurrent_gru import GRUOp
from deephealth.eddl.ops.recurrent_lstm import LSTMOp
from deephealth.eddl.ops.recurrent_mask import compact, spread_back
from deephealth.eddl.ops.recurrent_rnn import RNNOp
from tests.eddl.recurrent.reference import compare_gradients, fill, gru_step, loop, lstm_step, tensors

CLOSE = {"rtol": 1e-4, "atol": 1e-5}
ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda x: (0.2 * x + 0.5).clamp(0, 1),
    "none": lambda x: x,
}


def rnn_step(x, h, p, activation):
    return [activation(x @ p[0] + h @ p[1] + (p[2] if len(p) > 2 else 0.0))]


def case(kind: str, *, mask: bool = False):
    """An op, its loop, and an input with zero steps at the start, inside and at the end."""
    x = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(1))
    x[0, 0] = x[2, 0] = x[5, 0] = x[:, 1] = x[4:, 2] = 0.0
    if kind == "lstm":
        return fill(LSTMOp(3, 5, mask)), lstm_step, x, 2
    if kind == "gru":
        return fill(GRUOp(3, 5, mask)), gru_step, x, 1
    return fill(RNNOp(3, 5, kind)), partial(rnn_step, activation=ACTIVATIONS[kind]), x, 1


@pytest.mark.parametrize(
    ("kind", "mask"),
    [("lstm", False), ("lstm", True), ("gru", False), ("gru", True), *((name, False) for name in ACTIVATIONS)],
)
@pytest.mark.parametrize("given_states", [False, True])
def test_a_sweep_is_the_loop(kind: str, mask: bool, given_states: bool) -> None:
    op, step, x, count = case(kind, mask=mask)
    states = [torch.randn(4, 5, requires_grad=True) if given_states else torch.zeros(4, 5) for _ in range(count)]
    mine = [state.detach().clone().requires_grad_() for state in states]
    x_mine, x_loop = x.clone().requires_grad_(), x.clone().requires_grad_()
    p = tensors(op)
    results = op(x_mine, *(mine if given_states else []))
    wanted = loop(step, x_loop, states, p, mask=mask)
    weights = [torch.randn_like(result) for result in wanted]
    sum((a * b).sum() for a, b in zip(results, weights, strict=True)).backward()
    sum((a * b).sum() for a, b in zip(wanted, weights, strict=True)).backward()
    for got, want in zip(results, wanted, strict=True):
        torch.testing.assert_close(got, want, **CLOSE)
    torch.testing.assert_close(x_mine.grad, x_loop.grad, **CLOSE)
    compare_gradients(op, p, **CLOSE)
    if given_states:
        for got, want in zip(mine, states, strict=True):
            torch.testing.assert_close(got.grad, want.grad, **CLOSE)


@settings(max_examples=25)
@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=6))
def test_compacting_and_spreading_back_repeats_the_last_valid_step(valid: list[list[bool]]) -> None:
    mask = torch.tensor(valid)
    x = (torch.arange(1.0, mask.numel() + 1).reshape(mask.shape) * mask).unsqueeze(2)
    packed = compact(x)
    got = spread_back(packed.x, torch.full((4, 1), -1.0), packed.seen)
    wanted, last = [], torch.full((4, 1), -1.0)
    for row in x:
        last = torch.where(row != 0, row, last)
        wanted.append(last)
    torch.testing.assert_close(got, torch.stack(wanted))
    assert packed.idle.sum() == (~mask).sum()


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh", "sigmoid"])
def test_one_step_is_a_sequence_of_one(kind: str) -> None:
    op, _, x, count = case(kind)
    states = [torch.randn(4, 5) for _ in range(count)]
    one = op(x[3], *states)
    torch.testing.assert_close(one, op(x[3:4], *states)[0][0])
    torch.testing.assert_close(one, op(x[3], torch.stack(states, dim=1)), msg="states in one tensor [B, number, units]")


def test_the_last_states_are_kept_off_the_tape() -> None:
    op, _, x, _ = case("lstm")
    _, h, c = op(x.requires_grad_())
    assert [torch.equal(a, b) for a, b in zip(op.left, (h, c), strict=True)] == [True, True]
    assert not any(state.requires_grad for state in op.left)
    copy.deepcopy(op)


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh", "relu"])
def test_bidirectional_is_torchs(kind: str) -> None:
    x = torch.randn(6, 4, 3)
    ours = fill({"lstm": LSTMOp, "gru": GRUOp}.get(kind, partial(RNNOp, activation=kind))(3, 5, bidirectional=True))
    theirs = {
        "lstm": nn.LSTM,
        "gru": nn.GRU,
    }.get(kind, partial(nn.RNN, nonlinearity=kind))(3, 5, bidirectional=True)
    with torch.no_grad():
        for end in ("", "_reverse"):
            for own, name in zip(ours.weights(end), ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), strict=True):
                getattr(theirs, f"{name}_l0{end}").copy_(own)
    out, states = theirs(x)
    results = ours(x)
    torch.testing.assert_close(results[0], out)
    for got, want in zip(results[1:], states if kind == "lstm" else [states], strict=True):
        torch.testing.assert_close(got, torch.cat([*want], dim=1))


@pytest.mark.parametrize("kind", [LSTMOp, GRUOp])
def test_bidirectional_with_a_mask_reads_the_valid_steps_both_ways(kind) -> None:
    op = fill(kind(3, 5, True, True))
    dense = kind(3, 5, False, True)
    dense.load_state_dict(op.state_dict())
    x = torch.randn(4, 1, 3)
    holes = torch.cat((x[:1], torch.zeros(1, 1, 3), x[1:3], torch.zeros(1, 1, 3), x[3:]))
    got, want = op(holes), dense(x)
    for a, b in zip(got[1:], want[1:], strict=True):
        torch.testing.assert_close(a, b, **CLOSE)
    torch.testing.assert_close(got[0][[0, 2, 3, 5]], want[0], **CLOSE)


def test_parameters_alias_what_the_kernel_uses() -> None:
    op = fill(LSTMOp(3, 2))
    x = torch.randn(4, 1, 3)
    before = op(x)[0]
    for slot in op.slots()[8:]:  # the four biases
        slot.value(op).add_(1.0)
    assert not torch.allclose(op(x)[0], before)
    assert [tuple(slot.value(op).shape) for slot in op.slots()] == [(3, 2)] * 4 + [(2, 2)] * 4 + [(2,)] * 4
    torch.testing.assert_close(op.slots()[2].value(op), op.weight_ih[6:8].t(), msg="o is torch's last gate")


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(EddlError, match=r"(?s)selu.*tanh, relu, sigmoid, hard_sigmoid, none"):
        RNNOp(3, 4, "selu")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(EddlShapeError, match="features 7"):
        LSTMOp(3, 4)(torch.zeros(5, 2, 7))
    with pytest.raises(EddlShapeError, match=r"states of \[3\] units"):
        GRUOp(3, 4)(torch.zeros(5, 2, 3), torch.zeros(2, 3))
