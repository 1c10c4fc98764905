"""What the two back-ends share: the same two tables, the same statements."""

from __future__ import annotations

import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from deephealth.core.errors import VaultError
from deephealth.lake.vault.store import Place, Row

__all__ = ["SqlStore"]

HEADER, ROWS = "deephealth_vault_header", "deephealth_vault_rows"
_COLUMNS = "kind, lookup, owner, value"
_AT_ONCE = 500  # rows per statement
_INHERITED: list[Any] = []


class SqlStore(ABC):
    """Rows in a database.

    A subclass opens the connection, begins and ends transactions, turns the driver's errors into ours, and clears the
    disk. One connection per process: after a fork the child opens its own.
    """

    name = ""
    mark = "?"  # what stands for a value in a statement
    bytes_type = "BLOB"
    in_order = ""  # makes a scan follow the index of places, where the database would rather sort

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._connection: Any = None
        self._process = 0
        self._inside = ""

    @abstractmethod
    def _open(self) -> Any:
        """Open the connection."""

    @abstractmethod
    def _begin(self, *, writing: bool) -> None:
        """Begin a transaction."""

    @abstractmethod
    def _errors(self) -> AbstractContextManager[None]:
        """Turn the driver's errors into ours."""

    # transactions

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Show one state of the store to all reads of the block."""
        with self._transaction(writing=False):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let one writer in at a time; at the end of the block its changes are on disk, or none is."""
        with self._transaction(writing=True):
            yield

    @contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[None]:
        with self._lock:
            if self._inside:  # part of the transaction around it
                if writing and self._inside == "reading":
                    raise RuntimeError("a block that reads can't write")
                yield
                return
            with self._errors():
                self._connect()
                self._begin(writing=writing)
                self._inside = "writing" if writing else "reading"
                try:
                    yield
                    self._run("COMMIT")
                except BaseException:
                    self._roll_back()
                    raise
                finally:
                    self._inside = ""

    def _roll_back(self) -> None:
        try:
            self._run("ROLLBACK")
        except Exception:  # the connection is lost or the transaction is over: a new one starts clean
            self.close()

    def _connect(self) -> None:
        if self._process != os.getpid():
            self._abandon()
        if self._connection is None:
            self._connection, self._process = self._open(), os.getpid()

    def _abandon(self) -> None:
        """After a fork the connection is the parent's: closing it here would break it there, so it is only kept."""
        if self._connection is not None:
            _INHERITED.append(self._connection)
            self._connection = None

    def close(self) -> None:
        """Give up the connection; the next use opens it again."""
        if self._process != os.getpid():
            self._abandon()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # statements

    def header(self) -> dict[str, Any]:
        """Return the facts that stand in the clear."""
        found = self._run(f"SELECT value FROM {HEADER} WHERE name = 'vault'").fetchone()  # noqa: S608 - constants
        try:
            return dict(json.loads(found[0])) if found else {}
        except (ValueError, TypeError) as error:
            raise self._damaged() from error

    def put_header(self, header: dict[str, Any]) -> None:
        """Replace them."""
        self._run(
            f"INSERT INTO {HEADER} (name, value) VALUES ('vault', {self.mark}) "  # noqa: S608 - constants
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (json.dumps(header, sort_keys=True),),
        )

    def get(self, kind: str, lookups: Sequence[bytes]) -> dict[bytes, Row]:
        """Return the rows that exist, by lookup."""
        found: dict[bytes, Row] = {}
        for start in range(0, len(lookups), _AT_ONCE):
            part = lookups[start : start + _AT_ONCE]
            marks = ", ".join([self.mark] * len(part))
            query = f"SELECT {_COLUMNS} FROM {ROWS} WHERE kind = {self.mark} AND lookup IN ({marks})"  # noqa: S608 - constants
            found.update((row.lookup, row) for row in self._rows(query, (kind, *part)))
        return found

    def scan(self, kinds: Sequence[str], after: Place | None, limit: int, owner: bytes | None = None) -> list[Row]:
        """Return the next rows of some kinds, in the order of their places, of one owner or of all."""
        where, values = [f"kind IN ({', '.join([self.mark] * len(kinds))})"], list[Any](kinds)
        if owner is not None:
            where.append(f"owner = {self.mark}")
            values.append(owner)
        if after is not None:
            where.append(f"(owner, kind, lookup) > ({self.mark}, {self.mark}, {self.mark})")
            values.extend(after)
        query = (
            f"SELECT {_COLUMNS} FROM {ROWS} {self.in_order} WHERE {' AND '.join(where)} "  # noqa: S608 - constants
            f"ORDER BY owner, kind, lookup LIMIT {int(limit)}"
        )
        return self._rows(query, tuple(values))

    def put(self, rows: Iterable[Row]) -> None:
        """Insert rows, or replace those with the same kind and lookup."""
        self._put(ROWS, rows)

    def delete(self, kind: str, owner: bytes) -> int:
        """Remove the rows of a kind that belong to an owner; return how many there were."""
        query = f"DELETE FROM {ROWS} WHERE kind = {self.mark} AND owner = {self.mark}"  # noqa: S608 - constants
        return int(self._run(query, (kind, owner)).rowcount)

    def count(self, kind: str) -> int:
        """Return how many rows of a kind there are."""
        query = f"SELECT COUNT(*) FROM {ROWS} WHERE kind = {self.mark}"  # noqa: S608 - constants
        return int(self._run(query, (kind,)).fetchone()[0])

    def replace_all(self, rows: Iterable[Row]) -> None:
        """Let these rows take the place of all rows; they may be read from the old ones meanwhile."""
        for statement in self._tables(f"{ROWS}_next"):
            self._run(statement)
        self._put(f"{ROWS}_next", rows)
        self._run(f"DELETE FROM {ROWS}")  # noqa: S608 - constants; wipes the pages where dropping would free them only
        self._run(f"INSERT INTO {ROWS} ({_COLUMNS}) SELECT {_COLUMNS} FROM {ROWS}_next")  # noqa: S608 - constants
        self._run(f"DROP TABLE {ROWS}_next")

    def _make_tables(self) -> None:
        self._run(f"CREATE TABLE {HEADER} (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        for statement in self._tables(ROWS):
            self._run(statement)
        self._run(f"CREATE INDEX {ROWS}_by_owner ON {ROWS} (owner, kind, lookup)")

    def _tables(self, table: str) -> list[str]:
        kind = self.bytes_type
        return [
            f"CREATE TABLE {table} (kind TEXT NOT NULL, lookup {kind} NOT NULL, owner {kind} NOT NULL, "
            f"value {kind} NOT NULL, PRIMARY KEY (kind, lookup))"
        ]

    def _put(self, table: str, rows: Iterable[Row]) -> None:
        marks = ", ".join([self.mark] * 4)
        query = (
            f"INSERT INTO {table} ({_COLUMNS}) VALUES ({marks}) "  # noqa: S608 - constants
            "ON CONFLICT (kind, lookup) DO UPDATE SET owner = excluded.owner, value = excluded.value"
        )
        cursor = self._connection.cursor()
        batch: list[tuple[str, bytes, bytes, bytes]] = []
        for row in rows:
            batch.append((row.kind, row.lookup, row.owner, row.value))
            if len(batch) == _AT_ONCE:
                cursor.executemany(query, batch)
                batch.clear()
        if batch:
            cursor.executemany(query, batch)

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[Row]:
        answer = self._run(query, values).fetchall()
        if not all(isinstance(part, bytes) for row in answer for part in row[1:]):
            raise self._damaged()
        return [Row(*row) for row in answer]

    def _damaged(self) -> VaultError:
        return VaultError(f"{self.name} is damaged", hint="restore it from its backup")

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        return self._connection.execute(statement, values)
