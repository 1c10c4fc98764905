"""The vault in a file: SQLite with a write-ahead log, so that several processes can use it at once."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from deephealth.core.errors import StorageError, VaultError
from deephealth.core.files import fsync_folder, storage_errors
from deephealth.lake.vault.sql_store import HEADER, ROWS, SqlStore
from deephealth.lake.vault.store import Row

__all__ = ["SqliteStore"]

_WAIT = 120  # seconds for another writer
_FULL = ("full", "disk i/o error", "readonly", "unable to open")


class SqliteStore(SqlStore):
    """A vault's rows in an SQLite file.

    Args:
        path: the file.

    Raises:
        VaultError: it is missing.
    """

    in_order = f"INDEXED BY {ROWS}_by_owner"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.name = path, f"the vault {path}"
        if not path.is_file():
            raise VaultError(
                f"{self.name} is missing", hint="restore it from its backup; a new one would give other pseudonyms"
            )

    @classmethod
    def make(cls, path: Path, header: dict[str, Any], rows: Iterable[Row]) -> Self:
        """Make the file under another name and give it its own when it is whole."""
        if path.exists():
            raise VaultError(f"{path} exists", allowed="a new file for a new vault", hint="open it, or choose another")
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        with storage_errors(path, "making a vault"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _refuse_shared_key(path, header)
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            try:
                store = cls(temporary)
                with store.writing():
                    store._make_tables()
                    store.put_header(header)
                    store.put(rows)
                store.close()  # the last connection folds the write-ahead log into the file
                _link(temporary, path)
            finally:
                for ending in ("", "-wal", "-shm"):
                    temporary.with_name(temporary.name + ending).unlink(missing_ok=True)
            fsync_folder(path.parent)
        return cls(path)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path.absolute().as_uri() + "?mode=rw",
            uri=True,
            timeout=_WAIT,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",  # a commit is on disk when it returns
                "secure_delete = ON",  # what is removed is overwritten with zeros
                "temp_store = MEMORY",
                "trusted_schema = OFF",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin(self, *, writing: bool) -> None:
        self._run("BEGIN IMMEDIATE" if writing else "BEGIN")

    def refuse_shared_key(self, header: dict[str, Any]) -> None:
        """Refuse a header whose key another vault in this folder has."""
        _refuse_shared_key(self.path, header)

    def shred(self) -> bool:
        """Clear the file of what was removed: it is rebuilt, its write-ahead log folded in and cut."""
        with self._lock, self._errors():
            self._connect()
            self._run("VACUUM")
            busy, *_ = self._run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            text = str(error)
            if any(word in text.lower() for word in _FULL):
                raise StorageError(
                    f"{self.name} can't be written: {text}",
                    hint="free space on that disk, or make it writable, and run the same command again",
                ) from error
            if "locked" in text or "busy" in text:
                raise VaultError(f"{self.name} is in use for too long", hint="wait for the other command") from error
            raise VaultError(
                f"{self.name} is damaged or is no vault: {text}", hint="restore it from its backup"
            ) from error


def _link(temporary: Path, path: Path) -> None:
    """Give the finished file its name, unless another process was faster."""
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise VaultError(f"{path} exists", hint="another command made it a moment ago: open it") from error
    except PermissionError:  # a file system without hard links
        os.rename(temporary, path)


def _refuse_shared_key(path: Path, header: dict[str, Any]) -> None:
    """Refuse a key that a vault beside this one has: one key never serves two projects."""
    for neighbour in path.parent.iterdir():
        if neighbour != path and neighbour.is_file() and _fingerprint(neighbour) == header["fingerprint"]:
            raise VaultError(
                f"the vault {neighbour} has this key already",
                allowed="one key per project",
                hint="make a new key for this project",
            )


def _fingerprint(path: Path) -> str:
    # never opened but through SQLite: closing a second handle would drop the locks that this process holds on the file
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=rw", uri=True)) as connection:
            found = connection.execute(f"SELECT value FROM {HEADER}").fetchone()  # noqa: S608 - a constant
            return str(json.loads(found[0]).get("fingerprint", ""))
    except (sqlite3.Error, ValueError, TypeError):
        return ""  # not a vault, or not readable: its key can't be compared
