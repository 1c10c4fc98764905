"""Takes the batch size out of what an exporter wrote down for one batch: Reshape's targets, and constants in Concat."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from deephealth.eddl.onnx.kernels.shaping import resolve_shape
from deephealth.eddl.onnx.values import Const, Data, Known, Sizes

if TYPE_CHECKING:
    from deephealth.eddl.onnx.inputs import InputPlan
    from deephealth.eddl.onnx.site import Site

__all__ = ["batched_concat", "expand_target", "follow", "outer_of", "reshape_target", "without_strides"]


def reshape_target(site: Site, plan: InputPlan) -> list[Known | None]:
    """Return Reshape's inputs with a target that holds at every batch size, where one can be found."""
    data, target = site.inputs[:2]
    if not isinstance(data, Data) or target is None or isinstance(target, Data):
        return site.inputs
    zero = int(site.attributes.get("allowzero", 0))
    sizes = list(data.first.shape), list(data.second.shape)
    first = resolve_shape(sizes[0], target.first.tolist(), zero)
    second = _second(data, first, target, plan, zero)
    if second is None or math.prod(second) != math.prod(sizes[1]):
        return site.inputs
    moving = [axis for axis, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    if len(moving) <= 1 and 0 not in first:
        fixed = [-1 if axis in moving else size for axis, size in enumerate(first)]
        return [data, Const(torch.tensor(fixed, dtype=torch.int64))]
    if isinstance(target, Sizes):
        pair = [torch.tensor(each, dtype=torch.int64) for each in (first, second)]
        return [data, Sizes(pair[0], pair[1], plan.batches)]
    return site.inputs


def _second(data: Data, first: list[int], target: Const | Sizes, plan: InputPlan, zero: int) -> list[int] | None:
    sizes = list(data.second.shape)
    natural = resolve_shape(sizes, target.second.tolist(), zero)
    fits = math.prod(natural) == math.prod(sizes)
    if fits and (isinstance(target, Sizes) or not plan.fixed):
        return natural
    found = follow(data.first.shape, sizes, first, data.outer)
    return found[0] if found else (natural if fits else None)


def follow(
    first: Sequence[int], second: Sequence[int], shape: Sequence[int], outer: int = 1
) -> tuple[list[int], int] | None:
    """Return ``shape`` at the second batch size, and what then lies outside the batch in its dimension.

    The batch goes where as many elements lie before it as did before.

    Args:
        first: sizes of the tensor at the first batch size.
        second: at the second.
        shape: what it is reshaped to at the first.
        outer: see :class:`~deephealth.eddl.onnx.values.Data`.

    Example:
        >>> follow([1, 49, 768], [2, 49, 768], [1, 7, 7, 768])
        ([2, 7, 7, 768], 1)
        >>> follow([197, 1, 768], [197, 2, 768], [197, 12, 64])
        ([197, 24, 64], 1)
        >>> follow([197, 1, 768], [197, 2, 768], [197, 768])
        ([394, 768], 197)
        >>> follow([197, 768], [394, 768], [197, 1, 768], outer=197)
        ([197, 2, 768], 1)
    """
    axes = [axis for axis, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    if len(axes) != 1 or list(shape) == list(first):
        return (list(shape if not axes else second), outer) if len(axes) <= 1 else None
    (axis,) = axes
    place, inside = _place(list(first), list(shape), axis, math.prod(first[:axis]) * outer)
    grown, rest = divmod(shape[place] * second[axis], first[axis])
    return None if rest else ([*shape[:place], grown, *shape[place + 1 :]], inside)


def _place(first: list[int], shape: list[int], axis: int, before: int) -> tuple[int, int]:
    """Return the dimension of ``shape`` that takes the batch, and what lies outside the batch there."""
    passed = 1
    for place, size in enumerate(shape):
        if passed == before:
            after = itertools.accumulate(first[axis + 1 :], operator.mul)
            merged = place > 0 and size > 1 and size in after
            return (place - 1, shape[place - 1]) if merged else (place, 1)
        if passed < before < passed * size:
            return place, before // passed
        passed *= size
    return len(shape) - 1, shape[-1]


def without_strides(site: Site, plan: InputPlan) -> Site:
    """Return a Gather that takes every element of a flattened tensor in order as the Reshape that it is.

    Exporters write a change of strides so, which would tie it to one batch size.
    """
    data, index = site.data(), site.const(1)
    if site.op != "Gather" or not plan.fixed or data is None or index is None or data.first.dim() != 1:
        return site
    if index.numel() != data.first.shape[0] or not torch.equal(index.reshape(-1), torch.arange(index.numel())):
        return site
    return site.replaced("Reshape", [data, Const(torch.tensor(list(index.shape)))])


def outer_of(site: Site, first: Tensor, second: Tensor) -> int:
    """Return what lies outside the batch in the dimension of a node's output that follows it."""
    parents = [each for each in site.inputs if isinstance(each, Data)]
    if site.op == "Reshape" and parents:
        found = follow(parents[0].first.shape, parents[0].second.shape, list(first.shape), parents[0].outer)
        return found[1] if found and found[0] == list(second.shape) else 1
    sizes = {a for a, b in zip(first.shape, second.shape, strict=True) if a != b}
    for each in parents:
        if each.outer > 1 and any(each.first.shape[axis] in sizes for axis in each.batch_axes):
            return each.outer
    return 1


def expand_target(site: Site) -> list[Known | None]:
    """Return Expand's inputs, its target not naming the sizes that follow the batch: 1 there keeps what is."""
    data, target = site.data(), site.const(1)
    if data is None or target is None:
        return site.inputs
    sizes = target.tolist()
    for axis in data.batch_axes:
        place = axis - data.first.dim() + len(sizes)
        if place >= 0 and sizes[place] == data.first.shape[axis]:
            sizes[place] = 1
    return [data, Const(torch.tensor(sizes, dtype=torch.int64))]


def batched_concat(site: Site, plan: InputPlan) -> list[Known | None]:
    """Return Concat's inputs, constants of one batch entry being repeated for every entry of the batch."""
    moving = [set(each.batch_axes) for each in site.inputs if isinstance(each, Data)]
    axes = set.union(*moving) - {int(site.attributes["axis"])} if moving else set()
    if len(axes) != 1:
        return site.inputs
    (axis,) = axes
    return [_repeated(site, each, axis, plan) for each in site.inputs]


def _repeated(site: Site, value: Known | None, axis: int, plan: InputPlan) -> Known | None:
    if not isinstance(value, Const) or value.tensor.shape[axis] != 1:
        return value
    return site.expanded(value, axis, plan.batches)
