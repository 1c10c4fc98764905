"""Whose an object is, and everything in its header that tells so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from pydicom.dataset import Dataset

from deephealth.core.errors import QuarantineError
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.profile.dates import dates_in
from deephealth.lake.profile.elements import items_of, readings_of, text_of
from deephealth.lake.profile.table import row_of
from deephealth.lake.profile.tags import CLASS_UIDS, DICTIONARY, NUMBERS, PLACES
from deephealth.lake.profile.texts import Codec, codec_for
from deephealth.lake.reasons import Reason

__all__ = ["identifiers_of", "patient_of"]

_PATIENT_ID = 0x00100020
_SHORTEST_NUMBER, _SHORTEST_PLACE = 4, 4
_WELL_KNOWN = "1.2.840.10008."
_BY_VR = {"SQ": "items", "PN": "names"}


def patient_of(dataset: Dataset) -> str:
    """Return the hospital's number of the patient.

    Raises:
        QuarantineError: there is none, so the object can be given no pseudonym.

    Example:
        >>> dataset = Dataset()
        >>> dataset.PatientID = " 4711 "
        >>> patient_of(dataset)
        '4711'
    """
    element = dataset.get_item(_PATIENT_ID) if _PATIENT_ID in dataset else None
    number = text_of(element, codec_for(dataset))[0].strip(" \0\t\r\n") if element is not None else ""
    if not number:
        raise QuarantineError(Reason.NO_PATIENT, "the Patient ID is missing or empty")
    return number


def identifiers_of(dataset: Dataset) -> Identifiers:
    """Gather what identifies in a header, sequences included.

    Args:
        dataset: as it came.

    Returns:
        All person names, of physicians and operators too; numbers by which somebody can look the patient up; the
        dates; institutions, stations and addresses; the UIDs of objects.

    Example:
        >>> dataset = Dataset()
        >>> dataset.PatientName, dataset.AccessionNumber, dataset.StudyDate = "DOE^JANE", "A4711", "20200229"
        >>> found = identifiers_of(dataset)
        >>> sorted(found.names | found.numbers | found.dates)
        ['20200229', 'A4711', 'DOE^JANE']
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    _gather(dataset, codec_for(dataset), found)
    return Identifiers.of(**found)


def _gather(dataset: Dataset, codec: Codec, found: defaultdict[str, set[str]]) -> None:
    codec = codec_for(dataset, codec)
    for base_tag, element in list(dataset._dict.items()):
        tag = int(base_tag)
        kind = _kind(tag, element.VR or "")
        if not kind:
            continue
        if kind == "items":
            for item in items_of(dataset, tag):
                _gather(item, codec, found)
            continue
        for text, _ in readings_of(element, codec):
            found[kind].update(_values(kind, text))


def _values(kind: str, text: str) -> Iterator[str]:
    if kind == "dates":
        yield from dates_in(text)
        return
    for part in text.split("\\"):
        value = part.strip(" \0")
        if kind == "names":
            yield from (group for group in value.split("=") if group.strip(" ^"))
        elif kind == "uids":
            if value and not value.startswith(_WELL_KNOWN):
                yield value
        elif kind == "numbers":
            if len(value) >= _SHORTEST_NUMBER:
                yield value
        elif len(value) >= _SHORTEST_PLACE:
            yield value


@lru_cache(maxsize=16384)
def _kind(tag: int, vr: str) -> str:
    """Return which field of Identifiers an element belongs into, ``items`` for a sequence, ``""`` for neither."""
    if tag in NUMBERS:
        return "numbers"
    if tag in PLACES:
        return "places"
    vr = DICTIONARY[tag] or vr
    if vr in ("DA", "DT"):
        return "dates" if row_of(tag) is not None else ""
    if vr == "UI":
        return "" if tag in CLASS_UIDS or tag >> 16 == 2 else "uids"
    return _BY_VR.get(vr, "")
