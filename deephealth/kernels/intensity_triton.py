"""The intensity chain on an accelerator: one program for 1024 values of a channel; contract: ``intensity``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from deephealth.kernels.compilers import tl, triton
from deephealth.kernels.intensity_steps import Instruction, Moments, Plan, Step, legendre
from deephealth.kernels.philox import LANES, normal_four

__all__ = ["triton_chain"]

_CHUNK = 4 * LANES


def triton_chain(
    images: torch.Tensor, out: torch.Tensor, rows: Sequence[tuple[int, int]], programs: Sequence[Sequence[Step]]
) -> None:
    """Follow the programs of the listed (sample, channel) rows; statistics of all rows that wait for some, in one pass.

    Args:
        images: B×C×D×H×W; rows that are not listed are not touched.
        out: contiguous, of the same shape and dtype.
        rows: which channels.
        programs: the steps of each of them.
    """
    sources = images.detach() if _lies_flat(images) else images.detach().contiguous()
    plans = [Plan() for _ in rows]
    walks = [_walk(plan, steps) for plan, steps in zip(plans, programs, strict=True)]
    answers: list[Moments | None] = [None] * len(rows)
    waiting = list(range(len(rows)))
    while waiting:
        asked = {at: kind for at in waiting if (kind := _step(walks[at], answers[at])) is not None}
        waiting = list(asked)
        for nonzero in (False, True):
            chosen = [at for at in waiting if asked[at] is nonzero]
            for at, found in zip(chosen, _launch(sources, out, rows, plans, chosen, 1 + nonzero), strict=True):
                answers[at] = found
    _launch(sources, out, rows, plans, list(range(len(rows))), 0)


def _walk(plan: Plan, steps: Sequence[Step]) -> Any:
    for step in steps:
        yield from step.plan(plan)


def _step(walk: Any, answer: Moments | None) -> bool | None:
    """Return which statistics a plan needs next; ``None``: it is finished."""
    try:
        return next(walk) if answer is None else walk.send(answer)  # type: ignore[no-any-return]
    except StopIteration:
        return None


def _lies_flat(images: torch.Tensor) -> bool:
    """Return whether each channel is one stretch of memory, so that the kernel can read it as it is."""
    _, _, _, height, width = images.shape
    return images.stride()[2:] == (height * width, width, 1)


def _launch(
    images: torch.Tensor,
    out: torch.Tensor,
    rows: Sequence[tuple[int, int]],
    plans: Sequence[Plan],
    chosen: Sequence[int],
    statistics: int,
) -> list[Moments]:
    if not chosen:
        return []
    instructions = [plans[at].instructions for at in chosen]
    longest = max(1, *map(len, instructions))
    device, size = images.device, math.prod(images.shape[2:])
    chunks = -(-size // _CHUNK)
    head, numbers = [], []
    fields: list[np.ndarray] = []
    for at, its in zip(chosen, instructions, strict=True):
        b, c = rows[at]
        empty = longest - len(its)
        places = [b * one.stride(0) + c * one.stride(1) for one in (images, out)]
        head.append([*([one.code, one.key] for one in its), *[[0, 0]] * empty, places])
        numbers.append([*(_numbers(one, fields) for one in its), *[[0.0] * 5] * empty])
    counts = torch.tensor([len(its) for its in instructions], dtype=torch.int64)
    lines, across = _tables(fields, images)
    found = torch.zeros((len(chosen), chunks if statistics else 1, 5), device=device)
    _chain[(chunks, len(chosen))](
        images,
        out,
        found,
        *(one.to(device) for one in (torch.tensor(head), counts, torch.tensor(numbers))),
        lines,
        across,
        size,
        images.shape[4],
        images.shape[2] * images.shape[3],
        longest,
        chunks,
        TERMS=len(across),
        STATISTICS=statistics,
        LANES_=LANES,
    )
    return _combined(found) if statistics else []


def _combined(found: torch.Tensor) -> list[Moments]:
    """Merge the statistics of the chunks of each row, in float64."""
    count, mean, squares, low, high = found.double().unbind(-1)
    total = count.sum(1)
    middle = (mean * count).sum(1) / total.clamp(min=1)
    around = (squares + count * (mean - middle[:, None]) ** 2).sum(1)
    low = torch.where(count > 0, low, math.inf).amin(1)
    high = torch.where(count > 0, high, -math.inf).amax(1)
    low, high = (torch.where(middle.isnan(), middle, end) for end in (low, high))
    table = torch.stack([total, middle, around, low, high], 1).tolist()
    return [Moments(int(row[0]), *row[1:]) for row in table]


def _numbers(one: Instruction, fields: list[np.ndarray]) -> list[float]:
    """Return the five numbers of an instruction; a bias field's is its place among the fields, where it is put."""
    if one.coefficients is not None:
        fields.append(one.coefficients)
        return [len(fields) - 1.0, 0.0, 0.0, 0.0, 0.0]
    return [*one.numbers, *[0.0] * (5 - len(one.numbers))]


