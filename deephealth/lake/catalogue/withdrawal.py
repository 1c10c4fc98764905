"""Withdrawal: a subject leaves the lake, everything that was derived from it goes too, and the lake is searched after.

First a tombstone is written that says what is to go. Every step after it can be done twice without harm, so a killed
withdrawal is finished by the next call. The tombstone goes last; what stays is a record without a pseudonym.
"""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from deephealth.core.files import atomic_write_json, below, fsync_folder, storage_errors
from deephealth.lake.catalogue.forgetting import (
    forget_in_cohort,
    forget_in_index,
    forget_in_tables,
    forget_in_write_ahead_logs,
)
from deephealth.lake.catalogue.index import index_path, open_index
from deephealth.lake.catalogue.lineage import cohorts_of, runs_of, withdrawn_name, write_run
from deephealth.lake.catalogue.traces import Trace, find_traces
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.names import label

__all__ = ["Ledger", "Removal", "remove_subject", "unfinished", "withdrawals_folder"]


class Ledger(Protocol):
    """Who remembers what was taken in; the intake's journal is one."""

    def holdings(self, subject: str) -> tuple[list[str], list[str]]:
        """Return the paths of a subject's objects, relative to the lake, and the names of its quarantined files."""
        ...

    def forget(self, subject: str) -> object:
        """Forget a subject."""
        ...


@dataclass(frozen=True, slots=True)
class Removal:
    """What a withdrawal did.

    Args:
        files: how many files were removed.
        rows: how many rows of tables were removed.
        tables: the tables they stood in, relative to the lake; those that the journal lists have another digest now.
        cohorts: names of the cohorts that held the subject.
        runs: registered runs that saw it: id, name, use case, splits, models with their SHA-256.
        traces: where something of the subject was still found afterwards; empty, or the withdrawal is not done.
        record: the record that stays, relative to the lake.
    """

    files: int
    rows: int
    tables: tuple[str, ...]
    cohorts: tuple[str, ...]
    runs: tuple[dict[str, Any], ...]
    traces: tuple[Trace, ...]
    record: str

    @property
    def is_proven(self) -> bool:
        """Whether nothing of the subject was found afterwards."""
        return not self.traces


