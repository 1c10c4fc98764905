"""Python's operators on tensors: ``a + b``, ``2 * a``, ``a[0]``, ``len(a)``."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import torch

from deephealth.eddl.errors import EddlValueError
from deephealth.eddl.tensor.methods import operand
from deephealth.eddl.tensor.storage import Number, Storage, T, store

__all__ = ["Operators"]

_Operand = Storage | Real


def _new(name: str, function: Callable[[Any, Any], torch.Tensor]) -> Callable[[T, _Operand], T]:
    def method(self: T, other: _Operand) -> T:
        if not isinstance(other, _Operand):
            return NotImplemented
        with torch.no_grad():
            return self._wrap(function(self.torch, operand(f"Tensor.{name}", self, other)))

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    return method


def _in_place(name: str, function: Callable[[Any, Any], torch.Tensor]) -> Callable[[T, _Operand], T]:
    def method(self: T, other: _Operand) -> T:
        if not isinstance(other, _Operand):
            return NotImplemented
        with torch.no_grad():
            store(self, function(self.torch, operand(f"Tensor.{name}", self, other)))
        return self

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    return method


class Operators(Storage):
    """Operators; tensors must have one shape, or the other side is a number."""

    __add__ = _new("__add__", lambda a, b: a + b)
    __radd__ = _new("__radd__", lambda a, b: b + a)
    __iadd__ = _in_place("__iadd__", lambda a, b: a + b)
    __sub__ = _new("__sub__", lambda a, b: a - b)
    __rsub__ = _new("__rsub__", lambda a, b: b - a)
    __isub__ = _in_place("__isub__", lambda a, b: a - b)
    __mul__ = _new("__mul__", lambda a, b: a * b)
    __rmul__ = _new("__rmul__", lambda a, b: b * a)
    __imul__ = _in_place("__imul__", lambda a, b: a * b)
    __truediv__ = _new("__truediv__", lambda a, b: a / b)
    __rtruediv__ = _new("__rtruediv__", lambda a, b: b / a)
    __itruediv__ = _in_place("__itruediv__", lambda a, b: a / b)

    def __neg__(self) -> Self:
        return self._wrap(-self.torch.detach())

    def __bool__(self) -> bool:  # a tensor is always true, as in the original: `if output:` asks whether there is one
        return True

    def __len__(self) -> int:
        return self.torch.shape[0] if self.ndim else 1

    def __float__(self) -> float:
        if self.size != 1:
            raise EddlValueError(
                f"a tensor of shape {self.shape} is not one number", hint="use sum(), mean(), select()"
            )
        return float(self.torch)

    def __getitem__(self, place: Any) -> Self:
        """Return a part that shares the memory (unless ``place`` is a list or array), with Python's indices."""
        return self._wrap(self.torch.detach()[place])

    def __setitem__(self, place: Any, value: Storage | Number) -> None:
        """Overwrite a part, with Python's indices."""
        self.torch.detach()[place] = value.torch.detach() if isinstance(value, Storage) else float(value)
