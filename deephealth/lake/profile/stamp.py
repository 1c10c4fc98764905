"""Saying in the object what was done to it: only what really was."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from deephealth.lake.profile.options import Option
from deephealth.lake.profile.table import EDITION

__all__ = ["METHOD", "stamp"]

_CODES, _METHOD, _REMOVED = Tag(0x00120064), Tag(0x00120063), Tag(0x00120062)
_BURNED_IN, _RECOGNISABLE, _TEMPORAL = Tag(0x00280301), Tag(0x00280302), Tag(0x00280303)
METHOD = f"DeepHealth data lake, DICOM PS3.15 {EDITION} Annex E"


def stamp(dataset: Dataset, executed: Iterable[Option], pixels_checked: bool = False, *, method: str = METHOD) -> None:
    """Write the de-identification stamps.

    Args:
        dataset: a cleaned object.
        executed: the options that were executed on it.
        pixels_checked: whether its pixels were searched for burned-in text, and are free of it now.
        method: how it was done; stands before nothing else, after what earlier de-identifications wrote.

    Source: DICOM PS3.15 section E.1.1; PS3.3 section C.7.1.1 (0012,0062) to (0012,0064), C.7.6.1 (0028,0301),
    C.12.1 (0028,0303).

    Example:
        >>> dataset = Dataset()
        >>> stamp(dataset, {Option.BASIC, Option.MODIFIED_DATES}, pixels_checked=True)
        >>> dataset.PatientIdentityRemoved, dataset.LongitudinalTemporalInformationModified, dataset.BurnedInAnnotation
        ('YES', 'MODIFIED', 'NO')
        >>> [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence]
        ['113100', '113107']
    """
    options = set(executed)
    _write(dataset, _REMOVED, "CS", "YES")
    if _METHOD in dataset:
        earlier = dataset.get("DeidentificationMethod") or []
        methods = [earlier] if isinstance(earlier, str) else list(earlier)
        dataset.DeidentificationMethod = [m for m in methods if m and m != method] + [method]
    else:
        _write(dataset, _METHOD, "LO", method)
    if "DeidentificationMethodCodeSequence" in dataset or dataset.original_encoding[1] is False:  # big-endian: rare
        dataset.DeidentificationMethodCodeSequence = Sequence(_codes(dataset, options))
    else:
        dataset._dict[_CODES] = _raw_codes(frozenset(options), dataset.original_encoding[0] is True)
    if pixels_checked:
        _write(dataset, _BURNED_IN, "CS", "NO")
    if Option.CLEAN_FEATURES in options:
        _write(dataset, _RECOGNISABLE, "CS", "NO")
    dates = "UNMODIFIED" if Option.FULL_DATES in options else "REMOVED"
    _write(dataset, _TEMPORAL, "CS", "MODIFIED" if Option.MODIFIED_DATES in options else dates)


def _write(dataset: Dataset, tag: BaseTag, vr: str, text: str) -> None:
    """Write a text in ASCII, as the bytes that it has in the file."""
    if text.isascii():
        dataset._dict[tag] = _raw_text(tag, vr, text, dataset.original_encoding[0] is True)
    else:
        dataset[tag] = DataElement(tag, vr, text)


@cache
def _raw_text(tag: BaseTag, vr: str, text: str, implicit: bool) -> RawDataElement:
    value = text.encode("ascii") + b" " * (len(text) % 2)
    return RawDataElement(tag, vr, len(value), value, 0, implicit, True)


def _codes(dataset: Dataset, options: set[Option]) -> list[Dataset]:
    new = {option.value for option in options}
    earlier = dataset.get("DeidentificationMethodCodeSequence") or []
    kept = [item for item in earlier if str(item.get("CodeValue", "")) not in new]
    for option in sorted(options):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = option.value, "DCM", option.meaning
        kept.append(item)
    return kept


@cache
def _raw_codes(options: frozenset[Option], implicit: bool) -> RawDataElement:
    """Return the sequence of codes as bytes: it is the same for thousands of objects."""
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, implicit
    write_sequence(stream, DataElement(_CODES, "SQ", Sequence(_codes(Dataset(), set(options)))), ["ascii"])
    value = stream.getvalue()
    return RawDataElement(_CODES, "SQ", len(value), value, 0, implicit, True)
