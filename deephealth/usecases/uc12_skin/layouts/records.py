"""What the tables say about an image, before it is known whether the image is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deephealth.usecases.uc12_skin.classes import LABEL_NAMES, UNKNOWN, normalise
from deephealth.usecases.uc12_skin.layouts.findings import Findings
from deephealth.usecases.uc12_skin.layouts.rows import Row

__all__ = ["Record", "classes_of", "label_columns", "note_unknown", "one_hot_label", "word_label"]


@dataclass(frozen=True, slots=True)
class Record:
    """One image according to the tables.

    Args:
        id: the image's id.
        where: ``file:line`` it was read from.
        label: code of the diagnosis; None where it has none, or a wrong one that is noted as a problem.
        group: lesion; ``""`` where the data set does not say.
        split: train, val or test where the data set itself says so.
        facts: age, sex, site, ... as text.
    """

    id: str
    where: str
    label: str | None
    group: str = ""
    split: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def label_columns(row: Row) -> dict[str, str]:
    """Return column -> class code for the one-hot columns of a ground-truth table.

    Example:
        >>> label_columns(Row("t.csv:2", {"image": "a", "mel": "1", "ak": "0", "unk": "0"}))
        {'mel': 'mel', 'ak': 'akiec', 'unk': 'unk'}
    """
    codes = ((column, normalise(column)) for column in row.cells)
    return {column: code for column, code in codes if code is not None}


def one_hot_label(row: Row, columns: Mapping[str, str], findings: Findings) -> str | None:
    """Return the class whose column holds 1; a row with none or several is noted as a problem and has no label."""
    name = row.get("image")
    try:
        marked = [code for column, code in columns.items() if float(row.get(column) or 0) >= 0.5]
    except ValueError as error:
        findings.error("bad-label", row.where, f"{name}: {error}; the class columns hold 0 or 1")
        return None
    if len(marked) != 1:
        said = "no class" if not marked else " and ".join(marked)
        findings.error("bad-label", row.where, f"{name}: exactly one class column must be 1, and {said} is marked")
        return None
    return marked[0]


def word_label(row: Row, column: str, findings: Findings) -> str | None:
    """Return the class that a cell names, in any known spelling; an unknown one is noted as a problem."""
    text = row.get(column)
    code = normalise(text) if text else None
    if code is None:
        known = ", ".join(LABEL_NAMES)
        said = f"unknown diagnosis '{text}'" if text else "the diagnosis is empty"
        findings.error("bad-label", row.where, f"{said} in the column '{column}'; known are {known}")
    return code


def note_unknown(records: Iterable[Record], findings: Findings, where: str) -> None:
    """Warn once of images of the class UNK: no training set has it, so they are left out."""
    count = sum(record.label == UNKNOWN for record in records)
    if count:
        message = f"{count} image{'s' if count > 1 else ''} of the class UNK (none of the others) left out"
        findings.warning("unknown-class", where, message)


def classes_of(records: Iterable[Record]) -> set[str]:
    """Return the class codes that occur, without UNK."""
    return {record.label for record in records if record.label is not None} - {UNKNOWN}
