"""What the lake holds and what it may not: an SQLite file of pseudonyms, keyed hashes and facts, never paths or ids."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from deephealth.core.errors import DataError, MissingDataError, StorageError
from deephealth.lake.actions import Action, Tally
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.reasons import MEANING, Reason

__all__ = ["Journal", "PublishedObject", "Quarantined", "database_errors"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs(
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, dataset TEXT NOT NULL, phase TEXT NOT NULL,
    retracted INTEGER NOT NULL DEFAULT 0, report TEXT);
CREATE TABLE IF NOT EXISTS files(
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, position INTEGER NOT NULL, locator TEXT NOT NULL,
    stamp TEXT NOT NULL, sealed BLOB, source TEXT NOT NULL DEFAULT '', subject TEXT NOT NULL DEFAULT '',
    study TEXT NOT NULL DEFAULT '', series TEXT NOT NULL DEFAULT '', object TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', what TEXT NOT NULL DEFAULT '', staged TEXT, place TEXT,
    outcome TEXT, UNIQUE(run, locator));
CREATE INDEX IF NOT EXISTS files_state ON files(run, state, position);
CREATE INDEX IF NOT EXISTS files_source ON files(source);
CREATE INDEX IF NOT EXISTS files_object ON files(object);
CREATE TABLE IF NOT EXISTS known(locator TEXT PRIMARY KEY, stamp TEXT NOT NULL, source TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects(
    source TEXT PRIMARY KEY, dataset TEXT NOT NULL, path TEXT NOT NULL, subject TEXT NOT NULL,
    study TEXT NOT NULL, series TEXT NOT NULL, object TEXT NOT NULL, facts TEXT NOT NULL, outcome TEXT NOT NULL,
    run INTEGER NOT NULL, UNIQUE(dataset, path));
CREATE INDEX IF NOT EXISTS objects_object ON objects(object);
CREATE INDEX IF NOT EXISTS objects_series ON objects(series);
CREATE INDEX IF NOT EXISTS objects_study ON objects(study);
CREATE INDEX IF NOT EXISTS objects_subject ON objects(subject);
CREATE TABLE IF NOT EXISTS quarantined(
    name TEXT PRIMARY KEY, source TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, what TEXT NOT NULL,
    bytes INTEGER NOT NULL, kind TEXT NOT NULL, run INTEGER NOT NULL, day TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS quarantined_source ON quarantined(source);
CREATE TABLE IF NOT EXISTS belongs(
    kind TEXT NOT NULL, key TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY(kind, key, subject)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class PublishedObject:
    """One released object.

    Args:
        facts: what is known of it.
        dataset: the data set it lies in.
        path: relative to the lake's root, with forward slashes.
        tally: how often each action was taken on it.
        boxes: what was painted over in it, as plain values.
        executed: codes of the options that were executed on it.
    """

    facts: ObjectFacts
    dataset: str
    path: str
    tally: Tally = field(default_factory=Tally)
    boxes: tuple[dict[str, Any], ...] = ()
    executed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One file that may not enter.

    Args:
        name: by which it is shown, exported and released.
        reason: a word of :class:`deephealth.lake.reasons.Reason`.
        what: what was found, without its value.
        bytes: size of the file as it came; 0 where it was not read.
        kind: ``original``; ``retracted`` for the de-identified copy of an object that had been released before;
            ``nothing`` where the file could not or must not be read.
        day: when, ``YYYY-MM-DD``.
        subject: the patient's pseudonym; empty when unknown.
    """

    name: str
    reason: str
    what: str
    bytes: int
    kind: str
    day: str
    subject: str = ""


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn SQLite's errors into a :class:`StorageError`.

    Raises:
        StorageError: the disk is full, or the journal is damaged or locked.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(
            f"the intake's journal can't be used: {error}",
            hint="free space on that disk, then run the same command again (nothing saved earlier is lost)",
        ) from error


