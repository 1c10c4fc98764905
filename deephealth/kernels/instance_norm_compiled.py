"""Instance norm + leaky ReLU for processors: one pass for the statistics, one for the output, and the same backward.

Both layouts are one case here. A tensor is G groups of N rows of K channels: B groups of C channels where the channels
lie last, B·C groups of one channel where they lie first. The loops run over a **period**: so many rows that some 512
numbers lie side by side, with the channels' parameters repeated to that length, so they are as fast for one channel as
for 320. Sums are taken in the tensor's own type within a chunk that stays in the first-level cache, where a second look
gives the squares about the chunk's own mean; chunks are joined in float64 (Chan, Golub, LeVeque 1983).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from deephealth.kernels.compilers import compiled, on_cores

__all__ = ["backward", "forward"]

_PERIOD = 512  # numbers in an inner loop
_CHUNK = 8192  # numbers summed before they are joined in float64: 32 KiB
_STRETCH = 1 << 17  # numbers in one turn of a core
_GROUP_BYTES = 2 << 20  # a group up to this stays in the second-level cache between its two passes


def forward(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, slope: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the output G×N×K, and mean and reciprocal standard deviation G×K; all float32 or all float64."""
    y = torch.empty_like(x)
    mean, rstd = torch.empty_like(weight), torch.empty_like(weight)
    groups, rows, channels = x.shape
    source, target = _flat(x), _flat(y)
    plan = _plan(rows, channels)
    settings = (source.dtype.type(eps), source.dtype.type(slope), channels, *plan)
    given = (weight.numpy(), bias.numpy(), mean.numpy(), rstd.numpy())
    if source[:1].nbytes <= _GROUP_BYTES:
        grain = max(1, _STRETCH // source[:1].size)
        on_cores(lambda first, last: _forward_groups(source, target, *given, *settings, first, last), groups, grain)
        return y, mean, rstd
    parts = np.zeros((groups, len(_starts(source, plan)), 2, channels))
    _on_stretches(
        source,
        plan,
        lambda group, part, start, stop: _moments(source[group], start, stop, channels, *plan, *parts[group, part]),
    )
    counts = np.array([stop - start for start, stop in _starts(source, plan)]) / channels
    middle = np.einsum("s,gsk->gk", counts, parts[:, :, 0]) / rows
    apart = parts[:, :, 0] - middle[:, None]
    squares = parts[:, :, 1].sum(1) + np.einsum("s,gsk->gk", counts, apart * apart)
    given[2][:], given[3][:] = middle, 1 / np.sqrt(squares / rows + eps)
    _on_stretches(
        source,
        plan,
        lambda group, _, start, stop: _forward_stretch(
            source[group], target[group], *(each[group] for each in given), settings[1], plan[0], start, stop
        ),
    )
    return y, mean, rstd


def backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    mean: torch.Tensor,
    rstd: torch.Tensor,
    slope: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the gradients of x (G×N×K), and of weight and bias by group (G×K)."""
    found = torch.empty_like(x)
    of_weight, of_bias = torch.zeros_like(weight), torch.zeros_like(weight)
    groups, rows, channels = x.shape
    source, above, target = _flat(x), _flat(gradient), _flat(found)
    plan = _plan(rows, channels)
    given = (weight.numpy(), bias.numpy(), mean.numpy(), rstd.numpy())
    sums = (of_weight.numpy(), of_bias.numpy())
    settings = (source.dtype.type(slope), channels, *plan)
    if 2 * source[:1].nbytes <= _GROUP_BYTES:
        grain = max(1, _STRETCH // source[:1].size)
        on_cores(
            lambda first, last: _backward_groups(source, above, target, *given, *sums, *settings, first, last),
            groups,
            grain,
        )
        return found, of_weight, of_bias
    parts = np.zeros((groups, len(_starts(source, plan)), 2, channels))
    _on_stretches(
        source,
        plan,
        lambda group, part, start, stop: _gradient_sums(
            source[group],
            above[group],
            *_tiled(*(each[group] for each in given), plan[0]),
            *settings,
            start,
            stop,
            *parts[group, part],
        ),
    )
    sums[0][:], sums[1][:] = parts.sum(1)[:, 0] * given[3], parts.sum(1)[:, 1]
    _on_stretches(
        source,
        plan,
        lambda group, _, start, stop: _backward_stretch(
            source[group],
            above[group],
            target[group],
            *(each[group] for each in (*given, *sums)),
            settings[0],
            plan[0],
            start,
            stop,
        ),
    )
    return found, of_weight, of_bias


def _flat(tensor: torch.Tensor) -> np.ndarray:
    """The groups' numbers in the order in which they lie."""
    groups, rows, channels = tensor.shape
    return tensor.detach().numpy().reshape(groups, rows * channels)


def _plan(rows: int, channels: int) -> tuple[int, int]:
    """Return the length of the period (rows in it: a power of two) and of a chunk (some whole periods)."""
    repeats = 1
    while 2 * repeats * channels <= _PERIOD and 2 * repeats <= rows:
        repeats *= 2
    period = channels * repeats
    return period, period * max(8, _CHUNK // period)


def _starts(flat: np.ndarray, plan: tuple[int, int]) -> list[tuple[int, int]]:
    step = plan[1] * max(1, _STRETCH // plan[1])
    return [(start, min(start + step, flat.shape[1])) for start in range(0, flat.shape[1], step)]


def _on_stretches(flat: np.ndarray, plan: tuple[int, int], run: Any) -> None:
    """Call ``run(group, number, start, stop)`` on all stretches of all groups."""
    stretches = _starts(flat, plan)

    def turn(first: int, last: int) -> None:
        for unit in range(first, last):
            group, part = divmod(unit, len(stretches))
            run(group, part, *stretches[part])

    on_cores(turn, len(flat) * len(stretches), 1)


@compiled
def _fold(sums, channels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    """Add up the repeats in a period; the first of them holds the sums."""
    width = len(sums)
    while width > channels:
        width //= 2
        low, high = sums[:width], sums[width : 2 * width]
        for j in range(width):
            low[j] += high[j]


@compiled
def _repeat(values, channels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill a period with repeats of its first ``channels`` values."""
    width = channels
    while width < len(values):
        low, high = values[:width], values[width : 2 * width]
        for j in range(width):
            high[j] = low[j]
        width *= 2


@compiled
def _tiled(weight, bias, mean, rstd, period):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return a period of: mean, factor and offset of ``(x - mean) * factor + offset``."""
    channels = len(weight)
    middle, factor, offset = np.empty(period, mean.dtype), np.empty(period, mean.dtype), np.empty(period, mean.dtype)
    for c in range(channels):
        middle[c], factor[c], offset[c] = mean[c], rstd[c] * weight[c], bias[c]
    _repeat(middle, channels)
    _repeat(factor, channels)
    _repeat(offset, channels)
    return middle, factor, offset


@compiled
def _moments(flat, first, last, channels, period, chunk, mean, squares):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Mean and sum of squares about it, by channel, of one stretch of rows."""
    sums, middle = np.empty(period, flat.dtype), np.empty(period, flat.dtype)
    count = 0
    for start in range(first, last, chunk):
        stop = min(start + chunk, last)
        rows = (stop - start) // channels
        _sum(flat, start, stop, sums)
        _fold(sums, channels)
        for c in range(channels):
            middle[c] = sums[c] / rows
        _repeat(middle, channels)
        _sum_squares(flat, start, stop, middle, sums)
        _fold(sums, channels)
        share = rows / (count + rows)
        for c in range(channels):
            apart = middle[c] - mean[c]
            mean[c] += apart * share
            squares[c] += sums[c] + apart * apart * count * share
        count += rows


@compiled
def _sum(flat, start, stop, sums):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    period = len(sums)
    sums[:] = 0
    at = start
    while at + 4 * period <= stop:
        a, b = flat[at : at + period], flat[at + period : at + 2 * period]
        c, d = flat[at + 2 * period : at + 3 * period], flat[at + 3 * period : at + 4 * period]
        for j in range(period):
            sums[j] += (a[j] + b[j]) + (c[j] + d[j])
        at += 4 * period
    while at < stop:
        a = flat[at : min(at + period, stop)]
        for j in range(len(a)):
            sums[j] += a[j]
        at += period


@compiled
def _sum_squares(flat, start, stop, middle, sums):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    period = len(sums)
    sums[:] = 0
    at = start
    while at + 4 * period <= stop:
        a, b = flat[at : at + period], flat[at + period : at + 2 * period]
        c, d = flat[at + 2 * period : at + 3 * period], flat[at + 3 * period : at + 4 * period]
        for j in range(period):
            p, q, r, s = a[j] - middle[j], b[j] - middle[j], c[j] - middle[j], d[j] - middle[j]
            sums[j] += (p * p + q * q) + (r * r + s * s)
        at += 4 * period
    while at < stop:
        a = flat[at : min(at + period, stop)]
        for j in range(len(a)):
            p = a[j] - middle[j]
            sums[j] += p * p
        at += period


@compiled
def _forward_stretch(flat, out, weight, bias, mean, rstd, slope, period, first, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    middle, factor, offset = _tiled(weight, bias, mean, rstd, period)
    zero = slope - slope  # of the tensor's own type
    for at in range(first, last, period):
        source, target = flat[at : min(at + period, last)], out[at : min(at + period, last)]
        for j in range(len(source)):
            value = (source[j] - middle[j]) * factor[j] + offset[j]
            target[j] = value if value > zero else value * slope


@compiled
def _forward_groups(x, y, weight, bias, mean, rstd, eps, slope, channels, period, chunk, first, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    """Both passes over whole groups, while each lies in the cache."""
    size = x.shape[1]
    middle, squares = np.empty(channels), np.empty(channels)
    for group in range(first, last):
        middle[:] = 0
        squares[:] = 0
        _moments(x[group], 0, size, channels, period, chunk, middle, squares)
        for c in range(channels):
            mean[group, c] = middle[c]
            rstd[group, c] = 1 / np.sqrt(squares[c] / (size // channels) + eps)
        _forward_stretch(
            x[group], y[group], weight[group], bias[group], mean[group], rstd[group], slope, period, 0, size
        )


@compiled
def _gradient_sums(flat, above, middle, factor, offset, slope, channels, period, chunk, first, last, moved, plain):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    """Sums over rows, by channel: of the gradient before the ReLU times (x - mean), and of it alone."""
    products, sums = np.empty(period, flat.dtype), np.empty(period, flat.dtype)
    zero = slope - slope
    for start in range(first, last, chunk):
        stop = min(start + chunk, last)
        products[:] = 0
        sums[:] = 0
        for at in range(start, stop, period):
            source, gradient = flat[at : min(at + period, stop)], above[at : min(at + period, stop)]
            for j in range(len(source)):
                apart = source[j] - middle[j]
                value = gradient[j] if apart * factor[j] + offset[j] > zero else gradient[j] * slope
                products[j] += value * apart
                sums[j] += value
        _fold(products, channels)
        _fold(sums, channels)
        for c in range(channels):
            moved[c] += products[c]
            plain[c] += sums[c]


@compiled
def _backward_stretch(flat, above, out, weight, bias, mean, rstd, of_weight, of_bias, slope, period, first, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    middle, factor, offset = _tiled(weight, bias, mean, rstd, period)
    channels = len(weight)
    rows = len(flat) // channels
    lean, base = np.empty(period, flat.dtype), np.empty(period, flat.dtype)
    for c in range(channels):
        lean[c] = factor[c] * rstd[c] * of_weight[c] / rows
        base[c] = factor[c] * of_bias[c] / rows
    _repeat(lean, channels)
    _repeat(base, channels)
    zero = slope - slope
    for at in range(first, last, period):
        stop = min(at + period, last)
        source, gradient, target = flat[at:stop], above[at:stop], out[at:stop]
        for j in range(len(source)):
            apart = source[j] - middle[j]
            value = gradient[j] if apart * factor[j] + offset[j] > zero else gradient[j] * slope
            target[j] = value * factor[j] - base[j] - apart * lean[j]


@compiled
def _backward_groups(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    x,  # noqa: ANN001
    above,  # noqa: ANN001
    out,  # noqa: ANN001
    weight,  # noqa: ANN001
    bias,  # noqa: ANN001
    mean,  # noqa: ANN001
    rstd,  # noqa: ANN001
    of_weight,  # noqa: ANN001
    of_bias,  # noqa: ANN001
    slope,  # noqa: ANN001
    channels,  # noqa: ANN001
    period,  # noqa: ANN001
    chunk,  # noqa: ANN001
    first,  # noqa: ANN001
    last,  # noqa: ANN001
):
    """Both passes over whole groups, while each lies in the cache."""
    size = x.shape[1]
    moved, plain = np.empty(channels), np.empty(channels)
    for group in range(first, last):
        moved[:] = 0
        plain[:] = 0
        middle, factor, offset = _tiled(weight[group], bias[group], mean[group], rstd[group], period)
        _gradient_sums(
            x[group], above[group], middle, factor, offset, slope, channels, period, chunk, 0, size, moved, plain
        )
        for c in range(channels):
            of_weight[group, c] = moved[c] * rstd[group, c]
            of_bias[group, c] = plain[c]
        _backward_stretch(
            x[group],
            above[group],
            out[group],
            weight[group],
            bias[group],
            mean[group],
            rstd[group],
            of_weight[group],
            of_bias[group],
            slope,
            period,
            0,
            size,
        )
