"""The table of kernels: ONNX operator -> a function on torch tensors, with what the importer must know of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["KERNELS", "Kernel", "kernel", "register"]


@dataclass(frozen=True)
class Kernel:
    """How one operator is computed.

    Args:
        run: called with the inputs in ONNX's order (``None`` for a missing one), then the attributes by name.
        host: positions of inputs that are shapes, axes and the like: they come as Python numbers or lists.
        attributes: names of the attributes that ``run`` knows.
        arity: the most inputs it takes; ``None`` for any number.
        several: whether it returns a tuple, one entry per output.
        frozen: positions of inputs that training never changes, though they are weights of the file.
    """

    run: Callable[..., Any]
    host: frozenset[int]
    attributes: frozenset[str]
    arity: int | None
    several: bool = False
    frozen: frozenset[int] = frozenset()


KERNELS: dict[str, Kernel] = {}


def register(
    name: str, run: Callable[..., Any], *, host: Iterable[int] = (), several: bool = False, frozen: Iterable[int] = ()
) -> None:
    """Enter ``run`` as the kernel of operator ``name``; its keyword-only parameters are the attributes it knows."""
    attributes, arity = _signature(run)
    KERNELS[name] = Kernel(run, frozenset(host), attributes, arity, several, frozenset(frozen))


def kernel(
    *names: str, host: Iterable[int] = (), several: bool = False, frozen: Iterable[int] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated function as the kernel of each operator in ``names``."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            register(name, run, host=host, several=several, frozen=frozen)
        return run

    return enter


def _signature(run: Callable[..., Any]) -> tuple[frozenset[str], int | None]:
    try:
        parameters = inspect.signature(run).parameters.values()
    except ValueError:  # a builtin of torch, entered with one input and no attribute
        return frozenset(), 1
    attributes = frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return attributes, None
    return attributes, sum(p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD} for p in parameters)
