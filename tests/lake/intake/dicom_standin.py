"""A stand-in cleaner for DICOM files: keeps the pixels, drops the header; only for tests of sources."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from deephealth.lake.facts import ObjectFacts
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.task import Released, Scanned, Task
from deephealth.lake.pseudonyms import Pseudonyms
from tests.lake.intake.standin import KEY


def scan_dicom(path: Path) -> Scanned:
    """Read a header."""
    one = pydicom.dcmread(path, stop_before_pixels=True)
    return Scanned(
        str(one.PatientID),
        identifiers=Identifiers.of(numbers=[str(one.PatientID)], names=[str(one.get("PatientName", ""))]),
        study_uid=str(one.StudyInstanceUID),
        series_uid=str(one.SeriesInstanceUID),
        object_uid=str(one.SOPInstanceUID),
    )


@dataclass
class DicomStandInCleaner:
    """Writes the bare pixels."""

    pseudonyms: Pseudonyms = field(default_factory=lambda: Pseudonyms(KEY))

    def clean(self, task: Task, target: Path) -> Released:
        """Clean one file."""
        one = pydicom.dcmread(task.path)
        content = bytes(one.get("PixelData", b""))
        target.write_bytes(content)
        facts = ObjectFacts(
            subject=self.pseudonyms.subject(task.patient),
            session=self.pseudonyms.session(str(one.StudyInstanceUID)),
            key=self.pseudonyms.code("object", str(one.SOPInstanceUID), 16),
            format="dicom",
            modality=str(one.Modality),
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            source=task.source,
        )
        return Released(facts)
