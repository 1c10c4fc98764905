"""Kernels that move elements without changing them: reshape, transpose, slice, pad and their kin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deephealth.eddl.onnx.kernels.registry import kernel

__all__ = ["resolve_shape"]


def resolve_shape(size: Sequence[int], target: Sequence[int], allowzero: int = 0) -> list[int]:
    """Return the sizes that ONNX's Reshape gives a tensor.

    Args:
        size: the tensor's sizes.
        target: the wanted ones; 0 copies the size at its position, -1 (once) is what is left.
        allowzero: 1 makes 0 mean an empty dimension.

    Example:
        >>> resolve_shape([2, 3, 4], [0, -1])
        [2, 12]
    """
    shape = [size[i] if wanted == 0 and not allowzero else wanted for i, wanted in enumerate(target)]
    if -1 in shape:
        rest = math.prod(wanted for wanted in shape if wanted != -1)
        shape[shape.index(-1)] = math.prod(size) // rest if rest else 0
    return [int(wanted) for wanted in shape]


@kernel("Reshape", host=[1])
def _reshape(x: Tensor, shape: list[int], *, allowzero: int = 0) -> Tensor:
    return x.reshape([x.shape[i] if wanted == 0 and not allowzero else wanted for i, wanted in enumerate(shape)])


@kernel("Flatten")
def _flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    if axis == 1 and x.dim() > 1:
        return x.flatten(1)
    axis = axis % x.dim() if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), -1)


@kernel("Transpose")
def _transpose(x: Tensor, *, perm: list[int] | None = None) -> Tensor:
    return x.permute(perm if perm is not None else list(reversed(range(x.dim()))))


@kernel("Squeeze", host=[1])
def _squeeze(x: Tensor, axes: list[int] | None = None) -> Tensor:
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


@kernel("Unsqueeze", host=[1])
def _unsqueeze(x: Tensor, axes: list[int] | int) -> Tensor:
    wanted = [axes] if isinstance(axes, int) else axes
    rank = x.dim() + len(wanted)
    for axis in sorted(axis % rank for axis in wanted):
        x = x.unsqueeze(axis)
    return x


@kernel("Concat")
def _concat(*inputs: Tensor, axis: int) -> Tensor:
    return torch.cat(inputs, dim=axis)


@kernel("Split", host=[1], several=True)
def _split(x: Tensor, sizes: list[int] | None = None, *, axis: int = 0, num_outputs: int = 0) -> tuple[Tensor, ...]:
    if sizes is None:
        sizes = [math.ceil(x.shape[axis] / num_outputs)] * (num_outputs - 1)
        sizes.append(x.shape[axis] - sum(sizes))
    return torch.split(x, list(sizes), dim=axis)


@kernel("Expand", host=[1])
def _expand(x: Tensor, shape: list[int]) -> Tensor:
    missing = len(shape) - x.dim()
    if missing > 0:
        x = x.reshape([1] * missing + list(x.shape))
    wanted = [1] * -missing + list(shape)
    return x.expand([-1 if isinstance(w, int) and w == 1 else w for w in wanted])


@kernel("Tile", host=[1])
def _tile(x: Tensor, repeats: list[int]) -> Tensor:
    return x.repeat(repeats)


@kernel("Slice", host=[1, 2, 3, 4])
def _slice(
    x: Tensor, starts: list[int], ends: list[int], axes: list[int] | None = None, steps: list[int] | None = None
) -> Tensor:
    axes = axes if axes is not None else list(range(len(starts)))
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(axes), strict=True):
        x = _slice_axis(x, axis % x.dim(), start, end, step)
    return x


def _slice_axis(x: Tensor, axis: int, start: int, end: int, step: int) -> Tensor:
    if step > 0:
        index: list[Any] = [slice(None)] * axis
        return x[(*index, slice(start, end if end < 2**31 - 1 else None, step))]
    size = x.shape[axis]
    chosen = range(*slice(start, None if end < -size else end, step).indices(size))
    return x.index_select(axis, torch.tensor(list(chosen), dtype=torch.int64, device=x.device))


_PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@kernel("Pad", host=[1, 3])
def _pad(
    x: Tensor, pads: list[int], value: Tensor | None = None, axes: list[int] | None = None, *, mode: str = "constant"
) -> Tensor:
    axes = list(range(x.dim())) if axes is None else [axis % x.dim() for axis in axes]
    sides = [(0, 0)] * x.dim()
    for i, axis in enumerate(axes):
        sides[axis] = (pads[i], pads[i + len(axes)])
    if mode == "constant":
        flat = [amount for side in reversed(sides) for amount in side]
        return F.pad(x, flat) if value is None else _pad_value(x, flat, value)
    return _pad_indexed(x, sides, mode)


def _pad_value(x: Tensor, flat: list[int], value: Tensor) -> Tensor:
    inside = F.pad(torch.ones_like(x, dtype=torch.bool), flat)
    return torch.where(inside, F.pad(x, flat), value.to(x.dtype).reshape([]))


def _pad_indexed(x: Tensor, sides: list[tuple[int, int]], mode: str) -> Tensor:
    """Pad any dimensions in any mode by choosing rows, where ``F.pad`` takes only the last few dimensions."""
    for axis, (before, after) in enumerate(sides):
        if before == 0 and after == 0:
            continue
        size = x.shape[axis]
        place = torch.arange(-before, size + after, device=x.device)
        if mode == "edge":
            place = place.clamp(0, size - 1)
        elif mode == "wrap":
            place = place % size
        else:
            period = max(2 * (size - 1), 1)
            place = (size - 1) - ((place % period) - (size - 1)).abs()
        x = x.index_select(axis, place)
    return x


@kernel("DepthToSpace")
def _depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    if mode == "CRD":
        return F.pixel_shuffle(x, blocksize)
    b, c, h, w = x.shape
    x = x.reshape(b, blocksize, blocksize, c // blocksize**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(b, c // blocksize**2, h * blocksize, w * blocksize)


@kernel("SpaceToDepth")
def _space_to_depth(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    if mode == "CRD":
        return F.pixel_unshuffle(x, blocksize)
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // blocksize, blocksize, w // blocksize, blocksize).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(b, c * blocksize**2, h // blocksize, w // blocksize)


@kernel("Trilu", host=[1])
def _trilu(x: Tensor, k: int | None = None, *, upper: int = 1) -> Tensor:
    return torch.triu(x, k or 0) if upper else torch.tril(x, k or 0)


@kernel("ReverseSequence", host=[1])
def _reverse_sequence(x: Tensor, lengths: list[int], *, batch_axis: int = 1, time_axis: int = 0) -> Tensor:
    moved = x.movedim((batch_axis, time_axis), (0, 1))
    rows = [torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(moved, lengths, strict=True)]
    return torch.stack(rows).movedim((0, 1), (batch_axis, time_axis))
