"""Where a vault keeps its rows: what every back-end can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

__all__ = ["Place", "Row", "Store", "is_address", "pages"]

Place: TypeAlias = tuple[bytes, str, bytes]
"""Where a row stands in the order of a scan: owner, kind, lookup."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a back-end sees it: nothing in it can be read, or guessed, without the vault's key.

    Args:
        kind: ``secret``, ``patient``, ``uid``, ``consent``.
        lookup: keyed hash of what the row is about.
        owner: keyed hash of the subject it belongs to; rows of one subject stand together.
        value: sealed.
    """

    kind: str
    lookup: bytes
    owner: bytes
    value: bytes

    @property
    def place(self) -> Place:
        """Where the row stands in a scan."""
        return self.owner, self.kind, self.lookup


class Store(Protocol):
    """A back-end. All but ``close`` and ``shred`` is called inside :meth:`reading` or :meth:`writing`."""

    name: str

    def reading(self) -> AbstractContextManager[None]:
        """Show one state of the store to all reads of the block."""

    def writing(self) -> AbstractContextManager[None]:
        """Let one writer in at a time; at the end of the block its changes are on disk, or none is."""

    def header(self) -> dict[str, Any]:
        """Return the facts that stand in the clear."""

    def put_header(self, header: dict[str, Any]) -> None:
        """Replace them."""

    def get(self, kind: str, lookups: Sequence[bytes]) -> dict[bytes, Row]:
        """Return the rows that exist, by lookup."""

    def scan(self, kinds: Sequence[str], after: Place | None, limit: int, owner: bytes | None = None) -> list[Row]:
        """Return the next rows of some kinds, in the order of their places, of one owner or of all."""

    def put(self, rows: Iterable[Row]) -> None:
        """Insert rows, or replace those with the same kind and lookup."""

    def delete(self, kind: str, owner: bytes) -> int:
        """Remove the rows of a kind that belong to an owner; return how many there were."""

    def count(self, kind: str) -> int:
        """Return how many rows of a kind there are."""

    def replace_all(self, rows: Iterable[Row]) -> None:
        """Let these rows take the place of all rows; they may be read from the old ones meanwhile."""

    def refuse_shared_key(self, header: dict[str, Any]) -> None:
        """Refuse a header whose key a neighbouring vault has."""

    def shred(self) -> bool:
        """Clear the disk of what was removed or replaced, as far as a program can; return whether it could."""

    def close(self) -> None:
        """Give up the connection."""


def is_address(location: Path | str) -> bool:
    """Return whether a location is a database server's address.

    Example:
        >>> is_address("postgresql:///vault"), is_address("vault.sqlite")
        (True, False)
    """
    return isinstance(location, str) and location.startswith(("postgresql://", "postgres://"))


def pages(store: Store, kinds: Sequence[str], *, owner: bytes | None = None, size: int = 1000) -> Iterator[Row]:
    """Yield the rows of some kinds in the order of their places; memory is bounded by one page."""
    after: Place | None = None
    while rows := store.scan(kinds, after, size, owner):
        yield from rows
        after = rows[-1].place
