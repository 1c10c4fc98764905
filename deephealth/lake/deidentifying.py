"""De-identifying a folder without a lake: the same cleaner, journal and quarantine, one key, no vault."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.report import IntakeReport
from deephealth.lake.intake.runner import run_intake
from deephealth.lake.intake.sources import Source
from deephealth.lake.intake.tools import IntakeSettings, IntakeTools
from deephealth.lake.objects import ObjectCleaner, ObjectScan
from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.profile.sop_classes import check_accepted
from deephealth.lake.pseudonyms import Pseudonyms

__all__ = ["Mapping", "deidentify"]

_RELEASED = "dicom"


@dataclass
class Mapping:
    """Old and new patient numbers and UIDs; identifies everybody, so it is written only when asked for.

    Args:
        pseudonyms: of the key.
    """

    pseudonyms: Pseudonyms
    patients: set[str] = field(default_factory=set, repr=False)
    uids: set[str] = field(default_factory=set, repr=False)

    def add(self, batch: Sequence[tuple[str, str, Identifiers]]) -> None:
        """Note what the first pass found."""
        for patient, _, identifiers in batch:
            self.patients.add(patient)
            self.uids |= identifiers.uids

    def write(self, folder: Path) -> None:
        """Write ``patients.csv`` and ``uids.csv``, columns ``id_old`` and ``id_new``.

        Raises:
            StorageError: the folder can't be written.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, pairs in (
            ("patients.csv", [(old, self.pseudonyms.subject(old)) for old in sorted(self.patients)]),
            ("uids.csv", [(old, self.pseudonyms.uid(old)) for old in sorted(self.uids)]),
        ):
            text = io.StringIO()
            csv.writer(text).writerows([("id_old", "id_new"), *pairs])
            atomic_write(folder / name, text.getvalue())


def deidentify(
    source: Source,
    out: Path,
    key: bytes,
    *,
    options: frozenset[Option] = RESEARCH,
    accept: frozenset[str] = frozenset(),
    mapping: Path | None = None,
    settings: IntakeSettings | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> IntakeReport:
    """De-identify the files of a source into ``out/rawdata``; what may not be released lies sealed in ``quarantine``.

    For a folder that is handed to somebody once. A lake also remembers who is who, keeps an audit log, knows consent.

    Args:
        source: gives the files.
        out: a new folder, or the one of an interrupted call, which then goes on.
        key: 32 bytes; the same key gives the same pseudonyms.
        options: of DICOM PS3.15 Annex E.
        accept: SOP classes that are taken in though they often name patients.
        mapping: a folder outside ``out`` for the tables of old and new identifiers.
        settings: processes, batches, limits.
        progress: called with steps done and all steps.

    Raises:
        DataError: ``mapping`` lies in ``out``, or a SOP class in ``accept`` that nobody knows.
        StorageError: the disk is full.
        Interrupted: Ctrl-C.
    """
    if mapping is not None and mapping.resolve().is_relative_to(out.resolve()):
        raise DataError("the mapping would lie beside what it identifies", hint="choose a folder outside the output")
    check_accepted(accept)
    pseudonyms = Pseudonyms(key)
    known = Mapping(pseudonyms)
    tools = IntakeTools(
        pseudonyms=pseudonyms,
        key=key,
        scan=ObjectScan(),
        cleaner=ObjectCleaner(pseudonyms, options, accept),
        place=_place,
        remember=known.add,
    )
    report = run_intake(source, LakeFolder(out.absolute()), _RELEASED, tools, settings=settings, progress=progress)
    if mapping is not None:
        known.write(mapping)
    return report


def _place(facts: ObjectFacts) -> str:
    """Patient, study, series, object: the order of every DICOM archive."""
    series = facts.series_uid.rsplit(".", 1)[-1][-12:] or "other"
    return f"{facts.subject}/{facts.session}/{facts.modality.lower()}-{series}/{facts.key}.dcm"
