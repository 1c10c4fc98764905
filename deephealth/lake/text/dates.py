"""Dates in text, as people write them in English, German, French, Spanish, Italian, Portuguese and Dutch."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator

from deephealth.lake.text.spans import Kind, Removed

__all__ = ["MONTHS", "OwnDates", "find_dates"]

_MONTHS: tuple[str, ...] = (
    ("january jan januar janner jaenner janvier janv enero ene gennaio gen janeiro januari"),
    ("february feb febr februar feber fevrier fevr febrero febbraio fev fevereiro februari"),
    ("march mar maerz marz mrz mars marzo marco maart"),
    ("april apr avril avr abril abr aprile"),
    ("may mai mayo maggio mag maio mei"),
    ("june jun juni juin junio giugno giu junho"),
    ("july jul juli juillet juil julio luglio lug julho"),
    ("august aug aout agosto ago augustus"),
    ("september sept sep septembre septiembre setiembre settembre set setembro"),
    ("october oct okt oktober octobre octubre ottobre ott outubro out"),
    ("november nov novembre noviembre novembro"),
    ("december dec dez dezember decembre diciembre dic dicembre dezembro"),
)  # fmt: skip
_NUMBER = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
MONTHS = frozenset(_NUMBER)
_ANY = "|".join(sorted(_NUMBER, key=len, reverse=True))
# Without a year only a month's full name makes a date: "MAR 5" is metal artefact reduction, "5 set" a set.
_FULL = "|".join(sorted((n for n in _NUMBER if len(n) > 4 and n not in ("march", "marco")), key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_TIME = (
    r"(?:(?:\s*,|\s*-|\s*@|\s+at|\s+um|\s+a\s+las?|\s+a|\s+alle(?:\s+ore)?|\s+ore|\s+kl|\s*t|_)?\s*"
    r"(?:[01]?\d|2[0-3])(?:[:h][0-5]\d(?:[:m][0-5]\d(?:[.,]\d+)?)?|[0-5]\d[0-5]\d)(?:\s*[ap]\.?m\b\.?|"
    r"\s*uhr\b|\s*h\b|\s*z\b|\s*[+-]\d\d:?\d\d)?)?"
)
_UNIT_NEXT = r"(?!\d|[.,]\d|\s?(?:mm|cm|ms|msec|sec|s|ml|mg|kg|kv|kvp|ma|mas|hz|hu|t|%|x)\b)"
_OF = r"(?:\s*(?:de|of|del)\s+|[\s.,/_-]*)"

_PATTERNS = tuple(
    re.compile(pattern + _UNIT_NEXT)
    for pattern in (
        # 2019-03-15, 2019/3/15, 20190315, 2019.03.15T14:35, 20190315143500
        rf"(?<!\d)(?<!\d[.,])(?P<y>{_YEAR})(?P<s>[-/._]?)(?P<m>0[1-9]|1[0-2]|(?<=[-/._])[1-9])(?P=s)"
        rf"(?P<d>0[1-9]|[12]\d|3[01]|(?<=[-/._])[1-9]){_TIME}",
        # 15.03.2019, 3/15/19, 15-3-2019, 15. 3. 2019
        rf"(?<!\d)(?<!\d[.,/-])(?<!v)(?P<d>\d{{1,2}})(?P<s>\s?[./-]\s?|"
        rf"_)(?P<m>\d{{1,2}})(?P=s)(?P<y>{_YEAR}|'?\d\d){_TIME}",
        # 15032019 and 03152019
        rf"(?<![\da-z])(?P<d>\d\d)(?P<m>\d\d)(?P<y>{_YEAR})(?!\d)",
        # 15 March 2019, 15. März 2019, 1er mars 2019, 3 de marzo de 2019, 03MAR2019, 15-mar-19
        rf"(?<![\d.,])(?P<d>{_DAY})(?:st|nd|rd|th|er|o)?{_OF}(?P<n>{_ANY})(?:{_OF}(?P<y>{_YEAR})|"
        rf"[\s.,/_-]+(?P<z>'?\d\d)){_TIME}",
        # March 15, 2019; Mar-3-19
        rf"(?<![^\W\d_])(?P<n>{_ANY})[\s.,/_-]*(?P<d>{_DAY})(?:st|nd|rd|th)?(?:[\s.,/_-]+(?P<y>{_YEAR})|"
        rf"[\s.,/_-]+(?P<z>'?\d\d)){_TIME}",
        # March 2019, 03/2019, 2019-03
        rf"(?<![^\W\d_])(?P<n>{_ANY}){_OF}(?P<y>{_YEAR})",
        rf"(?<![\d.,/-])(?P<m>0[1-9]|1[0-2])[./-](?P<y>{_YEAR})(?![./-]\d)",
        rf"(?<![\d/-])(?P<m>[1-9])/(?P<y>{_YEAR})(?![./-]\d)",
        rf"(?<![\d.,/-])(?P<y>{_YEAR})-(?P<m>0[1-9]|1[0-2])(?![./-]?\d)",
        # 2019 March 15, 2019-Mar-15
        rf"(?<!\d)(?P<y>{_YEAR})[\s.,/_-]*(?P<n>{_ANY})[\s.,/_-]*(?P<d>{_DAY})(?:st|nd|rd|th)?",
        # 15 March, March 15th, 3 de marzo, 15. März
        rf"(?<![\d.,])(?P<d>{_DAY})(?:st|nd|rd|th|er|o)?{_OF}(?P<n>{_FULL})(?![^\W\d_])",
        rf"(?<![^\W\d_])(?P<n>{_FULL}|march)\s+(?P<d>{_DAY})(?:st|nd|rd|th)?(?![^\W\d_])",
    )
)
_YEAR_NOT_WORD = re.compile(r"[^\W\d_]")


def find_dates(folded: str) -> Iterator[Removed]:
    """Yield the dates in a folded text; day, month and year must exist, so ``L4/5`` and ``2/3`` are none.

    Example:
        >>> text = "ct 15.03.2019 14:35, l4/5"
        >>> [text[s.start : s.end] for s in find_dates(text)]
        ['15.03.2019 14:35']
    """
    for pattern in _PATTERNS:
        for match in pattern.finditer(folded):
            if _exists(match):
                yield Removed(Kind.DATE, match.start(), match.end())


def _exists(match: re.Match[str]) -> bool:
    part = match.groupdict()
    day = int(part.get("d") or 1)
    month = _NUMBER[part["n"]] if part.get("n") else int(part["m"])
    if _is_date(day, month):
        return True
    return not part.get("n") and bool(part.get("d")) and _is_date(month, day)  # written the American way


def _is_date(day: int, month: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2020, month)[1]


_RUN = re.compile(r"(?<!\d)(?:\d{8}|\d{6})(?!\d)")
_SPELLED = (
    re.compile(rf"(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th|er)?[\s._-]{{0,2}}(?P<n>{_ANY})(?![^\W\d_])(?!\d)"),
    re.compile(rf"(?<![^\W_])(?P<n>{_ANY})[\s._-]{{0,2}}(?P<d>\d\d?)(?:st|nd|rd|th)?(?!\d)"),
)
_WHOLE = re.compile(r"(?:1[89]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


class OwnDates:
    """The short spellings of somebody's dates ``YYYYMMDD`` that only their owner makes dates.

    Example:
        >>> own = OwnDates(["19600102"])
        >>> [len(list(own.find(text))) for text in ("fu 600102", "2 jan", "1/2")]
        [1, 1, 0]
    """

    def __init__(self, dates: Iterable[str]) -> None:
        self._runs: set[str] = set()
        self._days: set[tuple[int, int]] = set()
        for date in dates:
            if _WHOLE.fullmatch(date):
                year, month, day = date[:4], date[4:6], date[6:8]
                self._days.add((int(month), int(day)))
                for y in (year, year[2:]):
                    self._runs.update((y + month + day, day + month + y, month + day + y, y + day + month))

    def __bool__(self) -> bool:
        return bool(self._runs)

    def find(self, folded: str) -> Iterator[Removed]:
        """Yield them in a folded text."""
        if not self._runs:
            return
        for match in _RUN.finditer(folded):
            if match.group() in self._runs:
                yield Removed(Kind.DATE, *match.span())
        for pattern in _SPELLED:
            for match in pattern.finditer(folded):
                if (_NUMBER[match["n"]], int(match["d"])) in self._days:
                    yield Removed(Kind.DATE, *match.span())
