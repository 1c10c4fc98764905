"""What the detectors hand to the cleaner: a piece of a text and the kind of identifier that stands in it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Kind", "Removed", "merged"]


class Kind(StrEnum):
    """Kinds of identifiers in text; a report's placeholder is the kind in upper case, ``[NAME]``."""

    NAME = "name"
    DATE = "date"
    ID = "id"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    IP = "ip"
    PLACE = "place"
    PATH = "path"
    UID = "uid"
    AGE = "age"
    SIGNATURE = "signature"
    ADDRESSEE = "addressee"


class Removed(NamedTuple):
    """One piece that was taken out: its kind and where it stood, from ``start`` to before ``end``."""

    kind: Kind
    start: int
    end: int


def merged(spans: Iterable[Removed]) -> list[Removed]:
    """Return the spans in order, overlapping ones joined; the earliest and longest gives the kind.

    Example:
        >>> merged([Removed(Kind.ID, 3, 9), Removed(Kind.NAME, 0, 5)])
        [Removed(kind=<Kind.NAME: 'name'>, start=0, end=9)]
    """
    joined: list[Removed] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if joined and span.start < joined[-1].end:
            if span.end > joined[-1].end:
                joined[-1] = joined[-1]._replace(end=span.end)
        else:
            joined.append(span)
    return joined
