"""Adding, subtracting, multiplying and dividing: with a tensor of the same shape, or with a number."""

from __future__ import annotations

from typing import Any

import torch

from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import kernels
from deephealth.eddl.tensor.methods import Binary, binary_in_place, binary_new, operand
from deephealth.eddl.tensor.storage import Number, Storage, T, check_same_shape, check_same_size, store

__all__ = ["Arithmetic"]

_ADD = Binary("add", torch.add, "the sum of the element and ``other``", (2.0, 5.0), overwrite=torch.Tensor.add_)
_SUB = Binary("sub", torch.sub, "the element less ``other``", (2.0, 1.0), overwrite=torch.Tensor.sub_)
_MULT = Binary("mult", torch.mul, "the product of the element and ``other``", (2.0, 6.0), overwrite=torch.Tensor.mul_)
_DIV = Binary("div", torch.div, "the element divided by ``other``", (2.0, 1.5), overwrite=torch.Tensor.div_)
_MAXIMUM = Binary("maximum", kernels.maximum, "the larger of the element and ``other``", (4.0, 4.0))
_MINIMUM = Binary("minimum", kernels.minimum, "the smaller of the element and ``other``", (2.0, 2.0))


def _functional(op: Binary, A: T, B: Storage | Number, C: Any = None) -> T | None:
    """Apply ``op`` as the original's three forms do: ``(A, B)`` returns, ``(A, B, number)`` and ``(A, B, C)`` write."""
    title = f"Tensor::{op.name}"
    if C is None:
        return A._wrap(op.on(A.torch, operand(title, A, B)))
    if not isinstance(B, Storage):
        raise EddlValueError(
            f"{title}: the second argument is no tensor", allowed="(A, B), (A, B, result) or (A, result, number)"
        )
    if isinstance(C, Storage):
        check_same_shape(title, A, B, C)
        store(C, op.on(A.torch, B.torch))
    else:
        check_same_size(title, A, B)
        store(B, op.on(A.torch, operand(title, A, C)))
    return None


def _combine(title: str, values: torch.Tensor, C: Storage, inc: int, *inputs: Storage) -> None:
    check_same_shape(title, *inputs, C)
    store(C, C.torch + values if inc else values)


