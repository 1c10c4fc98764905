"""Kernels of LSTM, GRU and RNN as ONNX defines them: whole sequences, any activation, both directions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from deephealth.eddl.onnx.kernels.registry import KERNELS, kernel

__all__: list[str] = []

_Step = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]


def _activation(name: str, alpha: float | None) -> Callable[[Tensor], Tensor]:
    spelled = {"Affine": "Linear"}.get(name, name)
    run = KERNELS[spelled].run
    return run if alpha is None else lambda x: run(x, alpha=alpha)


def _activations(
    names: list[str] | None, default: list[str], alphas: list[float] | None
) -> list[Callable[[Tensor], Tensor]]:
    given = iter(alphas or [])
    takes = {"LeakyRelu", "ThresholdedRelu", "Elu", "HardSigmoid", "Affine", "Celu"}
    return [_activation(name, next(given, None) if name in takes else None) for name in names or default]


def _scan(x_tbi: Tensor, state: tuple[Tensor, ...], step: _Step, backward: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
    rows = list(x_tbi.unbind(0))
    outputs = []
    for row in reversed(rows) if backward else rows:
        state = step(row, state)
        outputs.append(state[0])
    return torch.stack(outputs[::-1] if backward else outputs), state


def _start(given: Tensor | None, direction: int, batch: int, hidden: int, like: Tensor) -> Tensor:
    if given is None:
        return like.new_zeros(batch, hidden)
    return given[direction].expand(batch, hidden)  # a file written for one batch may hold states for that batch alone


def _run(
    x: Tensor,
    directions: int,
    reverse: bool,
    layout: int,
    states: list[Tensor | None],
    hidden: int,
    make: Callable[[int], _Step],
) -> tuple[Tensor, ...]:
    """Run every direction; return Y and the last states in ONNX's layout."""
    if layout:
        x = x.transpose(0, 1)
        states = [None if s is None else s.transpose(0, 1) for s in states]
    outputs, lasts = [], []
    for d in range(directions):
        start = tuple(_start(s, d, x.shape[1], hidden, x) for s in states)
        y, last = _scan(x, start, make(d), reverse or d == 1)
        outputs.append(y)
        lasts.append(last)
    results = [torch.stack(outputs, 1), *(torch.stack(each) for each in zip(*lasts, strict=True))]
    if layout:
        results = [results[0].permute(2, 0, 1, 3), *(r.transpose(0, 1) for r in results[1:])]
    return tuple(results)


def _biases(bias: Tensor | None, direction: int, gates: int, hidden: int, like: Tensor) -> tuple[Tensor, Tensor]:
    if bias is None:
        zero = like.new_zeros(gates * hidden)
        return zero, zero
    half = gates * hidden
    return bias[direction, :half], bias[direction, half:]


@kernel("LSTM", several=True)
def _lstm(  # noqa: PLR0913 - ONNX's attributes
    x: Tensor,
    w: Tensor,
    r: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    h: Tensor | None = None,
    c: Tensor | None = None,
    peephole: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float = 0.0,
    direction: str = "forward",
    hidden_size: int = 0,
    input_forget: int = 0,
    layout: int = 0,
) -> tuple[Tensor, ...]:
    hidden = r.shape[-1]
    names = ["Sigmoid", "Tanh", "Tanh"]
    acts = _activations(activations, names * w.shape[0], activation_alpha)

    def make(d: int) -> _Step:
        f, g, out = acts[3 * d : 3 * d + 3]
        wb, rb = _biases(bias, d, 4, hidden, x)
        peep = x.new_zeros(3 * hidden) if peephole is None else peephole[d]
        pi, po, pf = peep.split(hidden)

        def step(row: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            last, cell = state
            i_, o_, f_, c_ = (row @ w[d].T + last @ r[d].T + wb + rb).split(hidden, -1)
            keep_in = f(i_ + pi * cell)
            keep = 1 - keep_in if input_forget else f(f_ + pf * cell)
            cell = keep * cell + keep_in * g(c_)
            return f(o_ + po * cell) * out(cell), cell

        return step

    return _run(x, w.shape[0], direction == "reverse", layout, [h, c], hidden, make)


@kernel("GRU", several=True)
def _gru(  # noqa: PLR0913 - ONNX's attributes
    x: Tensor,
    w: Tensor,
    r: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    h: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float = 0.0,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    linear_before_reset: int = 0,
) -> tuple[Tensor, ...]:
    hidden = r.shape[-1]
    acts = _activations(activations, ["Sigmoid", "Tanh"] * w.shape[0], activation_alpha)

    def make(d: int) -> _Step:
        f, g = acts[2 * d : 2 * d + 2]
        wb, rb = _biases(bias, d, 3, hidden, x)

        def step(row: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            (last,) = state
            z_in, r_in, n_in = (row @ w[d].T + wb).split(hidden, -1)
            z_h, r_h, n_h = (last @ r[d].T + rb).split(hidden, -1)
            z, reset = f(z_in + z_h), f(r_in + r_h)
            if not linear_before_reset:
                n_h = (reset * last) @ r[d, 2 * hidden :].T + rb[2 * hidden :]
                new = g(n_in + n_h)
            else:
                new = g(n_in + reset * n_h)
            return ((1 - z) * new + z * last,)

        return step

    return _run(x, w.shape[0], direction == "reverse", layout, [h], hidden, make)


@kernel("RNN", several=True)
def _rnn(  # noqa: PLR0913 - ONNX's attributes
    x: Tensor,
    w: Tensor,
    r: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    h: Tensor | None = None,
    *,
    activation_alpha: list[float] | None = None,
    activations: list[str] | None = None,
    clip: float = 0.0,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
) -> tuple[Tensor, ...]:
    hidden = r.shape[-1]
    acts = _activations(activations, ["Tanh"] * w.shape[0], activation_alpha)

    def make(d: int) -> _Step:
        wb, rb = _biases(bias, d, 1, hidden, x)

        def step(row: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (acts[d](row @ w[d].T + state[0] @ r[d].T + wb + rb),)

        return step

    return _run(x, w.shape[0], direction == "reverse", layout, [h], hidden, make)
