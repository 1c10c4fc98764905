"""Truth values (1.0 and 0.0), tests for NaN and infinity, and closeness."""

from __future__ import annotations

import sys

import torch

from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor.describe import RESULT_DIFFERS, describe
from deephealth.eddl.tensor.methods import Binary, Unary, binary_new, unary_into, unary_new
from deephealth.eddl.tensor.storage import Storage, T, check_same_shape, store

__all__ = ["Logic"]


def _as_number(name: str) -> Unary:
    test = getattr(torch, name)
    wanted = name.removeprefix("is")
    article = {"isfinite": "neither infinite nor NaN", "isnan": "not a number"}.get(name, wanted)
    return Unary(name, lambda x: test(x).to(torch.float32), f"1.0 if it is {article}, else 0.0, instead")


_FINITE, _INF, _NAN = _as_number("isfinite"), _as_number("isinf"), _as_number("isnan")
_NEGINF, _POSINF = _as_number("isneginf"), _as_number("isposinf")
_NOT = Unary("logical_not", lambda x: torch.logical_not(x).to(torch.float32), "the opposite (1.0 for zero, else 0.0)")
_AND = Binary("logical_and", torch.logical_and, "1.0 where both elements are not zero, else 0.0", (2.0, 1.0), True)
_OR = Binary("logical_or", torch.logical_or, "1.0 where one of the two is not zero, else 0.0", (2.0, 1.0), True)
_XOR = Binary("logical_xor", torch.logical_xor, "1.0 where just one of the two is not zero, else 0.0", (2.0, 0.0), True)


def _on_tensors(op: Binary) -> Binary:
    """Let a number stand for a tensor, which PyTorch's logical functions don't."""
    function = op.function
    return op._replace(function=lambda x, y, out: function(x, torch.as_tensor(y, device=x.device), out=out))


def _into(op: Binary) -> staticmethod[[Storage, Storage, Storage], None]:
    def function(A: Storage, B: Storage, C: Storage) -> None:
        check_same_shape(f"Tensor::{op.name}", A, B, C)
        store(C, op.on(A.torch, B.torch))

    describe(
        function,
        f"static_{op.name}",
        f"Write {op.what}, of ``A`` and ``B`` into ``C``.",
        args={"A": "input.", "B": "input.", "C": "result."},
        raises=RESULT_DIFFERS,
        example=[f"c = Tensor.zeros([1]); Tensor.static_{op.name}(c, c, c); c.sum()", "0.0"],
    )
    return staticmethod(function)


def _close(A: Storage, B: Storage, rtol: float, atol: float, equal_nan: bool) -> torch.Tensor:
    a, b = A.torch, B.torch
    near = (a - b).abs() <= atol + rtol * b.abs()
    if not is_strict():
        near |= a == b  # infinities of one sign: their difference is NaN
    return near | (a.isnan() & b.isnan()) if equal_nan else near


