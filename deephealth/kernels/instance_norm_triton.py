"""Instance norm + leaky ReLU for accelerators; see :mod:`deephealth.kernels.instance_norm` for the contract.

A tensor is G groups of N rows of K channels (K is 1 where the channels lie first), so one set of kernels serves both
layouts. A group's rows are split over many programs: each finds mean and squares of its part, tile by tile, and the
parts are joined in float64 by torch, a few kilobytes. A second kernel writes. The forward moves 3 tensors, the
backward 5.
"""

from __future__ import annotations

import torch

from deephealth.kernels.compilers import interpreting, tl, triton

__all__ = ["backward", "forward"]

_TILE = 4096  # numbers of a tile
_PARTS = 2048  # programs wanted for a reduction
_INTERPRETED = (64, 4)  # the same two in the interpreter, where a program costs a millisecond


def forward(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, slope: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the output G×N×K, and mean and reciprocal standard deviation G×K."""
    y = torch.empty_like(x)
    groups, rows, channels = x.shape
    tile, parts, tiles = _plan(groups, rows, channels)
    found = torch.empty(groups, parts, 2, channels, dtype=weight.dtype, device=x.device)
    grid = (groups * parts, triton.cdiv(channels, tile[1]))
    _moments[grid](x, found, rows, channels, parts, tiles, *tile)
    counts = _counts(rows, parts, tiles * tile[0]).to(x.device)
    means, squares = found.double().unbind(2)
    mean = torch.einsum("s,gsk->gk", counts, means) / rows
    apart = means - mean[:, None]
    variance = (squares.sum(1) + torch.einsum("s,gsk->gk", counts, apart * apart)) / rows
    rstd = (variance + eps).rsqrt().to(weight.dtype)
    mean = mean.to(weight.dtype)
    _write[_grid(x, tile)](x, y, weight, bias, mean, rstd, rows, channels, _number(slope, weight), *tile)
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
    of_x = torch.empty_like(x)
    groups, rows, channels = x.shape
    tile, parts, tiles = _plan(groups, rows, channels)
    given = (weight, bias, mean, rstd)
    found = torch.empty(groups, parts, 2, channels, dtype=weight.dtype, device=x.device)
    number = _number(slope, weight)
    grid = (groups * parts, triton.cdiv(channels, tile[1]))
    _gradient_sums[grid](x, gradient, found, *given, rows, channels, parts, tiles, number, *tile)
    of_weight, of_bias = (each.to(weight.dtype).contiguous() for each in found.double().sum(1).unbind(1))
    _write_gradient[_grid(x, tile)](
        x, gradient, of_x, *given, of_weight / rows, of_bias / rows, rows, channels, number, *tile
    )
    return of_x, of_weight, of_bias


def _plan(groups: int, rows: int, channels: int) -> tuple[tuple[int, int], int, int]:
    """Return the tile (rows, channels), the parts of a group, and the tiles of a part."""
    size, programs = _INTERPRETED if interpreting() else (_TILE, _PARTS)
    wide = min(triton.next_power_of_2(channels), 64)
    high = min(max(size // wide, 1), triton.next_power_of_2(rows))
    tiles = triton.cdiv(rows, high)
    wanted = max(1, programs // (groups * triton.cdiv(channels, wide)))
    each = triton.cdiv(tiles, min(wanted, tiles))
    return (high, wide), triton.cdiv(tiles, each), each


def _grid(x: torch.Tensor, tile: tuple[int, int]) -> tuple[int, int]:
    return (x.shape[0] * triton.cdiv(x.shape[1], tile[0]), triton.cdiv(x.shape[2], tile[1]))


def _counts(rows: int, parts: int, step: int) -> torch.Tensor:
    """How many rows each part has."""
    return (rows - torch.arange(parts, dtype=torch.float64) * step).clamp(max=step)


def _number(value: float, like: torch.Tensor) -> torch.Tensor:
    """Return a number in the type of the sums: a scalar argument of a kernel would always be float32."""
    return torch.tensor([value], dtype=like.dtype, device=like.device)


@triton.jit
def _moments(x, found, rows, channels, parts, tiles, HIGH: tl.constexpr, WIDE: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    """Mean and sum of squares about it, by channel, of one part of a group."""
    program = tl.program_id(0).to(tl.int64)
    group = program // parts
    part = program % parts
    column = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    real = column < channels
    kind = found.dtype.element_ty
    mean = tl.zeros([WIDE], kind)
    squares = tl.zeros([WIDE], kind)
    count = tl.zeros([WIDE], kind)
    for turn in range(tiles):
        row = (part * tiles + turn) * HIGH + tl.arange(0, HIGH)
        inside = (row < rows)[:, None] & real[None, :]
        values = tl.load(x + ((group * rows + row) * channels)[:, None] + column[None, :], inside, 0.0).to(kind)
        more = tl.sum(inside.to(kind), 0)
        middle = tl.sum(values, 0) / tl.maximum(more, 1.0)
        apart = tl.where(inside, values - middle[None, :], 0.0)
        total = tl.maximum(count + more, 1.0)
        shift = middle - mean
        mean += tl.where(more > 0, shift * (more / total), 0.0)
        squares += tl.sum(apart * apart, 0) + tl.where(more > 0, shift * shift * (count * more / total), 0.0)
        count += more
    at = found + program * 2 * channels + column
    tl.store(at, mean, real)
    tl.store(at + channels, squares, real)


@triton.jit
def _parameters(weight, bias, mean, rstd, group, channels, column, real):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Mean, reciprocal deviation, factor and offset of a group's channels."""
    at = group * channels + column
    scale = tl.load(rstd + at, real, 0.0)
    return tl.load(mean + at, real, 0.0), scale, tl.load(weight + at, real, 0.0) * scale, tl.load(bias + at, real, 0.0)


@triton.jit
def _write(x, y, weight, bias, mean, rstd, rows, channels, slope, HIGH: tl.constexpr, WIDE: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803, PLR0913
    program = tl.program_id(0).to(tl.int64)
    blocks = tl.cdiv(rows, HIGH)
    group = program // blocks
    row = (program % blocks) * HIGH + tl.arange(0, HIGH)
    column = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    real = column < channels
    inside = (row < rows)[:, None] & real[None, :]
    at = ((group * rows + row) * channels)[:, None] + column[None, :]
    middle, _, factor, offset = _parameters(weight, bias, mean, rstd, group, channels, column, real)
    value = (tl.load(x + at, inside, 0.0).to(factor.dtype) - middle[None, :]) * factor[None, :] + offset[None, :]
    value = tl.where(value > 0, value, value * tl.load(slope))
    tl.store(y + at, value.to(y.dtype.element_ty), inside)


@triton.jit
def _gradient_sums(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    x,  # noqa: ANN001
    above,  # noqa: ANN001
    found,  # noqa: ANN001
    weight,  # noqa: ANN001
    bias,  # noqa: ANN001
    mean,  # noqa: ANN001
    rstd,  # noqa: ANN001
    rows,  # noqa: ANN001
    channels,  # noqa: ANN001
    parts,  # noqa: ANN001
    tiles,  # noqa: ANN001
    slope,  # noqa: ANN001
    HIGH: tl.constexpr,  # noqa: N803
    WIDE: tl.constexpr,  # noqa: N803
):
    """Sums over one part's rows: of the gradient before the ReLU times the normalised x, and of it alone."""
    program = tl.program_id(0).to(tl.int64)
    group = program // parts
    part = program % parts
    column = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    real = column < channels
    middle, scale, factor, offset = _parameters(weight, bias, mean, rstd, group, channels, column, real)
    lean = tl.load(slope)
    moved = tl.zeros([WIDE], found.dtype.element_ty)
    plain = tl.zeros([WIDE], found.dtype.element_ty)
    for turn in range(tiles):
        row = (part * tiles + turn) * HIGH + tl.arange(0, HIGH)
        inside = (row < rows)[:, None] & real[None, :]
        at = ((group * rows + row) * channels)[:, None] + column[None, :]
        apart = tl.load(x + at, inside, 0.0).to(factor.dtype) - middle[None, :]
        gradient = tl.load(above + at, inside, 0.0).to(factor.dtype)
        gradient = tl.where(apart * factor[None, :] + offset[None, :] > 0, gradient, gradient * lean)
        moved += tl.sum(tl.where(inside, gradient * apart, 0.0), 0)
        plain += tl.sum(gradient, 0)
    place = found + program * 2 * channels + column
    tl.store(place, moved * scale, real)
    tl.store(place + channels, plain, real)


@triton.jit
def _write_gradient(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    x,  # noqa: ANN001
    above,  # noqa: ANN001
    out,  # noqa: ANN001
    weight,  # noqa: ANN001
    bias,  # noqa: ANN001
    mean,  # noqa: ANN001
    rstd,  # noqa: ANN001
    of_weight,  # noqa: ANN001
    of_bias,  # noqa: ANN001
    rows,  # noqa: ANN001
    channels,  # noqa: ANN001
    slope,  # noqa: ANN001
    HIGH: tl.constexpr,  # noqa: N803
    WIDE: tl.constexpr,  # noqa: N803
):
    program = tl.program_id(0).to(tl.int64)
    blocks = tl.cdiv(rows, HIGH)
    group = program // blocks
    row = (program % blocks) * HIGH + tl.arange(0, HIGH)
    column = tl.program_id(1) * WIDE + tl.arange(0, WIDE)
    real = column < channels
    inside = (row < rows)[:, None] & real[None, :]
    at = ((group * rows + row) * channels)[:, None] + column[None, :]
    middle, scale, factor, offset = _parameters(weight, bias, mean, rstd, group, channels, column, real)
    apart = tl.load(x + at, inside, 0.0).to(factor.dtype) - middle[None, :]
    gradient = tl.load(above + at, inside, 0.0).to(factor.dtype)
    gradient = tl.where(apart * factor[None, :] + offset[None, :] > 0, gradient, gradient * tl.load(slope))
    moved = tl.load(of_weight + group * channels + column, real, 0.0) * scale
    plain = tl.load(of_bias + group * channels + column, real, 0.0)
    value = factor[None, :] * (gradient - plain[None, :] - apart * moved[None, :])
    tl.store(out + at, value.to(out.dtype.element_ty), inside)
