"""What the profile says about an attribute, turned into the step that does it; worked out once for each attribute."""

from __future__ import annotations

from typing import Final, NamedTuple

from deephealth.lake.profile.iod_types import type_of
from deephealth.lake.profile.options import Option
from deephealth.lake.profile.profile import Handling, Profile
from deephealth.lake.profile.table import row_of
from deephealth.lake.profile.tags import CLASS_UIDS, DICTIONARY, NUMBERS, PLACES, REMOVED_TOO, is_descriptive
from deephealth.lake.profile.texts import TEXT_VRS

__all__ = ["Plan", "Plans"]

_KEPT = ""
_WHATEVER_KIND: Final = {
    Handling.REMOVE: "remove",
    Handling.EMPTY: "empty",
    Handling.DUMMY: "dummy",
    Handling.SHIFT: "shift",
    Handling.CLEAN_PRIVATE: "remove",
}
_TEXTS: Final = (Handling.CLEAN_TEXT, Handling.CLEAN_CONTENT, Handling.CLEAN_GRAPHICS)
_WITHOUT_WORDS: Final = {"DA", "DS", "DT", "IS", "TM", "UI"}
_FREE_TEXT: Final = {"LT", "ST", "UC", "UT"}


class Plan(NamedTuple):
    """What is to be done with an attribute.

    Args:
        step: name of the :class:`~deephealth.lake.profile.walk.Walk` method that does it, empty where nothing is done.
        vr: representation by which the value is read.
        handling: what the profile says.
        needed: whether the object needs a value, so that an empty one becomes a dummy.
    """

    step: str
    vr: str
    handling: Handling
    needed: bool


class Plans:
    """The plans of a profile.

    Args:
        profile: the profile.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._known: dict[tuple[str, int], dict[tuple[int, str | None], Plan]] = {}

    def within(self, sop_class: str, sequence: int) -> dict[tuple[int, str | None], Plan]:
        """Return the plans known so far for the attributes directly within a sequence, 0 for the top."""
        return self._known.setdefault((sop_class, sequence), {})

    def make(self, tag: int, vr: str, sop_class: str, sequence: int) -> Plan:
        """Work out the plan for an attribute.

        Args:
            tag: group and element in one number.
            vr: representation with which it is written; the standard's goes first.
            sop_class: UID of the object's kind.
            sequence: tag of the sequence around it, 0 at the top.
        """
        standard = DICTIONARY[tag]
        handling = self.profile.action(tag, sop_class=sop_class, within=sequence)
        if handling is Handling.UNLISTED and (not standard or tag in REMOVED_TOO or _is_retired_free(tag)):
            return Plan("remove", standard or vr, handling, False)
        kind = standard or vr
        if vr in TEXT_VRS and kind not in TEXT_VRS and kind != "SQ":
            kind = vr  # words where there should be numbers
        return Plan(self._step(handling, kind, tag), kind, handling, _is_needed(tag, sop_class, sequence))

    def _step(self, handling: Handling, vr: str, tag: int) -> str:
        if handling in _WHATEVER_KIND:
            return _WHATEVER_KIND[handling]
        if vr == "SQ":
            return "sequence"
        if handling is Handling.UID:
            return "uid"
        if handling in _TEXTS:  # nobody can look into bytes, bitmaps and curves
            return "clean_text" if vr in TEXT_VRS else "remove"
        if vr == "AS":
            return "age"
        return self._kept(vr, tag) if handling is Handling.KEEP else self._unlisted(vr, tag)

    def _kept(self, vr: str, tag: int) -> str:
        """K: kept, and what is not itself retained on purpose is searched for the patient's identifiers."""
        words = vr in TEXT_VRS - _WITHOUT_WORDS and tag not in PLACES | NUMBERS
        return "sweep" if words else _KEPT

    def _unlisted(self, vr: str, tag: int) -> str:
        """What the table does not speak of."""
        options = self.profile.options
        if vr == "UI":
            return _KEPT if tag in CLASS_UIDS or Option.UIDS in options else "uid"
        if vr in ("DA", "DT"):
            kept = _KEPT if Option.FULL_DATES in options else "empty"
            return "shift" if Option.MODIFIED_DATES in options else kept
        if vr == "PN":
            return "empty"
        if vr in _WITHOUT_WORDS or vr not in TEXT_VRS:
            return _KEPT
        if vr == "CS":
            return "sweep_code"
        return "clean_text" if vr in _FREE_TEXT or (is_descriptive(tag) and vr in ("LO", "SH")) else "sweep"


def _is_needed(tag: int, sop_class: str, sequence: int) -> bool:
    row = row_of(tag)
    if row is None or "D" not in row.basic.split("/"):
        return False
    return row.basic == "D" or type_of(tag, sop_class, sequence) == 1


def _is_retired_free(tag: int) -> bool:
    """Group lengths, and the retired groups of code tables and zonal maps, in which anything may stand."""
    return tag & 0xFFFF == 0 or tag >> 16 in (0x1000, 0x1010)
