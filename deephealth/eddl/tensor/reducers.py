"""Reductions of rows: each function takes groups x members and returns one number per group."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch

from deephealth.eddl.errors import EddlError
from deephealth.eddl.tensor.kernels import without_nan

__all__ = ["REDUCERS", "kept_axes", "most_frequent", "rows", "variance"]


def kept_axes(ndim: int, axes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the axes that stay and those that are reduced, both sorted and from 0.

    Args:
        ndim: number of dimensions.
        axes: axes to reduce; negative ones count from the end.

    Raises:
        EddlError: an axis is not there, or named twice.

    Example:
        >>> kept_axes(3, [-1])
        ([0, 1], [2])
    """
    reduced = sorted(axis + ndim if axis < 0 else axis for axis in axes)
    if any(not 0 <= axis < ndim for axis in reduced) or len(set(reduced)) < len(reduced):
        what = f"axes {list(axes)} of a tensor with {ndim} dimensions"
        raise EddlError("ReduceDescriptor", what, allowed=f"different whole numbers from {-ndim} to {ndim - 1}")
    return [axis for axis in range(ndim) if axis not in reduced], reduced


def rows(x: torch.Tensor, axes: Sequence[int]) -> torch.Tensor:
    """Return ``x`` as groups x members, where a group holds what differs along ``axes`` only.

    Example:
        >>> rows(torch.zeros(2, 3, 4), [1]).shape
        torch.Size([8, 3])
    """
    kept, reduced = kept_axes(x.dim(), axes)
    groups = math.prod(x.shape[axis] for axis in kept)
    return x.permute(kept + reduced).reshape(groups, math.prod(x.shape[axis] for axis in reduced))


def _max(x: torch.Tensor) -> torch.Tensor:
    """Return the largest value, leaving NaN out; PyTorch's own search says whether there is any."""
    found = x.amax(dim=1)
    return without_nan(x, -math.inf).amax(dim=1) if bool(found.isnan().any()) else found


def _median(x: torch.Tensor) -> torch.Tensor:
    """Return the middle value, or the mean of the two in the middle."""
    ordered, count = x.sort(dim=1).values, x.shape[1]
    if count == 0:
        return torch.full_like(x[:, :1].sum(1), math.nan)
    return (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2


def variance(x: torch.Tensor, unbiased: bool = True) -> torch.Tensor:
    """Return the variance of each group.

    Args:
        x: groups x members.
        unbiased: divide by the number of members less one.

    Example:
        >>> variance(torch.tensor([[1.0, 3.0]])).tolist()
        [2.0]
    """
    spread = x - x.mean(dim=1, keepdim=True)
    count = x.shape[1]
    return spread.square().sum(dim=1) / torch.tensor(float(count - 1 if unbiased else count), device=x.device)


_GROWTH = (13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061, 712697, 1447153)


class _Chain:
    """The entries of the original's hash table in the order in which it lists them.

    One chain links all entries. A new one goes to the front, or in front of those of its bucket; when the table grows,
    all entries are linked again in the order of the old chain.
    """

    def __init__(self) -> None:
        self.buckets = 1
        self.after: dict[int | None, int | None] = {None: None}
        self.before: dict[int, int | None] = {}

    def __iter__(self) -> Iterator[int]:
        value = self.after[None]
        while value is not None:
            yield value
            value = self.after[value]

    def add(self, value: int) -> None:
        """Add an entry that is not there yet."""
        if len(self.after) > self.buckets or self.buckets == 1:
            old = list(self)
            self.buckets = next((prime for prime in _GROWTH if prime > self.buckets), 2 * self.buckets + 1)
            self.after, self.before = {None: None}, {}
            for entry in old:
                self._link(entry)
        self._link(value)

    def _link(self, value: int) -> None:
        bucket = self._bucket(value)
        if bucket in self.before:
            previous = self.before[bucket]
            self.after[value], self.after[previous] = self.after[previous], value
            return
        first = self.after[None]
        self.after[value], self.after[None], self.before[bucket] = first, value, None
        if first is not None:
            self.before[self._bucket(first)] = value

    def _bucket(self, value: int) -> int:
        return value % 2**64 % self.buckets


def most_frequent(values: torch.Tensor) -> int:
    """Return the most frequent of some whole numbers; among equals, the one that the original returned.

    Example:
        >>> most_frequent(torch.tensor([1, 2, 2]))
        2
    """
    if values.numel() == 0:
        return 0
    different, counts = values.unique(return_counts=True)
    best = different[counts == counts.max()].tolist()
    if len(best) == 1:
        return int(best[0])
    chain = _Chain()
    for value in dict.fromkeys(values.tolist()):
        chain.add(value)
    return next(value for value in chain if value in set(best))


def _mode(x: torch.Tensor) -> torch.Tensor:
    whole = x.trunc().to(torch.int64)
    return torch.tensor([float(most_frequent(group)) for group in whole], device=x.device)


REDUCERS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "max": _max,
    "min": lambda x: -_max(-x),
    "argmax": lambda x: without_nan(x, -math.inf).argmax(dim=1).to(torch.float32),
    "argmin": lambda x: without_nan(x, math.inf).argmin(dim=1).to(torch.float32),
    "sum": lambda x: x.sum(dim=1),
    "sum_abs": lambda x: x.abs().sum(dim=1),
    "prod": lambda x: x.prod(dim=1),
    "mean": lambda x: x.mean(dim=1),
    "median": _median,
    "var": variance,
    "std": lambda x: variance(x).sqrt(),
    "var_biased": lambda x: variance(x, unbiased=False),
    "std_biased": lambda x: variance(x, unbiased=False).sqrt(),
    "norm": lambda x: x.square().sum(dim=1).sqrt(),
    "mode": _mode,
}
