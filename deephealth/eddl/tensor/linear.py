"""Matrices: products, diagonals, traces, norms, and sums of rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch

from deephealth.eddl.errors import EddlError, EddlShapeError
from deephealth.eddl.tensor.reducers import REDUCERS, rows
from deephealth.eddl.tensor.storage import Storage, T, check_same_shape, store

__all__ = ["Linear"]


def _diagonal(title: str, A: Storage, k: int) -> torch.Tensor:
    if A.ndim != 2 or A.torch.shape[0] != A.torch.shape[1]:
        raise EddlShapeError(title, f"the tensor has shape {A.shape}", allowed="a square matrix")
    return A.torch.detach().triu(k).tril(k)


def _add_vector(title: str, A: Storage, B: Storage, C: Storage, axis: int) -> None:
    if A.ndim != 2 or B.ndim != 1 or C.shape != A.shape or A.torch.shape[axis] != B.torch.shape[0]:
        what = f"shapes {A.shape}, {B.shape} and {C.shape}"
        raise EddlShapeError(
            title, what, allowed=f"a matrix, a vector of its {('rows', 'columns')[axis]}, such a matrix"
        )
    vector = B.torch.detach()
    store(C, A.torch.detach() + (vector[:, None] if axis == 0 else vector))


class Linear(Storage):
    """Linear algebra."""

    @staticmethod
    def mult2D(A: T, *args: Any) -> T | None:
        """Return the product of two matrices.

        Args:
            A: n x k.
            args: ``(B,)``, k x m, for a new n x m matrix; or ``(tA, B, tB, C, incC)``, which writes into ``C``: ``tA``
                and ``tB`` are 1 for matrices to be taken transposed, ``incC`` is 1 to add to ``C``.

        Raises:
            EddlShapeError: the sizes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.mult2D(Tensor.ones([2, 3]), Tensor.ones([3, 4])).shape
            [2, 4]
        """
        t_a, other, t_b, result, inc = args if len(args) == 5 else (0, *args, 0, None, 0)
        left, right = A.torch.detach(), other.torch.detach()
        if left.dim() != 2 or right.dim() != 2:
            raise EddlShapeError("Tensor::mult2D", f"shapes {A.shape} and {other.shape}", allowed="two matrices")
        left, right = (left.T if t_a else left), (right.T if t_b else right)
        if left.shape[1] != right.shape[0]:
            what = f"the product of {list(left.shape)} and {list(right.shape)}"
            raise EddlShapeError("Tensor::mult2D", what, allowed="as many columns on the left as rows on the right")
        product = left @ right
        if result is None:
            return A._wrap(product)
        if result.torch.shape != product.shape:
            what = f"the result has shape {result.shape}"
            raise EddlShapeError("Tensor::mult2D", what, allowed=f"{list(product.shape)}")
        store(result, result.torch.detach() + product if inc else product)
        return None

    def diag(self, k: int = 0) -> Self:
        """Return a square matrix with zeros everywhere but on one diagonal.

        Args:
            k: 0 for the main diagonal, above 0 for one to its right, below 0 to its left.

        Raises:
            EddlShapeError: not a square matrix.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2, 2]).diag().getdata().tolist()
            [[1.0, 0.0], [0.0, 1.0]]
        """
        return self._wrap(_diagonal("Tensor::diag", self, k))

    def diag_(self, k: int = 0) -> None:
        """Set all but one diagonal to zero; see :meth:`diag`."""
        store(self, _diagonal("Tensor::diag", self, k))

    @staticmethod
    def static_diag(A: Storage, B: Storage, k: int = 0) -> None:
        """Write ``A.diag(k)`` into ``B``.

        Raises:
            EddlShapeError: not a square matrix, or another shape of ``B``.
        """
        check_same_shape("Tensor::diag", A, B)
        store(B, _diagonal("Tensor::diag", A, k))

    def trace(self, k: int = 0) -> float:
        """Return the sum of a diagonal.

        Args:
            k: as for :meth:`diag`.

        Raises:
            EddlShapeError: not a square matrix.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([3, 3]).trace(1)
            2.0
        """
        return float(_diagonal("Tensor::diag", self, k).sum())

    @staticmethod
    def static_trace(A: Linear, k: int = 0) -> float:
        """Return ``A.trace(k)``."""
        return A.trace(k)

    def norm(self, ord: str = "fro") -> float:
        """Return the square root of the sum of squares.

        Args:
            ord: ``"fro"``, the only norm there is.

        Raises:
            EddlError: another norm.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([3, 4]).norm()
            5.0
        """
        if ord != "fro":
            raise EddlError("Tensor::norm", f"the norm '{ord}' is not known", allowed="'fro'")
        return float(REDUCERS["norm"](self.torch.detach().reshape(1, -1)))

    def norm_along(self, axis: Sequence[int], keepdims: bool = False) -> Self:
        """Return the square roots of the sums of squares along axes.

        Args:
            axis: axes to reduce.
            keepdims: the reduced axes stay, with size 1.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.fromarray([[3, 4]]).norm_along([1]).getdata().tolist()
            [5.0]
        """
        values = REDUCERS["norm"](rows(self.torch.detach(), axis))
        reduced = {one % self.ndim for one in axis}
        sizes = [1 if at in reduced else size for at, size in enumerate(self.shape) if keepdims or at not in reduced]
        return self._wrap(values.reshape(sizes or [1]))

    @staticmethod
    def isSquared(A: Storage) -> bool:
        """Return whether all sizes are equal.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.isSquared(Tensor([3, 3]))
            True
        """
        return len(set(A.shape)) <= 1

    @staticmethod
    def sum2D_rowwise(A: Storage, B: Storage, C: Storage) -> None:
        """Write into ``C`` the matrix ``A`` with the vector ``B`` added to each row.

        Raises:
            EddlShapeError: the sizes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> c = Tensor.zeros([1, 2]); Tensor.sum2D_rowwise(c, Tensor.fromarray([1, 2]), c); c.getdata().tolist()
            [[1.0, 2.0]]
        """
        _add_vector("Tensor::sum2D_rowwise", A, B, C, 1)

    @staticmethod
    def sum2D_colwise(A: Storage, B: Storage, C: Storage) -> None:
        """Write into ``C`` the matrix ``A`` with the vector ``B`` added to each column.

        Raises:
            EddlShapeError: the sizes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> c = Tensor.zeros([2, 1]); Tensor.sum2D_colwise(c, Tensor.fromarray([1, 2]), c); c.getdata().tolist()
            [[1.0], [2.0]]
        """
        _add_vector("Tensor::sum2D_colwise", A, B, C, 0)

    @staticmethod
    def reduce_sum2D(A: Storage, B: Storage, axis: int, incB: int) -> None:
        """Write the sums of a matrix along ``axis`` into ``B``, or add them to it if ``incB`` is 1.

        Args:
            A: matrix.
            B: vector of the size of the other axis.
            axis: 0 adds up each column, 1 each row.
            incB: see above.

        Raises:
            EddlShapeError: the sizes do not fit.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> b = Tensor([3]); Tensor.reduce_sum2D(Tensor.ones([2, 3]), b, 0, 0); b.getdata().tolist()
            [2.0, 2.0, 2.0]
        """
        if A.ndim != 2 or B.ndim != 1 or axis not in (0, 1) or A.torch.shape[1 - axis] != B.torch.shape[0]:
            what = f"shapes {A.shape} and {B.shape} with axis {axis}"
            raise EddlShapeError("Tensor::reduce_sum2D", what, allowed="a matrix and a vector of its other axis")
        sums = A.torch.detach().sum(dim=axis)
        store(B, B.torch.detach() + sums if incB else sums)
