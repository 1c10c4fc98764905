"""Kernels that gather, scatter, generate or look up: what changes which element stands where by an index."""

from __future__ import annotations

import torch
from torch import Tensor

from deephealth.eddl.onnx.kernels.registry import kernel

__all__: list[str] = []


def _index(index: Tensor, size: int) -> Tensor:
    """Return whole, non-negative indices: EDDL's tensors are floats, and ONNX counts negative ones from the end."""
    index = index.long()
    return torch.where(index < 0, index + size, index)


@kernel("Gather")
def _gather(x: Tensor, index: Tensor, *, axis: int = 0) -> Tensor:
    axis = axis % x.dim()
    chosen = torch.index_select(x, axis, _index(index, x.shape[axis]).reshape(-1))
    return chosen.reshape([*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]])


@kernel("GatherElements")
def _gather_elements(x: Tensor, index: Tensor, *, axis: int = 0) -> Tensor:
    return torch.gather(x, axis, _index(index, x.shape[axis]))


@kernel("GatherND")
def _gather_nd(x: Tensor, index: Tensor, *, batch_dims: int = 0) -> Tensor:
    index = index.long()
    lead = [
        torch.arange(x.shape[i], device=x.device).reshape([-1] + [1] * (index.dim() - 2 - i)) for i in range(batch_dims)
    ]
    places = [index[..., i] for i in range(index.shape[-1])]
    return x[(*lead, *places)]


@kernel("ScatterElements", "Scatter")
def _scatter_elements(x: Tensor, index: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none") -> Tensor:
    index = _index(index, x.shape[axis])
    if reduction == "none":
        return torch.scatter(x, axis, index, updates)
    return torch.scatter_reduce(x, axis, index, updates, _REDUCTIONS[reduction])


_REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@kernel("ScatterND")
def _scatter_nd(x: Tensor, index: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    index = index.long()
    places = tuple(_index(index[..., i], x.shape[i]) for i in range(index.shape[-1]))
    if reduction in {"none", "add"}:
        return x.index_put(places, updates, accumulate=reduction == "add")
    flat = torch.zeros_like(places[0])
    for i, place in enumerate(places):
        flat = flat * x.shape[i] + place
    rows = x.reshape([-1, *x.shape[len(places) :]]).flatten(1) if x.dim() > len(places) else x.reshape(-1, 1)
    where = flat.reshape(-1, 1).expand(-1, rows.shape[1])
    return rows.scatter_reduce(0, where, updates.reshape(where.shape), _REDUCTIONS[reduction]).reshape(x.shape)


@kernel("OneHot", host=[1])
def _one_hot(index: Tensor, depth: list[int] | int, values: Tensor, *, axis: int = -1) -> Tensor:
    count = int(depth[0] if isinstance(depth, list) else depth)
    hot = _index(index, count).unsqueeze(-1) == torch.arange(count, device=index.device)
    return torch.where(hot.movedim(-1, axis), values[1], values[0])


@kernel("Range", host=[0, 1, 2])
def _range(start: float, limit: float, delta: float) -> Tensor:
    return torch.arange(start, limit, delta)


@kernel("ConstantOfShape", host=[0])
def _constant_of_shape(shape: list[int], *, value: Tensor | None = None) -> Tensor:
    filler = torch.zeros(1) if value is None else value
    return filler.reshape([]).expand(shape)


@kernel("EyeLike")
def _eye_like(x: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    from deephealth.eddl.onnx.dtypes import torch_dtype

    kind = x.dtype if dtype is None else torch_dtype(dtype)
    rows = torch.arange(x.shape[0], device=x.device).unsqueeze(1)
    return (rows + k == torch.arange(x.shape[1], device=x.device)).to(kind)


@kernel("NonZero")
def _non_zero(x: Tensor) -> Tensor:
    return torch.nonzero(x).T


@kernel("Compress")
def _compress(x: Tensor, condition: Tensor, *, axis: int | None = None) -> Tensor:
    if axis is None:
        return x.reshape(-1)[: condition.numel()][condition.bool()]
    return torch.index_select(x, axis, torch.nonzero(condition).reshape(-1))


@kernel("Shape")
def _shape(x: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    return torch.tensor(list(x.shape)[start:end], dtype=torch.int64)


@kernel("Size")
def _size(x: Tensor) -> Tensor:
    return torch.tensor(x.numel(), dtype=torch.int64)
