"""Questions to the index: ``modality=CT body=CHEST n>=50``.

A question is a row of conditions, all of which must hold: ``key=value``, ``key!=value``, ``key=a,b`` (either),
``key~text`` (holds the text), ``key>=number`` and the like, and ``n>=number`` for groups of that many subjects. Values
are bound as parameters; the text of a question never becomes SQL.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deephealth.core.errors import DataError, did_you_mean
from deephealth.lake.catalogue.index import Index, open_index
from deephealth.lake.folder import LakeFolder

__all__ = ["KEYS", "SMALL", "Found", "Group", "Question", "find", "parse"]

SMALL = 5  # counts of fewer subjects are not printed

# key of a question -> column of the index
KEYS: dict[str, str] = {
    "dataset": "dataset",
    "modality": "modality",
    "body": "body_part",
    "body_part": "body_part",
    "view": "view",
    "laterality": "laterality",
    "sex": "sex",
    "age": "age",
    "manufacturer": "manufacturer",
    "model": "model",
    "description": "description",
    "protocol": "protocol",
    "format": "format",
    "pixels": "pixels",
    "sop_class": "sop_class",
    "date": "study_date",
    "rows": "rows",
    "columns": "columns",
    "frames": "frames",
}
_NUMBERS = frozenset({"age", "rows", "columns", "frames"})
_ORDERED = frozenset({*_NUMBERS, "date"})
_TERM = re.compile(r"([A-Za-z_][\w.]*)\s*(>=|<=|!=|=|~|>|<)\s*(.*)", re.DOTALL)
_LABEL = "label."


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed question.

    Args:
        text: as it was asked, with single spaces.
        where: SQL of the conditions, with question marks.
        values: for the question marks.
        subjects: (operator, number) conditions on the number of subjects of a group.
    """

    text: str
    where: str
    values: tuple[Any, ...]
    subjects: tuple[tuple[str, int], ...] = ()


def parse(text: str, *, small: int = SMALL) -> Question:
    """Parse a question.

    Args:
        text: conditions with spaces between them; a value with spaces stands in quotes.
        small: groups below this many subjects are never told apart by their size.

    Raises:
        DataError: a condition is wrong; the message says which keys and operators there are.

    Example:
        >>> parse("modality=CT,MR age>=18 n>=50").where
        'upper(modality) IN (upper(?), upper(?)) AND age >= ?'
        >>> parse("body~'; DROP TABLE objects'").values
        ('%; DROP TABLE objects%',)
    """
    try:
        terms = shlex.split(text)
    except ValueError as error:
        raise DataError(f"the question has a quotation mark without its partner: {text}") from error
    conditions: list[str] = []
    values: list[Any] = []
    subjects: list[tuple[str, int]] = []
    for term in terms:
        match = _TERM.fullmatch(term)
        if match is None:
            raise DataError(
                f"'{term}' is no condition",
                allowed="key=value, key!=value, key~text, key>=number, n>=number",
                hint="deephealth lake find LAKE modality=CT body=CHEST 'n>=50'",
            )
        key, operator, value = match[1].lower() if not match[1].startswith(_LABEL) else match[1], match[2], match[3]
        if key == "n":
            subjects.append((operator, _subjects(operator, value, small)))
            continue
        condition, bound = _condition(key, operator, value)
        conditions.append(condition)
        values += bound
    return Question(" ".join(terms), " AND ".join(conditions) or "TRUE", tuple(values), tuple(subjects))


def _subjects(operator: str, value: str, small: int) -> int:
    if operator not in (">=", "<=", ">", "<") or not value.isdigit():
        raise DataError(f"n{operator}{value}", allowed="n>=number, n<=number, n>number, n<number")
    if 1 < int(value) <= small and (operator, int(value)) not in ((">=", small), ("<", small)):
        raise DataError(
            f"n{operator}{value} would tell groups of fewer than {small} subjects apart",
            allowed=f"n>={small}, n<{small}, or numbers above {small}",
        )
    return int(value)


def _condition(key: str, operator: str, value: str) -> tuple[str, list[Any]]:
    if key.startswith(_LABEL) and len(key) > len(_LABEL):
        if operator not in ("=", "!="):
            raise DataError(f"{key}{operator}{value}", allowed=f"{key}=value or {key}!=value")
        name = key.removeprefix(_LABEL).replace('"', "")
        column, bound = "json_extract_string(labels, ?)", [f'$."{name}"']
        compare = "IS NOT DISTINCT FROM" if operator == "=" else "IS DISTINCT FROM"
        return f"{column} {compare} ?", [*bound, value]
    if key not in KEYS:
        known = sorted([*KEYS, "n", "label.NAME"])
        raise DataError(f"unknown key '{key}'", allowed=", ".join(known), hint=did_you_mean(key, known))
    if operator in (">", "<", ">=", "<="):
        return _ordered(key, operator, value)
    if operator == "~":
        return _holds(key, value)
    listed = [_number(key, one) if key in _NUMBERS else one for one in value.split(",")]
    column = KEYS[key] if key in _NUMBERS else f"upper({KEYS[key]})"
    mark = "?" if key in _NUMBERS else "upper(?)"
    one_of = f"{column} IN ({', '.join([mark] * len(listed))})"
    return (one_of if operator == "=" else f"({one_of}) IS NOT TRUE"), listed


