"""CSV and TSV tables of many patients: every row by its own patient, every column by what it holds.

Identifying columns go, numbers of persons become pseudonyms, dates move with their patient, texts are cleaned with what
is known of that patient, and quasi-identifiers become as coarse as k-anonymity asks (:mod:`deephealth.lake.formats.
risk`). The output is UTF-8 with the same separator.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from deephealth.core.errors import QuarantineError
from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.columns import GENERALISED, REMOVED, Role, role_by_name
from deephealth.lake.formats.context import Cleaned, FileContext, FileOutcome, writing
from deephealth.lake.formats.risk import HIDDEN, Record, RiskReport, assess, choose_levels, generalised, group_of
from deephealth.lake.formats.table_dates import shift_cell
from deephealth.lake.formats.table_plan import Column, TablePlan, plan_table, row_patient
from deephealth.lake.reasons import Reason

__all__ = ["clean"]

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)?|[.,]\d+)([eE][+-]?\d+)?|nan|NaN|inf|-inf|")
_ENDING = re.compile(r"(\.nii)?\.[A-Za-z0-9]{1,5}$")
_LONG = 200  # a text of this length is a report, with paragraphs and salutations
_HEADER = re.compile(r"[A-Za-z][\w .()%/+-]{0,63}")


def clean(source: Path, target: Path, who: FileContext) -> FileOutcome:
    """Write a table without identifiers.

    Args:
        source: the file.
        target: where the cleaned table is to be.
        who: its context: ``patient`` for a table of one patient without a column for it, ``known`` for the identifiers
            of others, ``columns`` for roles that the steward has decided, ``risk`` for k and l.

    Raises:
        QuarantineError: not a table, no patients, or too many rows that stand out (``rare-values``).
        StorageError: the target can't be written.
    """
    plan = plan_table(source, who)
    roles, levels, report, failing, dropped = _risk(plan, who)
    cells = _Cells(who, Tally())
    kept = [column for column in plan.columns if column.role not in REMOVED]
    quasi = {column.at: level for column, level in zip(plan.of(*GENERALISED), levels, strict=True)}
    names = [_name(column, cells, who) for column in kept]
    rows = nobody = 0
    with writing(target), target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=plan.table.delimiter, lineterminator="\n")
        writer.writerow(names)
        for row in plan.table.rows():
            patient = row_patient(row[plan.patient.at]) if plan.patient else who.patient
            if not patient:
                nobody += 1
                continue
            stars = bool(failing) and group_of([row[c.at] for c in plan.of(*GENERALISED)], roles, levels) in failing
            if not (stars and dropped):
                writer.writerow([cells.clean(row[c.at], c, patient, quasi.get(c.at), stars) for c in kept])
                rows += 1
    cells.tally[Action.REMOVED] += (len(plan.columns) - len(kept)) * rows
    cells.tally += Tally()  # without the kinds that did not occur
    facts = {
        "table_rows": rows,
        "patient_column": names[kept.index(plan.patient)] if plan.patient else "",
        "columns": {name: str(column.role) for name, column in zip(names, kept, strict=True)},
        "risk": report.to_dict() | {"quasi": [str(role) for role in roles], "applied": bool(roles)},
    }
    return FileOutcome("table", "TABLE", cells.tally, facts, tuple(_notes(plan, report, nobody)))


def _risk(
    plan: TablePlan, who: FileContext
) -> tuple[list[Role], tuple[int, ...], RiskReport, frozenset[tuple[str, ...]], bool]:
    """Return roles and levels of the quasi-identifiers, the report, the groups that stand out, whether these go."""
    columns, sensitive = plan.of(*GENERALISED), plan.of(Role.SENSITIVE)
    rows = (
        Record(
            row_patient(row[plan.patient.at]) if plan.patient else who.patient,
            tuple(row[column.at] for column in columns),
            "\x1f".join(row[column.at].strip() for column in sensitive),
        )
        for row in plan.table.rows()
    )
    records = list(dict.fromkeys(record for record in rows if record.patient))  # equal rows say nothing new
    patients = len({record.patient for record in records})
    # what one patient's own table says of age and sex, the patient's pictures say too: nobody to hide among
    applied = list(columns) if patients > 1 else []
    roles = [column.role for column in applied]
    if not applied:
        records = [Record(record.patient, (), record.sensitive) for record in records]
    levels = choose_levels(records, roles, who.risk)
    report, failing, dropped = assess(records, roles, levels, who.risk)
    out = report.hidden + report.dropped
    if roles and (patients < who.risk.k or out > who.risk.max_suppressed * patients):
        raise QuarantineError(
            Reason.RARE_VALUES,
            f"{out:,} of {patients:,} patients stand out by age, sex or the like",
            allowed=f"groups of {who.risk.k} patients, at most {who.risk.max_suppressed:.0%} left out",
            hint="leave columns out, or take in more patients",
        )
    return roles, levels if applied else (0,) * len(columns), report, failing, dropped


def _name(column: Column, cells: _Cells, who: FileContext) -> str:
    """Return the name of a column in the output; one that may hold an identifier is replaced by its number."""
    known = role_by_name(column.name) is not None or column.name in who.columns
    if _HEADER.fullmatch(column.name) and (known or cells.sweep(column.name, who.patient) == column.name):
        return column.name
    return f"column_{column.at + 1}"


def _notes(plan: TablePlan, report: RiskReport, nobody: int) -> list[str]:
    notes = [f"column {c.at + 1}: day and month can't be told apart, its dates were emptied" for c in plan.columns
             if c.role is Role.DATE and c.undecided]  # fmt: skip
    if nobody:
        notes.append(f"{nobody:,} rows without a patient were left out")
    if report.hidden:
        notes.append(f"the quasi-identifiers of {report.hidden:,} patients were hidden")
    if report.dropped:
        notes.append(f"the rows of {report.dropped:,} patients were left out")
    return notes


class _Cells:
    """Cleans cells and counts what was done."""

    def __init__(self, who: FileContext, tally: Tally) -> None:
        self.who, self.tally = who, tally
        self._cleaner = lru_cache(maxsize=256)(self._make)
        self._clean_text = lru_cache(maxsize=65_536)(self._sweep)
        self._by_role: dict[Role, Callable[[str, Column, str], tuple[str, Action]]] = {
            Role.PATIENT: self._patient,
            Role.IDENTIFIER: self._code,
            Role.ACCESSION: self._code,
            Role.UID: self._uid,
            Role.FILE: self._file,
            Role.DATE: self._date,
            Role.YEAR: self._year,
            Role.TIME: self._time,
            Role.NUMBER: self._number,
        }

    def clean(self, cell: str, column: Column, patient: str, level: int | None, hide: bool) -> str:
        """Return a cell of the output."""
        text = cell.strip()
        if not text:
            return ""
        if level is not None:
            coarse = HIDDEN if hide else generalised(text, column.role, level)
            action = Action.KEPT if coarse == text else Action.REPLACED
            if column.role in (Role.QUASI, Role.SEX) and coarse == text:
                coarse, action = self._text(text, column, patient)
        else:
            coarse, action = self._by_role.get(column.role, self._text)(text, column, patient)
        self.tally[action] += 1
        return coarse

    def sweep(self, text: str, patient: str) -> str:
        """Return a text without identifiers; a doubtful one comes back empty."""
        return self._clean_text(text, patient)

    def _make(self, patient: str) -> Callable[[str], Cleaned]:
        identifiers = self.who.identifiers | self.who.known(patient)
        short = self.who.text(identifiers, False)
        return lambda text: self.who.report(text, identifiers) if len(text) > _LONG else short.clean(text)

    def _sweep(self, text: str, patient: str) -> str:
        cleaned = self._cleaner(patient)(text)
        return "" if cleaned.doubtful else cleaned.text

    def _text(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        fresh = self.sweep(text, patient)
        return fresh, Action.KEPT if fresh == text else Action.CLEANED if fresh else Action.EMPTIED

    def _patient(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        prefix = "sub-" if text.startswith("sub-") else ""
        return prefix + self.who.pseudonyms.subject(patient, self.who.issuer), Action.PSEUDONYM

    def _code(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        if column.role is Role.ACCESSION:
            return self.who.pseudonyms.accession(text), Action.PSEUDONYM
        return self.who.pseudonyms.code("identifier", text), Action.PSEUDONYM

    def _uid(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        return self.who.pseudonyms.uid(text), Action.UID

    def _file(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        ending = _ENDING.search(text)
        stem = re.split(r"[/\\]", text)[-1].removesuffix(ending[0] if ending else "")
        return self.who.pseudonyms.code("identifier", stem) + (ending[0].lower() if ending else ""), Action.PSEUDONYM

    def _date(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        moved = None
        if self.who.full_dates and column.formats:
            moved = shift_cell(text, column.formats, lambda day: day)
        elif not column.undecided:
            moved = shift_cell(text, column.formats, lambda day: self.who.shift(day, patient))
        return (moved, Action.SHIFTED) if moved is not None else ("", Action.EMPTIED)

    def _year(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        if not re.fullmatch(r"(19|20)\d\d", text):
            return ("", Action.EMPTIED) if re.fullmatch(r"\d{4,}", text) else self._number(text, column, patient)
        if self.who.full_dates:
            return text, Action.KEPT
        days = self.who.pseudonyms.shift_days(patient, self.who.issuer)
        return str(int(text) + round(days / 365.25)), Action.SHIFTED

    def _time(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        good = re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?", text)
        return (text, Action.KEPT) if good else self._text(text, column, patient)

    def _number(self, text: str, column: Column, patient: str) -> tuple[str, Action]:
        if not _NUMBER.fullmatch(text):
            return self._text(text, column, patient)
        # a whole number of five places that equals one of the patient's numbers is that number
        long = len(text) >= 5 and text.isdigit()
        if long and text in self.who.known(patient).numbers | self.who.identifiers.numbers:
            return "", Action.EMPTIED
        return text, Action.KEPT
