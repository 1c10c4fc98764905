"""Comparisons element by element; the results are 1.0 where it holds and 0.0 elsewhere."""

from __future__ import annotations

import torch

from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor.methods import Binary, binary_in_place, binary_into, binary_new
from deephealth.eddl.tensor.storage import Number, Storage, T

__all__ = ["Comparison"]

_GREATER = Binary("greater", torch.gt, "1.0 where the element is above ``other``, else 0.0", (3.0, 0.0), True)
_GREATER_EQUAL = Binary("greater_equal", torch.ge, "1.0 where it is at least ``other``, else 0.0", (3.0, 1.0), True)
_LESS = Binary("less", torch.lt, "1.0 where the element is below ``other``, else 0.0", (3.0, 0.0), True)
_LESS_EQUAL = Binary("less_equal", torch.le, "1.0 where it is at most ``other``, else 0.0", (4.0, 1.0), True)
_EQUAL = Binary("equal", torch.eq, "1.0 where the element equals ``other``, else 0.0", (3.0, 1.0), True)
_NOT_EQUAL = Binary("not_equal", torch.ne, "1.0 where the element differs from ``other``, else 0.0", (3.0, 0.0), True)

_less_equal_new, _less_equal_in_place = binary_new(_LESS_EQUAL), binary_in_place(_LESS_EQUAL)


class Comparison(Storage):
    """Greater, less, equal and their opposites."""

    greater = binary_new(_GREATER)
    greater_ = binary_in_place(_GREATER)
    static_greater = binary_into(_GREATER)
    greater_equal = binary_new(_GREATER_EQUAL)
    greater_equal_ = binary_in_place(_GREATER_EQUAL)
    static_greater_equal = binary_into(_GREATER_EQUAL)
    less = binary_new(_LESS)
    less_ = binary_in_place(_LESS)
    static_less = binary_into(_LESS)
    static_less_equal = binary_into(_LESS_EQUAL)
    equal = binary_new(_EQUAL)
    equal_ = binary_in_place(_EQUAL)
    static_equal = binary_into(_EQUAL)
    not_equal = binary_new(_NOT_EQUAL)
    not_equal_ = binary_in_place(_NOT_EQUAL)
    static_not_equal = binary_into(_NOT_EQUAL)

    def less_equal(self: T, other: Storage | Number) -> T:
        """Return a new tensor with 1.0 where the element is at most ``other``, else 0.0.

        The original tested for equality when ``other`` was a number; strict mode does too.

        Args:
            other: a tensor of the same shape, or a number.

        Raises:
            EddlShapeError: the shapes or devices differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).less_equal(4.0).sum()
            1.0
        """
        if is_strict() and not isinstance(other, Storage):
            return self._wrap(_EQUAL.on(self.torch, float(other)))
        return _less_equal_new(self, other)

    def less_equal_(self, other: Storage | Number) -> None:
        """Replace each element by 1.0 where it is at most ``other``, else 0.0; see :meth:`less_equal`.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.less_equal_(4.0); a.sum()
            1.0
        """
        self.torch.copy_(self.less_equal(other).torch)