@dataclass(slots=True)
class _Tombstone:
    """What is to go; gathered once, before anything goes."""

    subject: str
    labels: list[str] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    cohorts: list[str] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    files: int = 0
    tables: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows of tables were removed."""
        return sum(self.tables.values())


def withdrawals_folder(lake: LakeFolder) -> Path:
    """Return where the tombstones of unfinished withdrawals lie; they name their subjects."""
    return lake.state / "withdrawals"


def unfinished(lake: LakeFolder) -> list[str]:
    """Return the subjects whose withdrawal was cut off; :func:`remove_subject` finishes each."""
    paths = sorted(withdrawals_folder(lake).glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8"))["subject"] for path in paths]


def remove_subject(
    lake: LakeFolder,
    subject: str,
    ledger: Ledger,
    *,
    refresh: Callable[[], object] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Removal:
    """Remove a subject from data sets, tables, cohorts, index and records, and search the lake for what is left.

    Models that were trained on the subject can't forget it; they are listed, with the splits in which they saw it. In
    the records of runs a name takes the subject's place that tells nothing without the pseudonym.

    Args:
        lake: where things lie.
        subject: its pseudonym.
        ledger: the intake's journal.
        refresh: called once the index is without the subject, to write tables, cards and counts anew.
        progress: of the search, called with (files read, files in all).

    Raises:
        DataError: that is no pseudonym.
        StorageError: something can't be removed or written; call again, it goes on.

    Source: GDPR Art. 7(3), 17; DICOM PS3.15 E.1 (a pseudonym can be traced back as long as its key exists).
    """
    label(subject, "subject")
    tomb_file = withdrawals_folder(lake) / f"{withdrawn_name(subject)}.json"
    tomb = _read(tomb_file) or _gather(lake, subject, ledger)
    atomic_write_json(tomb_file, asdict(tomb))
    tomb.files += _remove_files(lake, tomb)
    tomb.tables |= forget_in_tables(lake, subject)
    for cohort in tomb.cohorts:
        tomb.files += forget_in_cohort(lake.derivatives / cohort, subject)
    atomic_write_json(tomb_file, asdict(tomb))
    _rename_in_records(lake, subject)
    forget_in_index(lake, subject)
    ledger.forget(subject)
    forget_in_write_ahead_logs(lake)
    if refresh is not None:
        refresh()
    record = _write_record(lake, tomb)
    leave_out = ("audit", tomb_file.parent.relative_to(lake.root).as_posix())
    traces = find_traces(lake, tomb.labels, tomb.uids, leave_out=leave_out, progress=progress)
    if not traces:  # else the next call tries again what this one could not remove
        tomb_file.unlink(missing_ok=True)
        fsync_folder(tomb_file.parent)
    return Removal(
        tomb.files, tomb.rows, tuple(sorted(tomb.tables)), tuple(tomb.cohorts), tuple(tomb.runs), tuple(traces), record
    )


def _read(path: Path) -> _Tombstone | None:
    return _Tombstone(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _gather(lake: LakeFolder, subject: str, ledger: Ledger) -> _Tombstone:
    paths, quarantined = ledger.holdings(subject)
    labels, uids = {subject}, set[str]()
    if index_path(lake).is_file():
        with open_index(lake) as index:
            query = "SELECT path, session, key, study_uid, series_uid, object_uid FROM objects WHERE subject = ?"
            for path, session, key, *of_object in index.ask(query, [subject]):
                paths.append(path)
                labels |= {session, key}
                uids |= set(of_object)
    seen = [
        {
            "run": one.run,
            "name": one.name,
            "usecase": one.usecase,
            "splits": one.splits_of(subject),
            "models": one.models,
        }
        for one in runs_of(lake, subject)
    ]
    return _Tombstone(
        subject,
        sorted(labels - {""}),
        sorted(uids - {""}),
        sorted(set(paths)),
        sorted(quarantined),
        cohorts_of(lake, subject),
        seen,
    )


def _remove_files(lake: LakeFolder, tomb: _Tombstone) -> int:
    removed = 0
    for path in list(_named(lake, tomb.subject)):
        removed += _remove(path)
    for name in tomb.paths:
        removed += _remove(below(lake.root, name))
    for name in tomb.quarantined:
        removed += _remove(below(lake.quarantine, name))
    return removed


def _named(lake: LakeFolder, subject: str) -> Iterator[Path]:
    """Yield files and folders with the subject in their name, the outermost only."""
    for top in (lake.rawdata, lake.derivatives, lake.catalogue, lake.staging):
        inside: Path | None = None
        for path in sorted(top.rglob(f"*{subject}*")) if top.is_dir() else ():
            if inside is None or not path.is_relative_to(inside):
                inside = path
                yield path


def _remove(path: Path) -> int:
    """Remove a file or a folder; returns how many files went."""
    with storage_errors(path, "removing a withdrawn subject"):
        if path.is_dir() and not path.is_symlink():
            count = sum(one.is_file() or one.is_symlink() for one in path.rglob("*"))
            shutil.rmtree(path)
        elif path.exists() or path.is_symlink():
            count = 1
            path.unlink()
        else:
            return 0
        fsync_folder(path.parent)
    return count


def _rename_in_records(lake: LakeFolder, subject: str) -> None:
    for record in runs_of(lake, subject):
        renamed = {
            split: sorted(withdrawn_name(name) if name == subject else name for name in members)
            for split, members in record.subjects.items()
        }
        if renamed != record.subjects:
            write_run(lake, replace(record, subjects=renamed))


def _write_record(lake: LakeFolder, tomb: _Tombstone) -> str:
    """Write what stays; a second withdrawal of the same subject adds to it."""
    name = withdrawn_name(tomb.subject)
    path = lake.catalogue / "withdrawals" / f"{name}.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known = {one["run"] for one in tomb.runs}
    atomic_write_json(
        path,
        {
            "withdrawn": name,
            "on": old.get("on") or datetime.datetime.now(datetime.UTC).date().isoformat(),
            "files": max(tomb.files, old.get("files", 0)),
            "rows": max(tomb.rows, old.get("rows", 0)),
            "cohorts": sorted({*tomb.cohorts, *old.get("cohorts", ())}),
            "runs": [*tomb.runs, *(one for one in old.get("runs", ()) if one["run"] not in known)],
        },
    )
    return path.relative_to(lake.root).as_posix()
