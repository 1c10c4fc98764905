"""What an intake works with: the parts of the lake that it calls, and its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from deephealth.lake.identifiers import Identifiers
from deephealth.lake.intake.jobs import Seal
from deephealth.lake.intake.limits import WorkerLimits
from deephealth.lake.intake.sealing import seal_original
from deephealth.lake.intake.task import Cleaner, Place, Scan
from deephealth.lake.pseudonyms import Pseudonyms

__all__ = ["IntakeSettings", "IntakeTools", "Recall", "Refuse", "Remember"]

# Patient, issuer and identifiers; they are on disk in the vault when it returns.
Remember: TypeAlias = Callable[[Sequence[tuple[str, str, Identifiers]]], None]
# Why a patient may not enter, such as a withdrawn consent; empty for one who may.
Refuse: TypeAlias = Callable[[str, str], str]
# Everything the vault knows of a patient.
Recall: TypeAlias = Callable[[str, str], Identifiers]


@dataclass(frozen=True)
class IntakeTools:
    """The parts of the lake that an intake calls.

    Args:
        pseudonyms: of the project.
        key: 32 bytes from the vault, for the quarantine and the sealed rows of the journal.
        scan: reads a header; goes to the workers.
        cleaner: de-identifies a file; goes to the workers.
        place: gives a released object its path within the data set.
        remember: gives identifiers to the vault, before anything of these patients is released.
        recall: asks the vault for a patient's identifiers; without it they are kept in memory, and a resumed run
            scans again what was not released yet.
        refuse: says who may not enter for want of consent; without it everybody may.
        seal: encrypts a file for the quarantine; goes to the workers.
    """

    pseudonyms: Pseudonyms
    key: bytes = field(repr=False)
    scan: Scan
    cleaner: Cleaner
    place: Place
    remember: Remember
    recall: Recall | None = None
    refuse: Refuse | None = None
    seal: Seal = seal_original


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """How an intake works; none of it changes what comes out.

    Args:
        workers: processes; ``None`` for one on each processor.
        order: files that are handed to a worker at once.
        batch: files that are put on disk and into the journal together.
        batch_seconds: the same after this time, however few there are.
        limits: of each worker.
    """

    workers: int | None = None
    order: int = 8
    batch: int = 256
    batch_seconds: float = 5.0
    limits: WorkerLimits = field(default_factory=WorkerLimits)
