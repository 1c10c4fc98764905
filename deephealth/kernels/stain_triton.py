"""The Triton versions of :mod:`deephealth.kernels.stain`: one block of pixels of one tile per program."""

from __future__ import annotations

import math

import torch

from deephealth.kernels.compilers import tl, triton

__all__ = ["moments_triton", "recolour_triton"]

_BLOCK = 1024


@triton.jit
def _recolour_kernel(tiles, mix, add, out, pixels, step, plane, scale, bias, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803, PLR0913
    blocks = tl.cdiv(pixels, BLOCK)
    tile = (tl.program_id(0) // blocks).to(tl.int64)
    at = (tl.program_id(0) % blocks).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < pixels
    places = tile * pixels * 3 + at * step
    red = tl.log2((tl.load(tiles + places, mask=inside, other=0).to(tl.float32) + 1.0) * scale)
    green = tl.log2((tl.load(tiles + places + plane, mask=inside, other=0).to(tl.float32) + 1.0) * scale)
    blue = tl.log2((tl.load(tiles + places + 2 * plane, mask=inside, other=0).to(tl.float32) + 1.0) * scale)
    for channel in tl.static_range(3):
        m = mix + tile * 9 + channel * 3
        power = tl.load(m) * red + tl.load(m + 1) * green + tl.load(m + 2) * blue + tl.load(add + tile * 3 + channel)
        level = tl.minimum(tl.maximum(tl.exp2(power) + bias, 0.0), 255.0)
        tl.store(out + places + channel * plane, level.to(tl.uint8), mask=inside)


@triton.jit
def _moments_kernel(tiles, sums, pixels, step, plane, scale, brightest, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, N803
    blocks = tl.cdiv(pixels, BLOCK)
    tile = (tl.program_id(0) // blocks).to(tl.int64)
    at = (tl.program_id(0) % blocks).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < pixels
    places = tile * pixels * 3 + at * step
    r = tl.load(tiles + places, mask=inside, other=0).to(tl.int32)
    g = tl.load(tiles + places + plane, mask=inside, other=0).to(tl.int32)
    b = tl.load(tiles + places + 2 * plane, mask=inside, other=0).to(tl.int32)
    keep = (inside & (tl.maximum(r, tl.maximum(g, b)) <= brightest)).to(tl.float32)
    red = -tl.log((r.to(tl.float32) + 1.0) * scale) * keep
    green = -tl.log((g.to(tl.float32) + 1.0) * scale) * keep
    blue = -tl.log((b.to(tl.float32) + 1.0) * scale) * keep
    to = sums + tl.program_id(0).to(tl.int64) * 10
    tl.store(to, tl.sum(keep))
    tl.store(to + 1, tl.sum(red))
    tl.store(to + 2, tl.sum(green))
    tl.store(to + 3, tl.sum(blue))
    tl.store(to + 4, tl.sum(red * red))
    tl.store(to + 5, tl.sum(red * green))
    tl.store(to + 6, tl.sum(red * blue))
    tl.store(to + 7, tl.sum(green * green))
    tl.store(to + 8, tl.sum(green * blue))
    tl.store(to + 9, tl.sum(blue * blue))


def recolour_triton(
    tiles: torch.Tensor, mix: torch.Tensor, shift: torch.Tensor, io: float, bias: float
) -> torch.Tensor:
    """Recolour B×3×H×W tiles without gaps, in one read and one write."""
    out = torch.empty_like(tiles)
    pixels, step, plane = _strides(tiles)
    add = ((math.log(io) - shift.double()) / math.log(2)).float().contiguous()
    grid = (len(tiles) * triton.cdiv(pixels, _BLOCK),)
    _recolour_kernel[grid](tiles, mix.float().contiguous(), add, out, pixels, step, plane, 1 / io, bias, BLOCK=_BLOCK)
    return out


def moments_triton(tiles: torch.Tensor, io: float, brightest: int) -> torch.Tensor:
    """B×10 float64: tissue pixels, sums of their densities and of their products; one read of the tiles."""
    pixels, step, plane = _strides(tiles)
    blocks = triton.cdiv(pixels, _BLOCK)
    sums = torch.zeros(len(tiles), blocks, 10, device=tiles.device)
    if sums.numel():
        _moments_kernel[(len(tiles) * blocks,)](tiles, sums, pixels, step, plane, 1 / io, brightest, BLOCK=_BLOCK)
    return sums.double().sum(1)


def _strides(tiles: torch.Tensor) -> tuple[int, int, int]:
    """Pixels of a tile, and the steps to the next pixel and to the next colour."""
    pixels = tiles.shape[2] * tiles.shape[3]
    return (pixels, 1, pixels) if tiles.is_contiguous() else (pixels, 3, 1)
