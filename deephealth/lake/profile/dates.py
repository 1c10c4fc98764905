"""Dates, times and ages as DICOM writes them, and as devices write them wrongly."""

from __future__ import annotations

import datetime
import re

__all__ = ["capped_age", "dates_in", "shifted_date", "shifted_datetime"]

_DATE = re.compile(r"(\d{4})[-./: ]?(\d{2})[-./: ]?(\d{2})")
_RANGE = re.compile(r"\s*(\S*?)\s*-\s*(\S*?)\s*")
_DATETIME = re.compile(
    r"(?P<date>\d{4}(?:[-./]?\d{2}(?:[-./]?\d{2})?)?)"
    r"(?P<rest>[T ]?\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d{1,6})?)?)?)?"
    r"(?P<zone>[-+]\d{4}|Z)?"
)
_AGE = re.compile(r"(\d{1,4})\s*([DWMY]?)")
_DAYS = {"D": 1.0, "W": 7.0, "M": 365.2425 / 12, "Y": 365.2425, "": 365.2425}
_OLDEST = 89


def shifted_date(text: str, days: int) -> str | None:
    """Move one date, or the two ends of a range, by whole days.

    Args:
        text: ``YYYYMMDD``, the old ``YYYY.MM.DD``, or a range of them; spaces around don't count.
        days: how far; negative for the past.

    Returns:
        The moved date as ``YYYYMMDD``; None for what is no date or would leave the calendar.

    Source: DICOM PS3.5 section 6.2 (DA).

    Example:
        >>> shifted_date("20200229", 366), shifted_date("2020.02.28", 1), shifted_date("20200101-20200131", 31)
        ('20210301', '20200229', '20200201-20200302')
        >>> shifted_date("31.12.2020", 1) is None
        True
    """
    date = _DATE.fullmatch(text.strip(" \0"))
    if date:
        return _move(date.groups(), days)
    ends = _RANGE.fullmatch(text.strip(" \0"))
    if not ends or not any(ends.groups()):
        return None
    moved = [
        _move(found.groups(), days) if (found := _DATE.fullmatch(end)) else None if end else "" for end in ends.groups()
    ]
    return None if None in moved else "-".join(end or "" for end in moved)


def shifted_datetime(text: str, days: int) -> str | None:
    """Move one date with time by whole days; time, fraction and zone stay, and so does a missing day or month.

    Returns:
        The moved value; None for what is none.

    Source: DICOM PS3.5 section 6.2 (DT).

    Example:
        >>> shifted_datetime("20200301123000.123456+0100", -1), shifted_datetime("2020", -366)
        ('20200229123000.123456+0100', '2018')
    """
    found = _DATETIME.fullmatch(text.strip(" \0"))
    if not found:
        return None
    digits = re.sub(r"\D", "", found["date"])
    moved = _move((digits[:4], digits[4:6] or "01", digits[6:8] or "01"), days)
    if moved is None:
        return None
    rest = re.sub(r"[T: ]", "", found["rest"] or "")
    if rest and len(digits) < 8:
        return None
    return moved[: len(digits)] + rest + (found["zone"] or "").replace("Z", "+0000")


def _move(parts: tuple[str, ...], days: int) -> str | None:
    try:
        moved = datetime.date(int(parts[0]), int(parts[1]), int(parts[2])) + datetime.timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"


def dates_in(text: str) -> list[str]:
    """Return the dates at the beginning of DICOM date or date-time values, as ``YYYYMMDD``.

    Example:
        >>> dates_in("20200229123000"), dates_in("2020.02.29"), dates_in("2020"), dates_in("20201399")
        (['20200229'], ['20200229'], [], [])
    """
    found = []
    for part in text.split("\\"):
        match = _DATE.match(part.strip(" \0"))
        date = _move(match.groups(), 0) if match else None
        if date:
            found.append(date)
    return found


def capped_age(text: str) -> str | None:
    """Return an age that tells nobody's from another's above 89 years.

    Args:
        text: ``nnnD``, ``nnnW``, ``nnnM`` or ``nnnY``; a missing zero or unit is forgiven.

    Returns:
        The age as it was, or ``090Y`` for 90 years and more; None for what is no age.

    Source: 45 CFR 164.514(b)(2)(i)(C); DICOM PS3.5 section 6.2 (AS).

    Example:
        >>> [capped_age(age) for age in ("089Y", "090Y", "103Y", "999M", "91", "x")]
        ['089Y', '090Y', '090Y', '999M', '090Y', None]
    """
    clean = text.strip(" \0")
    found = _AGE.fullmatch(clean.upper())
    if not found:
        return None
    years = int(found[1]) * _DAYS[found[2]] / _DAYS["Y"]
    return "090Y" if years >= _OLDEST + 1 - 1e-9 else clean
