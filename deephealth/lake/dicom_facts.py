"""What the catalogue learns of a cleaned DICOM object: read from the cleaned header, never from the original."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement

from deephealth.lake.facts import ObjectFacts
from deephealth.lake.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["facts_of"]

_AGE = re.compile(r"^0*(\d{1,3})([DWMY])$")
_LONGEST_KNOWN, _MOST_KNOWN = 256, 10_000
_KNOWN: dict[tuple[str, str | None, bool, bytes], str] = {}  # texts of values: slices of one series share most of them
_YEARS = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}


def facts_of(
    dataset: Dataset, pseudonyms: Pseudonyms, *, subject: str, study_uid: str, object_uid: str, source: str, pixels: str
) -> ObjectFacts:
    """Gather the facts of one cleaned object; size and digest of the released file are filled in by its writer.

    Args:
        dataset: the cleaned object.
        pseudonyms: of the project.
        subject: the patient's pseudonym.
        study_uid: the study's UID before it was replaced; names the session.
        object_uid: the object's UID before it was replaced; names the file.
        source: keyed hash of the content as it came.
        pixels: what the pixel check found, as in :class:`ObjectFacts`.
    """
    meta = getattr(dataset, "file_meta", None)
    return ObjectFacts(
        subject=subject,
        session=pseudonyms.session(study_uid or source),
        key=pseudonyms.code("object", object_uid or source, 16),
        format="dicom",
        modality=_text(dataset, "Modality").upper() or "OT",
        sha256="",
        bytes=0,
        source=source,
        study_uid=_text(dataset, "StudyInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        object_uid=_text(dataset, "SOPInstanceUID"),
        sop_class=_text(dataset, "SOPClassUID"),
        transfer_syntax=_text(meta, "TransferSyntaxUID") if meta is not None else "",
        body_part=_text(dataset, "BodyPartExamined").upper(),
        view=_text(dataset, "ViewPosition").upper(),
        laterality=(_text(dataset, "ImageLaterality") or _text(dataset, "Laterality")).upper(),
        manufacturer=_text(dataset, "Manufacturer"),
        model=_text(dataset, "ManufacturerModelName"),
        description=_text(dataset, "SeriesDescription"),
        protocol=_text(dataset, "ProtocolName"),
        image_type=_text(dataset, "ImageType"),
        study_date=_text(dataset, "StudyDate"),
        age=_years(_text(dataset, "PatientAge")),
        sex=_text(dataset, "PatientSex").upper(),
        series_number=_number(dataset, "SeriesNumber"),
        instance_number=_number(dataset, "InstanceNumber"),
        rows=_number(dataset, "Rows"),
        columns=_number(dataset, "Columns"),
        frames=_number(dataset, "NumberOfFrames"),
        pixels=pixels,
    )


def _text(dataset: Any, keyword: str) -> str:
    element = dataset._dict.get(_tag(keyword))
    if element is None:
        return ""
    value = element.value
    if not isinstance(element, RawDataElement) or value is None or len(value) > _LONGEST_KNOWN or not value.isascii():
        return _slowly(dataset, keyword)
    if element.VR in ("UI", None) and keyword.endswith("UID") and b"\\" not in value:
        return value.decode("ascii").strip(" \0")  # new in every object
    key = (keyword, element.VR, element.is_little_endian, value)
    known = _KNOWN.get(key)
    if known is None:
        if len(_KNOWN) > _MOST_KNOWN:
            _KNOWN.clear()
        known = _slowly(dataset, keyword)
        if b"\x1b" not in value:
            _KNOWN[key] = known
    return known


def _slowly(dataset: Any, keyword: str) -> str:
    try:
        value = dataset.get(keyword)
    except Exception:  # a value that its own VR can't hold: the file is released, the catalogue does without
        return ""
    if value is None:
        return ""
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        return "\\".join(str(part) for part in value)
    return str(value).strip(" \0")


def _number(dataset: Any, keyword: str) -> int | None:
    try:
        return int(_text(dataset, keyword))
    except ValueError:
        return None


@cache
def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword  # noqa: S101 - the keywords above are the standard's
    return tag


def _years(age: str) -> int | None:
    match = _AGE.match(age.strip().upper())
    return int(int(match[1]) / _YEARS[match[2]]) if match else None
