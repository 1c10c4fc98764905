"""What turns one function of a torch tensor and some numbers into EDDL's three methods: ``X``, ``X_``, ``static_X``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec

import torch

from deephealth.eddl.tensor.describe import describe
from deephealth.eddl.tensor.storage import Storage, T, check_same_size, store

__all__ = ["Function", "function_in_place", "function_into", "function_new"]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Function(Generic[P]):
    """A function of one number with further arguments, applied to each element.

    Args:
        name: what EDDL calls it.
        kernel: takes a torch tensor and the arguments, and returns a torch tensor.
        what: what it returns, for the documentation.
        args: what each argument is, for the documentation.
        example: arguments and the result for the number 3, for the documentation.
    """

    name: str
    kernel: Callable[Concatenate[torch.Tensor, P], torch.Tensor]
    what: str
    args: Mapping[str, str]
    example: tuple[str, str]

    def call(self, prefix: str, *first: str) -> str:
        """Return the call that the documentation shows."""
        return f"{prefix}({', '.join([*first, *filter(None, [self.example[0]])])})"


def _show_signature(method: Any, op: Function[P], *tensors: str) -> None:
    """Let ``help`` and editors show the arguments by name."""
    first, *others = inspect.signature(op.kernel, eval_str=True).parameters.values()
    named = [first.replace(name=name, annotation=Storage) for name in tensors]
    method.__signature__ = inspect.Signature([*named, *others])


def function_new(op: Function[P]) -> Callable[Concatenate[T, P], T]:
    """Return the method that makes a new tensor, such as ``Tensor.clamp``."""

    def method(self: T, /, *args: P.args, **named: P.kwargs) -> T:
        with torch.no_grad():
            return self._wrap(op.kernel(self.torch, *args, **named))

    example = [op.call(f"Tensor.full([1], 3.0).{op.name}") + ".sum()", op.example[1]]
    describe(method, op.name, f"Return a new tensor with {op.what}.", args=op.args, example=example)
    _show_signature(method, op, "self")
    return method


def function_in_place(op: Function[P]) -> Callable[Concatenate[Storage, P], None]:
    """Return the method that overwrites the tensor, such as ``Tensor.clamp_``."""

    def method(self: Storage, /, *args: P.args, **named: P.kwargs) -> None:
        with torch.no_grad():
            store(self, op.kernel(self.torch, *args, **named))

    example = [f"a = Tensor.full([1], 3.0); {op.call(f'a.{op.name}_')}; a.sum()", op.example[1]]
    describe(method, f"{op.name}_", f"Overwrite the tensor with {op.what}.", args=op.args, example=example)
    _show_signature(method, op, "self")
    return method


def function_into(op: Function[P]) -> staticmethod[Concatenate[Storage, Storage, P], None]:
    """Return the function that writes into a second tensor, such as ``Tensor.static_clamp``."""

    def function(A: Storage, B: Storage, /, *args: P.args, **named: P.kwargs) -> None:
        check_same_size(f"Tensor::{op.name}", A, B)
        with torch.no_grad():
            store(B, op.kernel(A.torch, *args, **named))

    describe(
        function,
        f"static_{op.name}",
        f"Write {op.what}, into ``B``.",
        args={"A": "input.", "B": "result, as many elements.", **op.args},
        raises={"EddlShapeError": "the sizes differ."},
        example=[f"a = Tensor.full([1], 3.0); {op.call(f'Tensor.static_{op.name}', 'a', 'a')}; a.sum()", op.example[1]],
    )
    _show_signature(function, op, "A", "B")
    return staticmethod(function)
