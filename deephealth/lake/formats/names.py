"""File and folder names: they are read before any file is opened, so they are held to more than its content."""

from __future__ import annotations

import datetime
import re
import unicodedata
from pathlib import PurePath, PurePosixPath

from deephealth.core.errors import QuarantineError
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.reasons import Reason

__all__ = ["check_released", "name_problems"]

_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*|\.bidsignore")
_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_DATES = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)[-._]?(?P<m>\d\d)[-._]?(?P<d>\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d\d)[-._]?(?P<m>\d\d)[-._]?(?P<y>(?:19|20)\d\d)(?!\d)"),
)
_UID = re.compile(r"(?<![\d.])[0-2](\.\d+){4,}")
_LONG_NUMBER = re.compile(r"\d{7,}")
_SURE = 6  # letters from which on a coincidence with a pseudonym is out of the question: 32**-6
_MOST = 255


def name_problems(name: str, identifiers: Identifiers | None = None) -> tuple[str, ...]:
    """Return what is wrong with one name of a file or folder; empty when it may be released.

    Allowed are ASCII letters, digits, dots, plus, hyphens and underscores. Dates, UIDs, numbers of seven digits and
    more, and anything known to identify the patient are not.

    Args:
        name: without folders.
        identifiers: of the patient.

    Example:
        >>> name_problems("sub-K7QXM2PLEA4CDWTH_ses-A2B3C4D5E6F7_T1w.nii.gz")
        ()
        >>> name_problems("scan_20190301.dcm"), name_problems("Jane Doe.png")
        (('a date',), ('characters other than ASCII letters, digits, dots, plus, hyphens and underscores',))
        >>> name_problems("Doe-xray.png", Identifiers.of(names=["Doe^Jane"]))
        ('something known to identify the patient',)
    """
    found = []
    if not _SHAPE.fullmatch(name):
        found.append("characters other than ASCII letters, digits, dots, plus, hyphens and underscores")
    if len(name.encode("utf-8", "replace")) > _MOST or _WINDOWS.fullmatch(name) or name.endswith("."):
        found.append("a name that some systems can't hold")
    if any(_is_date(match) for pattern in _DATES for match in pattern.finditer(name)):
        found.append("a date")
    if _UID.search(name):
        found.append("an object identifier")
    elif _LONG_NUMBER.search(name) and "a date" not in found:
        found.append("a long number")
    if identifiers and _holds(name, identifiers):
        found.append("something known to identify the patient")
    return tuple(found)


def check_released(path: PurePath | str, identifiers: Identifiers | None = None) -> None:
    """Refuse a path, relative to the lake, of which a part may not be released.

    Raises:
        QuarantineError: it says what kind of thing was found, not the name.

    Example:
        >>> check_released("sub-K7QXM2PL/ses-A2B3/anat/sub-K7QXM2PL_ses-A2B3_T1w.nii.gz")
        >>> check_released("sub-K7QXM2PL/../x.png")
        Traceback (most recent call last):
        ...
        deephealth.core.errors.QuarantineError: the name of a file to be released leads elsewhere
          allowed: a path below the lake
    """
    parts = PurePosixPath(PurePath(path).as_posix()).parts
    if not parts or PurePath(path).is_absolute() or ".." in parts:
        what = "the name of a file to be released leads elsewhere"
        raise QuarantineError(Reason.IDENTIFIER_LEFT, what, allowed="a path below the lake")
    for part in parts:
        problems = name_problems(part, identifiers)
        if problems:
            raise QuarantineError(
                Reason.IDENTIFIER_LEFT,
                f"the name of a file to be released holds {', '.join(problems)}",
                allowed="pseudonyms and the words of BIDS",
            )


def _is_date(match: re.Match[str]) -> bool:
    try:
        datetime.date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return False
    return True


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", plain).strip()


def _holds(name: str, identifiers: Identifiers) -> bool:
    words = set(re.findall(r"[a-z]+|\d+|[a-z0-9]+", _folded(name))) | set(_folded(name).split())
    joined = _folded(name).replace(" ", "")
    whole = (*identifiers.names, *identifiers.numbers, *identifiers.dates, *identifiers.places, *identifiers.uids)
    known = [_folded(text).replace(" ", "") for text in (*whole, *identifiers.name_parts())]
    return any(len(text) > 1 and (text in words or (len(text) >= _SURE and text in joined)) for text in known)
