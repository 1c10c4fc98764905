"""How a file gets into the lake: written aside, synced, written down, renamed. Killed at any point it is there or not.

A batch goes through these steps: (1) one sync puts the staged files on disk, and the renames of the batch before;
(2) one transaction writes down that the batch before is in place and what is to be renamed now; (3) the renames. A
process that starts finds the renames that may be missing in the journal and does them first.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deephealth.core.errors import DataError
from deephealth.core.files import below, storage_errors
from deephealth.lake.folder import LakeFolder
from deephealth.lake.intake.jobs import Answer
from deephealth.lake.intake.journal import Journal
from deephealth.lake.intake.keys import JournalKeys
from deephealth.lake.intake.sources import Source
from deephealth.lake.intake.syncing import flush
from deephealth.lake.intake.task import Place
from deephealth.lake.intake.worklist import SEALED, Entry, Placing, Worklist

__all__ = ["Placer", "check_dataset", "recover"]

_DOING = "putting files into the lake"
_FOLDERS_KEPT = 10_000
# endings that say what a file is; any other part of a name could name a patient
_ENDING = re.compile(
    r"\.(dcm|dicom|nii|nii\.gz|hdr|img|edf|bdf|png|jpe?g|bmp|webp|tiff?|svs|ndpi|[ct]sv|txt|md|json|xml|pdf|npy|mh[ad]|nrrd)$"
)


class Placer:
    """Puts finished files into their places, batch by batch.

    Args:
        lake: the lake.
        worklist: of the run.
        source: told when a file is at its end.
        place: gives an object its path within the data set.
        batch: files in a batch.
        seconds: time after which a smaller batch is put in place.
    """

    def __init__(
        self, lake: LakeFolder, worklist: Worklist, source: Source, place: Place, *, batch: int, seconds: float
    ) -> None:
        self._lake, self._worklist, self._source, self._place = lake, worklist, source, place
        self._batch, self._seconds = batch, seconds
        self._staging = lake.staging / uuid.uuid4().hex  # own: a dying worker can't write into the next
        self._root = lake.dataset(worklist.dataset)
        self._waiting: list[tuple[Entry, Placing]] = []
        self._claimed: set[str] = set()
        self._folders: dict[str, str] = {}
        self._staged = self._staging.relative_to(lake.root).as_posix()
        self._placed: list[tuple[Entry, Placing]] = []
        self._since = time.monotonic()
        with storage_errors(self._staging, _DOING):
            self._staging.mkdir(parents=True)
            for folder in (self._root, lake.quarantine):
                folder.mkdir(parents=True, exist_ok=True)

    def target(self, entry: Entry) -> Path:
        """Return where a worker writes the clean file."""
        return self._staging / f"{entry.id}{_ending(entry.locator)}"

    def sealed(self, entry: Entry) -> Path:
        """Return where a worker writes the sealed original."""
        return self._staging / f"{entry.id}{SEALED}"

    @staticmethod
    def quarantine_name(entry: Entry) -> str:
        """Return the name of an original in the quarantine: the same for the same content."""
        return f"{entry.source or entry.key}{SEALED}"

    def take(self, entry: Entry, answer: Answer) -> bool:
        """Take over a finished file.

        Returns:
            Whether it is at its end; ``False`` for an object whose place is taken: it has to be sealed.

        Raises:
            StorageError: the disk is full.
        """
        placing = self._placing(entry, answer)
        if placing is None:
            self.target(entry).unlink(missing_ok=True)
            return False
        self._waiting.append((entry, placing))
        if len(self._waiting) >= self._batch or time.monotonic() - self._since > self._seconds:
            self.commit()
        return True

    def _placing(self, entry: Entry, answer: Answer) -> Placing | None:
        if answer.kind == "dropped":
            return Placing(entry.id, "dropped", reason=answer.reason)
        if answer.kind == "released" and answer.released is not None and answer.released.facts is not None:
            place = self._place(answer.released.facts)
            if place in self._claimed or self._worklist.taken(place) or os.path.lexists(self._checked(place)):
                return None
            self._claimed.add(place)
            staged = f"{self._staged}/{entry.id}{_ending(entry.locator)}"
            return Placing.of_object(entry.id, staged, place, answer.released)
        staged = f"{self._staged}/{entry.id}{SEALED}" if answer.is_sealed else ""
        return Placing(
            entry.id,
            "quarantined",
            staged,
            self.quarantine_name(entry),
            answer.reason or entry.reason,
            answer.what or entry.what,
            answer.bytes,
        )

    def _checked(self, place: str) -> str:
        """Return the path of a place; each folder is looked at once, whether it leads outside."""
        folder, name = os.path.split(place)
        if name in ("", ".", ".."):
            raise DataError("a released object got a place without a name", hint="this is a fault of the layout")
        if folder not in self._folders:
            if len(self._folders) > _FOLDERS_KEPT:
                self._folders.clear()
            self._folders[folder] = str(below(self._root, folder or "."))
        return f"{self._folders[folder]}/{name}"

    def commit(self) -> None:
        """Put what waits on disk and into place.

        Raises:
            StorageError: the disk is full; what was put in place before stays.
        """
        with storage_errors(self._lake.root, _DOING):
            flush(self._staging, self._written())
            self._worklist.finish((done for _, done in self._placed), (next_ for _, next_ in self._waiting))
            for entry, _ in self._placed:
                self._source.done(entry.locator)
            self._placed, self._waiting = self._waiting, []
            self._claimed = {placing.place for _, placing in self._placed}
            for entry, placing in self._placed:
                _rename(self._lake, self._worklist.dataset, placing, entry.source, entry.key)
        self._since = time.monotonic()

    def close(self) -> None:
        """Put everything in place, then write down that it is."""
        self.commit()
        self.commit()
        shutil.rmtree(self._staging, ignore_errors=True)

    def _written(self) -> Iterator[Path]:
        """What was written since the last sync, and the folders that got entries; asked for only without ``syncfs``."""
        yield from (self._lake.root / placing.staged for _, placing in self._waiting if placing.staged)
        for _, placing in self._placed:
            if placing.staged:
                path = _place(self._lake, self._worklist.dataset, placing)
                yield from (folder for folder in path.parents if folder.is_relative_to(self._lake.root))


def recover(lake: LakeFolder, journal: Journal, keys: JournalKeys) -> None:
    """Do the renames that a killed process left undone, in all runs; remove what it left in the staging folder.

    Raises:
        StorageError: the disk is full.
    """
    with storage_errors(lake.root, _DOING):
        for worklist in Worklist.unfinished(journal, keys):
            done: list[Placing] = []
            lost: list[Placing] = []
            for placing, source, locator in worklist.waiting():
                (done if _rename(lake, worklist.dataset, placing, source, locator) else lost).append(placing)
            folders = {_place(lake, worklist.dataset, placing).parent for placing in done if placing.staged}
            if done:
                flush(lake.root, folders)
            worklist.finish(done, [])
            worklist.again(lost)
        shutil.rmtree(lake.staging, ignore_errors=True)


def _rename(lake: LakeFolder, dataset: str, placing: Placing, source: str, locator: str) -> bool:
    """Put one file into its place; return whether it is there."""
    if not placing.staged:
        return True
    staged, target = os.path.join(lake.root, placing.staged), str(_place(lake, dataset, placing))
    try:
        os.replace(staged, target)
    except FileNotFoundError:  # its folder is not there yet, or it was renamed before the kill
        if not os.path.exists(staged):
            return os.path.isfile(target)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(staged, target)
    if placing.end == "released":  # what an earlier run could not clean and this one could
        for name in {source, locator} - {""}:
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(lake.quarantine, name + SEALED))
    return True


def _place(lake: LakeFolder, dataset: str, placing: Placing) -> Path:
    """Its place was looked at before it was written down."""
    return (lake.dataset(dataset) if placing.end == "released" else lake.quarantine) / placing.place


def _ending(locator: str) -> str:
    found = _ENDING.search(locator.lower())
    return found.group() if found else ""


def check_dataset(name: str) -> str:
    """Return the name of a data set if it is fit for a folder.

    Raises:
        DataError: it is not.
    """
    if not (name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(name) <= 64):
        raise DataError("the data set's name can't be a folder's", allowed="up to 64 of a-z, A-Z, 0-9, '-' and '_'")
    return name