class Arithmetic(Storage):
    """The four operations, the larger and the smaller of two, and weighted sums."""

    add = binary_new(_ADD)
    add_ = binary_in_place(_ADD)
    sub = binary_new(_SUB)
    sub_ = binary_in_place(_SUB)
    mult = binary_new(_MULT)
    mult_ = binary_in_place(_MULT)
    div = binary_new(_DIV)
    div_ = binary_in_place(_DIV)
    maximum = binary_new(_MAXIMUM)
    minimum = binary_new(_MINIMUM)

    @staticmethod
    def static_add(*args: Any) -> Any:
        """Add: ``(A, B)`` returns ``A + B``; the other forms write into their last tensor and return nothing.

        Args:
            args: ``(A, B)``, ``(A, B, C)`` for ``C = A + B``, ``(A, B, v)`` for ``B = A + v``, or
                ``(scA, A, scB, B, C, incC)`` for ``C = scA * A + scB * B``, which is added to ``C`` if ``incC`` is 1.

        Raises:
            EddlShapeError: the shapes or devices differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a, c = Tensor.ones([2]), Tensor.ones([2])
            >>> Tensor.static_add(2.0, a, 3.0, a, c, 1); c.getdata().tolist()
            [6.0, 6.0]
        """
        if len(args) != 6:
            return _functional(_ADD, *args)
        sc_a, a, sc_b, b, c, inc = args
        check_same_shape("Tensor::add", a, b, c)
        with torch.no_grad():
            _combine("Tensor::add", float(sc_a) * a.torch + float(sc_b) * b.torch, c, inc, a, b)
        return None

    @staticmethod
    def static_sub(A: T, B: Storage | Number, C: Any = None) -> T | None:
        """Subtract: ``(A, B)`` returns ``A - B``; ``(A, B, C)`` writes into ``C``, ``(A, B, v)`` ``A - v`` into ``B``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.static_sub(Tensor.ones([2]), Tensor.ones([2])).sum()
            0.0
        """
        return _functional(_SUB, A, B, C)

    @staticmethod
    def static_mult(A: T, B: Storage | Number, C: Any = None) -> T | None:
        """Multiply: ``(A, B)`` returns ``A * B``; ``(A, B, C)`` writes into ``C``, ``(A, B, v)`` ``A * v`` into ``B``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.static_mult(Tensor.ones([2]), Tensor.ones([2])).sum()
            2.0
        """
        return _functional(_MULT, A, B, C)

    @staticmethod
    def static_div(A: T, B: Storage | Number, C: Any = None) -> T | None:
        """Divide: ``(A, B)`` returns ``A / B``; ``(A, B, C)`` writes it into ``C``, ``(A, B, v)`` ``A / v`` into ``B``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.static_div(Tensor.ones([2]), Tensor.ones([2])).sum()
            2.0
        """
        return _functional(_DIV, A, B, C)

    @staticmethod
    def static_maximum(A: T, B: Storage | Number, C: Any = None) -> T | None:
        """Take the larger: ``(A, B)``, ``(A, v)`` return; ``(A, B, C)`` writes into ``C``, ``(A, B, v)`` into ``B``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.static_maximum(Tensor.ones([2]), 3.0).sum()
            6.0
        """
        return _functional(_MAXIMUM, A, B, C)

    @staticmethod
    def static_minimum(A: T, B: Storage | Number, C: Any = None) -> T | None:
        """Take the smaller: ``(A, B)``, ``(A, v)`` return; ``(A, B, C)`` writes into ``C``, ``(A, B, v)`` into ``B``.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.static_minimum(Tensor.ones([2]), 3.0).sum()
            2.0
        """
        return _functional(_MINIMUM, A, B, C)

    @staticmethod
    def inc(A: Storage, B: Storage) -> None:
        """Add ``A`` to ``B`` in place; they may be on different devices.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> b = Tensor.ones([2]); Tensor.inc(Tensor.ones([2]), b); b.sum()
            4.0
        """
        if A.torch.shape != B.torch.shape:
            check_same_shape("Tensor::inc", A, B)
        store(B, B.torch + A.torch.to(B.torch.device))

    @staticmethod
    def el_mult(A: Storage, B: Storage, C: Storage, incC: int) -> None:
        """Write ``A * B`` into ``C``, or add it to ``C`` if ``incC`` is 1.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> c = Tensor.ones([2]); Tensor.el_mult(c, c, c, 1); c.sum()
            4.0
        """
        check_same_shape("Tensor::el_mult", A, B, C)
        _combine("Tensor::el_mult", _MULT.on(A.torch, B.torch), C, incC, A, B)

    @staticmethod
    def el_div(A: Storage, B: Storage, C: Storage, incC: int) -> None:
        """Write ``A / B`` into ``C``, or add it to ``C`` if ``incC`` is 1.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> c = Tensor.ones([2]); Tensor.el_div(c, c, c, 1); c.sum()
            4.0
        """
        check_same_shape("Tensor::el_div", A, B, C)
        _combine("Tensor::el_div", _DIV.on(A.torch, B.torch), C, incC, A, B)

    @staticmethod
    def interpolate(factor1: float, A: T, factor2: float, B: Storage, C: Storage | None = None) -> T | None:
        """Return ``factor1 * A + factor2 * B``, or write it into ``C`` (in strict mode it is added to ``C``).

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.interpolate(0.25, Tensor.zeros([1]), 0.75, Tensor.ones([1])).sum()
            0.75
        """
        check_same_shape("Tensor::interpolate", A, B)
        with torch.no_grad():
            mixed = float(factor1) * A.torch + float(factor2) * B.torch
            if C is None:
                return A._wrap(mixed)
            _combine("Tensor::interpolate", mixed, C, int(is_strict()), A, B)
        return None
