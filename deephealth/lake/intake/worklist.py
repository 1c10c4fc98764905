"""The files of one run and where each stands; all of it on disk, so that a killed run goes on where it was.

States: ``listed`` (seen), ``scanned`` (header read), ``ready`` (to be cleaned), ``seal`` (to be quarantined),
``placing`` (its file is written and synced, only the rename may be missing), and the ends ``released``, ``duplicate``,
``quarantined``, ``dropped``.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from deephealth.lake.actions import Action, Tally
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.intake.journal import Journal, database_errors
from deephealth.lake.intake.keys import JournalKeys
from deephealth.lake.intake.report import IntakeReport
from deephealth.lake.intake.sources import Incoming
from deephealth.lake.intake.task import Released, Scanned
from deephealth.lake.reasons import MEANING, Reason

__all__ = ["SEALED", "Entry", "Placing", "Worklist"]

_FACTS = tuple(one.name for one in fields(ObjectFacts))
SEALED = ".sealed"  # what names of files in the quarantine end with


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that is not at its end yet, with what identifies it opened again; only ever in memory."""

    id: int
    locator: str = field(repr=False)
    source: str = ""
    patient: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    format: str = ""
    stamp: str = field(default="", repr=False)
    untouched: bool = False  # refused by its source: it must not even be opened
    reason: str = ""
    what: str = ""
    key: str = ""  # keyed hash of the locator


@dataclass(frozen=True, slots=True)
class Placing:
    """One file that is written and synced and waits for its rename, or has none (``staged`` is empty).

    Args:
        id: of the entry.
        end: the state it gets: ``released``, ``quarantined`` or ``dropped``.
        staged: path relative to the lake's root.
        place: path relative to the data set, or name in the quarantine.
        reason, what: why it is quarantined or dropped.
        bytes: size of a quarantined original.
        facts: of a released object, as JSON.
        outcome: tally, boxes and executed options of a released object, as JSON.
    """

    id: int
    end: str
    staged: str = ""
    place: str = ""
    reason: str = ""
    what: str = ""
    bytes: int = 0
    facts: str = ""
    outcome: str = ""

    @classmethod
    def of_object(cls, number: int, staged: str, place: str, done: Released) -> Self:
        """Make one for a released object.

        Args:
            number: of the entry.
            staged: path relative to the lake's root.
            place: path relative to the data set.
            done: what the cleaner said.
        """
        facts = json.dumps({name: getattr(done.facts, name) for name in _FACTS})
        outcome = json.dumps({"tally": done.tally, "boxes": done.boxes, "executed": done.executed})
        return cls(number, "released", staged, place, facts=facts, outcome=outcome)


