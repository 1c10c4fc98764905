"""Sorting: always of all elements together, as the original sorts, whatever the shape."""

from __future__ import annotations

from typing import Self

import torch

from deephealth.eddl.tensor.storage import Storage, check_same_size, store

__all__ = ["Sorting"]


class Sorting(Storage):
    """Values in order, and the order itself."""

    def sort(self, descending: bool = False, stable: bool = True) -> Self:
        """Return a copy with all elements in order, filled row by row.

        Args:
            descending: largest first.
            stable: equal elements keep their order (they always do here).

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([[4, 2], [3, 1]]).sort().getdata().tolist()
            [[1.0, 2.0], [3.0, 4.0]]
        """
        with torch.no_grad():
            ordered = self.torch.reshape(-1).sort(descending=descending, stable=True).values
        return self._wrap(ordered.reshape(self.torch.shape))

    def sort_(self, descending: bool = False, stable: bool = True) -> None:
        """Put all elements in order in place; see :meth:`sort`."""
        store(self, self.sort(descending, stable).torch)

    @staticmethod
    def static_sort(A: Sorting, B: Storage, descending: bool = False, stable: bool = True) -> None:
        """Write ``A.sort(descending, stable)`` into ``B``.

        Raises:
            EddlShapeError: not as many elements.
        """
        check_same_size("Tensor::sort", A, B)
        store(B, A.sort(descending, stable).torch)

    def argsort(self, descending: bool = False, stable: bool = True) -> Self:
        """Return the places (counted row by row) of the elements in order.

        Args:
            descending: place of the largest first.
            stable: equal elements keep their order (they always do here).

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([4, 2, 3]).argsort().getdata().tolist()
            [1.0, 2.0, 0.0]
        """
        with torch.no_grad():
            order = torch.sort(self.torch.reshape(-1), descending=descending, stable=True).indices
        return self._wrap(order.to(torch.float32).reshape(self.torch.shape))

    @staticmethod
    def static_argsort(A: Sorting, B: Storage, descending: bool = False, stable: bool = True) -> None:
        """Write ``A.argsort(descending, stable)`` into ``B``.

        Raises:
            EddlShapeError: not as many elements.
        """
        check_same_size("Tensor::argsort", A, B)
        store(B, A.argsort(descending, stable).torch)