def _tables(fields: Sequence[np.ndarray], images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the coefficients along W of each field at each line (D and H), and the polynomials along W."""
    depth, height, width = images.shape[2:]
    terms = max((one.shape[2] for one in fields), default=1)
    lines = torch.zeros((max(1, len(fields)), depth * height if fields else 1, terms), device=images.device)
    for table, one in zip(lines, fields, strict=False):
        i, j, k = one.shape
        parts = [torch.as_tensor(x, device=images.device) for x in (one, legendre(depth, i), legendre(height, j))]
        table[:, :k] = torch.einsum("ijk,id,jh->dhk", *parts).reshape(-1, k)
    return lines, torch.as_tensor(legendre(width, terms), device=images.device).float()


@triton.jit
def _chain(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    images,  # noqa: ANN001
    out,  # noqa: ANN001
    found,  # noqa: ANN001
    head,  # noqa: ANN001
    counts,  # noqa: ANN001
    numbers,  # noqa: ANN001
    lines,  # noqa: ANN001
    across,  # noqa: ANN001
    size,  # noqa: ANN001
    width,  # noqa: ANN001
    tall,  # noqa: ANN001
    longest,  # noqa: ANN001
    chunks,  # noqa: ANN001
    TERMS: tl.constexpr,  # noqa: N803
    STATISTICS: tl.constexpr,  # noqa: N803
    LANES_: tl.constexpr,  # noqa: N803
):
    chunk = tl.program_id(0).to(tl.int64)
    row = tl.program_id(1).to(tl.int64)
    offsets = chunk * (4 * LANES_) + tl.arange(0, LANES_)
    head += row * (longest + 1) * 2
    numbers += row * longest * 5
    images += tl.load(head + longest * 2)
    out += tl.load(head + longest * 2 + 1)
    x0 = tl.load(images + offsets, mask=offsets < size, other=0.0).to(tl.float32)
    x1 = tl.load(images + offsets + LANES_, mask=offsets + LANES_ < size, other=0.0).to(tl.float32)
    x2 = tl.load(images + offsets + 2 * LANES_, mask=offsets + 2 * LANES_ < size, other=0.0).to(tl.float32)
    x3 = tl.load(images + offsets + 3 * LANES_, mask=offsets + 3 * LANES_ < size, other=0.0).to(tl.float32)
    for at in range(tl.load(counts + row)):
        code = tl.load(head + at * 2)
        a = tl.load(numbers + at * 5)
        if code == 4:
            n0, n1, n2, n3 = normal_four(tl.load(head + at * 2 + 1), chunk * LANES_ + tl.arange(0, LANES_))
            x0, x1, x2, x3 = x0 + a * n0, x1 + a * n1, x2 + a * n2, x3 + a * n3
        elif code == 5:
            field = lines + a.to(tl.int64) * tall * TERMS
            x0 = _bias(x0, offsets, size, width, field, across, TERMS)
            x1 = _bias(x1, offsets + LANES_, size, width, field, across, TERMS)
            x2 = _bias(x2, offsets + 2 * LANES_, size, width, field, across, TERMS)
            x3 = _bias(x3, offsets + 3 * LANES_, size, width, field, across, TERMS)
        else:
            x0 = _pointwise(code, x0, numbers + at * 5)
            x1 = _pointwise(code, x1, numbers + at * 5)
            x2 = _pointwise(code, x2, numbers + at * 5)
            x3 = _pointwise(code, x3, numbers + at * 5)
    if STATISTICS == 0:
        kind = out.dtype.element_ty
        tl.store(out + offsets, x0.to(kind), mask=offsets < size)
        tl.store(out + offsets + LANES_, x1.to(kind), mask=offsets + LANES_ < size)
        tl.store(out + offsets + 2 * LANES_, x2.to(kind), mask=offsets + 2 * LANES_ < size)
        tl.store(out + offsets + 3 * LANES_, x3.to(kind), mask=offsets + 3 * LANES_ < size)
    else:
        _gather(found + (row * chunks + chunk) * 5, x0, x1, x2, x3, offsets, size, STATISTICS, LANES_)


@triton.jit
def _pointwise(code, x, numbers):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    a = tl.load(numbers)
    b = tl.load(numbers + 1)
    c = tl.load(numbers + 2)
    linear = (x - a) * b
    if code == 0:
        found = linear + c
    elif code == 1:
        found = tl.where(x != 0, linear + c, x)
    elif code == 2:
        low = tl.where(x < a, a, x)
        found = tl.where(low > b, b, low)
    else:
        power = tl.where(linear > 0, tl.exp(tl.log(tl.maximum(linear, 1.2e-38)) * c), 0.0)
        power = tl.where(linear == linear, power, linear)
        found = power * tl.load(numbers + 3) + tl.load(numbers + 4)
    return found


@triton.jit
def _bias(x, offsets, size, width, lines, across, TERMS: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    inside = offsets < size
    line = offsets // width
    place = offsets % width
    exponent = x * 0.0
    exponent = tl.where(exponent == exponent, 0.0, exponent)
    for term in tl.static_range(TERMS):
        exponent += tl.load(lines + line * TERMS + term, mask=inside, other=0.0) * tl.load(
            across + term * width + place, mask=inside, other=0.0
        )
    return x * tl.exp(exponent)


@triton.jit
def _gather(found, x0, x1, x2, x3, offsets, size, STATISTICS: tl.constexpr, LANES_: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    """Write (count, mean, squares, low, high) of a chunk."""
    k0 = _counts(x0, offsets, size, STATISTICS)
    k1 = _counts(x1, offsets + LANES_, size, STATISTICS)
    k2 = _counts(x2, offsets + 2 * LANES_, size, STATISTICS)
    k3 = _counts(x3, offsets + 3 * LANES_, size, STATISTICS)
    count = tl.sum(k0.to(tl.float32) + k1.to(tl.float32) + k2.to(tl.float32) + k3.to(tl.float32), axis=0)
    total = tl.where(k0, x0, 0.0) + tl.where(k1, x1, 0.0) + tl.where(k2, x2, 0.0) + tl.where(k3, x3, 0.0)
    mean = tl.sum(total, axis=0) / tl.maximum(count, 1.0)
    d0 = tl.where(k0, x0 - mean, 0.0)
    d1 = tl.where(k1, x1 - mean, 0.0)
    d2 = tl.where(k2, x2 - mean, 0.0)
    d3 = tl.where(k3, x3 - mean, 0.0)
    infinite = float("inf")
    low = tl.minimum(
        tl.minimum(tl.where(k0, x0, infinite), tl.where(k1, x1, infinite)),
        tl.minimum(tl.where(k2, x2, infinite), tl.where(k3, x3, infinite)),
    )
    high = tl.maximum(
        tl.maximum(tl.where(k0, x0, -infinite), tl.where(k1, x1, -infinite)),
        tl.maximum(tl.where(k2, x2, -infinite), tl.where(k3, x3, -infinite)),
    )
    tl.store(found, count)
    tl.store(found + 1, mean)
    tl.store(found + 2, tl.sum(d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3, axis=0))
    tl.store(found + 3, tl.min(low, axis=0))
    tl.store(found + 4, tl.max(high, axis=0))


@triton.jit
def _counts(x, offsets, size, STATISTICS: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    kept = offsets < size
    if STATISTICS == 2:
        kept = kept & (x != 0)
    return kept
