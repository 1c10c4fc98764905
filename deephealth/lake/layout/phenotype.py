"""Released tables as BIDS phenotype files: a row per participant, with the participant in the first column."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from deephealth.core.files import atomic_write_json, below
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.names import TABLES
from deephealth.lake.layout.published import Published
from deephealth.lake.layout.tsv import write_tsv

__all__ = ["write_phenotype"]

_ID = "participant_id"


def write_phenotype(lake: LakeFolder, dataset: str, objects: Iterable[Published]) -> list[str]:
    """Write ``phenotype/<key>.tsv`` and ``.json`` for each released table that has a column of subjects.

    Only rows of subjects that are participants of the data set are written; the whole table stays in ``sourcedata``.
    A phenotype file whose table is gone is removed.

    Args:
        lake: where things lie.
        dataset: name of the data set.
        objects: all published objects (of any data set).

    Returns:
        The files, relative to the data set.

    Raises:
        StorageError: a file can't be written.

    Source: BIDS 1.10, "Phenotypic and assessment data".
    """
    folder = lake.dataset(dataset)
    listed = [one for one in objects if one.dataset == dataset]
    subjects = {one.facts.subject for one in listed if one.facts.format not in TABLES} - {""}
    written = []
    for one in sorted((one for one in listed if one.facts.format in TABLES), key=lambda one: one.path):
        table = _read(below(lake.root, one.path))
        at = _subject_column(table, subjects)
        if at is None:
            continue
        name = f"phenotype/{one.facts.key}"
        columns = [_ID, *(_free(column) for number, column in enumerate(table[0]) if number != at)]
        rows = [
            dict(zip(columns, [f"sub-{_plain(row[at])}", *row[:at], *row[at + 1 :]], strict=True))
            for row in table[1:]
            if _plain(row[at]) in subjects
        ]
        write_tsv(folder / f"{name}.tsv", rows, columns)
        described = {column: {"Description": f"column '{column}' of the released table"} for column in columns[1:]}
        atomic_write_json(folder / f"{name}.json", {"MeasurementToolMetadata": {"Description": "a table"}, **described})
        written += [f"{name}.tsv", f"{name}.json"]
    for path in (folder / "phenotype").glob("*"):
        if path.suffix in (".tsv", ".json") and path.relative_to(folder).as_posix() not in written:
            path.unlink()
    return written


def _read(path: Path) -> list[list[str]]:
    """Return the rows of a table, header first; those of another length are left out."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    header = text.partition("\n")[0]
    delimiter = max("\t,;|", key=header.count)
    rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
    return [row for row in rows if len(row) == len(rows[0])]


def _subject_column(table: list[list[str]], subjects: set[str]) -> int | None:
    """Return the first column in which nothing but pseudonyms stand, at least one of them a participant's."""
    for at in range(len(table[0]) if table else 0):
        found = {_plain(row[at]) for row in table[1:]}
        if found & subjects and all(name.isalnum() and len(name) == len(next(iter(subjects))) for name in found):
            return at
    return None


def _plain(cell: str) -> str:
    return cell.strip().removeprefix("sub-")


def _free(column: str) -> str:
    return f"{column}_2" if column == _ID else column or "column"
