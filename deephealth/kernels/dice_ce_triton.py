# ruff: noqa: ANN001, ANN202, N803, PLR0913 - Triton types its functions, and constants are in capitals
# mypy: disable-error-code="no-untyped-def"
"""Sums per class and their gradient on an accelerator: :mod:`deephealth.kernels.dice_ce` says what they are.

A program takes all classes of some voxels at a time, so that softmax needs no second reading. Each program writes its
own sums, which are added afterwards in a fixed order: no atomic additions, the same bits each time.
"""

from __future__ import annotations

from typing import Any

import torch

from deephealth.kernels.compilers import tl, triton

__all__ = ["class_gradient", "class_sums"]

_FIELDS = 5
_TILE = 4096  # logits of a tile; not tuned on an accelerator yet
_TILES = 8  # tiles of a program, whose sums are added before they are written


def class_sums(
    logits: torch.Tensor, labels: torch.Tensor, ignored: int, *, sigmoid: bool, squared: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sums B×fields×K (float64) and counts B×2 of voxels that are ignored and that have a strange id.

    Args:
        logits: B×K×spatial; copied only if its spatial axes can't be seen as one, as those of a crop.
        labels: ids B×1×spatial of whole numbers, or shares B×K×spatial of any type.
        ignored: the id that does not count.
        sigmoid: classes are not exclusive.
        squared: predictions and truths are squared in their sums.
    """
    x, y = logits.flatten(2), labels.flatten(2)
    samples, classes, voxels = x.shape
    padded, block = _tile(classes)
    tiles = min(_TILES, triton.cdiv(voxels, block))
    programs = triton.cdiv(voxels, block * tiles)
    partial = x.new_empty((samples, programs, _FIELDS, classes), dtype=_work(x))
    seen = x.new_empty((samples, programs, 2), dtype=torch.int64)
    _sums_kernel[(programs, samples)](
        x, y, partial, seen, *_layout(x, y), ignored, int(classes == 1),
        TILES=tiles, K=padded, BLOCK=block, **_kind(x, y, sigmoid=sigmoid, squared=squared),
    )  # fmt: skip
    return partial.sum(1, dtype=torch.float64), seen.sum(1)


def class_gradient(
    logits: torch.Tensor, labels: torch.Tensor, ignored: int, pull: torch.Tensor, *, sigmoid: bool, squared: bool
) -> torch.Tensor:
    """Return the gradient of ``(pull * sums).sum()``, in the logits' type and layout.

    Args:
        logits: as :func:`class_sums` takes them, and so the others.
        labels: ids or shares.
        ignored: the id that does not count.
        pull: B×fields×K.
        sigmoid: classes are not exclusive.
        squared: predictions and truths are squared in their sums.
    """
    x, y = logits.flatten(2), labels.flatten(2)
    gradient = torch.empty_like(logits)  # dense, so that it can be seen with one spatial axis
    out = gradient.view(x.shape)
    padded, block = _tile(x.shape[1])
    _gradient_kernel[(triton.cdiv(x.shape[2], block), len(x))](
        x, y, pull.to(_work(x)).contiguous(), out, *_layout(x, y), *out.stride(), ignored, int(x.shape[1] == 1),
        K=padded, BLOCK=block, **_kind(x, y, sigmoid=sigmoid, squared=squared),
    )  # fmt: skip
    return gradient


def _work(x: torch.Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _tile(classes: int) -> tuple[int, int]:
    padded = int(triton.next_power_of_2(classes))
    return padded, max(16, _TILE // padded)


def _layout(x: torch.Tensor, y: torch.Tensor) -> tuple[int, ...]:
    return x.shape[2], x.shape[1], *x.stride(), *y.stride()


def _kind(x: torch.Tensor, y: torch.Tensor, *, sigmoid: bool, squared: bool) -> dict[str, Any]:
    return {
        "SHARES": y.is_floating_point() or y.shape[1] > 1,
        "SIGMOID": sigmoid,
        "SQUARED": squared,
        "WORK": tl.float64 if x.dtype == torch.float64 else tl.float32,
    }


@triton.jit
def _sums_kernel(
    logits, labels, partial, seen, voxels, classes, x_b, x_k, x_v, y_b, y_k, y_v, ignored, below,
    TILES: tl.constexpr, K: tl.constexpr, BLOCK: tl.constexpr,
    SHARES: tl.constexpr, SIGMOID: tl.constexpr, SQUARED: tl.constexpr, WORK: tl.constexpr,
):  # fmt: skip
    program, sample = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    k = tl.arange(0, K).to(tl.int64)
    overlap = tl.zeros([K], WORK)
    predicted, true, cost, every = overlap, overlap, overlap, overlap
    left_out, strange = tl.zeros([1], tl.int64), tl.zeros([1], tl.int64)
    for tile in range(TILES):
        v = (program * TILES + tile) * BLOCK + tl.arange(0, BLOCK)
        here = (k[:, None] < classes) & (v[None, :] < voxels)
        x = tl.load(logits + sample * x_b + k[:, None] * x_k + v[None, :] * x_v, mask=here, other=0).to(WORK)
        y, inside, apart, odd = _truth(
            labels + sample * y_b, y_k, y_v, k, v, here, voxels, classes, ignored, below, SHARES, WORK
        )
        if SIGMOID:
            e = tl.exp(-tl.abs(x))
            p = tl.where(x >= 0, 1, e) / (1 + e)
            rest = tl.log(1 + e)
            costs, others = y * (rest + tl.where(x >= 0, 0, -x)), (inside - y) * (rest + tl.where(x >= 0, x, 0))
        else:
            p, surprise = _softmax(x, k, classes)
            costs, others = y * surprise, inside * surprise
        p = tl.where(here, p * inside, 0)
        overlap += tl.sum(p * y, 1)
        predicted += tl.sum(p * p if SQUARED else p, 1)
        true += tl.sum(y * y if SQUARED else y, 1)
        cost += tl.sum(tl.where(here, costs, 0), 1)
        every += tl.sum(tl.where(here, others, 0), 1)
        left_out += tl.sum(apart.to(tl.int64), 0)
        strange += tl.sum(odd.to(tl.int64), 0)
    place = sample * tl.num_programs(0) + program
    target, valid = partial + place * 5 * classes + k, k < classes
    tl.store(target, overlap, mask=valid)
    tl.store(target + classes, predicted, mask=valid)
    tl.store(target + 2 * classes, true, mask=valid)
    tl.store(target + 3 * classes, cost, mask=valid)
    tl.store(target + 4 * classes, every, mask=valid)
    tl.store(seen + place * 2 + tl.arange(0, 1), left_out)
    tl.store(seen + place * 2 + 1 + tl.arange(0, 1), strange)


@triton.jit
def _gradient_kernel(
    logits, labels, pull, out, voxels, classes, x_b, x_k, x_v, y_b, y_k, y_v, g_b, g_k, g_v, ignored, below,
    K: tl.constexpr, BLOCK: tl.constexpr,
    SHARES: tl.constexpr, SIGMOID: tl.constexpr, SQUARED: tl.constexpr, WORK: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(1).to(tl.int64)
    k = tl.arange(0, K).to(tl.int64)
    v = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = (k[:, None] < classes) & (v[None, :] < voxels)
    x = tl.load(logits + sample * x_b + k[:, None] * x_k + v[None, :] * x_v, mask=here, other=0).to(WORK)
    y, inside, _, _ = _truth(labels + sample * y_b, y_k, y_v, k, v, here, voxels, classes, ignored, below, SHARES, WORK)
    source, valid = pull + sample * 5 * classes + k, k < classes
    overlap = tl.load(source, mask=valid, other=0)[:, None]
    predicted = tl.load(source + classes, mask=valid, other=0)[:, None]
    cost = tl.load(source + 3 * classes, mask=valid, other=0)[:, None]
    every = tl.load(source + 4 * classes, mask=valid, other=0)[:, None]
    if SIGMOID:
        e = tl.exp(-tl.abs(x))
        p, left = tl.where(x >= 0, 1, e) / (1 + e), tl.where(x >= 0, e, 1) / (1 + e)
        steep = overlap * y + (2 * predicted * p if SQUARED else predicted)
        slope = p * left * steep - cost * y * left + every * (1 - y) * p
    else:
        p, _ = _softmax(x, k, classes)
        steep = overlap * y + (2 * predicted * p if SQUARED else predicted)
        due = cost * y + every
        slope = p * (steep - tl.sum(p * steep - due, 0)[None, :]) - due
    target = out + sample * g_b + k[:, None] * g_k + v[None, :] * g_v
    tl.store(target, (slope * inside).to(out.dtype.element_ty), mask=here)


@triton.jit
def _softmax(x, k, classes):
    """Return the probabilities and -log of them, for K×BLOCK logits of which those from ``classes`` on don't exist."""
    exists = k[:, None] < classes
    top = tl.max(tl.where(exists, x, float("-inf")), 0)[None, :]
    e = tl.where(exists, tl.exp(x - top), 0)
    total = tl.sum(e, 0)[None, :]
    return e / total, top + tl.log(total) - x


@triton.jit
def _truth(labels, y_k, y_v, k, v, here, voxels, classes, ignored, below, SHARES: tl.constexpr, WORK: tl.constexpr):
    """Return shares K×BLOCK, 1 for each voxel that counts, and which voxels are ignored and which are of no class."""
    if SHARES:
        y = tl.load(labels + k[:, None] * y_k + v[None, :] * y_v, mask=here, other=0).to(WORK)
        apart = v < 0
        odd = apart
        inside = tl.where(here, 1, 0).to(WORK)
    else:
        ids = tl.load(labels + v * y_v, mask=v < voxels, other=0).to(tl.int64)
        apart = (ids == ignored) & (v < voxels)
        known = (ids >= 0) & (ids < classes + below)
        odd = (v < voxels) & ~known & ~apart
        counts = (v < voxels) & known & ~apart
        inside = tl.where(counts[None, :] & (k[:, None] < classes), 1, 0).to(WORK)
        y = tl.where((ids[None, :] - below) == k[:, None], inside, 0)
    return y, inside, apart, odd
