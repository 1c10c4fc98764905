"""The patient of an object while it is cleaned: pseudonym, shift, and the new UIDs that were asked for so far."""

from __future__ import annotations

from deephealth.lake.pseudonyms import Pseudonyms

__all__ = ["Subject"]

_REMEMBERED_UIDS = 20_000


class Subject:
    """One patient under one project's key.

    Args:
        pseudonyms: of the project.
        patient: the hospital's number.

    Example:
        >>> subject = Subject(Pseudonyms(bytes(32)), "4711")
        >>> subject.uid("1.2.3") == Pseudonyms(bytes(32)).uid("1.2.3"), subject.days < -365
        (True, True)
    """

    __slots__ = ("_pseudonyms", "_uids", "days", "patient", "pseudonym")

    def __init__(self, pseudonyms: Pseudonyms, patient: str) -> None:
        self._pseudonyms, self.patient = pseudonyms, patient
        self.pseudonym = pseudonyms.subject(patient)
        self.days = pseudonyms.shift_days(patient)
        self._uids: dict[str, str] = {}

    def uid(self, value: str) -> str:
        """Return the UID that takes the place of another."""
        known = self._uids.get(value)
        if known is None:
            if len(self._uids) > _REMEMBERED_UIDS:
                self._uids.clear()
            known = self._uids[value] = self._pseudonyms.uid(value)
        return known

    def number(self, value: str) -> str:
        """Return the pseudonym of a patient number: the patient's own, or another's."""
        other = value.strip(" \0\t\r\n")
        return self.pseudonym if other in ("", self.patient) else self._pseudonyms.subject(other)

    def accession(self, value: str) -> str:
        """Return the pseudonym of an accession number."""
        return self._pseudonyms.accession(value)

    def code(self, kind: str, value: str) -> str:
        """Return the pseudonym of any other number."""
        return self._pseudonyms.code(kind, value.strip(" \0"), 16)
