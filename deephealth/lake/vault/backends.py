"""Which back-end a vault's location means."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deephealth.lake.vault.postgres_store import PostgresStore
from deephealth.lake.vault.sqlite_store import SqliteStore
from deephealth.lake.vault.store import Row, Store, is_address

__all__ = ["connect", "make"]


def connect(location: Path | str) -> Store:
    """Return the back-end of a vault that exists: a file, or a ``postgresql://`` address.

    Raises:
        VaultError: there's no vault there.
    """
    return PostgresStore(str(location)) if is_address(location) else SqliteStore(Path(location))


def make(location: Path | str, header: dict[str, Any], rows: Iterable[Row]) -> Store:
    """Make a vault with its first rows, whole or not at all, and return its back-end.

    Raises:
        VaultError: there's one already, or a neighbour has the same key.
        StorageError: it can't be written.
    """
    if is_address(location):
        return PostgresStore.make(str(location), header, rows)
    return SqliteStore.make(Path(location), header, rows)
