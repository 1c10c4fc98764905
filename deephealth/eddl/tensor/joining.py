"""Larger tensors from smaller ones: concatenating, stacking, repeating, tiling, broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.tensor.storage import Storage, T, store

__all__ = ["Joining"]


def _result(title: str, first: T, values: torch.Tensor, output: T | None) -> T:
    """Return ``values`` as a tensor, in ``output`` if one was given."""
    if output is None:
        return first._wrap(values)
    if output.torch.shape != values.shape:
        raise EddlShapeError(title, f"the result has shape {output.shape}", allowed=f"{list(values.shape)}")
    store(output, values)
    return output


def _check_parts(title: str, parts: Sequence[Storage], axis: int) -> None:
    if len(parts) < 2:
        raise EddlError(title, f"{len(parts)} tensors were given", allowed="two or more")
    first = parts[0]
    if not 0 <= axis < first.ndim:
        raise EddlError(
            title, f"axis {axis} of a tensor with {first.ndim} dimensions", allowed=f"0 to {first.ndim - 1}"
        )
    for part in parts[1:]:
        others = [size for at, size in enumerate(part.shape) if at != axis]
        wanted = [size for at, size in enumerate(first.shape) if at != axis]
        if part.ndim != first.ndim or others != wanted or part.torch.device != first.torch.device:
            what = f"shapes {first.shape} and {part.shape} on devices {first.device} and {part.device}"
            raise EddlShapeError(title, what, allowed=f"one device, and equal sizes but along axis {axis}")


def _repeats(title: str, A: Storage, repeats: int | Sequence[int], axis: int) -> torch.Tensor:
    if not 0 <= axis < A.ndim:
        raise EddlError(title, f"axis {axis} of a tensor with {A.ndim} dimensions", allowed=f"0 to {A.ndim - 1}")
    size = A.torch.shape[axis]
    times = [repeats] * size if isinstance(repeats, int) else [int(count) for count in repeats]
    if len(times) != size or min(times, default=0) < 0:
        what = f"repeats {times} along an axis of size {size}"
        raise EddlError(title, what, allowed=f"one number of at least 0, or {size} of them")
    return torch.tensor(times, device=A.torch.device)


def _stretched(small: torch.Tensor, shape: Sequence[int]) -> torch.Tensor | None:
    """Return ``small`` repeated to ``shape``, or ``None`` if it does not fit."""
    if small.dim() == 1 and len(shape) > 1 and small.numel() > 1 and small.numel() != shape[-1]:
        # EDDL's own rule: a vector belongs to the dimension of its size, such as the channels
        places = [at for at, size in enumerate(shape) if size == small.numel()]
        if not places:
            return None
        small = small.reshape([-1 if at == places[0] else 1 for at in range(len(shape))])
    try:
        return small.expand(list(shape))
    except RuntimeError:
        return None


class Joining(Storage):
    """Ways to make one larger tensor."""

    @staticmethod
    def concat(A: Sequence[T], axis: int = 0, output: T | None = None) -> T:
        """Return tensors one after the other along an axis.

        Args:
            A: two or more tensors whose other sizes are equal.
            axis: along which dimension.
            output: tensor of the result's shape to write into.

        Raises:
            EddlError: less than two tensors, or no such axis.
            EddlShapeError: the shapes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.concat([Tensor([2, 3]), Tensor([2, 1])], 1).shape
            [2, 4]
        """
        _check_parts("Tensor::concat", A, axis)
        return _result("Tensor::concat", A[0], torch.cat([part.torch.detach() for part in A], dim=axis), output)

    @staticmethod
    def concat_back(A: Storage, t: Sequence[Storage], axis: int) -> None:
        """Add the parts of ``A`` to the tensors that were concatenated: the backward step of ``concat``.

        Args:
            A: delta of the result.
            t: deltas of the inputs; changed in place.
            axis: the axis of the concatenation.

        Raises:
            EddlError: less than two tensors, or no such axis.
            EddlShapeError: the shapes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> parts = [Tensor.zeros([1]), Tensor.zeros([1])]
            >>> Tensor.concat_back(Tensor.fromarray([1, 2]), parts, 0); parts[1].sum()
            2.0
        """
        _check_parts("Tensor::concat_back", t, axis)
        sizes = [part.torch.shape[axis] for part in t]
        wanted = [sum(sizes) if at == axis else size for at, size in enumerate(t[0].shape)]
        if A.shape != wanted:
            raise EddlShapeError("Tensor::concat_back", f"the delta has shape {A.shape}", allowed=f"{wanted}")
        for part, delta in zip(t, A.torch.detach().split(sizes, dim=axis), strict=True):
            store(part, part.torch.detach() + delta)

    @staticmethod
    def stack(A: Sequence[T], axis: int = 0, output: T | None = None) -> T:
        """Return tensors beside each other along a new axis.

        Args:
            A: two or more tensors of one shape.
            axis: place of the new dimension.
            output: tensor of the result's shape to write into.

        Raises:
            EddlError: less than two tensors, or no such place.
            EddlShapeError: the shapes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.stack([Tensor([2, 3]), Tensor([2, 3])], 1).shape
            [2, 2, 3]
        """
        if A and not 0 <= axis <= A[0].ndim:
            raise EddlError("Tensor::stack", f"the new axis is {axis}", allowed=f"0 to {A[0].ndim}")
        if any(part.torch.shape != A[0].torch.shape for part in A):
            raise EddlShapeError("Tensor::stack", f"the shapes differ: {[part.shape for part in A]}")
        parts = [part._wrap(part.torch.detach().unsqueeze(axis)) for part in A]
        _check_parts("Tensor::stack", parts, axis)
        return _result("Tensor::stack", A[0], torch.cat([part.torch for part in parts], dim=axis), output)

    @staticmethod
    def repeat(
        A: T, repeats: int | Sequence[int], axis: int = 0, output: T | None = None, derivative: bool = False
    ) -> T:
        """Return a tensor with each element along an axis repeated.

        Args:
            A: input.
            repeats: how often, for all or for each.
            axis: along which dimension.
            output: tensor of the result's shape to write into.
            derivative: the backward step: ``output`` holds the delta of the result, which is added up into ``A``.

        Raises:
            EddlError: no such axis, or not one number per element.
            EddlShapeError: ``output`` has another shape.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.repeat(Tensor.fromarray([1, 2]), [1, 2]).getdata().tolist()
            [1.0, 2.0, 2.0]
        """
        times = _repeats("Tensor::repeat", A, repeats, axis)
        if not derivative:
            return _result("Tensor::repeat", A, A.torch.detach().repeat_interleave(times, dim=axis), output)
        wanted = [int(times.sum()) if at == axis else size for at, size in enumerate(A.shape)]
        if output is None or output.shape != wanted:
            what = "the delta is missing" if output is None else f"the delta has shape {output.shape}"
            raise EddlShapeError("Tensor::repeat", what, allowed=f"{wanted}")
        source = torch.arange(A.torch.shape[axis], device=A.torch.device).repeat_interleave(times)
        store(A, A.torch.detach().index_add(axis, source, output.torch.detach()))
        return output

    @staticmethod
    def repeat_desc(A: T, repeats: int | Sequence[int], axis: int = 0, output: T | None = None) -> T:
        """Return ``Tensor.repeat(A, repeats, axis, output)``."""
        return Joining.repeat(A, repeats, axis, output)

    @staticmethod
    def tile(A: T, repeats: Sequence[int]) -> T:
        """Return a tensor repeated as a whole along each dimension.

        Args:
            A: input.
            repeats: how often along each dimension, at least 1.

        Raises:
            EddlError: not one number of at least 1 per dimension.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.tile(Tensor.fromarray([1, 2]), [2]).getdata().tolist()
            [1.0, 2.0, 1.0, 2.0]
        """
        if len(repeats) != A.ndim or min(repeats, default=1) < 1:
            what = f"repeats {list(repeats)} for a tensor of shape {A.shape}"
            raise EddlError("Tensor::tile", what, allowed=f"{A.ndim} whole numbers of at least 1")
        return A._wrap(A.torch.detach().repeat(*repeats))

    @staticmethod
    def tile_deprecated(A: Storage, B: Storage) -> None:
        """Fill ``B`` along the first dimension with ``A`` again and again, or with as much of it as has room.

        Raises:
            EddlShapeError: the other sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> b = Tensor([3]); Tensor.tile_deprecated(Tensor.fromarray([1, 2]), b); b.getdata().tolist()
            [1.0, 2.0, 1.0]
        """
        have, want = A.torch.shape[0], B.torch.shape[0]
        if have == 0 or A.size // have * want != B.size:
            raise EddlShapeError(
                "Tensor::select", f"shapes {A.shape} and {B.shape}", allowed="equal sizes but the first"
            )
        rows = torch.arange(want, device=A.torch.device) % have
        store(B, A.torch.detach()[rows])

    @staticmethod
    def broadcast(A: T, B: T, output: T | None = None) -> T:
        """Return the smaller of two tensors repeated to the shape of the larger one.

        Dimensions are matched from the last one, and one of size 1 is repeated. A vector that does not match the last
        dimension is put along the first one that has its size, such as the channels.

        Args:
            A: a tensor; it is the one to repeat unless it has more dimensions.
            B: the other tensor.
            output: tensor of the result's shape to write into.

        Raises:
            EddlShapeError: the shapes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.broadcast(Tensor.ones([3]), Tensor([2, 3, 4])).shape
            [2, 3, 4]
        """
        small, large = (A, B) if A.ndim <= B.ndim else (B, A)
        values = _stretched(small.torch.detach(), large.shape)
        if values is None and A.ndim == B.ndim:
            values = _stretched(large.torch.detach(), small.shape)
        if values is None:
            allowed = "sizes that are equal from the last one, or 1; or a vector that has one of the sizes"
            raise EddlShapeError("Tensor::broadcast", f"shapes {A.shape} and {B.shape}", allowed=allowed)
        return _result("Tensor::broadcast", A, values.clone(memory_format=torch.contiguous_format), output)
