"""What goes to a worker and what comes back: the scan of a file's header, the order to clean it, the cleaned object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from deephealth.lake.actions import Tally
from deephealth.lake.facts import ObjectFacts
from deephealth.lake.identifiers import Identifiers

__all__ = ["Cleaner", "Place", "Released", "Scan", "Scanned", "Task"]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the first pass reads in a file's header. All of it identifies; it is never printed, logged or stored plain.

    Args:
        patient: the hospital's number of the patient.
        issuer: who gave the number; may be empty.
        identifiers: every identifier of the patient that this file holds.
        study_uid, series_uid, object_uid: as they stand in the file; empty where the format has none.
        modality: such as ``CT``.
        format: such as ``dicom``.
        drop: why the file holds nothing to release, such as ``"DICOMDIR"``; empty for a file that is to be cleaned.
    """

    patient: str = field(repr=False)
    issuer: str = field(default="", repr=False)
    identifiers: Identifiers = field(default_factory=Identifiers, repr=False)
    study_uid: str = field(default="", repr=False)
    series_uid: str = field(default="", repr=False)
    object_uid: str = field(default="", repr=False)
    modality: str = ""
    format: str = "dicom"
    drop: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One file to be cleaned.

    Args:
        path: the file as it came; it is only read.
        source: keyed hash of its content; becomes :attr:`ObjectFacts.source`.
        patient: the hospital's number of the patient.
        issuer: who gave the number.
        identifiers: what is known of the patient from all files of this run and of earlier ones.
        format: what :class:`Scanned` said.

    Example:
        >>> Task(Path("jane-doe.dcm"), "K7QX", "4711", "", Identifiers())
        Task(source='K7QX', format='dicom')
    """

    path: Path = field(repr=False)
    source: str
    patient: str = field(repr=False)
    issuer: str = field(default="", repr=False)
    identifiers: Identifiers = field(default_factory=Identifiers, repr=False)
    format: str = "dicom"


@dataclass(frozen=True, slots=True)
class Released:
    """What the cleaner made of one file.

    Args:
        facts: of the file that was written; ``None`` only when it was dropped.
        tally: how often each action was taken.
        boxes: what was painted over, as plain values (``frame``, ``x0``, ``y0``, ``x1``, ``y1``, ``why``, ``score``);
            ``why`` never holds the text that was found.
        executed: codes of the options that were executed on this object, such as ``"113100"``.
        status: ``released``, or ``dropped`` for what has no place in a lake, such as a slide's label image.
        reason: why it was dropped.
    """

    facts: ObjectFacts | None
    tally: Tally = field(default_factory=Tally)
    boxes: tuple[dict[str, Any], ...] = ()
    executed: tuple[str, ...] = ()
    status: str = "released"
    reason: str = ""


class Cleaner(Protocol):
    """De-identifies one file. It is pickled once for each worker process."""

    def clean(self, task: Task, target: Path) -> Released:
        """Write the de-identified file to ``target``, which does not exist yet.

        Raises:
            QuarantineError: the file may not enter.
            DeepHealthError: it can't be read; that is a reason for quarantine too.
            StorageError: ``target`` can't be written; this ends the run.
        """
        ...


# Reads a header; raises QuarantineError for a file that may not enter. Pickled once for each worker process.
Scan: TypeAlias = Callable[[Path], Scanned]
# Where an object lies, relative to its data set.
Place: TypeAlias = Callable[[ObjectFacts], str]
