"""What a data steward does with the quarantine: look at the list, open a file outside the lake, try again, discard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from deephealth.core.errors import DataError, MissingDataError
from deephealth.core.files import fsync_folder, storage_errors
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.journal import Journal, Quarantined
from deephealth.lake.intake.sealing import open_original
from deephealth.lake.intake.sources import SpoolSource
from deephealth.lake.intake.spool import Spool
from deephealth.lake.reasons import MEANING, Reason

__all__ = ["Quarantine"]


class Quarantine:
    """The quarantine of one lake.

    Args:
        lake: the folders.
        journal: of the lake.
        key: the vault's key for the quarantine; listing works without it.
    """

    def __init__(self, lake: LakeFolder, journal: Journal, key: bytes | None = None) -> None:
        self._lake, self._journal, self._key = lake, journal, key

    def entries(self, reason: str | None = None) -> Iterator[Quarantined]:
        """Yield what is in quarantine, in the order of names.

        Args:
            reason: only those with this reason.

        Raises:
            DataError: there is no such reason.
        """
        if reason is not None and reason not in set(Reason):
            raise DataError("there is no such reason", allowed=", ".join(sorted(Reason)))
        return self._journal.quarantine_entries(reason)

    def show(self, name: str) -> Quarantined:
        """Return one entry.

        Raises:
            MissingDataError: there is none of that name.
        """
        for entry in self._journal.quarantine_entries():
            if entry.name == name:
                return entry
        raise MissingDataError("nothing of that name is in quarantine", hint="deephealth lake quarantine list")

    @staticmethod
    def meaning(entry: Quarantined) -> str:
        """Return the sentence for an entry's reason."""
        return MEANING.get(Reason(entry.reason), entry.reason) if entry.reason in set(Reason) else entry.reason

    def export(self, name: str, target: Path) -> Path:
        """Decrypt one file to a place outside the lake; the entry stays. The caller writes the audit log first.

        Args:
            name: of the entry.
            target: a new file.

        Raises:
            MissingDataError: there is no such entry, or it was never read.
            DataError: the target lies inside the lake, or exists.
            VaultError: no key, another key, or the sealed file was changed.
        """
        entry = self._with_content(name)
        if target.resolve().is_relative_to(self._lake.root.resolve()):
            raise DataError("an original may not be written into the lake", allowed="a folder outside of it")
        if target.exists():
            raise DataError("the target exists already", hint="choose another name")
        open_original(self._lake.quarantine / entry.name, target, self._needed_key(), entry.name.encode())
        return target

    def release(self, names: Iterable[str], spool: Spool) -> SpoolSource:
        """Decrypt originals to be taken in once more, such as after ``--accept`` or a better cleaner.

        An entry leaves the quarantine when the intake of the returned source has released its file.

        Args:
            names: of entries.
            spool: a folder outside the lake; the intake empties it.

        Raises:
            MissingDataError: there is no such entry, or it was never read.
            DataError: an entry is a retracted object; only its original can be taken in.
            VaultError: no key, another key, or a sealed file was changed.
        """
        chosen = [self._with_content(name) for name in names]
        if any(entry.kind == "retracted" for entry in chosen):
            raise DataError(
                "a retracted object is not an original", hint="take in the original from its source once it is mended"
            )
        for entry in chosen:
            target = spool.path(entry.name)
            if not target.exists():
                open_original(self._lake.quarantine / entry.name, target, self._needed_key(), entry.name.encode())
        return SpoolSource(spool.folder)

    def discard(self, names: Iterable[str]) -> int:
        """Delete entries and their files for good; return how many. The caller writes the audit log first.

        Raises:
            MissingDataError: there is no such entry.
            StorageError: a file can't be deleted.
        """
        chosen = [self.show(name) for name in names]
        with storage_errors(self._lake.quarantine, "deleting from the quarantine"):
            for entry in chosen:
                (self._lake.quarantine / entry.name).unlink(missing_ok=True)
            if self._lake.quarantine.is_dir():
                fsync_folder(self._lake.quarantine)
        self._journal.drop_quarantined(entry.name for entry in chosen)
        return len(chosen)

    def _with_content(self, name: str) -> Quarantined:
        entry = self.show(name)
        if entry.kind == "nothing":
            raise MissingDataError("this file was never read, so there is nothing to open", hint="look at its source")
        return entry

    def _needed_key(self) -> bytes:
        if self._key is None:
            raise DataError("opening an original needs the vault", hint="name the vault and its key")
        return self._key
