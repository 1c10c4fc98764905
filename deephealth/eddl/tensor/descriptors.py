"""Descriptors: where each element of a result comes from, worked out once for a shape and used many times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor.devices import DEV_CPU
from deephealth.eddl.tensor.indices import parse_indices
from deephealth.eddl.tensor.reducers import kept_axes, rows

__all__ = ["ExpandDescriptor", "GatherDescriptor", "ReduceDescriptor2", "SelDescriptor", "TensorDescriptor"]


def _positions(shape: Sequence[int]) -> torch.Tensor:
    return torch.arange(math.prod(shape)).reshape(list(shape))


class TensorDescriptor:
    """What all descriptors have: a device number and the addresses.

    Args:
        dev: device number, or a descriptor to copy.

    Example:
        >>> TensorDescriptor(0).device
        0
    """

    def __init__(self, dev: int | TensorDescriptor = DEV_CPU) -> None:
        self.addresses: torch.Tensor | None = None
        self.device = DEV_CPU
        if isinstance(dev, TensorDescriptor):
            self.assign(dev)
        else:
            self.device = dev

    def assign(self, other: TensorDescriptor) -> Self:
        """Take over all that ``other`` holds."""
        self.__dict__.update(other.__dict__)
        return self

    def resize(self, b: int) -> None:
        """Take note of another batch size, where the descriptor depends on it."""

    def free_memory(self) -> None:
        """Forget the addresses; they are worked out again when they are needed."""
        self.addresses = None

    def flat(self) -> torch.Tensor:
        """Return the addresses: for each element, its place in the other tensor in row-major order.

        Raises:
            EddlShapeError: the descriptor has not been built for a shape.
        """
        if self.addresses is None:
            raise EddlShapeError(type(self).__name__, "it has no addresses yet", hint="call build(shape) first")
        return self.addresses


class SelDescriptor(TensorDescriptor):
    """A selection such as ``["0", "1:3"]`` of a tensor.

    Args:
        indices: one text per dimension, or the device number alone, or a descriptor to copy.
        dev: device number.

    Example:
        >>> chosen = SelDescriptor(["0", "1:3"]); chosen.build([2, 4]); chosen.oshape, chosen.flat().tolist()
        ([1, 2], [1, 2])
    """

    def __init__(self, indices: Sequence[str] | int | TensorDescriptor = DEV_CPU, dev: int = DEV_CPU) -> None:
        self.ishape: list[int] = []
        self.oshape: list[int] = []
        self.idxs_range: list[list[int]] = []
        self.indices: list[str] = []
        if isinstance(indices, int | TensorDescriptor):
            super().__init__(indices)
        else:
            super().__init__(dev)
            self.indices = list(indices)

    def build(self, ishape: Sequence[int]) -> None:
        """Work out the result's shape and the addresses for an input of shape ``ishape``.

        Raises:
            EddlError: an index is outside.
        """
        self.ishape = list(ishape)
        self.idxs_range = parse_indices(self.indices, self.ishape)
        self.oshape = [last - first + 1 for first, last in self.idxs_range]
        self.build_indices()

    def resize(self, b: int) -> None:
        """Work out the addresses again."""
        self.build_indices()

    def build_indices(self) -> None:
        """Work out the addresses from the ranges."""
        chosen = tuple(slice(first, last + 1) for first, last in self.idxs_range)
        self.addresses = _positions(self.ishape)[chosen].reshape(-1)


class GatherDescriptor(SelDescriptor):
    """A permutation of dimensions.

    Args:
        dims: which dimension of the input stands at each place of the result, or a descriptor to copy.
        dev: device number.

    Example:
        >>> swap = GatherDescriptor([1, 0]); swap.build([2, 3]); swap.oshape, swap.flat().tolist()
        ([3, 2], [0, 3, 1, 4, 2, 5])
    """

    def __init__(self, dims: Sequence[int] | TensorDescriptor = (), dev: int = DEV_CPU) -> None:
        self.dims = [] if isinstance(dims, TensorDescriptor) else list(dims)
        super().__init__(dims if isinstance(dims, TensorDescriptor) else dev)

    def build(self, ishape: Sequence[int]) -> None:
        """Work out the result's shape and the addresses for an input of shape ``ishape``.

        Raises:
            EddlShapeError: not as many dimensions as ``dims``.
        """
        self.ishape = list(ishape)
        if sorted(self.dims) != list(range(len(self.ishape))):
            what = f"dims {self.dims} for a tensor of shape {self.ishape}"
            raise EddlShapeError("GatherDescriptor", what, allowed=f"each of 0 to {len(self.ishape) - 1} once")
        self.oshape = [self.ishape[dim] for dim in self.dims]
        self.build_indices()

    def build_indices(self) -> None:
        """Work out the addresses from the dimensions."""
        self.addresses = _positions(self.ishape).permute(self.dims).reshape(-1)


class ExpandDescriptor(SelDescriptor):
    """Dimensions of size 1 repeated ``size`` times.

    Args:
        size: how often, or a descriptor to copy.
        dev: device number.

    Example:
        >>> twice = ExpandDescriptor(2, 0); twice.build([1, 3]); twice.oshape, twice.flat().tolist()
        ([2, 3], [0, 1, 2, 0, 1, 2])
    """

    def __init__(self, size: int | TensorDescriptor, dev: int = DEV_CPU) -> None:
        self.size = 1 if isinstance(size, TensorDescriptor) else size
        super().__init__(size if isinstance(size, TensorDescriptor) else dev)

    def build(self, ishape: Sequence[int]) -> None:
        """Work out the result's shape and the addresses for an input of shape ``ishape``."""
        self.ishape = list(ishape)
        self.oshape = [self.size if length == 1 else length for length in self.ishape]
        self.build_indices()

    def build_indices(self) -> None:
        """Work out the addresses from the sizes."""
        self.addresses = _positions(self.ishape).expand(self.oshape).reshape(-1)


