"""A profile: the basic actions of Table E.1-1 as the chosen options change them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from deephealth.core.errors import ConfigError
from deephealth.lake.profile.iod_types import type_of
from deephealth.lake.profile.options import BASIC, Option, contradictions
from deephealth.lake.profile.table import row_of

__all__ = ["Handling", "Profile"]


class Handling(StrEnum):
    """What is to be done with one attribute.

    Source: action codes of DICOM PS3.15 Table E.1-1a; ``C`` is split by what has to be cleaned.
    """

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    KEEP = "K"
    SHIFT = "C dates"
    CLEAN_TEXT = "C text"
    CLEAN_GRAPHICS = "C graphics"
    CLEAN_CONTENT = "C content"
    CLEAN_PRIVATE = "C private"
    UNLISTED = "-"  # the table doesn't speak of it: kept, and swept for what is known to identify the patient


_CLEAN = {
    Option.MODIFIED_DATES: Handling.SHIFT,
    Option.CLEAN_GRAPHICS: Handling.CLEAN_GRAPHICS,
    Option.CLEAN_CONTENT: Handling.CLEAN_CONTENT,
    Option.SAFE_PRIVATE: Handling.CLEAN_PRIVATE,
}
_FIXED = {"X": Handling.REMOVE, "Z": Handling.EMPTY, "D": Handling.DUMMY, "U": Handling.UID}
_BY_TYPE = {1: "D", 2: "Z", 3: "X"}


class Profile:
    """The basic profile with some options.

    Args:
        options: the options; the basic profile is always among them.

    Raises:
        ConfigError: two options exclude each other.

    Source: DICOM PS3.15 Table E.1-1 and sections E.2, E.3.

    Example:
        >>> from deephealth.lake.profile.options import RESEARCH
        >>> Profile(RESEARCH).action(0x00080020).name, Profile(BASIC).action(0x00080020).name
        ('SHIFT', 'EMPTY')
        >>> ct, rt_dose = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.2"
        >>> [Profile(BASIC).action(0x00081070, sop_class=c).name for c in (ct, rt_dose)]
        ['REMOVE', 'EMPTY']
    """

    __slots__ = ("options",)

    def __init__(self, options: Iterable[Option] = BASIC) -> None:
        self.options = frozenset(options) | BASIC
        problems = contradictions(self.options)
        if problems:
            raise ConfigError(problems, source="the options of the confidentiality profile")

    def __repr__(self) -> str:
        return f"Profile({', '.join(sorted(option.keyword for option in self.options))})"

    def action(self, tag: int, *, sop_class: str = "", within: int = 0) -> Handling:
        """Return what is to be done with an attribute.

        A compound action is decided by the attribute's type in the object: type 1 gets a dummy, type 2 is emptied,
        type 3 goes. Where nobody knows the type, the attribute is emptied if the row allows it, else it gets a dummy.

        Args:
            tag: group and element in one number.
            sop_class: UID of the object's kind.
            within: tag of the sequence around the attribute, 0 at the top.
        """
        row = row_of(tag)
        if row is None:
            return Handling.UNLISTED
        asked = {option: code for option, code in row.options.items() if option in self.options}
        cleaned = [option for option, code in asked.items() if code == "C"]
        if cleaned:  # to clean is safer than to keep, where one option says this and another that
            return _CLEAN.get(cleaned[0], Handling.CLEAN_TEXT)
        if asked:
            return Handling.KEEP
        if row.basic == "X/Z/U*":  # what it holds is references: with new UIDs they identify nobody and still lead home
            return Handling.UID
        return _FIXED.get(row.basic) or _FIXED[_compound(row.basic, tag, sop_class, within)]


def _compound(basic: str, tag: int, sop_class: str, within: int) -> str:
    allowed = basic.split("/")
    wanted = _BY_TYPE.get(type_of(tag, sop_class, within))
    if wanted in allowed:
        return wanted
    if wanted == "X":  # the row does not let it go, so the mildest it allows
        return allowed[0]
    return "Z" if "Z" in allowed and wanted != "D" else "D"
