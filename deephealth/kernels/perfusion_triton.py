"""Perfusion deconvolution for accelerators: a program multiplies a few curves and keeps the largest value and place.

The residue never leaves the registers: 4·T bytes are read and 12 written per voxel. For ``osvd`` a program
adds term after term; the second differences, which the index needs, are carried along as a second tile. NaN is passed
over in the search (the volume shows it).
"""

from __future__ import annotations

import torch

from deephealth.kernels.compilers import tl, triton
from deephealth.kernels.perfusion_operator import Operator

__all__ = ["maps"]

_VOXELS = 64  # of one program
_FEW = 16  # the same for osvd, whose two tiles stay in registers
_STEPS = 64  # points of the residue at a time


def maps(curves: torch.Tensor, ready: Operator, oscillation: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return flow, volume, and the place of the residue's largest value: curves V×T."""
    kind = torch.float64 if curves.dtype == torch.float64 else torch.float32
    found = torch.empty(3, len(curves), dtype=kind, device=curves.device)
    residue, volume = (each.to(found) for each in (ready.residue, ready.volume))
    steps, frames = residue.shape
    wide = max(16, triton.next_power_of_2(frames))
    if not len(curves):
        return found[0], found[1], found[2]
    strides = (curves.stride(0), curves.stride(1))
    if ready.coefficients is None or ready.waves is None:
        grid = (triton.cdiv(len(curves), _VOXELS),)
        _highest[grid](
            curves, residue, volume, found, len(curves), frames, steps, *strides, _VOXELS, wide, min(_STEPS, wide)
        )
        return found[0], found[1], found[2]
    waves = ready.waves.to(found)
    bends = torch.zeros_like(waves)
    bends[:, :, 2:] = waves.diff(n=2)
    terms = len(waves)
    limit = torch.tensor([oscillation * steps]).to(found)
    grid = (triton.cdiv(len(curves), _FEW),)
    high = max(16, triton.next_power_of_2(steps))
    _smoothest[grid](
        curves,
        ready.coefficients.to(found).contiguous(),
        waves.contiguous(),
        bends,
        volume,
        found,
        limit,
        len(curves),
        frames,
        steps,
        terms,
        *strides,
        _FEW,
        wide,
        high,
    )
    return found[0], found[1], found[2]


@triton.jit
def _curves(curves, count, frames, by_voxel, by_frame, voxel, frame, like):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A tile of curves: voxels × frames, zeros behind their ends."""
    at = voxel[:, None] * by_voxel + frame.to(tl.int64)[None, :] * by_frame
    return tl.load(curves + at, (voxel < count)[:, None] & (frame < frames)[None, :], 0.0).to(like.dtype.element_ty)


@triton.jit
def _highest(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    curves,  # noqa: ANN001
    residue,  # noqa: ANN001
    volume,  # noqa: ANN001
    found,  # noqa: ANN001
    count,  # noqa: ANN001
    frames,  # noqa: ANN001
    steps,  # noqa: ANN001
    by_voxel,  # noqa: ANN001
    by_frame,  # noqa: ANN001
    VOXELS: tl.constexpr,  # noqa: N803
    FRAMES: tl.constexpr,  # noqa: N803
    STEPS: tl.constexpr,  # noqa: N803
):
    voxel = tl.program_id(0).to(tl.int64) * VOXELS + tl.arange(0, VOXELS)
    frame = tl.arange(0, FRAMES)
    values = _curves(curves, count, frames, by_voxel, by_frame, voxel, frame, found)
    blood = tl.sum(values * tl.load(volume + frame, frame < frames, 0.0)[None, :], 1)
    top = tl.full([VOXELS], float("-inf"), values.dtype)
    place = tl.zeros([VOXELS], tl.int32)
    for first in range(0, steps, STEPS):
        step = first + tl.arange(0, STEPS)
        inside = (frame < frames)[:, None] & (step < steps)[None, :]
        block = tl.load(residue + step[None, :] * frames + frame[:, None], inside, 0.0)
        product = tl.dot(values, block, input_precision="ieee", out_dtype=values.dtype)
        product = tl.where((step < steps)[None, :] & (product == product), product, float("-inf"))
        here, at = tl.max(product, 1, return_indices=True)
        place = tl.where(here > top, first + at, place)
        top = tl.maximum(top, here)
    real = voxel < count
    tl.store(found + voxel, top, real)
    tl.store(found + (voxel + count), blood, real)
    tl.store(found + (voxel + count + count), place.to(values.dtype), real)


@triton.jit
def _smoothest(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913
    curves,  # noqa: ANN001
    coefficients,  # noqa: ANN001
    waves,  # noqa: ANN001
    bends,  # noqa: ANN001
    volume,  # noqa: ANN001
    found,  # noqa: ANN001
    limit,  # noqa: ANN001
    count,  # noqa: ANN001
    frames,  # noqa: ANN001
    steps,  # noqa: ANN001
    terms,  # noqa: ANN001
    by_voxel,  # noqa: ANN001
    by_frame,  # noqa: ANN001
    VOXELS: tl.constexpr,  # noqa: N803
    FRAMES: tl.constexpr,  # noqa: N803
    STEPS: tl.constexpr,  # noqa: N803
):
    """Add term after term, the largest singular value first; the last sum that does not oscillate is kept."""
    voxel = tl.program_id(0).to(tl.int64) * VOXELS + tl.arange(0, VOXELS)
    frame = tl.arange(0, FRAMES)
    step = tl.arange(0, STEPS)
    held = frame < frames
    inside = (step < steps)[None, :]
    values = _curves(curves, count, frames, by_voxel, by_frame, voxel, frame, found)
    blood = tl.sum(values * tl.load(volume + frame, held, 0.0)[None, :], 1)
    most = tl.load(limit)
    sums = tl.zeros([VOXELS, STEPS], values.dtype)
    curved = tl.zeros([VOXELS, STEPS], values.dtype)
    top = tl.zeros([VOXELS], values.dtype)
    place = tl.zeros([VOXELS], tl.int32)
    for term in range(terms):
        for half in range(2):
            row = 2 * term + half
            part = tl.sum(values * tl.load(coefficients + row * frames + frame, held, 0.0)[None, :], 1)
            sums += part[:, None] * tl.load(waves + row * steps + step, step < steps, 0.0)[None, :]
            curved += part[:, None] * tl.load(bends + row * steps + step, step < steps, 0.0)[None, :]
        here, at = tl.max(tl.where(inside & (sums == sums), sums, float("-inf")), 1, return_indices=True)
        taken = (tl.sum(tl.abs(curved), 1) < most * here) | (term == 0)
        place = tl.where(taken, at, place)
        top = tl.where(taken, here, top)
    real = voxel < count
    tl.store(found + voxel, top, real)
    tl.store(found + (voxel + count), blood, real)
    tl.store(found + (voxel + count + count), place.to(values.dtype), real)
