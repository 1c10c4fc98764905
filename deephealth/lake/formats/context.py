"""What a cleaner is told about the file it cleans, and what it answers."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from deephealth.core.errors import DataError, QuarantineError
from deephealth.core.files import storage_errors
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.lake.actions import Action, Tally
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.reasons import Reason

__all__ = ["Cleaned", "FieldSweep", "FileContext", "FileOutcome", "RiskPolicy", "damaged", "too_large", "writing"]


class Cleaned(Protocol):
    """What cleaning a text gives."""

    @property
    def text(self) -> str:
        """The text without identifiers."""

    @property
    def doubtful(self) -> bool:
        """Whether something may be left in it."""


class Cleaner(Protocol):
    """What :class:`deephealth.lake.text.cleaner.TextCleaner` does."""

    def clean(self, text: str) -> Cleaned:
        """Take the identifiers out of a text."""


def _text_cleaner(identifiers: Identifiers, placeholders: bool) -> Cleaner:
    from deephealth.lake.text.cleaner import TextCleaner

    return TextCleaner(identifiers, placeholders=placeholders)


def _report_cleaner(text: str, identifiers: Identifiers) -> Cleaned:
    from deephealth.lake.text.report import clean_report

    return clean_report(text, identifiers)


def _nobody(_patient: str) -> Identifiers:
    return Identifiers()


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """How much a row of a table may stand out.

    Args:
        k: patients that must share one combination of quasi-identifiers.
        l: different sensitive values that each such group must hold; 1 only reports, because a table of labels in
            which a group is of one class is what a model is trained from.
        max_suppressed: share of the patients that may be left out before the table itself is refused.
        generalise: whether values may be made coarser (ages to bands, postcodes to their start) to keep rows.
    """

    k: int = 5
    l: int = 1  # noqa: E741 - the literature's own name
    max_suppressed: float = 0.05
    generalise: bool = True

    def __post_init__(self) -> None:
        if self.k < 1 or self.l < 1 or not 0 <= self.max_suppressed <= 1:
            raise DataError(
                f"k={self.k}, l={self.l}, max_suppressed={self.max_suppressed}",
                allowed="k and l of at least 1, a share between 0 and 1",
            )


@dataclass(frozen=True, slots=True)
class FileContext:
    """Whose file it is and what is known about that patient.

    Args:
        pseudonyms: of the project.
        patient: the patient's original number; empty for a table of many patients.
        issuer: who gave the number.
        identifiers: everything known to identify this patient, from all of the patient's files.
        known: identifiers of another patient by the original number, for tables of many patients.
        columns: roles of table columns that the steward has decided, column name to role (:class:`~deephealth.lake.
            formats.columns.Role`); they win over what the cleaner would find.
        risk: how much a table's row may stand out.
        full_dates: dates stay as they are (option 113106 of the profile).
        characteristics: sex and age stay (option 113108).
        device: names of devices stay (option 113109), cleaned as any text.
        limits: what a file may ask for.
        text: makes a text cleaner from identifiers and whether placeholders are wanted.
        report: cleans a whole report.

    Example:
        >>> who = FileContext(Pseudonyms(bytes(32)), "4711")
        >>> who.subject == Pseudonyms(bytes(32)).subject("4711")
        True
    """

    pseudonyms: Pseudonyms
    patient: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    identifiers: Identifiers = field(default_factory=Identifiers, repr=False)
    known: Callable[[str], Identifiers] = field(default=_nobody, repr=False)
    columns: Mapping[str, str] = field(default_factory=dict)
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    full_dates: bool = False
    characteristics: bool = True
    device: bool = False
    limits: Limits = DEFAULT_LIMITS
    text: Callable[[Identifiers, bool], Cleaner] = _text_cleaner
    report: Callable[[str, Identifiers], Cleaned] = _report_cleaner

    @property
    def subject(self) -> str:
        """The patient's pseudonym.

        Raises:
            QuarantineError: no patient is known.
        """
        if not self.patient.strip(" \0\t\r\n"):
            raise QuarantineError(
                Reason.NO_PATIENT,
                "nobody says whose file this is",
                allowed="a patient's number in the file, or one given for the folder",
            )
        return self.pseudonyms.subject(self.patient, self.issuer)

    def shift(self, date: datetime.date, patient: str | None = None) -> datetime.date | None:
        """Move a date as all of the patient's dates move; ``None`` when it would leave the calendar.

        Args:
            date: the date.
            patient: the original number, for a row of a table.
        """
        if self.full_dates:
            return date
        try:
            return self.pseudonyms.shift(date, self.patient if patient is None else patient, self.issuer)
        except DataError:
            return None


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file.

    Args:
        format: ``edf``, ``nifti``, ``png``, ``jpeg``, ``tiff``, ``table``, ``report``, ``json`` ...
        modality: DICOM modality, or the like (``EEG``, ``TABLE``); ``OT`` when unknown.
        tally: actions by kind.
        facts: fields of :class:`deephealth.lake.facts.ObjectFacts` that the file tells, and more by format; only
            pseudonyms, shifted dates and values that identify nobody.
        notes: what a data steward should know, without any value.
    """

    format: str
    modality: str
    tally: Tally
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class FieldSweep:
    """Cleans the short texts of one file and counts what was done.

    A text that can't be cleaned surely comes back empty: a header field is not worth the doubt.

    Args:
        who: the file's context.
        tally: where to count.
    """

    def __init__(self, who: FileContext, tally: Tally) -> None:
        self._cleaner = who.text(who.identifiers, False)
        self._tally = tally
        self._seen: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """Return the text without identifiers."""
        found = self._seen.get(text)
        if found is None:
            cleaned = self._cleaner.clean(text) if text.strip() else None
            found = "" if cleaned is None or cleaned.doubtful else cleaned.text
            if len(self._seen) < 65_536:
                self._seen[text] = found
        if text.strip():
            self._tally[Action.KEPT if found == text else Action.CLEANED if found else Action.EMPTIED] += 1
        return found


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Write ``target`` in the block; if it fails, nothing is left of it.

    It is not flushed to disk here: targets lie in the intake's staging folder, which flushes whole batches before it
    renames them into place.

    Raises:
        StorageError: the disk is full or the folder can't be written.
    """
    with storage_errors(target, "writing a cleaned file"):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield target
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def damaged(what: str) -> QuarantineError:
    """Return the error for a file that does not hold what its format demands; ``what`` holds no value of the file."""
    return QuarantineError(Reason.UNREADABLE, what, allowed="a complete file", hint="copy it again from its source")


def too_large(what: str) -> QuarantineError:
    """Return the error for a file that asks for more than the limits."""
    return QuarantineError(Reason.TOO_LARGE, what, hint="if the file is genuine, raise the limit and take it in again")