class Worklist:
    """The files of one run.

    Args:
        journal: of the lake.
        keys: for hashes and sealed values.
        run: its number in the journal.
        dataset: where released files go.
        resumed: whether an earlier process had begun it.
    """

    def __init__(self, journal: Journal, keys: JournalKeys, run: int, dataset: str, *, resumed: bool) -> None:
        self.journal, self.keys, self.run, self.dataset, self.resumed = journal, keys, run, dataset, resumed

    @classmethod
    def begin(cls, journal: Journal, keys: JournalKeys, source: str, dataset: str) -> Self:
        """Begin a run, or go on with one of the same source and data set that did not end.

        Args:
            journal: of the lake.
            keys: for hashes and sealed values.
            source: name of the source; only its keyed hash is written.
            dataset: where released files go.
        """
        key = keys.of("source", source)
        with journal.transaction() as database:
            row = database.execute(
                "SELECT id FROM runs WHERE source = ? AND dataset = ? AND report IS NULL", (key, dataset)
            ).fetchone()
            run = row[0] if row else _begin(database, key, dataset)
            # what another run released meanwhile counts: decide again
            database.execute("UPDATE files SET state = 'scanned' WHERE run = ? AND state = 'ready'", (run,))
        return cls(journal, keys, run, dataset, resumed=row is not None)

    @classmethod
    def unfinished(cls, journal: Journal, keys: JournalKeys) -> list[Self]:
        """Return all runs that did not end."""
        with database_errors():
            rows = journal.database.execute("SELECT id, dataset FROM runs WHERE report IS NULL").fetchall()
        return [cls(journal, keys, run, dataset, resumed=True) for run, dataset in rows]

    def add(self, batch: Sequence[tuple[int, Incoming]]) -> None:
        """Write down files that the source gave, with their position; known ones are left as they are."""
        with self.journal.transaction() as database:
            for position, incoming in batch:
                self._add(database, position, incoming)

    def _add(self, database: sqlite3.Connection, position: int, incoming: Incoming) -> None:
        locator, stamp = self.keys.of("locator", incoming.locator), self.keys.of("stamp", incoming.stamp)
        row = database.execute("SELECT id, stamp, state FROM files WHERE run = ? AND locator = ?", (self.run, locator))
        known = row.fetchone()
        if known and (known[1] == stamp or known[2] not in ("listed", "scanned", "ready")):
            database.execute("UPDATE files SET position = ? WHERE id = ?", (position, known[0]))
            return
        if known:  # it changed since it was scanned
            database.execute("DELETE FROM files WHERE id = ?", (known[0],))
        state, source = ("seal", "") if incoming.refused else self._state(database, locator, stamp)
        sealed = self.keys.sealed([incoming.locator, incoming.stamp, "", "", "", bool(incoming.refused)], locator)
        database.execute(
            "INSERT INTO files(run, position, locator, stamp, sealed, source, state, reason, what)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.run, position, locator, stamp, sealed, source, state, incoming.refused or "", incoming.what),
        )

    def _state(self, database: sqlite3.Connection, locator: str, stamp: str) -> tuple[str, str]:
        """A file that an earlier run released and that has not changed since need not be read again."""
        if not stamp:
            return "listed", ""
        row = database.execute(
            "SELECT known.source FROM known JOIN objects USING(source) WHERE locator = ? AND stamp = ?",
            (locator, stamp),
        ).fetchone()
        return ("duplicate", row[0]) if row else ("listed", "")

    def rescan(self) -> None:
        """Have every file that is not at its end scanned again: what their headers said was only in memory."""
        with self.journal.transaction() as database:
            database.execute(
                "UPDATE files SET state = 'listed' WHERE run = ? AND state IN ('scanned', 'ready')", (self.run,)
            )

    def entries(self, *states: str, at_once: int = 512) -> Iterator[Entry]:
        """Yield the entries in some states, in the source's order; what changes state meanwhile is not seen twice."""
        marks = ", ".join("?" * len(states))
        query = (
            "SELECT id, position, locator, source, sealed, reason, what FROM files WHERE run = ?"  # noqa: S608
            f" AND state IN ({marks}) AND (position, id) > (?, ?) ORDER BY position, id LIMIT ?"
        )
        last = (-2, -1)
        while True:
            with database_errors():
                rows = self.journal.database.execute(query, (self.run, *states, *last, at_once)).fetchall()
            for row in rows:
                yield self._entry(*row)
            if len(rows) < at_once:
                return
            last = (rows[-1][1], rows[-1][0])

    def _entry(
        self, number: int, _position: int, row: str, source: str, sealed: bytes, reason: str, what: str
    ) -> Entry:
        locator, stamp, patient, issuer, kind, untouched = self.keys.opened(sealed, row)
        return Entry(number, locator, source, patient, issuer, kind, stamp, untouched, reason, what, row)

    def scanned(self, batch: Sequence[tuple[Entry, str, Scanned]]) -> None:
        """Write down what headers said: entry, keyed hash of the content, scan."""
        with self.journal.transaction() as database:
            for entry, source, found in batch:
                self._scanned(database, entry, source, found)

    def _scanned(self, database: sqlite3.Connection, entry: Entry, source: str, found: Scanned) -> None:
        if found.drop:
            database.execute(
                "UPDATE files SET state = 'dropped', reason = ?, source = ? WHERE id = ?",
                (found.drop, source, entry.id),
            )
            return
        subject = self.keys.subject(found.patient, found.issuer)
        study, series, item = (
            self.keys.of(kind, uid.strip(" \0"))
            for kind, uid in (("study", found.study_uid), ("series", found.series_uid), ("object", found.object_uid))
        )
        sealed = self.keys.sealed(
            [entry.locator, entry.stamp, found.patient, found.issuer, found.format, False], entry.key
        )
        database.execute(
            "UPDATE files SET state = 'scanned', sealed = ?, source = ?, subject = ?, study = ?, series = ?, object = ?"
            " WHERE id = ?",
            (sealed, source, subject, study, series, item, entry.id),
        )
        for kind, key in (("study", study), ("series", series)):
            if key:
                database.execute("INSERT OR IGNORE INTO belongs VALUES(?, ?, ?)", (kind, key, subject))

    def refuse(self, batch: Sequence[tuple[Entry, str, str, str]]) -> None:
        """Send files to quarantine: entry, keyed hash of the content (may be empty), reason, what was found."""
        with self.journal.transaction() as database:
            database.executemany(
                "UPDATE files SET state = 'seal', source = CASE ?1 WHEN '' THEN source ELSE ?1 END, reason = ?2,"
                " what = ?3 WHERE id = ?4",
                [(source, reason, what, entry.id) for entry, source, reason, what in batch],
            )

    def finish(self, before: Iterable[Placing], after: Iterable[Placing]) -> None:
        """Write down in one transaction that some renames are done and others are to be done.

        Args:
            before: these lie in their places.
            after: these are synced and may be renamed once this call has returned.
        """
        with self.journal.transaction() as database:
            for placing in before:
                self._end(database, placing)
            for placing in after:
                outcome = json.dumps([placing.end, placing.bytes, placing.facts, placing.outcome])
                database.execute(
                    "UPDATE files SET state = 'placing', staged = ?, place = ?, reason = ?, what = ?, outcome = ?"
                    " WHERE id = ?",
                    (placing.staged, placing.place, placing.reason, placing.what, outcome, placing.id),
                )

    def _end(self, database: sqlite3.Connection, placing: Placing) -> None:
        database.execute("UPDATE files SET state = ? WHERE id = ?", (placing.end, placing.id))
        if placing.end == "released":
            database.execute(
                "DELETE FROM quarantined WHERE name IN (SELECT source || ?1 FROM files WHERE id = ?2"
                " UNION SELECT locator || ?1 FROM files WHERE id = ?2)",
                (SEALED, placing.id),
            )
            self._publish(database, placing)
        elif placing.end == "quarantined":
            database.execute(
                "INSERT OR REPLACE INTO quarantined SELECT ?, source, subject, ?, ?, ?, ?, run, ? FROM files"
                " WHERE id = ?",
                (
                    placing.place,
                    placing.reason,
                    placing.what,
                    placing.bytes,
                    "original" if placing.staged else "nothing",
                    datetime.datetime.now(datetime.UTC).date().isoformat(),
                    placing.id,
                ),
            )

    def _publish(self, database: sqlite3.Connection, placing: Placing) -> None:
        database.execute(
            "INSERT OR REPLACE INTO objects SELECT source, ?, ?, subject, study, series, object, ?, ?, run FROM files"
            " WHERE id = ?",
            (self.dataset, placing.place, placing.facts, placing.outcome, placing.id),
        )

    def retract(self, source: str, name: str, size: int) -> None:
        """Write down that a released object is in quarantine now; this run looks at its original anew."""
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        reason = Reason.MIXED_PATIENTS
        with self.journal.transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO quarantined SELECT ?, source, subject, ?, ?, ?, 'retracted', ?, ? FROM objects"
                " WHERE source = ?",
                (name, reason, MEANING[reason], size, self.run, day, source),
            )
            database.execute("DELETE FROM objects WHERE source = ?", (source,))
            database.execute(
                "UPDATE files SET state = 'quarantined', reason = ? WHERE source = ? AND state = 'released'",
                (reason, source),
            )
            database.execute(
                "UPDATE files SET state = 'listed' WHERE run = ? AND source = ? AND state = 'duplicate'",
                (self.run, source),
            )
            database.execute("UPDATE runs SET retracted = retracted + 1 WHERE id = ?", (self.run,))

    def waiting(self) -> Iterator[tuple[Placing, str, str]]:
        """Yield what a killed process had synced and written down, and perhaps not renamed yet.

        Yields:
            The placing, the keyed hash of its content, the keyed hash of its locator.
        """
        with database_errors():
            rows = self.journal.database.execute(
                "SELECT id, staged, place, reason, what, outcome, source, locator FROM files"
                " WHERE run = ? AND state = 'placing'",
                (self.run,),
            ).fetchall()
        for number, staged, place, reason, what, outcome, source, locator in rows:
            end, size, facts, done = json.loads(outcome)
            yield Placing(number, end, staged, place, reason, what, size, facts, done), source, locator

    def again(self, lost: Iterable[Placing]) -> None:
        """Have files cleaned or sealed again whose staged copy is gone."""
        with self.journal.transaction() as database:
            database.executemany(
                "UPDATE files SET state = ? WHERE id = ?",
                [("scanned" if placing.end == "released" else "seal", placing.id) for placing in lost],
            )

    def taken(self, place: str) -> bool:
        """Return whether a released object lies at a place of the data set."""
        with database_errors():
            row = self.journal.database.execute(
                "SELECT 1 FROM objects WHERE dataset = ? AND path = ?", (self.dataset, place)
            ).fetchone()
        return row is not None

    def count(self, *states: str) -> int:
        """Return how many files are in some states; in any, without an argument."""
        marks = ", ".join("?" * len(states))
        query = "SELECT count(*) FROM files WHERE run = ?" + (f" AND state IN ({marks})" if states else "")  # noqa: S608
        with database_errors():
            return self.journal.database.execute(query, (self.run, *states)).fetchone()[0]

    def steps_left(self) -> int:
        """Return how many steps are left: two for a file that was not scanned, one for one that was."""
        return 2 * self.count("listed") + self.count("scanned", "ready", "seal", "placing")

    def close(self, skipped: Counter[str], seconds: float) -> IntakeReport:
        """End the run: its report is kept, what was needed to resume it is deleted.

        Raises:
            StorageError: the counts do not add up.
        """
        report = self.report(skipped, seconds)
        report.check()
        with self.journal.transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO known SELECT locator, stamp, source FROM files WHERE run = ?"
                " AND state IN ('released', 'duplicate') AND stamp != ''",
                (self.run,),
            )
            database.execute("DELETE FROM files WHERE run = ?", (self.run,))
            database.execute(
                "UPDATE runs SET phase = 'done', report = ? WHERE id = ?", (json.dumps(report.to_dict()), self.run)
            )
        return report

    def report(self, skipped: Counter[str], seconds: float) -> IntakeReport:
        """Return the counts as they stand."""
        with database_errors():
            database = self.journal.database
            states = Counter(
                dict(database.execute("SELECT state, count(*) FROM files WHERE run = ? GROUP BY state", (self.run,)))
            )
            reasons: dict[str, Counter[str]] = {"quarantined": Counter(), "dropped": Counter()}
            for state, reason, number in database.execute(
                "SELECT state, reason, count(*) FROM files WHERE run = ? AND state IN ('quarantined', 'dropped')"
                " GROUP BY state, reason",
                (self.run,),
            ):
                reasons[state][reason] += number
            (retracted,) = database.execute("SELECT retracted FROM runs WHERE id = ?", (self.run,)).fetchone()
        sums = self._sums()
        return IntakeReport(
            dataset=self.dataset,
            found=states.total(),
            released=states["released"],
            duplicates=states["duplicate"],
            skipped=Counter(skipped),
            retracted=retracted,
            seconds=round(seconds, 3),
            resumed=self.resumed,
            quarantined=reasons["quarantined"],
            dropped=reasons["dropped"],
            **sums,
        )

    def _sums(self) -> dict[str, Any]:
        tally, options, boxes, size, subjects = Tally(), Counter[str](), 0, 0, set()
        rows = self.journal.database.execute(
            "SELECT subject, outcome, json_extract(facts, '$.bytes') FROM objects WHERE run = ?", (self.run,)
        )
        for subject, outcome, length in rows:
            done = json.loads(outcome)
            tally.update({Action(name): number for name, number in done["tally"].items()})
            options.update(done["executed"])
            boxes, size = boxes + len(done["boxes"]), size + length
            subjects.add(subject)
        return {"tally": tally, "options": options, "boxes": boxes, "bytes": size, "subjects": len(subjects)}


def _begin(database: sqlite3.Connection, source: str, dataset: str) -> int:
    cursor = database.execute("INSERT INTO runs(source, dataset, phase) VALUES(?, ?, 'open')", (source, dataset))
    return int(cursor.lastrowid or 0)
