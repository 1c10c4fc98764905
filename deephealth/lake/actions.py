"""What can happen to a value on its way into the lake; the report counts by these words."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TypeAlias

__all__ = ["Action", "Tally"]


class Action(StrEnum):
    """What was done to one value. Source: the action codes of DICOM PS3.15 Table E.1-1a, by their meaning."""

    REMOVED = "removed"  # X
    EMPTIED = "emptied"  # Z
    REPLACED = "replaced"  # D: a dummy of the same kind
    PSEUDONYM = "pseudonym"  # D: the subject's or the accession's pseudonym
    CLEANED = "cleaned"  # C: identifiers were taken out of the text
    KEPT = "kept"  # K, or C that found nothing
    SHIFTED = "shifted"  # a date, moved by the subject's number of days
    UID = "uid"  # U
    CAPPED = "capped"  # an age above 89
    HIDDEN = "hidden"  # pixels painted over


Tally: TypeAlias = Counter[Action]
