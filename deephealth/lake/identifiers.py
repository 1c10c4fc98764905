"""What is known to identify one patient: the text cleaner takes it out, the second scan looks for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

__all__ = ["Identifiers"]


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The identifiers that belong to one patient, as they were written, gathered over all of the patient's files.

    Args:
        names: whole names of the patient and of those around them, ``"DOE^JANE"`` or ``"Jane Doe"``; physicians and
            operators too.
        numbers: patient numbers, accession numbers, insurance numbers, study ids, telephone numbers.
        dates: dates that belong to the patient (birth, studies) as ``YYYYMMDD``.
        places: addresses, institutions, departments, stations.
        uids: object identifiers that were replaced.

    Example:
        >>> both = Identifiers(names=frozenset({"DOE^JANE"})) | Identifiers(numbers=frozenset({"4711"}))
        >>> sorted(both.name_parts()), sorted(both.numbers)
        (['DOE', 'JANE'], ['4711'])
    """

    names: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    uids: frozenset[str] = frozenset()

    def __or__(self, other: Identifiers) -> Identifiers:
        return Identifiers(*(getattr(self, f.name) | getattr(other, f.name) for f in fields(self)))

    def __bool__(self) -> bool:
        return any(getattr(self, f.name) for f in fields(self))

    def name_parts(self) -> frozenset[str]:
        """Return the single words of the names, of two letters or more."""
        return frozenset(part for name in self.names for part in re.split(r"[\^=\s,;.]+", name) if len(part) > 1)

    @classmethod
    def of(cls, **kinds: Iterable[str]) -> Identifiers:
        """Build from any iterables; empty values are left out.

        Example:
            >>> Identifiers.of(numbers=["4711", " ", ""]).numbers
            frozenset({'4711'})
        """
        return cls(**{kind: frozenset(v.strip() for v in values if v.strip()) for kind, values in kinds.items()})
