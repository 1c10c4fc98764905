"""A registry is a table of names given by hand; what a name stands for is imported only when it is used."""

from __future__ import annotations

import fnmatch
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from deephealth.core.errors import UnknownNameError

__all__ = ["Entry", "Registry"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One registered thing.

    Args:
        name: the name users write in configs; lower case, words joined by ``_`` or ``-``.
        target: the thing itself, or ``"package.module:attribute"`` to import it on first use.
        summary: one line for listings.
        facts: anything else a listing shows (task, licence, paper, ...).
    """

    name: str
    target: T | str
    summary: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> T:
        """Return the thing, importing it if need be."""
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]


class Registry(Generic[T]):
    """Names to things of one kind.

    Args:
        kind: what the things are, for error messages, such as ``"model"``.

    Example:
        >>> losses = Registry[type]("loss")
        >>> losses.add("counter", "collections:Counter", summary="counts")
        >>> losses.get("counter").__name__
        'Counter'
        >>> losses.names("c*")
        ['counter']
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry[T]] = {}

    def add(self, name: str, target: T | str, *, summary: str = "", **facts: Any) -> None:
        """Register ``target`` under ``name``.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._entries:
            msg = f"the {self.kind} '{name}' is registered already"
            raise ValueError(msg)
        self._entries[name] = Entry(name, target, summary, facts)

    def register(self, name: str, *, summary: str = "", **facts: Any) -> Callable[[T], T]:
        """Return a decorator that registers what it decorates under ``name``."""

        def decorate(target: T) -> T:
            self.add(name, target, summary=summary, **facts)
            return target

        return decorate

    def entry(self, name: str) -> Entry[T]:
        """Return the entry called ``name``.

        Raises:
            UnknownNameError: no such name; the nearest ones are in the message.
        """
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, self._entries) from None

    def get(self, name: str) -> T:
        """Return the thing called ``name``, importing it if need be."""
        return self.entry(name).load()

    def names(self, pattern: str = "*") -> list[str]:
        """Return the registered names that match a shell pattern, sorted."""
        return sorted(fnmatch.filter(self._entries, pattern))

    def parameters(self, name: str) -> dict[str, inspect.Parameter]:
        """Return the keyword parameters a config may give to ``name``: those of its signature that are keyword-only."""
        signature = inspect.signature(self.get(name))  # type: ignore[arg-type]
        return {key: p for key, p in signature.parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter(self._entries[name] for name in self.names())

    def __len__(self) -> int:
        return len(self._entries)