def _ordered(key: str, operator: str, value: str) -> tuple[str, list[Any]]:
    if key not in _ORDERED:
        raise DataError(f"'{key}' has no order", allowed=f"{operator} with {', '.join(sorted(_ORDERED))} and n")
    if key == "date":
        if not re.fullmatch(r"\d{8}", value.replace("-", "")):
            raise DataError(f"'{value}' is no date", allowed="YYYY-MM-DD or YYYYMMDD (a shifted date)")
        return f"(study_date <> '' AND study_date {operator} ?)", [value.replace("-", "")]
    return f"{KEYS[key]} {operator} ?", [_number(key, value)]


def _holds(key: str, value: str) -> tuple[str, list[Any]]:
    if key in _NUMBERS:
        raise DataError(f"'{key}' is a number", allowed=f"{key}=number, {key}>=number")
    escaped = re.sub(r"([\\%_])", r"\\\1", value)
    return f"{KEYS[key]} ILIKE ? ESCAPE '\\'", [f"%{escaped}%"]


def _number(key: str, value: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", value):
        raise DataError(f"{key} is compared with '{value}'", allowed="a whole number")
    return int(value)


@dataclass(frozen=True, slots=True)
class Group:
    """How much there is of one kind; ``None`` where the number is too small to be told.

    Args:
        dataset, modality, body_part: the kind.
        subjects, sessions, objects: how many.
    """

    dataset: str
    modality: str
    body_part: str
    subjects: int | None
    sessions: int | None
    objects: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a question.

    Args:
        question: that was asked.
        groups: sorted by data set, modality and body part.
        subjects, sessions, objects: over all groups; ``None`` where a small number could be computed from them.
        small: below how many subjects numbers are left out.
    """

    question: Question
    groups: tuple[Group, ...]
    subjects: int | None
    sessions: int | None
    objects: int | None
    small: int = SMALL

    def shown(self, subjects: int | None) -> str:
        """Return a number of subjects as it may be printed.

        Example:
            >>> Found(parse(""), (), 0, 0, 0).shown(None)
            '<5'
        """
        return f"<{self.small}" if subjects is None else str(subjects)

    def table(self) -> list[list[str]]:
        """Return header and rows as they may be printed; ``-`` stands for a number that is not told."""
        rows = [["dataset", "modality", "body part", "subjects", "sessions", "objects"]]
        for group in self.groups:
            rest = ("-" if count is None else str(count) for count in (group.sessions, group.objects))
            rows.append([group.dataset, group.modality, group.body_part, self.shown(group.subjects), *rest])
        return rows


def find(lake: LakeFolder, text: str = "", *, small: int = SMALL) -> Found:
    """Answer a question with numbers of subjects, sessions and objects by data set, modality and body part.

    Groups of fewer than ``small`` subjects are listed without their numbers, and so is the total when exactly one group
    is small, since the small number could be computed from it. One person who asks many questions can still learn more
    than each answer tells; who may ask is the lake's to decide.

    Args:
        lake: where things lie.
        text: the question; empty for everything.
        small: below how many subjects numbers are left out (k).

    Raises:
        DataError: the question is wrong.
        MissingDataError: the lake has no index.

    Source: small-cell suppression with secondary suppression, Hundepool et al., Statistical Disclosure Control (2012).
    """
    question = parse(text, small=small)
    with open_index(lake) as index:
        return _answer(index, question, small)


_COUNTS = "count(DISTINCT nullif(subject, '')), count(DISTINCT nullif(session, '')), count(*)"
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


def _answer(index: Index, question: Question, small: int) -> Found:
    kinds = f"SELECT dataset, upper(modality), upper(body_part), {_COUNTS} FROM objects"  # noqa: S608 - our words
    query = f"{kinds} WHERE {question.where} GROUP BY ALL ORDER BY ALL"
    rows = [
        row
        for row in index.ask(query, question.values)
        if all(_COMPARE[operator](row[3], number) for operator, number in question.subjects)
    ]
    groups = tuple(Group(*row[:3], *(row[3:] if row[3] >= small else (None, None, None))) for row in rows)
    total = _total(index, question, rows)
    hidden = sum(group.subjects is None for group in groups)
    if hidden == 1 or 0 < total[0] < small:
        return Found(question, groups, None, None, None, small)
    return Found(question, groups, *total, small=small)


def _total(index: Index, question: Question, rows: list[tuple[Any, ...]]) -> tuple[int, int, int]:
    if not rows:
        return 0, 0, 0
    kinds = " OR ".join(["(dataset = ? AND upper(modality) = ? AND upper(body_part) = ?)"] * len(rows))
    values = [*question.values, *(value for row in rows for value in row[:3])]
    answer = index.ask(f"SELECT {_COUNTS} FROM objects WHERE {question.where} AND ({kinds})", values)  # noqa: S608
    return answer[0][0], answer[0][1], answer[0][2]
