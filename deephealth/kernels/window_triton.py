"""Windows blended into rows on an accelerator: :mod:`deephealth.kernels.window` says what is computed.

A program works on a tile of lines × voxels of one plane (and, while accumulating, of one class): it gathers from all
windows of the call, so that the rows are read and written once per call.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deephealth.kernels.compilers import tl, triton

__all__ = ["accumulate", "average", "labels"]

_LINES, _VOXELS = 8, 128
Vectors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
How = tuple[Vectors, Vectors, float]  # weights, starts, least


def accumulate(
    rows: torch.Tensor,
    table: torch.Tensor,
    windows: torch.Tensor,
    starts: Sequence[Sequence[int]],
    weights: Vectors,
    least: float,
) -> None:
    """Add windows N×C×d×h×w that begin at ``starts`` (z, y, x) to rows C×S×W."""
    low, high = ([pick(axis) for axis in zip(*starts, strict=True)] for pick in (min, max))
    d, h, w = (len(vector) for vector in weights)
    spans = [high[0] + d - low[0], high[1] + h - low[1], high[2] + w - low[2]]
    lines, voxels = _tile(spans[1], spans[2])
    tiles = triton.cdiv(spans[1], lines)
    grid = (rows.shape[0] * spans[0] * tiles, triton.cdiv(spans[2], voxels))
    begins = torch.tensor(starts, dtype=torch.int64, device=rows.device)
    _accumulate[grid](
        rows, table, windows, begins, *weights, least, len(starts),
        low[0], low[1], low[2], spans[0], high[1] + h, high[2] + w, tiles,
        rows.shape[1], table.shape[1], rows.shape[2], *windows.stride(), d, h, w,
        LINES=lines, VOXELS=voxels,
    )  # fmt: skip


def average(
    rows: torch.Tensor, table: torch.Tensor, box: tuple[int, int, int, int], how: How, out: torch.Tensor | None
) -> None:
    """Divide the lines of a box: in place, or into ``out`` C×dz×dy×W and empty them."""
    z0, z1, y0, y1 = box
    lines, voxels = _tile(y1 - y0, rows.shape[2])
    tiles = triton.cdiv(y1 - y0, lines)
    grid = ((z1 - z0) * tiles, triton.cdiv(rows.shape[2], voxels))
    if not grid[0] or not rows.numel():
        return
    weights, starts, least = how
    into = rows if out is None else out
    _average[grid](
        rows, table, into, *weights, *starts, least,
        z0, y0, y1 - y0, tiles, rows.shape[0], rows.stride(0), into.stride(0), table.shape[1], rows.shape[2],
        *(len(vector) for vector in weights), *(len(vector) for vector in starts),
        TAKE=out is not None, LINES=lines, VOXELS=voxels,
    )  # fmt: skip


def labels(
    rows: torch.Tensor,
    table: torch.Tensor,
    box: tuple[int, int, int, int],
    how: How,
    out: torch.Tensor,
    cut: float | None,
) -> int:
    """Label the voxels of a box, empty its lines, and return how many voxels had a NaN."""
    z0, z1, y0, y1 = box
    lines, voxels = _tile(y1 - y0, rows.shape[2])
    tiles = triton.cdiv(y1 - y0, lines)
    grid = ((z1 - z0) * tiles, triton.cdiv(rows.shape[2], voxels))
    if not grid[0] or not rows.numel():
        return 0
    weights, starts, least = how
    unknown = torch.zeros((), dtype=torch.int64, device=rows.device)
    _labels[grid](
        rows, table, out, unknown, *weights, *starts, least, 0.0 if cut is None else cut,
        z0, y0, y1 - y0, tiles, rows.shape[0], rows.stride(0), table.shape[1], rows.shape[2], *out.stride(),
        *(len(vector) for vector in weights), *(len(vector) for vector in starts),
        CUTTING=cut is not None, LINES=lines, VOXELS=voxels,
    )  # fmt: skip
    return int(unknown)


def _tile(lines: int, voxels: int) -> tuple[int, int]:
    return (
        min(_LINES, triton.next_power_of_2(max(1, lines))),
        min(_VOXELS, triton.next_power_of_2(max(1, voxels))),
    )


@triton.jit
def _accumulate(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    rows, table, windows, starts, along_d, along_h, along_w, least, number,  # noqa: ANN001
    z0, y0, x0, depth, y1, x1, tiles, places, height, width, sn, sk, sz, sy, sx, d, h, w,  # noqa: ANN001
    LINES: tl.constexpr, VOXELS: tl.constexpr,  # noqa: N803
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    k, rest = program // (depth * tiles), program % (depth * tiles)
    z = z0 + rest // tiles
    y_first = y0 + (rest % tiles) * LINES
    x_first = x0 + tl.program_id(1).to(tl.int64) * VOXELS
    y = y_first + tl.arange(0, LINES)
    x = x_first + tl.arange(0, VOXELS)
    inside = (y < y1)[:, None] & (x < x1)[None, :]
    place = tl.load(table + z * height + y, mask=y < y1, other=0)
    at = rows + (k * places + place)[:, None] * width + x[None, :]
    total = tl.load(at, mask=inside, other=0.0)
    window = windows + k * sk
    for n in range(number):
        zn = tl.load(starts + 3 * n)
        yn = tl.load(starts + 3 * n + 1)
        xn = tl.load(starts + 3 * n + 2)
        a = z - zn
        touched = (a >= 0) & (a < d) & (yn < y_first + LINES) & (yn + h > y_first)
        if touched & (xn < x_first + VOXELS) & (xn + w > x_first):
            b, c = y - yn, x - xn
            on_b, on_c = (b >= 0) & (b < h), (c >= 0) & (c < w)
            on = on_b[:, None] & on_c[None, :]
            factor = tl.load(along_d + a) * tl.load(along_h + b, mask=on_b, other=0.0)
            weight = factor[:, None] * tl.load(along_w + c, mask=on_c, other=0.0)[None, :]
            weight = tl.maximum(weight, least)
            source = window + a * sz + b[:, None] * sy + c[None, :] * sx
            total += tl.load(source, mask=on, other=0.0).to(tl.float32) * weight
        window += sn  # a pointer, so that the distance is of 64 bits
    tl.store(at, total, mask=inside)


@triton.jit
def _shares(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    z, y, x, along_d, along_h, along_w, starts_d, starts_h, starts_w, least, d, h, w, nd, nh, nw,  # noqa: ANN001
    LINES: tl.constexpr, VOXELS: tl.constexpr,  # noqa: N803
):  # fmt: skip
    """Return one over the sum of the weights of a tile."""
    total = tl.zeros((LINES, VOXELS), tl.float32)
    for i in range(nd):
        a = z - tl.load(starts_d + i)
        if (a >= 0) & (a < d):
            outer = tl.load(along_d + a)
            for j in range(nh):
                b = y - tl.load(starts_h + j)
                on_b = (b >= 0) & (b < h)
                factor = outer * tl.load(along_h + b, mask=on_b, other=0.0)
                for k in range(nw):
                    c = x - tl.load(starts_w + k)
                    on_c = (c >= 0) & (c < w)
                    weight = factor[:, None] * tl.load(along_w + c, mask=on_c, other=0.0)[None, :]
                    on = on_b[:, None] & on_c[None, :]
                    total += tl.where(on, tl.maximum(weight, least), 0.0)
    return 1.0 / tl.where(total > 0, total, 1.0)  # zero outside the volume alone


@triton.jit
def _average(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    rows, table, out, along_d, along_h, along_w, starts_d, starts_h, starts_w, least,  # noqa: ANN001
    z0, y0, lines, tiles, classes, apart, out_apart, height, width, d, h, w, nd, nh, nw,  # noqa: ANN001
    TAKE: tl.constexpr, LINES: tl.constexpr, VOXELS: tl.constexpr,  # noqa: N803
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    plane = program // tiles
    line = (program % tiles) * LINES + tl.arange(0, LINES)
    x = tl.program_id(1) * VOXELS + tl.arange(0, VOXELS)
    inside = (line < lines)[:, None] & (x < width)[None, :]
    share = _shares(
        z0 + plane, y0 + line, x, along_d, along_h, along_w, starts_d, starts_h, starts_w, least,
        d, h, w, nd, nh, nw, LINES, VOXELS,
    )  # fmt: skip
    place = tl.load(table + (z0 + plane) * height + y0 + line, mask=line < lines, other=0)
    at = rows + place[:, None] * width + x[None, :]
    into = out + (plane * lines + line)[:, None] * width + x[None, :]
    for _ in range(classes):
        value = tl.load(at, mask=inside, other=0.0) * share
        if TAKE:
            tl.store(into, value, mask=inside)
            tl.store(at, tl.zeros((LINES, VOXELS), tl.float32), mask=inside)
        else:
            tl.store(at, value, mask=inside)
        at += apart  # pointers, so that the distances are of 64 bits
        into += out_apart


@triton.jit
def _labels(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    rows, table, out, unknown, along_d, along_h, along_w, starts_d, starts_h, starts_w, least, cut,  # noqa: ANN001
    z0, y0, lines, tiles, classes, apart, height, width, oz, oy, ox, d, h, w, nd, nh, nw,  # noqa: ANN001
    CUTTING: tl.constexpr, LINES: tl.constexpr, VOXELS: tl.constexpr,  # noqa: N803
):  # fmt: skip
    program = tl.program_id(0).to(tl.int64)
    plane = program // tiles
    line = (program % tiles) * LINES + tl.arange(0, LINES)
    x = tl.program_id(1).to(tl.int64) * VOXELS + tl.arange(0, VOXELS)
    inside = (line < lines)[:, None] & (x < width)[None, :]
    share = _shares(
        z0 + plane, y0 + line, x, along_d, along_h, along_w, starts_d, starts_h, starts_w, least,
        d, h, w, nd, nh, nw, LINES, VOXELS,
    )  # fmt: skip
    place = tl.load(table + (z0 + plane) * height + y0 + line, mask=line < lines, other=0)
    best = tl.full((LINES, VOXELS), float("-inf"), tl.float32)
    label = tl.zeros((LINES, VOXELS), tl.int32)
    strange = tl.zeros((LINES, VOXELS), tl.int32)
    at = rows + place[:, None] * width + x[None, :]
    for k in range(classes):
        value = tl.load(at, mask=inside, other=0.0) * share
        tl.store(at, tl.zeros((LINES, VOXELS), tl.float32), mask=inside)
        strange = tl.where(inside & (value != value), 1, strange)
        if CUTTING:
            label = tl.where(inside & (value > cut), k + 1, label)
        else:
            above = value > best
            label = tl.where(above, k, label)
            best = tl.where(above, value, best)
        at += apart
    into = out + plane * oz + line[:, None] * oy + x[None, :] * ox
    tl.store(into, label.to(out.dtype.element_ty), mask=inside)
    found = tl.sum(tl.sum(strange, 1), 0)
    if found > 0:
        tl.atomic_add(unknown, found.to(tl.int64))
