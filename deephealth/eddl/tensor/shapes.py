"""Other shapes for the same values: reshaping, permuting, squeezing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self, TypeVar

import torch

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor.storage import Storage, T, store

__all__ = ["Shapes"]

_S = TypeVar("_S", bound="Shapes")


def _axis(title: str, axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise EddlError(title, f"axis {axis} of a tensor with {ndim} dimensions", allowed=f"{-ndim} to {ndim - 1}")
    return axis % ndim


def _moved(ndim: int, source: int, destination: int) -> list[int]:
    source, destination = (_axis("Tensor::moveaxis", axis, ndim) for axis in (source, destination))
    order = [axis for axis in range(ndim) if axis != source]
    order.insert(destination, source)
    return order


def _swapped(ndim: int, axis1: int, axis2: int) -> list[int]:
    first, second = (_axis("Tensor::swapaxis", axis, ndim) for axis in (axis1, axis2))
    order = list(range(ndim))
    order[first], order[second] = second, first
    return order


def _inferred(shape: Sequence[int], size: int) -> list[int]:
    """Return ``shape`` with the one -1 worked out from the number of elements."""
    wanted = [int(length) for length in shape]
    known = math.prod(length for length in wanted if length != -1)
    if wanted.count(-1) == 1 and known and size % known == 0:
        wanted[wanted.index(-1)] = size // known
    if min(wanted, default=0) < 0 or math.prod(wanted) != size:
        what = f"{size} elements can't have the shape {list(shape)}"
        raise EddlShapeError("Tensor::reshape_", what, allowed="sizes with that product; one of them may be -1")
    return wanted


def _squeezed(shape: list[int], axis: int) -> list[int]:
    if axis == -1:
        return [size for size in shape if size != 1]
    if not 0 <= axis < len(shape):
        what = f"axis {axis} of a tensor with {len(shape)} dimensions"
        raise EddlError("compute_squeeze", what, allowed=f"0 to {len(shape) - 1}, or -1 for all axes of size 1")
    return [size for at, size in enumerate(shape) if size != 1 or at != axis]


class Shapes(Storage):
    """Shapes and the order of dimensions."""

    def reshape_(self, new_shape: Sequence[int]) -> None:
        """Change the shape in place; the values stay where they are.

        Args:
            new_shape: sizes; one of them may be -1 and is worked out.

        Raises:
            EddlShapeError: another number of elements.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor([2, 6]); a.reshape_([3, -1]); a.shape
            [3, 4]
        """
        self.torch = self.torch.detach().reshape(_inferred(new_shape, self.torch.numel()))

    def reshape(self, new_shape: Sequence[int]) -> Self:
        """Return a copy with another shape; see :meth:`reshape_`.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([2, 6]).reshape([3, -1]).shape
            [3, 4]
        """
        made = self.clone()
        made.reshape_(new_shape)
        return made

    def flatten_(self) -> None:
        """Make the tensor one-dimensional in place."""
        self.reshape_([-1] if self.size else [0])

    def flatten(self) -> Self:
        """Return a one-dimensional copy.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([2, 3]).flatten().shape
            [6]
        """
        return self.reshape([-1] if self.size else [0])

    @staticmethod
    def static_flatten(A: _S) -> _S:
        """Return ``A.flatten()``."""
        return A.flatten()

    def squeeze_(self, axis: int = -1) -> None:
        """Drop dimensions of size 1 in place; see :meth:`squeeze`."""
        self.reshape_(_squeezed(self.shape, axis))

    def squeeze(self, axis: int = -1) -> Self:
        """Return a copy without dimensions of size 1.

        Args:
            axis: the dimension to drop if its size is 1; -1 drops all that have size 1.

        Raises:
            EddlError: no such dimension.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([1, 3, 1]).squeeze(0).shape
            [3, 1]
        """
        return self.reshape(_squeezed(self.shape, axis))

    @staticmethod
    def static_squeeze(A: _S, axis: int = -1) -> _S:
        """Return ``A.squeeze(axis)``."""
        return A.squeeze(axis)

    def unsqueeze_(self, axis: int = 0) -> None:
        """Add a dimension of size 1 in place; see :meth:`unsqueeze`."""
        self.reshape_(self._unsqueezed(axis))

    def unsqueeze(self, axis: int = 0) -> Self:
        """Return a copy with a further dimension of size 1.

        Args:
            axis: where the new dimension stands in the result.

        Raises:
            EddlError: no such place.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([3]).unsqueeze(1).shape
            [3, 1]
        """
        return self.reshape(self._unsqueezed(axis))

    @staticmethod
    def static_unsqueeze(A: _S, axis: int = 0) -> _S:
        """Return ``A.unsqueeze(axis)``."""
        return A.unsqueeze(axis)

    def _unsqueezed(self, axis: int) -> list[int]:
        sizes = self.shape
        sizes.insert(_axis("compute_unsqueeze", axis, len(sizes) + 1), 1)
        return sizes

    def permute(self, dims: Sequence[int]) -> Self:
        """Return a copy with the dimensions in another order.

        Args:
            dims: which dimension stands at each place of the result.

        Raises:
            EddlShapeError: not each dimension once.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([2, 3, 4]).permute([2, 0, 1]).shape
            [4, 2, 3]
        """
        if sorted(dims) != list(range(self.ndim)):
            what = f"dims {list(dims)} for a tensor of shape {self.shape}"
            raise EddlShapeError("Tensor::permute", what, allowed=f"each of 0 to {self.ndim - 1} once")
        return self._wrap(self.torch.detach().permute(list(dims)).clone(memory_format=torch.contiguous_format))

    def permute_(self, dims: Sequence[int]) -> None:
        """Put the dimensions into another order in place; see :meth:`permute`."""
        self._become(self.permute(dims))

    @staticmethod
    def permute_static(A: _S, dims: Sequence[int]) -> _S:
        """Return ``A.permute(dims)``."""
        return A.permute(dims)

    @staticmethod
    def transpose(A: Shapes, B: Shapes, dims: Sequence[int]) -> None:
        """Write ``A`` with its dimensions in another order into ``B``.

        The original copied the values as they lie and ignored ``dims``; strict mode does too.

        Args:
            A: input.
            B: result, of the permuted shape; ``A`` itself is permuted in place.
            dims: which dimension of ``A`` stands at each place of ``B``.

        Raises:
            EddlShapeError: ``B`` has another shape.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> b = Tensor([3, 2]); Tensor.transpose(Tensor.fromarray([[0, 1, 2], [3, 4, 5]]), b, [1, 0])
            >>> b.getdata().tolist()
            [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
        """
        if A.size != B.size:
            what = f"shapes {A.shape} and {B.shape}"
            raise EddlShapeError("Tensor::transpose", what, allowed="as many elements in both")
        if is_strict():
            if A is not B:
                store(B, A.torch)
            return
        permuted = A.permute(dims)
        if A is B:
            A._become(permuted)
        elif permuted.shape != B.shape:
            raise EddlShapeError("Tensor::transpose", f"the result has shape {B.shape}", allowed=f"{permuted.shape}")
        else:
            store(B, permuted.torch)

    def moveaxis(self, source: int, destination: int) -> Self:
        """Return a copy with one dimension moved; the others keep their order.

        Args:
            source: which dimension.
            destination: its place in the result.

        Raises:
            EddlError: no such dimension.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([2, 3, 4]).moveaxis(0, 2).shape
            [3, 4, 2]
        """
        return self.permute(_moved(self.ndim, source, destination))

    def moveaxis_(self, source: int, destination: int) -> None:
        """Move one dimension in place; see :meth:`moveaxis`."""
        self._become(self.moveaxis(source, destination))

    @staticmethod
    def static_moveaxis(A: _S, source: int, destination: int) -> _S:
        """Return ``A.moveaxis(source, destination)``."""
        return A.moveaxis(source, destination)

    def swapaxis(self, axis1: int, axis2: int) -> Self:
        """Return a copy with two dimensions exchanged.

        Args:
            axis1: a dimension.
            axis2: the other dimension.

        Raises:
            EddlError: no such dimension.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([2, 3, 4]).swapaxis(0, 2).shape
            [4, 3, 2]
        """
        return self.permute(_swapped(self.ndim, axis1, axis2))

    def swapaxis_(self, axis1: int, axis2: int) -> None:
        """Exchange two dimensions in place; see :meth:`swapaxis`."""
        self._become(self.swapaxis(axis1, axis2))

    @staticmethod
    def static_swapaxis(A: _S, axis1: int, axis2: int) -> _S:
        """Return ``A.swapaxis(axis1, axis2)``."""
        return A.swapaxis(axis1, axis2)

    def _become(self: T, other: T) -> None:
        """Take the shape and values of ``other``, in the same memory."""
        self.torch = self.torch.detach().reshape(other.torch.shape)
        store(self, other.torch)
