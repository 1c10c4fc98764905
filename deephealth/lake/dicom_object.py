"""One DICOM object on its way into the lake: header, texts, pixels, stamp."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import LimitError, QuarantineError, UnreadableFileError
from deephealth.io.dicom.dataset import read_dataset
from deephealth.io.limits import Limits
from deephealth.lake.dicom_facts import facts_of
from deephealth.lake.dicom_reading import quick_read
from deephealth.lake.dicom_writing import encoded
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels.cleaner import PixelCleaner
from deephealth.lake.profile.engine import HeaderCleaner
from deephealth.lake.profile.identity import identifiers_of, patient_of
from deephealth.lake.profile.options import Option
from deephealth.lake.profile.profile import Profile
from deephealth.lake.profile.sop_classes import admission
from deephealth.lake.profile.stamp import stamp
from deephealth.lake.pseudonyms import Pseudonyms
from deephealth.lake.reasons import Reason

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

    from deephealth.lake.facts import ObjectFacts
    from deephealth.lake.pixels.cleaner import PixelOutcome
    from deephealth.lake.profile.engine import HeaderOutcome

__all__ = ["CleanObject", "DicomCleaner", "read_object"]

LIMITS = Limits(max_bytes=2 * 1024**3)
_IN_MEMORY = 64 * 1024**2
_UID = re.compile(r"(?:[0-9]+\.){3,}[0-9]+")
_STUDY, _OBJECT, _SOP_CLASS = 0x0020000D, 0x00080018, 0x00080016


@dataclass(frozen=True, slots=True)
class CleanObject:
    """A cleaned DICOM object that is not on disk yet.

    Args:
        content: the file.
        facts: for the catalogue; digest and size are still empty.
        header: what was done to the elements.
        pixels: what was done to the pixels.
        executed: codes of the options that were really executed on this object.
    """

    content: bytes
    facts: ObjectFacts
    header: HeaderOutcome
    pixels: PixelOutcome
    executed: frozenset[Option]


def read_object(path: Path, *, pixels: bool = True, content: bytes | None = None) -> FileDataset:
    """Read a DICOM file, or say why it may not enter.

    Args:
        path: the file.
        pixels: whether its pixel element is read too.
        content: all of the file, if the caller has read it already.

    Raises:
        QuarantineError: damaged, not DICOM, or above the limits.
    """
    try:
        if content is None and path.stat().st_size <= _IN_MEMORY:
            content = path.read_bytes()
    except OSError:
        content = None  # the reader below says what is wrong
    dataset = quick_read(content, pixels=pixels) if content is not None else None
    if dataset is not None:
        return dataset
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom quotes values in its warnings
            return read_dataset(path, limits=LIMITS, pixels=pixels)
    except LimitError as error:
        raise QuarantineError(Reason.TOO_LARGE, "the object is above the limit", allowed=error.allowed) from error
    except UnreadableFileError as error:
        raise QuarantineError(Reason.UNREADABLE, "the object can't be read as DICOM") from error


class DicomCleaner:
    """Cleans DICOM objects under one profile and one project's key.

    Args:
        profile: which options of PS3.15 Annex E.
        pseudonyms: of the project.
        accept: kinds of objects that the steward asked for although they often hold identifiers.

    Source: DICOM PS3.15 Annex E; section E.1.1 for the stamps.
    """

    def __init__(self, profile: Profile, pseudonyms: Pseudonyms, *, accept: frozenset[str] = frozenset()) -> None:
        self._profile, self._pseudonyms, self._accept = profile, pseudonyms, accept
        self._header = HeaderCleaner(profile, pseudonyms)
        self._pixels = PixelCleaner()

    def clean(self, path: Path, *, patient: str, identifiers: Identifiers, source: str) -> CleanObject:
        """Clean one file.

        Args:
            path: the file as it came.
            patient: whose it must be, as the first pass found it.
            identifiers: all that is known to identify that patient.
            source: keyed hash of the content.

        Raises:
            QuarantineError: it may not enter, with the reason.
        """
        dataset = read_object(path)
        self._admit(dataset)
        if patient_of(dataset) != patient:
            raise QuarantineError(Reason.MIXED_PATIENTS, "the object's patient is not the one of the first pass")
        known = identifiers or identifiers_of(dataset)
        study, uid = _uid_of(dataset, _STUDY), _uid_of(dataset, _OBJECT)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = self._clean_pixels(dataset, known)
            header = self._header.clean(dataset, known)
            executed = header.executed | ({Option.CLEAN_PIXEL} if pixels.executed else set())
            stamp(dataset, executed, pixels_checked=pixels.executed)
            content = encoded(dataset)
        facts = facts_of(
            dataset,
            self._pseudonyms,
            subject=self._pseudonyms.subject(patient),
            study_uid=study,
            object_uid=uid,
            source=source,
            pixels=pixels.status if pixels.executed or pixels.status == "none" else "unchecked",
        )
        return CleanObject(content, replace(facts, bytes=len(content)), header, pixels, frozenset(executed))

    def _admit(self, dataset: FileDataset) -> None:
        sop_class = _uid_of(dataset, _SOP_CLASS)
        verdict = admission(sop_class)
        if verdict == "unknown":
            said = sop_class if _UID.fullmatch(sop_class) else "(none)"  # anything may stand in a damaged header
            raise QuarantineError(Reason.UNKNOWN_SOP_CLASS, f"the SOP class {said} is not known")
        if verdict == "ask" and sop_class not in self._accept:
            what = f"objects of the SOP class {sop_class} were not asked for"
            raise QuarantineError(Reason.NOT_ASKED_FOR, what, hint=f"lake intake ... --accept {sop_class}")

    def _clean_pixels(self, dataset: FileDataset, identifiers: Identifiers) -> PixelOutcome:
        from deephealth.lake.pixels.cleaner import PixelOutcome

        if Option.CLEAN_PIXEL not in self._profile.options:
            return PixelOutcome(status="none" if "PixelData" not in dataset else "kept", boxes=(), executed=False)
        before = dict(dataset._dict)
        outcome = self._pixels.clean(dataset, identifiers)
        if outcome.status in ("kept", "none"):  # nothing changed: what was only looked at is written as it came
            dataset._dict.update(before)
        if outcome.status == "doubtful":
            raise QuarantineError(Reason.BURNED_IN_TEXT, outcome.reason or "text in the picture is in doubt")
        return outcome


def _uid_of(dataset: FileDataset, tag: int) -> str:
    element = dataset._dict.get(tag)  # type: ignore[call-overload]
    value = getattr(element, "value", None)
    if isinstance(value, bytes) and value.isascii() and b"\\" not in value and not value.startswith(b" "):
        return value.decode("ascii").rstrip(" \0")
    return str(dataset.get(tag).value) if element is not None else ""  # type: ignore[union-attr]