class ReduceDescriptor2(TensorDescriptor):
    """A reduction along axes.

    Args:
        axis: the axes, from 0, or a descriptor to copy.
        keepdims: the reduced axes stay with size 1. (The original kept their full size; strict mode does.)
        dev: device number.

    Example:
        >>> along = ReduceDescriptor2([1], False); along.build([2, 3]); along.oshape, along.index
        ([2], [[0, 1, 2], [3, 4, 5]])
    """

    def __init__(self, axis: Sequence[int] | TensorDescriptor = (), keepdims: bool = False, dev: int = DEV_CPU) -> None:
        self.axis = [] if isinstance(axis, TensorDescriptor) else list(axis)
        self.keepdims = keepdims
        self.index: list[list[int]] = []
        self.ishape: list[int] = []
        self.oshape: list[int] = []
        self.size_reduction = 0
        super().__init__(axis if isinstance(axis, TensorDescriptor) else dev)

    def build(self, ishape: Sequence[int]) -> None:
        """Work out the result's shape and the groups for an input of shape ``ishape``.

        Raises:
            EddlError: an axis is not there.
        """
        self.ishape = list(ishape)
        kept, reduced = kept_axes(len(self.ishape), self.axis)
        if self.keepdims:
            full = is_strict()
            self.oshape = [1 if axis in reduced and not full else size for axis, size in enumerate(self.ishape)]
        else:
            self.oshape = [self.ishape[axis] for axis in kept]
        self.index = rows(_positions(self.ishape), self.axis).tolist()
        self.size_reduction = math.prod(self.ishape) // max(math.prod(self.oshape), 1)

    def resize(self, b: int) -> None:
        """Work everything out again for batch size ``b``."""
        self.free_memory()
        self.build([b, *self.ishape[1:]])

    def build_map(self, reverse: bool = False) -> None:
        """Work out the addresses.

        Args:
            reverse: list the members group by group; otherwise the group of each element of the input.
        """
        grouped = rows(_positions(self.ishape), self.axis)
        if reverse:
            self.addresses = grouped.reshape(-1)
            return
        group = torch.empty(grouped.numel(), dtype=torch.int64)
        group[grouped.reshape(-1)] = torch.arange(grouped.shape[0]).repeat_interleave(grouped.shape[1])
        self.addresses = group

    def spread(self, values: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
        """Return one value per group as a tensor of shape ``shape``: the reduced shape, or the input's (repeated).

        Raises:
            EddlShapeError: neither.
        """
        wanted = math.prod(shape)
        if wanted == values.numel():
            return values.reshape(list(shape))
        if wanted == math.prod(self.ishape):
            _, reduced = kept_axes(len(self.ishape), self.axis)
            thin = [1 if axis in reduced else size for axis, size in enumerate(self.ishape)]
            return values.reshape(thin).expand(self.ishape).reshape(list(shape))
        raise EddlShapeError("ReduceDescriptor", f"the result has shape {list(shape)}", allowed=f"{self.oshape}")
