"""Dates in table cells: one format per column, read and written back in the same format, the time untouched."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["DateColumn", "parse_date", "shift_cell"]

_TIME = r"(?P<rest>[T ]\d{1,2}(:?\d{2}){1,2}([.,]\d+)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?"
# format -> what a cell looks like; dates without a separator come last, for plain numbers look like them
_FORMATS: dict[str, re.Pattern[str]] = {
    form: re.compile(rf"(?P<date>{pattern}){_TIME}")
    for form, pattern in (
        ("%Y-%m-%d", r"\d{4}-\d{1,2}-\d{1,2}"),
        ("%Y/%m/%d", r"\d{4}/\d{1,2}/\d{1,2}"),
        ("%Y.%m.%d", r"\d{4}\.\d{1,2}\.\d{1,2}"),
        ("%d.%m.%Y", r"\d{1,2}\.\d{1,2}\.\d{4}"),
        ("%d/%m/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
        ("%m/%d/%Y", r"\d{1,2}/\d{1,2}/\d{4}"),
        ("%d-%m-%Y", r"\d{1,2}-\d{1,2}-\d{4}"),
        ("%m-%d-%Y", r"\d{1,2}-\d{1,2}-\d{4}"),
        ("%d.%m.%y", r"\d{1,2}\.\d{1,2}\.\d{2}"),
        ("%d/%m/%y", r"\d{1,2}/\d{1,2}/\d{2}"),
        ("%m/%d/%y", r"\d{1,2}/\d{1,2}/\d{2}"),
        ("%d-%b-%Y", r"\d{1,2}-[A-Za-z]{3}-\d{4}"),
        ("%d-%b-%y", r"\d{1,2}-[A-Za-z]{3}-\d{2}"),
        ("%d %b %Y", r"\d{1,2} [A-Za-z]{3} \d{4}"),
        ("%d %B %Y", r"\d{1,2} [A-Za-z]{4,9} \d{4}"),
        ("%b %d, %Y", r"[A-Za-z]{3} \d{1,2}, \d{4}"),
        ("%B %d, %Y", r"[A-Za-z]{4,9} \d{1,2}, \d{4}"),
        ("%Y-%m", r"\d{4}-\d{2}"),
        ("%Y%m%d", r"(19|20)\d{6}"),
    )
}
_UNDECIDED = (("%d/%m/%Y", "%m/%d/%Y"), ("%d/%m/%y", "%m/%d/%y"), ("%d-%m-%Y", "%m-%d-%Y"))


@lru_cache(maxsize=65_536)
def parse_date(text: str, form: str) -> tuple[datetime.date, str] | None:
    """Return the date in a cell and what follows it (the time), or ``None``.

    Args:
        text: the cell.
        form: as in ``datetime.strptime``.

    Example:
        >>> parse_date("24.12.2019 18:30", "%d.%m.%Y")
        (datetime.date(2019, 12, 24), ' 18:30')
    """
    found = _FORMATS[form].fullmatch(text.strip())
    if not found:
        return None
    try:
        day = datetime.datetime.strptime(found["date"], form).date()
    except ValueError:
        return None
    return (day, found["rest"] or "") if 1850 <= day.year <= 2150 else None


class DateColumn:
    """Which formats fit all the dates of a column.

    Example:
        >>> column = DateColumn()
        >>> for cell in ("01/02/2020", "24/12/2020"):
        ...     column.add(cell)
        >>> column.formats(), column.undecided
        (('%d/%m/%Y',), False)
    """

    def __init__(self) -> None:
        self._hits = dict.fromkeys(_FORMATS, 0)
        self._cells = 0

    def add(self, value: str) -> None:
        """Take one filled cell in."""
        self._cells += 1
        if len(value) > 40 or not re.search(r"\d\d", value):
            return
        for form in _FORMATS:
            if _FORMATS[form].fullmatch(value) and parse_date(value, form):
                self._hits[form] += 1

    @property
    def likely(self) -> bool:
        """Whether nine cells of ten are dates."""
        most = max(self._hits.values())
        return most > 0 and most >= 0.9 * self._cells

    @property
    def undecided(self) -> bool:
        """Whether day and month could be either way round in every cell."""
        return any(self._hits[one] and self._hits[one] == self._hits[two] for one, two in _UNDECIDED)

    def formats(self) -> tuple[str, ...]:
        """Return the formats that occur, the most frequent first; of two that contradict each other only one."""
        ranked = sorted((form for form in self._hits if self._hits[form]), key=lambda form: -self._hits[form])
        for one, two in _UNDECIDED:
            if one in ranked and two in ranked:
                ranked.remove(one if ranked.index(two) < ranked.index(one) else two)
        return tuple(ranked)


def shift_cell(
    text: str, formats: tuple[str, ...], move: Callable[[datetime.date], datetime.date | None]
) -> str | None:
    """Return a cell with its date moved, in its own format; ``None`` when no format fits it.

    Args:
        text: the cell.
        formats: from :meth:`DateColumn.formats`.
        move: gives the new date, or ``None`` when there is none.

    Example:
        >>> shift_cell("2020-03-01 10:00", ("%Y-%m-%d",), lambda day: day - datetime.timedelta(days=1))
        '2020-02-29 10:00'
    """
    for form in formats:
        found = parse_date(text, form)
        if found:
            moved = move(found[0])
            return None if moved is None else moved.strftime(form) + found[1]
    return None
