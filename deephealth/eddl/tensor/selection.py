"""Parts of tensors: by indices written as text, by descriptors, by conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, TypeVar

import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.tensor.descriptors import ExpandDescriptor, SelDescriptor
from deephealth.eddl.tensor.indices import as_slices
from deephealth.eddl.tensor.storage import Storage, T, check_same_shape, store

__all__ = ["Selection"]

_S = TypeVar("_S", bound="Selection")


def _addresses(title: str, sd: SelDescriptor, whole: Storage, part: Storage) -> torch.Tensor:
    """Return the descriptor's addresses after checking that they lie in ``whole`` and are as many as ``part`` has."""
    flat = sd.flat().to(whole.torch.device)
    outside = flat.numel() > 0 and int(flat.max()) >= whole.size
    if flat.numel() != part.size or outside:
        what = f"shapes {whole.shape} and {part.shape} with a descriptor from {sd.ishape} to {sd.oshape}"
        raise EddlShapeError(title, what, hint="build the descriptor for the shape of the whole tensor")
    return flat


class Selection(Storage):
    """Reading and writing parts."""

    def select(self, indices: Sequence[str]) -> Self:
        """Return a copy of a part.

        Args:
            indices: one text per dimension, the batch included: ``":"``, ``"2"`` (keeps the dimension, with size 1),
                ``"-1"``, ``"1:3"``, ``":3"``, ``"1:"``.

        Raises:
            EddlError: outside the tensor, or more indices than dimensions.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([[1, 2, 3], [4, 5, 6]]).select(["1", "0:2"]).getdata().tolist()
            [[4.0, 5.0]]
        """
        part = self.torch.detach()[as_slices(indices, self.shape)]
        return self._wrap(part.clone(memory_format=torch.contiguous_format))

    def set_select(self, indices: Sequence[str], A: Storage | float) -> None:
        """Overwrite a part.

        Args:
            indices: as for :meth:`select`.
            A: tensor of the part's shape, or a number.

        Raises:
            EddlError: outside the tensor, or more indices than dimensions.
            EddlShapeError: ``A`` has another shape than the part.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.zeros([2, 2]); a.set_select(["1"], Tensor.ones([1, 2])); a.getdata().tolist()
            [[0.0, 0.0], [1.0, 1.0]]
        """
        part = self.torch.detach()[as_slices(indices, self.shape)]
        if not isinstance(A, Storage):
            part.fill_(float(A))
            return
        if A.torch.shape != part.shape:
            what = f"the part {list(indices)} has shape {list(part.shape)}, and what was given has {A.shape}"
            raise EddlShapeError("Tensor::set_select", what)
        part.copy_(A.torch.detach())

    @staticmethod
    def select_back(A: Storage, B: Storage, sd: SelDescriptor) -> None:
        """Add ``A`` to the part of ``B`` that ``sd`` names: the backward step of a selection.

        Raises:
            EddlShapeError: the descriptor belongs to other shapes.

        Example:
            >>> from deephealth.eddl.tensor import SelDescriptor, Tensor
            >>> part = SelDescriptor(["1"]); part.build([2, 2]); b = Tensor.ones([2, 2])
            >>> Tensor.select_back(Tensor.ones([1, 2]), b, part); b.getdata().tolist()
            [[1.0, 1.0], [2.0, 2.0]]
        """
        flat = _addresses("Tensor::select_back", sd, B, A)
        store(B, B.torch.detach().reshape(-1).index_add(0, flat, A.torch.detach().reshape(-1)))

    @staticmethod
    def set_select_back(A: Storage, B: Storage, sd: SelDescriptor) -> None:
        """Add the part of ``A`` that ``sd`` names to ``B``: the backward step of ``set_select``.

        Raises:
            EddlShapeError: the descriptor belongs to other shapes.
        """
        flat = _addresses("Tensor::set_select_back", sd, A, B)
        store(B, B.torch.detach().reshape(-1) + A.torch.detach().reshape(-1)[flat])

    @staticmethod
    def gather(A: Storage, B: Storage, sd: SelDescriptor) -> None:
        """Write the elements of ``B``, in row-major order, to the places in ``A`` that ``sd`` names.

        Raises:
            EddlShapeError: the descriptor belongs to other shapes.

        Example:
            >>> from deephealth.eddl.tensor import GatherDescriptor, Tensor
            >>> swap = GatherDescriptor([1, 0]); swap.build([2, 2]); a = Tensor([2, 2])
            >>> Tensor.gather(a, Tensor.fromarray([[1, 2], [3, 4]]), swap); a.getdata().tolist()
            [[1.0, 3.0], [2.0, 4.0]]
        """
        flat = _addresses("Tensor::gather", sd, A, B)
        store(A, A.torch.detach().reshape(-1).index_copy(0, flat, B.torch.detach().reshape(-1)))

    def expand(self: T, size: int) -> T:
        """Return a copy in which every dimension of size 1 is repeated ``size`` times.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor([1, 4]).expand(3).shape
            [3, 4]
        """
        sizes = [size if length == 1 else length for length in self.torch.shape]
        return self._wrap(self.torch.detach().expand(sizes).clone(memory_format=torch.contiguous_format))

    @staticmethod
    def static_expand(A: _S, B: Storage | int, sd: ExpandDescriptor | None = None) -> _S | None:
        """Return ``A.expand(size)`` for ``(A, size)``; for ``(A, B, sd)`` write into ``B`` what ``sd`` names.

        Raises:
            EddlShapeError: the descriptor belongs to other shapes.
        """
        if not isinstance(B, Storage):
            return A.expand(int(B))
        if sd is None:
            allowed = "(A, size) or (A, B, descriptor)"
            raise EddlShapeError("Tensor::expand", "the descriptor is missing", allowed=allowed)
        flat = _addresses("Tensor::expand", sd, A, B)
        store(B, A.torch.detach().reshape(-1)[flat])
        return None

    def nonzero(self, sort_indices: bool = False) -> Self:
        """Return the places (counted row by row) of all elements that are not zero.

        Args:
            sort_indices: put them in order (they always are here).

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([[0, 5], [6, 0]]).nonzero().getdata().tolist()
            [1.0, 2.0]
        """
        return self._wrap(self.torch.detach().reshape(-1).nonzero().reshape(-1).to(torch.float32))

    @staticmethod
    def where(condition: Storage, A: T, B: Storage, C: Storage | None = None) -> T | None:
        """Return elements of ``A`` where the condition is not zero and of ``B`` elsewhere, or write them into ``C``.

        Raises:
            EddlShapeError: the shapes or devices differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.where(Tensor.fromarray([1, 0]), Tensor.ones([2]), Tensor.zeros([2])).getdata().tolist()
            [1.0, 0.0]
        """
        check_same_shape("Tensor::where", A, B, condition)
        with torch.no_grad():
            chosen = torch.where(condition.torch != 0, A.torch, B.torch)
        if C is None:
            return A._wrap(chosen)
        check_same_shape("Tensor::where", A, C)
        store(C, chosen)
        return None

    @staticmethod
    def where_back(condition: Storage, PD_A: Storage, PD_B: Storage, D: Storage) -> None:
        """Add the delta ``D`` to ``PD_A`` where the condition is not zero and to ``PD_B`` elsewhere.

        Raises:
            EddlShapeError: the shapes or devices differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a, b = Tensor.zeros([2]), Tensor.zeros([2])
            >>> Tensor.where_back(Tensor.fromarray([1, 0]), a, b, Tensor.ones([2])); b.getdata().tolist()
            [0.0, 1.0]
        """
        check_same_shape("Tensor::where_back", PD_A, PD_B, D, condition)
        chosen = (condition.torch.detach() != 0).to(torch.float32)
        store(PD_A, PD_A.torch.detach() + chosen * D.torch.detach())
        store(PD_B, PD_B.torch.detach() + (1 - chosen) * D.torch.detach())
