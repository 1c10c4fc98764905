"""One file that is not DICOM on its way into the lake: whose it is, and cleaning it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from deephealth.core.errors import QuarantineError
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.formats.catalogue import FileFormat, companion_of, format_of, identity_of
from deephealth.lake.formats.context import FileContext, FileOutcome
from deephealth.lake.intake.task import Released, Scanned, Task
from deephealth.lake.profile.options import Option
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.reasons import Reason

__all__ = ["clean_other", "scan_other"]

_TABLES = ("csv", "tsv")
_UNCHECKED = "unchecked"
_CROP = "crop the text away or paint it over in the original, and take the file in again"


def scan_other(path: Path, patients: Mapping[str, str]) -> Scanned:
    """Say whose a file is: what it states itself, or what the steward's list says.

    Args:
        path: the file.
        patients: absolute path -> patient's number, from the steward's list.

    Raises:
        QuarantineError: an unknown format, or nobody knows whose file it is.
    """
    kind = _known(path)
    if kind is None:
        return Scanned(patient="", drop="voxels of a NIfTI pair")
    stated, identifiers = identity_of(path, kind)
    patient = patients.get(str(path), "") or stated
    if not patient.strip():
        raise QuarantineError(
            Reason.NO_PATIENT,
            f"a file of the format {kind.name} does not say whose it is",
            hint="lake intake ... --patients LIST.csv, with the columns path and patient_id",
        )
    return Scanned(patient=patient, identifiers=identifiers, modality=kind.name.upper(), format=kind.name)


def clean_other(task: Task, target: Path, pseudonyms: Pseudonyms, options: frozenset[Option]) -> Released:
    """Clean one file with its format's own cleaner, then look for writing in what has pixels.

    Raises:
        QuarantineError: it may not enter; nothing is left at ``target``.
        StorageError: ``target`` can't be written.
    """
    kind = _known(task.path)
    if kind is None:
        raise QuarantineError(Reason.UNKNOWN_FORMAT, "the file changed its format between the two passes")
    who = FileContext(
        pseudonyms,
        task.patient,
        task.issuer,
        task.identifiers,
        full_dates=Option.FULL_DATES in options,
        characteristics=Option.PATIENT_CHARACTERISTICS in options,
        device=Option.DEVICE in options,
    )
    outcome = kind.clean(task.path, target, who)
    known = {one.name for one in fields(ObjectFacts)}
    facts = {name: value for name, value in outcome.facts.items() if name in known}
    facts |= {
        "subject": who.subject,
        "session": pseudonyms.session(str(outcome.facts.get("study_date") or task.source)),
        "key": pseudonyms.code("object", task.source, 16),
        "format": outcome.format,
        "modality": outcome.modality,
        "source": task.source,
        "bytes": target.stat().st_size,
        "sha256": _digest(target),
    }
    executed: tuple[str, ...] = ()
    if Option.CLEAN_PIXEL in options and facts.get("pixels") == _UNCHECKED:
        facts["pixels"] = _checked_pixels(target, outcome, task)
        executed = (Option.CLEAN_PIXEL.value,)
    return Released(ObjectFacts(**facts), outcome.tally, executed=executed)


def _checked_pixels(target: Path, outcome: FileOutcome, task: Task) -> str:
    """Return what became of the pixels; a file with writing in them does not enter, for it can't be painted."""
    from deephealth.lake.pixels.other_files import check_pixels

    try:
        found = check_pixels(target, outcome.format, task.identifiers, slide=outcome.modality == "SM")
    except QuarantineError:
        target.unlink(missing_ok=True)
        raise
    if found.status == "doubtful":
        target.unlink(missing_ok=True)
        raise QuarantineError(Reason.BURNED_IN_TEXT, found.reason, hint=_CROP)
    return found.status


def _known(path: Path) -> FileFormat | None:
    kind = format_of(path)
    if kind is None and companion_of(path) is not None:
        return None
    if kind is None:
        raise QuarantineError(Reason.UNKNOWN_FORMAT, "no cleaner knows this format")
    if kind.name in _TABLES:
        what = "a table holds many patients and is not taken in with the files"
        raise QuarantineError(Reason.NOT_ASKED_FOR, what, hint="deephealth lake table FILE")
    return kind


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