class Logic(Storage):
    """Logical functions and tests."""

    isfinite = unary_new(_FINITE)
    static_isfinite = unary_into(_FINITE)
    isinf = unary_new(_INF)
    static_isinf = unary_into(_INF)
    isnan = unary_new(_NAN)
    static_isnan = unary_into(_NAN)
    isneginf = unary_new(_NEGINF)
    static_isneginf = unary_into(_NEGINF)
    isposinf = unary_new(_POSINF)
    static_isposinf = unary_into(_POSINF)
    logical_not = unary_new(_NOT)
    static_logical_not = unary_into(_NOT)
    logical_and = binary_new(_on_tensors(_AND))
    static_logical_and = _into(_AND)
    logical_or = binary_new(_on_tensors(_OR))
    static_logical_or = _into(_OR)
    logical_xor = binary_new(_on_tensors(_XOR))
    static_logical_xor = _into(_XOR)

    def all(self) -> bool:
        """Return whether all elements are true: not zero (in strict mode, as in the original: exactly 1.0).

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2]).all()
            True
        """
        return bool((self.torch == 1).all() if is_strict() else self.torch.all())

    def any(self) -> bool:
        """Return whether one element or more is true: not zero (in strict mode, as in the original: exactly 1.0).

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.zeros([2]).any()
            False
        """
        return bool((self.torch == 1).any() if is_strict() else self.torch.any())

    @staticmethod
    def static_all(A: Logic) -> bool:
        """Return ``A.all()``."""
        return A.all()

    @staticmethod
    def static_any(A: Logic) -> bool:
        """Return ``A.any()``."""
        return A.any()

    def anynan(self) -> bool:
        """Return whether an element is not a number.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([2]).anynan()
            False
        """
        return bool(self.torch.isnan().any())

    def isclose(self: T, A: Storage, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> T:
        """Return 1.0 where ``|self - A| <= atol + rtol * |A|``, else 0.0.

        Args:
            A: tensor of the same shape.
            rtol: tolerance relative to ``A``.
            atol: absolute tolerance.
            equal_nan: NaN is close to NaN (the original ignored this here, and strict mode does).

        Raises:
            EddlShapeError: the shapes or devices differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1]).isclose(Tensor.full([1], 1.1), 0.2).sum()
            1.0
        """
        check_same_shape("Tensor::isclose", self, A)
        with torch.no_grad():
            return self._wrap(_close(self, A, rtol, atol, equal_nan and not is_strict()).to(torch.float32))

    @staticmethod
    def static_isclose(
        A: Logic, B: Storage, C: Storage, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
    ) -> None:
        """Write ``A.isclose(B, rtol, atol, equal_nan)`` into ``C``."""
        check_same_shape("Tensor::isclose", A, B, C)
        store(C, A.isclose(B, rtol, atol, equal_nan).torch)

    def allclose(self, A: Storage, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
        """Return whether all elements are close; see :meth:`isclose`.

        Raises:
            EddlShapeError: the shapes or devices differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.ones([1]).allclose(Tensor.zeros([1]))
            False
        """
        check_same_shape("Tensor::allclose", self, A)
        with torch.no_grad():
            return bool(_close(self, A, rtol, atol, equal_nan).all())

    @staticmethod
    def static_allclose(
        A: Logic, B: Storage, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
    ) -> bool:
        """Return ``A.allclose(B, rtol, atol, equal_nan)``."""
        return A.allclose(B, rtol, atol, equal_nan)

    @staticmethod
    def equivalent(
        A: Storage, B: Storage, atol: float = 1e-08, rtol: float = 1e-05, equal_nan: bool = False, verbose: bool = True
    ) -> int:
        """Return 1 if two tensors have one shape and close values, else 0; mind the order of the tolerances.

        Args:
            A: a tensor.
            B: a tensor on the same device.
            atol: absolute tolerance.
            rtol: tolerance relative to ``B``.
            equal_nan: NaN is close to NaN.
            verbose: the first pair that differs is written to standard error.

        Raises:
            EddlShapeError: the tensors are on different devices.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.equivalent(Tensor.ones([2]), Tensor.ones([3]))
            0
        """
        if A.torch.shape != B.torch.shape:
            return 0
        check_same_shape("Tensor::equivalent", A, B)
        with torch.no_grad():
            close = _close(A, B, rtol, atol, equal_nan).reshape(-1)
        if bool(close.all()):
            return 1
        if verbose:
            at = int(torch.argmin(close.to(torch.int8)))
            a, b = float(A.torch.reshape(-1)[at]), float(B.torch.reshape(-1)[at])
            sys.stderr.write(f"[idx={at}]:\t{a:g}!={b:g} (delta={abs(a - b):g})\n")
        return 0

    @staticmethod
    def eqsize(A: Storage, B: Storage) -> int:
        """Return 1 if the shapes are equal, else 0."""
        return int(A.torch.shape == B.torch.shape)

    @staticmethod
    def sameShape(A: Storage, B: Storage) -> int:
        """Return 1 if the shapes are equal, else 0."""
        return int(A.torch.shape == B.torch.shape)

    @staticmethod
    def sameSize(A: Storage, B: Storage) -> bool:
        """Return whether the numbers of elements are equal."""
        return A.torch.numel() == B.torch.numel()

    @staticmethod
    def sameDevice(A: Storage, B: Storage) -> bool:
        """Return whether both tensors are on one device."""
        return A.torch.device == B.torch.device
