"""Nearest-neighbour reading of images and volumes at whole-number coordinates, by gathering."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["pick", "pick_dense", "wrap_index"]


def wrap_index(coordinate: Tensor, size: int, wrap: str) -> tuple[Tensor, Tensor | None]:
    """Turn coordinates, which may lie outside, into indices of an axis.

    Args:
        coordinate: whole numbers (int64) of any shape.
        size: length of the axis.
        wrap: ``"nearest"`` (a a|a b c|c c), ``"reflect"`` (b a|a b c|c b), ``"mirror"`` (c b|a b c|b a) or ``"wrap"``
            (b c|a b c|a b) extend the axis; ``"constant"`` and ``"original"`` leave it to the caller to fill.

    Returns:
        The indices, and which coordinates lay inside (``None`` when the mode extends the axis).

    Example:
        >>> wrap_index(torch.tensor([-2, -1, 0, 3, 4]), 3, "reflect")[0].tolist()
        [1, 0, 0, 2, 1]
    """
    if wrap in ("constant", "original"):
        return coordinate.clamp(0, size - 1), (coordinate >= 0) & (coordinate < size)
    if wrap == "nearest":
        return coordinate.clamp(0, size - 1), None
    if wrap == "wrap":
        return coordinate.remainder(size), None
    if wrap == "reflect":
        folded = coordinate.remainder(2 * size)
        return torch.minimum(folded, 2 * size - 1 - folded), None
    period = max(2 * (size - 1), 1)
    folded = coordinate.remainder(period)
    return torch.minimum(folded, period - folded), None


def pick(x: Tensor, coordinates: Sequence[Tensor], wrap: str, cval: float) -> Tensor:
    """Read ``x`` on a grid: one list of coordinates per spatial axis.

    Args:
        x: images [B, C, H, W] or volumes [B, C, D, H, W].
        coordinates: for each spatial axis, int64 [1, n] (the same for all samples) or [B, n].
        wrap: wrapping mode for coordinates outside.
        cval: the value outside, for ``"constant"``.

    Returns:
        [B, C, n0, n1, ...].

    Example:
        >>> line = torch.tensor([[[[5.0, 6.0]]]])
        >>> pick(line, [torch.tensor([[0]]), torch.tensor([[1, 2]])], "constant", -1.0).tolist()
        [[[[6.0, -1.0]]]]
    """
    found, inside = x, None
    for axis, coordinate in enumerate(coordinates, start=2):
        index, within = wrap_index(coordinate, x.shape[axis], wrap)
        found = _take(found, axis, index)
        if within is not None:
            within = _along(within, axis, x.ndim)
            inside = within if inside is None else inside & within
    return _fill(found, x, inside, wrap, cval)


def pick_dense(x: Tensor, rows: Tensor, columns: Tensor, wrap: str, cval: float) -> Tensor:
    """Read images where each pixel has its own source.

    Args:
        x: images [B, C, H, W].
        rows: int64 [1, h, w] (the same for all samples) or [B, h, w].
        columns: likewise.
        wrap: wrapping mode for coordinates outside.
        cval: the value outside, for ``"constant"``.

    Returns:
        [B, C, h, w].

    Example:
        >>> line = torch.tensor([[[[5.0, 6.0]]]])
        >>> pick_dense(line, torch.tensor([[[0]]]), torch.tensor([[[3]]]), "nearest", 0.0).tolist()
        [[[[6.0]]]]
    """
    row, row_inside = wrap_index(rows, x.shape[2], wrap)
    column, column_inside = wrap_index(columns, x.shape[3], wrap)
    flat = (row * x.shape[3] + column).flatten(1)
    found = _take(x.flatten(2), 2, flat).unflatten(2, (rows.shape[1], rows.shape[2]))
    if row_inside is None or column_inside is None:
        return found
    return _fill(found, x, (row_inside & column_inside).unsqueeze(1), wrap, cval)


def _take(x: Tensor, axis: int, index: Tensor) -> Tensor:
    if index.shape[0] == 1:
        return x.index_select(axis, index[0])
    shape = list(x.shape)
    shape[axis] = index.shape[1]
    return x.gather(axis, _along(index, axis, x.ndim).expand(shape))


def _along(values: Tensor, axis: int, ndim: int) -> Tensor:
    """Lay [B or 1, n] along ``axis`` of a tensor with ``ndim`` axes."""
    shape = [1] * ndim
    shape[0], shape[axis] = values.shape
    return values.reshape(shape)


def _fill(found: Tensor, x: Tensor, inside: Tensor | None, wrap: str, cval: float) -> Tensor:
    if inside is None:
        return found
    if wrap == "original":
        return torch.where(inside, found, x)
    return torch.where(inside, found, cval)
