"""Kernels that reduce or order along axes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from deephealth.eddl.onnx.kernels.registry import kernel, register

__all__: list[str] = []


def _prod(x: Tensor, axes: list[int], keepdim: bool) -> Tensor:
    for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keepdim)
    return x


_REDUCERS: dict[str, Callable[[Tensor, list[int], bool], Tensor]] = {
    "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "ReduceL2": lambda x, axes, keep: (x * x).sum(axes, keepdim=keep).sqrt(),
    "ReduceLogSum": lambda x, axes, keep: x.sum(axes, keepdim=keep).log(),
    "ReduceLogSumExp": lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep),
    "ReduceMax": lambda x, axes, keep: x.amax(axes, keepdim=keep),
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keepdim=keep),
    "ReduceMin": lambda x, axes, keep: x.amin(axes, keepdim=keep),
    "ReduceProd": _prod,
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keepdim=keep).to(x.dtype),
    "ReduceSumSquare": lambda x, axes, keep: (x * x).sum(axes, keepdim=keep),
}


def _reducer(reduce: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[..., Tensor]:
    def run(x: Tensor, axes: list[int] | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
        if not axes and noop_with_empty_axes:
            return x
        return reduce(x, axes or list(range(x.dim())), bool(keepdims))

    return run


for _name, _reduce in _REDUCERS.items():
    register(_name, _reducer(_reduce), host=[1])


@kernel("ArgMax")
def _arg_max(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    if not select_last_index:
        return x.argmax(axis, keepdim=bool(keepdims))
    return x.shape[axis] - 1 - x.flip(axis).argmax(axis, keepdim=bool(keepdims))


@kernel("ArgMin")
def _arg_min(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
    return _arg_max(-x, axis=axis, keepdims=keepdims, select_last_index=select_last_index)


@kernel("CumSum", host=[1])
def _cum_sum(x: Tensor, axis: list[int] | int, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
    along = axis[0] if isinstance(axis, list) else axis
    x = x.flip(along) if reverse else x
    total = x.cumsum(along) - x if exclusive else x.cumsum(along)
    return total.flip(along) if reverse else total


@kernel("TopK", host=[1], several=True)
def _top_k(
    x: Tensor,
    k: list[int] | int,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,
) -> tuple[Tensor, ...]:
    count = k[0] if isinstance(k, list) else k
    values, places = torch.sort(x, dim=axis, descending=bool(largest), stable=True)  # of equals, the first
    return values.narrow(axis, 0, count), places.narrow(axis, 0, count)