class Journal:
    """The journal of one lake.

    Args:
        path: the SQLite file; made if missing.
        create: whether a missing one is made.

    Raises:
        MissingDataError: it does not exist and is not to be made.
        StorageError: it can't be opened.

    Example:
        >>> import tempfile
        >>> with Journal(Path(tempfile.mkdtemp()) / "journal.sqlite") as journal:
        ...     list(journal.published()), journal.quarantined()
        ([], Counter())
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise MissingDataError("the lake has no journal: nothing was taken in yet", hint="deephealth lake intake")
        with database_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.database = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            self.database.execute("PRAGMA journal_mode=WAL")
            self.database.execute("PRAGMA synchronous=FULL")
            self.database.execute("PRAGMA secure_delete=ON")  # what was sealed and is done leaves no bytes behind
            self.database.execute("PRAGMA temp_store=MEMORY")
            self.database.execute("PRAGMA cache_size=-8000")
            self.database.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing of it; on disk at its end.

        Raises:
            StorageError: the disk is full.
        """
        with database_errors():
            self.database.execute("BEGIN IMMEDIATE")
            try:
                yield self.database
            except BaseException:
                if self.database.in_transaction:  # SQLite itself rolls back when the disk is full
                    self.database.execute("ROLLBACK")
                raise
            self.database.execute("COMMIT")

    @contextmanager
    def only_writer(self) -> Iterator[None]:
        """Hold the lake's intake for this process; the lock ends with the process, however that ends.

        Raises:
            DataError: another intake is running.
        """
        with (self.path.parent / "intake.lock").open("a") as stream:
            _lock(stream)
            yield

    def published(self, dataset: str | None = None) -> Iterator[PublishedObject]:
        """Yield the released objects, in the order of their paths.

        Args:
            dataset: only those of one data set.
        """
        query = "SELECT dataset, path, facts, outcome FROM objects"
        query += " WHERE dataset = ?" if dataset is not None else ""
        with database_errors():
            rows = self.database.execute(query + " ORDER BY dataset, path", (dataset,) if dataset is not None else ())
            for name, path, facts, outcome in rows:
                yield _published(name, path, facts, outcome)

    @property
    def duplicates(self) -> int:
        """How many files were duplicates, over all finished runs."""
        return sum(report.get("duplicates", 0) for report in self.reports())

    def reports(self) -> list[dict[str, Any]]:
        """Return the reports of all finished runs, oldest first, as plain values."""
        with database_errors():
            rows = self.database.execute("SELECT report FROM runs WHERE report IS NOT NULL ORDER BY id").fetchall()
        return [json.loads(report) for (report,) in rows]

    def quarantined(self) -> Counter[str]:
        """Return how many files are in quarantine, by reason."""
        with database_errors():
            return Counter(dict(self.database.execute("SELECT reason, count(*) FROM quarantined GROUP BY reason")))

    def quarantine_entries(self, reason: str | None = None) -> Iterator[Quarantined]:
        """Yield what is in quarantine, in the order of names.

        Args:
            reason: only those with this reason.
        """
        query = "SELECT name, reason, what, bytes, kind, day, subject FROM quarantined"
        query += " WHERE reason = ?" if reason is not None else ""
        with database_errors():
            for row in self.database.execute(query + " ORDER BY name", (reason,) if reason is not None else ()):
                yield Quarantined(*row)

    def drop_quarantined(self, names: Iterable[str]) -> None:
        """Forget entries of the quarantine."""
        with self.transaction() as database:
            database.executemany("DELETE FROM quarantined WHERE name = ?", [(name,) for name in names])

    def take_back(self, source: str, name: str, size: int, reason: Reason = Reason.IDENTIFIER_LEFT) -> None:
        """Write down that a released object is in quarantine now; a later intake looks at its original anew.

        Args:
            source: keyed hash of the content it came from.
            name: of the sealed copy in the quarantine.
            size: bytes of the object as it was released.
            reason: why.
        """
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        with self.transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO quarantined SELECT ?, source, subject, ?, ?, ?, 'retracted', run, ?"
                " FROM objects WHERE source = ?",
                (name, reason, MEANING[reason], size, day, source),
            )
            database.execute("DELETE FROM known WHERE source = ?", (source,))
            database.execute("DELETE FROM objects WHERE source = ?", (source,))

    def replaced(self, facts: ObjectFacts, executed: tuple[str, ...]) -> None:
        """Write down that a released object has another content now, such as a head without its face.

        Args:
            facts: with the new digest and size; ``source`` says which object.
            executed: codes of all options that were executed on it.
        """
        with self.transaction() as database:
            row = database.execute("SELECT outcome FROM objects WHERE source = ?", (facts.source,)).fetchone()
            outcome = json.loads(row[0]) | {"executed": executed} if row else {}
            database.execute(
                "UPDATE objects SET facts = ?, outcome = ? WHERE source = ?",
                (json.dumps(facts.to_dict()), json.dumps(outcome), facts.source),
            )

    def forget(self, subject: str) -> tuple[list[str], list[str]]:
        """Forget everything about one subject, such as after a withdrawal of consent.

        Call it after the files are gone: what it returns is what the journal knew of.

        Args:
            subject: the pseudonym.

        Returns:
            Paths of the released objects relative to the lake's root, and names of the quarantined files.
        """
        with self.transaction() as database:
            paths = [_path(*row) for row in database.execute(_PATHS, (subject,))]
            names = [name for (name,) in database.execute(_NAMES, (subject,))]
            sources = "SELECT source FROM objects WHERE subject = ?1 UNION SELECT source FROM files WHERE subject = ?1"
            database.execute(f"DELETE FROM known WHERE source IN ({sources})", (subject,))  # noqa: S608 - constants
            for table in ("objects", "quarantined", "belongs", "files"):
                database.execute(f"DELETE FROM {table} WHERE subject = ?", (subject,))  # noqa: S608 - constants
        with database_errors():  # the log beside the file still holds the rows as they were
            self.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return paths, names

    def holdings(self, subject: str) -> tuple[list[str], list[str]]:
        """Return what :meth:`forget` would: paths of released objects and names of quarantined files of a subject."""
        with database_errors():
            paths = [_path(*row) for row in self.database.execute(_PATHS, (subject,))]
            return paths, [name for (name,) in self.database.execute(_NAMES, (subject,))]


_PATHS = "SELECT dataset, path FROM objects WHERE subject = ? ORDER BY dataset, path"
_NAMES = "SELECT name FROM quarantined WHERE subject = ? ORDER BY name"


def _path(dataset: str, path: str) -> str:
    return f"rawdata/{dataset}/{path}"


def _published(dataset: str, path: str, facts: str, outcome: str) -> PublishedObject:
    done = json.loads(outcome)
    tally = Tally({Action(name): count for name, count in done["tally"].items()})
    return PublishedObject(
        ObjectFacts.from_dict(json.loads(facts)),
        dataset,
        _path(dataset, path),
        tally,
        tuple(done["boxes"]),
        tuple(done["executed"]),
    )


def _lock(stream: IO[str]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: SQLite's own locks keep the journal whole there
        return
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(
            "another intake into this lake is running", allowed="one at a time", hint="wait until it has ended"
        ) from error
    os.set_inheritable(stream.fileno(), False)
