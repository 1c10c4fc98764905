"""Changing a project's key: new pseudonyms for everybody, and the map by which a lake is led from old to new.

It has two steps, so that a lake is never left without the map. Between :func:`begin` and :meth:`Renewal.finish` the
vault holds both keys and gives no pseudonyms out; a process that is killed takes the change up with :func:`begin`.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from deephealth.core.errors import VaultError
from deephealth.lake.audit.event import Kind
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.vault.keys import generate_key
from deephealth.lake.vault.rows import Entry
from deephealth.lake.vault.vault import Vault

__all__ = ["Renewal", "SubjectChange", "begin"]


@dataclass(frozen=True, slots=True)
class SubjectChange:
    """What changes for one subject; keys of the tables are old pseudonyms, values new ones.

    Args:
        old: the subject's old pseudonym.
        new: the new one.
        days: by how many days the subject's dates in the lake move.
        uids: object identifiers.
        sessions: labels of studies, for every identifier that could be a study's.
        accessions: accession numbers, for every number that could be one.
    """

    old: str
    new: str
    days: int
    uids: dict[str, str]
    sessions: dict[str, str]
    accessions: dict[str, str]


def begin(vault: Vault) -> Renewal:
    """Begin to change a project's key, or take the change up again.

    Args:
        vault: the project's vault.

    Raises:
        VaultError: the vault can't be used.
    """
    vault.record(Kind.ROTATE, {"what": "the project's key"})
    with vault.changing() as write:
        entry = vault.find("secret", ["keys"])["keys"]
        if "next" not in entry.value:
            key = base64.b64encode(generate_key()).decode()
            entry = replace(entry, value={**entry.value, "next": key})
            write([entry])
    return Renewal(vault, entry)


class Renewal:
    """A change of a project's key that has begun; made by :func:`begin`."""

    def __init__(self, vault: Vault, entry: Entry) -> None:
        self._vault = vault
        self.old = Pseudonyms(base64.b64decode(entry.value["project"]))
        self.new = Pseudonyms(base64.b64decode(entry.value["next"]))

    def changes(self) -> Iterator[SubjectChange]:
        """Yield what changes, subject by subject; memory is bounded by one subject."""
        for _, group in itertools.groupby(self._vault.entries("patient", "uid"), key=lambda entry: entry.owner):
            entries = list(group)
            patient = next((entry for entry in entries if entry.kind == "patient"), None)
            if patient is not None:
                yield self._change(patient, [entry.value["uid"] for entry in entries if entry.kind == "uid"])

    def finish(self) -> None:
        """Make the new key the project's only one, in one step; the old pseudonyms can't be led back any more.

        Call it when nothing in the lake carries an old pseudonym.

        Raises:
            VaultError: another process finished it.
            StorageError: the disk is full; the change can be taken up again.
        """
        subjects = {
            entry.name: self.new.subject(entry.value["patient"], entry.value["issuer"])
            for entry in self._vault.entries("patient", "consent")
        }
        self._vault.rewrite(lambda entry: self._renewed(entry, subjects))

    def _renewed(self, entry: Entry, subjects: dict[str, str]) -> Entry:
        if entry.kind == "secret":
            value = dict(entry.value)
            if "next" not in value:
                raise VaultError("the project's key was changed by another process")
            value["project"] = value.pop("next")
            return replace(entry, value=value)
        if not entry.owner:
            return entry
        subject = subjects.get(entry.owner)
        if subject is None:
            raise VaultError("a patient was added while the project's key was changed", hint="finish it again")
        return replace(entry, owner=subject, name=subject + entry.name.removeprefix(entry.owner))

    def _change(self, patient: Entry, uids: list[str]) -> SubjectChange:
        number, issuer = patient.value["patient"], patient.value["issuer"]
        return SubjectChange(
            patient.name,
            self.new.subject(number, issuer),
            self.new.shift_days(number, issuer) - self.old.shift_days(number, issuer),
            {self.old.uid(uid): self.new.uid(uid) for uid in uids},
            {self.old.session(uid): self.new.session(uid) for uid in uids},
            {self.old.accession(one): self.new.accession(one) for one in patient.value["numbers"]},
        )
