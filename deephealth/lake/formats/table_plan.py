"""What is to happen to each column of a table, decided in one pass over all its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deephealth.core.errors import QuarantineError, UnknownNameError
from deephealth.lake.formats.column_content import ColumnContent
from deephealth.lake.formats.columns import Role, normalised, role_by_name
from deephealth.lake.formats.context import FileContext
from deephealth.lake.formats.table_dates import parse_date
from deephealth.lake.formats.table_reading import TableFile, open_table
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.reasons import Reason

__all__ = ["Column", "TablePlan", "identities", "plan_table", "row_patient"]

_NAMED_SHARE = 0.3  # of a column's different values that the text cleaner empties: then it is a column of names
_PROBED = 200
_LONELY = re.compile(r"id|(case|caso|fall|cas)(_(id|no|nr|number|nummer|numero))?")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        at: its place.
        name: as in the file.
        role: what it holds.
        formats: of its dates.
        undecided: whether day and month of its dates could be either way round.
    """

    at: int
    name: str
    role: Role
    formats: tuple[str, ...] = ()
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A table and what is to happen to it.

    Args:
        table: how it is written.
        columns: in order.
    """

    table: TableFile
    columns: tuple[Column, ...]

    def of(self, *roles: Role) -> tuple[Column, ...]:
        """Return the columns of some roles."""
        return tuple(column for column in self.columns if column.role in roles)

    @property
    def patient(self) -> Column | None:
        """The column by which rows belong to patients."""
        return next(iter(self.of(Role.PATIENT)), None)


def plan_table(path: Path, who: FileContext) -> TablePlan:
    """Read a table once and decide what its columns are.

    Args:
        path: the file.
        who: its context; ``who.columns`` wins over what is found.

    Raises:
        QuarantineError: not a table, above a limit, or nobody says whose rows these are.
        UnknownNameError: ``who.columns`` names a role that does not exist.
    """
    table = open_table(path)
    contents = [ColumnContent() for _ in table.names]
    for row in table.rows():
        for content, cell in zip(contents, row, strict=True):
            content.add(cell)
    given = {name: _role(word) for name, word in who.columns.items()}
    columns: list[Column] = []
    for at, (name, content) in enumerate(zip(table.names, contents, strict=True)):
        role = given.get(name) or content.role(normalised(name), role_by_name(name))
        if role is Role.PATIENT and any(column.role is Role.PATIENT for column in columns) and name not in given:
            role = Role.IDENTIFIER
        if role in (Role.CATEGORY, Role.SENSITIVE) and name not in given and _names(content, who):
            role = Role.NAME
        columns.append(Column(at, name, role, content.dates.formats(), content.dates.undecided))
    if not any(column.role is Role.PATIENT for column in columns) and not who.patient.strip():
        columns = _promoted(columns, who)
    plan = TablePlan(table, tuple(columns))
    if plan.patient is None and not who.patient.strip():
        raise QuarantineError(
            Reason.NO_PATIENT,
            "no column of the table says whose rows these are",
            allowed="a column such as patient_id",
            hint="name the column of the patient's number for this table",
        )
    return plan


def row_patient(cell: str) -> str:
    """Return the patient's number in a cell, without BIDS's ``sub-``.

    Example:
        >>> row_patient("sub-0017 "), row_patient("0017")
        ('0017', '0017')
    """
    return cell.strip().removeprefix("sub-")


def identities(path: Path, who: FileContext) -> Iterator[tuple[str, Identifiers]]:
    """Yield each row's patient and the identifiers that the row holds, for the list of what is known of patients.

    Raises:
        QuarantineError: as :func:`plan_table`.
    """
    plan = plan_table(path, who)
    kinds = {
        Role.NAME: "names", Role.DIRECT: "numbers", Role.IDENTIFIER: "numbers", Role.ACCESSION: "numbers",
        Role.PLACE: "places", Role.UID: "uids", Role.PATIENT: "numbers",
    }  # fmt: skip
    for row in plan.table.rows():
        found: dict[str, list[str]] = {kind: [] for kind in ("names", "numbers", "places", "uids", "dates")}
        for column in plan.columns:
            cell = row[column.at]
            if column.role in kinds:
                found[kinds[column.role]].append(row_patient(cell) if column.role is Role.PATIENT else cell)
            elif column.role in (Role.BIRTH, Role.DATE):
                days = (parse_date(cell, form) for form in column.formats)
                found["dates"] += [day[0].strftime("%Y%m%d") for day in days if day][:1]
        patient = row_patient(row[plan.patient.at]) if plan.patient else who.patient
        if patient:
            yield patient, Identifiers.of(**found)


def _promoted(columns: list[Column], who: FileContext) -> list[Column]:
    """Take a column called ``id`` or ``case`` for that of the patient, where there is no better one."""
    for column in columns:
        if _LONELY.fullmatch(normalised(column.name)) and column.name not in who.columns:
            fresh = Column(column.at, column.name, Role.PATIENT)
            return [fresh if other is column else other for other in columns]
    return columns


def _role(word: str) -> Role:
    if word not in set(Role):
        raise UnknownNameError("role of a column", word, [str(role) for role in Role])
    return Role(word)


def _names(content: ColumnContent, who: FileContext) -> bool:
    """Return whether the text cleaner takes so much out of a column of words that it must be one of names."""
    values = sorted(content.distinct)[:_PROBED] if content.distinct else []
    if not values or content.share("number") > 0.5:
        return False
    cleaner = who.text(who.identifiers, False)
    emptied = sum(len(cleaner.clean(value).text.strip()) < 0.5 * len(value) for value in values)
    return emptied > _NAMED_SHARE * len(values) and emptied > 1
