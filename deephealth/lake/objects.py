"""What a worker does with one file: look who it belongs to, then clean it, whatever its format."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deephealth.core.files import storage_errors
from deephealth.lake.intake.starting import PIXEL_MODULES, WORKER_MODULES
from deephealth.lake.intake.task import Released, Scanned, Task
from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from deephealth.lake.dicom_object import DicomCleaner

__all__ = ["ObjectCleaner", "ObjectScan"]

_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"  # a DICOMDIR lists files; what it lists is taken in, it is not


@dataclass(frozen=True)
class ObjectScan:
    """Reads whose a file is and what in it identifies; pickled once for each worker.

    A patient is the Patient ID alone: modalities of one hospital differ in whether they fill in who issued it.
    Hospitals that give the same numbers belong into projects of their own.

    Args:
        patients: absolute path of a file that does not say whose it is (a picture, a NIfTI file) -> patient's number.
    """

    patients: dict[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, path: Path) -> Scanned:
        """Read one file's header.

        Raises:
            QuarantineError: it may not enter.
        """
        return self._scanned(path, None)

    def scan_content(self, path: Path, content: bytes) -> Scanned:
        """Read the header of a file that is in memory.

        Args:
            path: the file.
            content: all of it.

        Raises:
            QuarantineError: it may not enter.
        """
        return self._scanned(path, content)

    def _scanned(self, path: Path, content: bytes | None) -> Scanned:
        # imported where they work: the process that hands out files needs no DICOM library
        from deephealth.lake.dicom_object import read_object
        from deephealth.lake.other_object import scan_other
        from deephealth.lake.profile.identity import identifiers_of, patient_of

        if not _is_dicom(path if content is None else content):
            return scan_other(path, self.patients)
        dataset = read_object(path, pixels=False, content=content)
        meta = getattr(dataset, "file_meta", {})
        if str(meta.get("MediaStorageSOPClassUID", "")) == _MEDIA_DIRECTORY:
            return Scanned(patient="", drop="DICOMDIR")
        return Scanned(
            patient=patient_of(dataset),
            identifiers=identifiers_of(dataset),
            study_uid=_uid(dataset, "StudyInstanceUID"),
            series_uid=_uid(dataset, "SeriesInstanceUID"),
            object_uid=_uid(dataset, "SOPInstanceUID"),
            modality=str(dataset.get("Modality", "")),
        )


@dataclass(frozen=True)
class ObjectCleaner:
    """Cleans files under one profile and one project's key; pickled once for each worker.

    Args:
        pseudonyms: of the project.
        options: of PS3.15 Annex E.
        accept: kinds of objects that the steward asked for although they often hold identifiers.
    """

    pseudonyms: Pseudonyms
    options: frozenset[Option] = RESEARCH
    accept: frozenset[str] = field(default_factory=frozenset)

    @property
    def modules(self) -> tuple[str, ...]:
        """What a worker needs; it is loaded once, in the process from which workers are forked."""
        return WORKER_MODULES + (PIXEL_MODULES if Option.CLEAN_PIXEL in self.options else ())

    def clean(self, task: Task, target: Path) -> Released:
        """Write the de-identified file to ``target``.

        Raises:
            QuarantineError: the file may not enter.
            StorageError: ``target`` can't be written.
        """
        if task.format != "dicom":
            from deephealth.lake.other_object import clean_other

            return clean_other(task, target, self.pseudonyms, self.options)
        clean = self._dicom.clean(task.path, patient=task.patient, identifiers=task.identifiers, source=task.source)
        if clean.pixels.status == "drop":
            return Released(None, clean.header.tally, status="dropped", reason=clean.pixels.reason)
        with storage_errors(target, "writing a cleaned object"):
            target.write_bytes(clean.content)
        return Released(
            facts=replace(clean.facts, sha256=hashlib.sha256(clean.content).hexdigest()),
            tally=clean.header.tally,
            boxes=tuple(_plain(box) for box in clean.pixels.boxes),
            executed=tuple(sorted(option.value for option in clean.executed)),
        )

    @cached_property
    def _dicom(self) -> DicomCleaner:
        from deephealth.lake.dicom_object import DicomCleaner
        from deephealth.lake.profile.profile import Profile

        return DicomCleaner(Profile(self.options), self.pseudonyms, accept=self.accept)

    def __getstate__(self) -> dict[str, Any]:
        return {"pseudonyms": self.pseudonyms, "options": self.options, "accept": self.accept}


def _plain(box: Any) -> dict[str, Any]:
    return {name: getattr(box, name) for name in ("frame", "x0", "y0", "x1", "y1", "why", "score")}


def _uid(dataset: Any, keyword: str) -> str:
    return str(dataset.get(keyword, "") or "").strip(" \0")


def _is_dicom(file: Path | bytes) -> bool:
    if isinstance(file, bytes):
        head = file[:132]
    else:
        with file.open("rb") as stream:
            head = stream.read(132)
    if head[128:] == b"DICM" or len(head) <= 8:
        return head[128:] == b"DICM"
    big_endian = head[0] == 0 and head[1] in (2, 8) and head[4:6].isalpha() and head[4:6].isupper()
    return big_endian or (head[0] in (2, 8) and head[1] == 0)
