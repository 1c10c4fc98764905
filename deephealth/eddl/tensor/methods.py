"""What turns one function of torch tensors into EDDL's three methods: ``X``, ``X_`` and ``static_X``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from deephealth.eddl.errors import EddlShapeError, EddlValueError
from deephealth.eddl.tensor.describe import RESULT_DIFFERS, describe
from deephealth.eddl.tensor.storage import Number, Storage, T, check_same_shape, check_same_size, store

__all__ = [
    "Binary",
    "Unary",
    "binary_in_place",
    "binary_into",
    "binary_new",
    "operand",
    "unary_in_place",
    "unary_into",
    "unary_new",
]

_OTHER = {"other": "a tensor of the same shape, or a number."}


class Unary(NamedTuple):
    """A function of one number, applied to each element.

    Args:
        name: what EDDL calls it.
        function: takes and returns a torch tensor.
        what: what it returns, for the documentation.
        example: a value to show it with.
        overwrite: the same function writing into its argument; ``None`` goes through a copy.
    """

    name: str
    function: Callable[[torch.Tensor], torch.Tensor]
    what: str
    example: float = 0.5
    overwrite: Callable[[torch.Tensor], torch.Tensor] | None = None


class Binary(NamedTuple):
    """A function of two numbers, applied to pairs of elements, or to each element and one number.

    Args:
        name: what EDDL calls it.
        function: takes two torch tensors, or one and a number.
        what: what it returns, for the documentation.
        example: what stands in the documentation after ``Tensor.full([1], 3.0)``, and its result.
        as_number: ``function`` gives bools, and 0.0 or 1.0 when it writes into its argument ``out``.
        overwrite: the same function writing into its first argument; ``None`` goes through a copy.
    """

    name: str
    function: Callable[..., torch.Tensor]
    what: str
    example: tuple[float, float]
    as_number: bool = False
    overwrite: Callable[[torch.Tensor, Any], torch.Tensor] | None = None

    def on(self, left: torch.Tensor, right: torch.Tensor | float) -> torch.Tensor:
        """Return the result as float32."""
        with torch.no_grad():
            if not self.as_number:
                return self.function(left, right)
            result = torch.empty_like(left, memory_format=torch.contiguous_format)
            return self.function(left, right, out=result)


def operand(title: str, this: Storage, other: Storage | Number) -> torch.Tensor | float:
    """Return the torch tensor or the number that ``other`` is, after checking that it goes with ``this``.

    Raises:
        EddlShapeError: the shapes or devices differ.
        EddlValueError: neither a tensor nor a number.

    Example:
        >>> operand("Tensor::add", Storage([2]), 3)
        3.0
    """
    if isinstance(other, Storage):
        check_same_shape(title, this, other)
        return other.torch.detach()
    try:
        return float(other)
    except (TypeError, ValueError) as error:
        raise EddlValueError(
            f"{title}: {type(other).__name__} is no operand", allowed="a Tensor or a number"
        ) from error


def _shown(op: Unary) -> str:
    """Return the result of the documentation's example."""
    return str(round(float(op.function(torch.tensor([op.example])).sum()), 4))


def unary_new(op: Unary) -> Callable[[T], T]:
    """Return the method that makes a new tensor, such as ``Tensor.abs``."""

    def method(self: T) -> T:
        with torch.no_grad():
            return self._wrap(op.function(self.torch))

    example = [f"round(Tensor.full([1], {op.example}).{op.name}().sum(), 4)", _shown(op)]
    describe(method, op.name, f"Return a new tensor with {op.what} of each element.", example=example)
    return method


def unary_in_place(op: Unary) -> Callable[[Storage], None]:
    """Return the method that overwrites the tensor, such as ``Tensor.abs_``."""

    def method(self: Storage) -> None:
        with torch.no_grad():
            if op.overwrite is None:
                self.torch.copy_(op.function(self.torch))
            else:
                op.overwrite(self.torch)

    example = [f"a = Tensor.full([1], {op.example}); a.{op.name}_(); round(a.sum(), 4)", _shown(op)]
    describe(method, f"{op.name}_", f"Replace each element by {op.what} of it.", example=example)
    return method


def unary_into(op: Unary) -> staticmethod[[Storage, Storage], None]:
    """Return the function that writes into a second tensor, such as ``Tensor.static_abs``."""

    def function(A: Storage, B: Storage) -> None:
        check_same_size(f"Tensor::{op.name}", A, B)
        with torch.no_grad():
            store(B, op.function(A.torch))

    describe(
        function,
        f"static_{op.name}",
        f"Write {op.what} of each element of ``A`` into ``B``.",
        args={"A": "input.", "B": "result, as many elements."},
        raises={"EddlShapeError": "the sizes differ."},
        example=[f"a = Tensor.full([1], {op.example}); Tensor.static_{op.name}(a, a); round(a.sum(), 4)", _shown(op)],
    )
    return staticmethod(function)


def binary_new(op: Binary) -> Callable[[T, Storage | Number], T]:
    """Return the method that makes a new tensor, such as ``Tensor.add``."""

    def method(self: T, other: Storage | Number) -> T:
        return self._wrap(op.on(self.torch, operand(f"Tensor::{op.name}", self, other)))

    example = [f"Tensor.full([1], 3.0).{op.name}({op.example[0]}).sum()", str(op.example[1])]
    summary = f"Return a new tensor with {op.what}."
    describe(method, op.name, summary, args=_OTHER, raises=RESULT_DIFFERS, example=example)
    return method


def binary_in_place(op: Binary) -> Callable[[Storage, Storage | Number], None]:
    """Return the method that overwrites the tensor, such as ``Tensor.add_``."""

    def method(self: Storage, other: Storage | Number) -> None:
        right = operand(f"Tensor::{op.name}_", self, other)
        if op.overwrite is None:
            store(self, op.on(self.torch, right))
        else:
            with torch.no_grad():
                op.overwrite(self.torch, right)

    example = [f"a = Tensor.full([1], 3.0); a.{op.name}_({op.example[0]}); a.sum()", str(op.example[1])]
    summary = f"Replace each element by {op.what}."
    describe(method, f"{op.name}_", summary, args=_OTHER, raises=RESULT_DIFFERS, example=example)
    return method


def binary_into(op: Binary) -> staticmethod[[Storage, Storage, Storage | Number], None]:
    """Return the function with a result argument, such as ``Tensor.static_greater``.

    It takes ``(A, B, v)`` with a number, where ``B`` is the result, or ``(A, B, C)``, where ``C`` is the result.
    """

    def function(A: Storage, B: Storage, C: Storage | Number) -> None:
        title = f"Tensor::{op.name}"
        if isinstance(C, Storage):
            check_same_shape(title, A, B, C)
            store(C, op.on(A.torch, B.torch))
            return
        if not isinstance(B, Storage):
            raise EddlShapeError(title, "the result must be a tensor", allowed="(A, result, number) or (A, B, result)")
        check_same_size(title, A, B)
        store(B, op.on(A.torch, operand(title, A, C)))

    call = f"Tensor.static_{op.name}(a, a, {op.example[0]})"
    describe(
        function,
        f"static_{op.name}",
        f"Write {op.what} into the last tensor.",
        args={
            "A": "input.",
            "B": "the other input, or the result if ``C`` is a number.",
            "C": "the result, or the number.",
        },
        raises=RESULT_DIFFERS,
        example=[f"a = Tensor.full([1], 3.0); {call}; a.sum()", str(op.example[1])],
    )
    return staticmethod(function)
