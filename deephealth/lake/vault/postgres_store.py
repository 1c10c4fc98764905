"""The vault in a PostgreSQL database: for several machines, or where backups are the database's business."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Self

from deephealth.core.errors import StorageError, VaultError
from deephealth.core.optional import require
from deephealth.lake.vault.sql_store import HEADER, ROWS, SqlStore
from deephealth.lake.vault.store import Row

__all__ = ["PostgresStore"]

_WRITERS = 0x6465657068  # number of the lock that lets one writer in at a time


class PostgresStore(SqlStore):
    """A vault's rows in a PostgreSQL database; a schema of the search path holds one vault.

    The server sees ciphertext and keyed hashes only. Its write-ahead log and its backups keep removed rows for as long
    as it is set to; they can't be opened once the vault's key is gone.

    Args:
        address: ``postgresql://user@server/database``; ``?options=-csearch_path%3Dchest`` chooses a schema. Passwords
            belong into a password file or a service file.

    Raises:
        VaultError: the server can't be reached, or holds no vault there.
    """

    mark = "%s"
    bytes_type = "BYTEA"

    def __init__(self, address: str) -> None:
        super().__init__()
        self._driver: Any = require("psycopg", purpose="a vault in PostgreSQL")
        self._address = address
        self.name = self._safe_name()
        with self.reading():
            missing = self._run("SELECT to_regclass(%s)", (HEADER,)).fetchone()[0] is None
        if missing:
            self.close()
            raise VaultError(f"{self.name} holds no vault", hint="is it the right database and schema?")

    @classmethod
    def make(cls, address: str, header: dict[str, Any], rows: Iterable[Row]) -> Self:
        """Make the tables and the first rows in one transaction."""
        store = cls.__new__(cls)
        SqlStore.__init__(store)
        store._driver, store._address = require("psycopg", purpose="a vault in PostgreSQL"), address
        store.name = store._safe_name()
        try:
            with store.writing():
                if store._run("SELECT to_regclass(%s)", (HEADER,)).fetchone()[0] is not None:
                    raise VaultError(f"{store.name} holds a vault already", hint="open it, or choose another schema")
                store.refuse_shared_key(header)
                store._make_tables()
                store.put_header(header)
                store.put(rows)
        except BaseException:
            store.close()
            raise
        return store

    def _safe_name(self) -> str:
        """Return the server and the database, without user and password."""
        try:
            parts = self._driver.conninfo.conninfo_to_dict(self._address)
        except self._driver.Error as error:
            raise VaultError("the vault's address is none of a PostgreSQL database") from error
        return f"the PostgreSQL database {parts.get('dbname', '')!r} on {parts.get('host', 'this machine')!r}"

    def refuse_shared_key(self, header: dict[str, Any]) -> None:
        """Refuse a key that a vault in another schema of the database has."""
        query = "SELECT table_schema FROM information_schema.tables WHERE table_name = %s"
        for (schema,) in self._run(query, (HEADER,)).fetchall():
            place = self._driver.sql.Identifier(schema, HEADER)
            found = self._run(self._driver.sql.SQL("SELECT value FROM {}").format(place)).fetchone()
            if found and json.loads(found[0]).get("fingerprint") == header["fingerprint"]:
                raise VaultError(
                    f"a vault in the schema {schema!r} has this key already",
                    allowed="one key per project",
                    hint="make a new key for this project",
                )

    def _open(self) -> Any:
        connection = self._driver.connect(self._address, autocommit=True, connect_timeout=30)
        connection.execute("SET synchronous_commit = on")  # a commit is on disk when it returns
        connection.execute("SET lock_timeout = '120s'")
        connection.execute("SET client_min_messages = warning")
        return connection

    def _begin(self, *, writing: bool) -> None:
        if writing:
            self._run("BEGIN ISOLATION LEVEL READ COMMITTED")
            self._run("SELECT pg_advisory_xact_lock(%s)", (_WRITERS,))
        else:
            self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def shred(self) -> bool:
        """Rebuild the tables without what was removed."""
        with self._lock, self._errors():
            self._connect()
            for table in (ROWS, HEADER):
                self._run(f"VACUUM FULL {table}")
            with contextlib.suppress(self._driver.errors.InsufficientPrivilege):
                self._run("CHECKPOINT")
        return True

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._driver.errors.DiskFull as error:
            raise StorageError(f"{self.name} is full", hint="free space on the server, then try again") from error
        except self._driver.OperationalError as error:
            self.close()
            raise VaultError(
                f"{self.name} does not answer: {_first_line(error)}",
                hint="is the server running, and the address right?",
            ) from error
        except self._driver.Error as error:
            raise VaultError(f"{self.name} refused a statement: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """Return what the server said, without the values of a statement."""
    return str(error).partition("\n")[0]
