"""What is in a column, gathered row by row in bounded memory, and what that makes of it."""

from __future__ import annotations

import re

from deephealth.lake.formats.columns import Role
from deephealth.lake.formats.table_dates import DateColumn

__all__ = ["ColumnContent"]

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)?|[.,]\d+)([eE][+-]?\d+)?|nan|NaN|inf|-inf")
_INTEGER = re.compile(r"\d+")
_UID = re.compile(r"[0-2](\.(0|[1-9]\d*)){4,}")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(r"(\+|\(|0)[\d ()/.-]{6,22}\d|\d{3}[-.]\d{3}[-.]\d{4}")
_CODE = re.compile(r"(?=.*\d)[\w./:-]{4,64}")
_FILE = re.compile(
    r".*\.(dcm|dicom|nii|nii\.gz|png|jpe?g|tiff?|svs|bmp|webp|gif|edf|bdf|txt|json|csv|npz?|mha|nrrd)", re.I
)
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
_MEASURE = re.compile(
    r"(^|_)(vol\w*|count|intensity|dose|pixels?|bytes|size|area|mm3?|ml|length|sum|n|total|cells|index)(_|$)"
)
_SECURITY = re.compile(r"\d{3}-\d{2}-\d{4}|\d{3} \d{3} \d{4}")
_TO_CHECK = frozenset(
    {Role.DATE, Role.YEAR, Role.TIME, Role.IDENTIFIER, Role.AGE, Role.SENSITIVE, Role.FILE, Role.NAME}
)
_MOST_DISTINCT = 5_000
_ABSENT = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "?", "unknown", "unk"})


class ColumnContent:
    """What one column holds.

    Example:
        >>> column = ColumnContent()
        >>> for value in ("2019-03-01", "2020-12-24", "n/a"):
        ...     column.add(value)
        >>> column.role("visit", None), column.dates.formats()
        (<Role.DATE: 'date'>, ('%Y-%m-%d',))
    """

    def __init__(self) -> None:
        self.filled = 0
        self.words = 0
        self.distinct: set[str] | None = set()
        self.dates = DateColumn()
        self._counts = dict.fromkeys(
            ("number", "long", "uid", "mail", "phone", "code", "file", "time", "security", "letters"), 0
        )

    def add(self, value: str) -> None:
        """Take one cell in."""
        value = value.strip()
        if value.casefold() in _ABSENT:
            return
        self.filled += 1
        self.words += value.count(" ") + 1
        if self.distinct is not None:
            self.distinct.add(value)
            if len(self.distinct) > _MOST_DISTINCT:
                self.distinct = None
        short = len(value) <= 200
        counts = self._counts
        number = short and bool(_NUMBER.fullmatch(value))
        counts["number"] += number
        counts["long"] += number and len(value) >= 7 and bool(_INTEGER.fullmatch(value))
        counts["code"] += short and not number and bool(_CODE.fullmatch(value))
        counts["letters"] += any(letter.isalpha() for letter in value[:200])
        if not number and short:
            counts["uid"] += bool(_UID.fullmatch(value))
            counts["mail"] += bool(_MAIL.fullmatch(value))
            counts["phone"] += bool(_PHONE.fullmatch(value)) and not _UID.fullmatch(value)
            counts["file"] += bool(_FILE.fullmatch(value))
            counts["time"] += bool(_TIME.fullmatch(value))
            counts["security"] += bool(_SECURITY.fullmatch(value))
        if short:
            self.dates.add(value)

    def share(self, kind: str) -> float:
        """Return which share of the filled cells looks like ``kind``."""
        return self._counts[kind] / self.filled if self.filled else 0.0

    @property
    def mostly_unique(self) -> bool:
        """Whether nearly every cell has its own value."""
        return self.distinct is None or len(self.distinct) > 0.9 * max(self.filled, 1)

    def role(self, name: str, named: Role | None) -> Role:
        """Return the column's role.

        Args:
            name: normalised name of the column.
            named: what its name says.
        """
        if named in _TO_CHECK:
            return self._checked(named, name)
        return named or self._by_content(name)

    def _checked(self, named: Role, name: str) -> Role:
        """Return a role that a name suggests, where the content does not say otherwise."""
        number = self.share("number") > 0.9
        if named in (Role.SENSITIVE, Role.TIME, Role.YEAR, Role.DATE) and self.dates.likely:
            return Role.DATE
        if named in (Role.YEAR, Role.DATE) and self.filled and not number:
            return Role.TEXT
        if named is Role.DATE and self._years():
            return Role.YEAR
        doubted = (
            (named is Role.FILE and number)  # how many slides, not which
            or (named is Role.TIME and self.share("time") <= 0.9)
            or (named is Role.IDENTIFIER and self._few_and_short())
            or (named is Role.NAME and (self.share("letters") < 0.1 or self.share("file") > 0.9))
            or named is Role.DATE
        )
        return self._by_content(name) if doubted else named

    def _few_and_short(self) -> bool:
        """Whether what is called an identifier is rather a class: few values, of few letters, again and again."""
        if self.distinct is None or len(self.distinct) > 0.5 * self.filled:
            return False
        return all(len(value) < 5 for value in self.distinct)

    def _years(self) -> bool:
        return bool(self.distinct) and all(re.fullmatch(r"(19|20)\d\d", value) for value in self.distinct or ())

    def _by_content(self, name: str) -> Role:
        for kind, most, role in (
            ("uid", 0.5, Role.UID),
            ("mail", 0.2, Role.DIRECT),
            ("security", 0.5, Role.DIRECT),
            ("file", 0.5, Role.FILE),
            ("time", 0.9, Role.TIME),
        ):
            if self.share(kind) > most:
                return role
        if self.dates.likely:
            return Role.DATE
        if self.share("phone") > 0.8 and self.mostly_unique:
            return Role.DIRECT
        return self._number_or_text(name)

    def _number_or_text(self, name: str) -> Role:
        if self.share("number") > 0.95:
            numbers = self.share("long") > 0.8 and self.mostly_unique and not _MEASURE.search(name)
            return Role.IDENTIFIER if numbers and self.filled >= 3 else Role.NUMBER
        if self.share("code") > 0.9 and self.mostly_unique and self.filled >= 10:
            return Role.IDENTIFIER
        return Role.TEXT if self.words > 3 * self.filled else Role.CATEGORY
