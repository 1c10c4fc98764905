"""Structured content: items whose concept says that their value identifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydicom.dataset import Dataset

from deephealth.lake.actions import Action
from deephealth.lake.profile.dummies import DUMMY_TEXT, dummy_bytes
from deephealth.lake.profile.elements import items_of, text_of
from deephealth.lake.profile.texts import Codec, codec_for

if TYPE_CHECKING:
    from deephealth.lake.profile.walk import Walk

__all__ = ["clean_content_item"]

_CONCEPT, _CODE_VALUE, _SCHEME = 0x0040A043, 0x00080100, 0x00080102
_TEXT, _DATE, _DATETIME, _NAME = 0x0040A160, 0x0040A121, 0x0040A120, 0x0040A123
_MEASURED, _NUMERIC = 0x0040A300, 0x0040A30A

_SUBJECT_NUMBER: Final = {"121030", "121031X"}
_ACCESSION: Final = {"121022"}
_BIRTH: Final = {"121031"}
_AGE: Final = {"121033"}
_IDENTIFYING: Final = {
    "121008", "121009", "121012", "121013", "121016", "121017", "121029", "121034", "121035", "121036", "121019",
    "121020", "121023", "121024", "121025", "121088", "113877", "122120",
}  # fmt: skip


def clean_content_item(walk: Walk, item: Dataset, codec: Codec) -> None:
    """Clean a content item that was walked over already: its concept may say more than its attribute.

    Measurements stay; an observer's organization, a subject's number or a device's serial number do not.

    Args:
        walk: the walk that does it.
        item: one item of a Content Sequence.
        codec: of the item's texts.

    Source: DICOM PS3.15 section E.3.5 (Clean Structured Content Option); PS3.16 TID 1001 to 1010.
    """
    code = _concept(item, codec)
    if not code:
        return
    codec = codec_for(item, codec)
    text = item._dict.get(_TEXT)
    if code in _BIRTH:
        for tag, vr in ((_DATE, "DA"), (_DATETIME, "DT")):
            if tag in item._dict:
                walk.put(item, tag, dummy_bytes(vr).decode("ascii").strip(), codec, vr)
                walk.note(tag, Action.REPLACED)
    elif code in _AGE:
        _cap(walk, item, codec)
    elif text is not None and code in _SUBJECT_NUMBER | _ACCESSION | _IDENTIFYING:
        value = text_of(text, codec)[0]
        if code in _SUBJECT_NUMBER:
            new = walk.subject.number(value)
        elif code in _ACCESSION:
            new = walk.subject.accession(value)
        else:
            new = DUMMY_TEXT
        walk.put(item, _TEXT, new, codec, "UT")
        walk.note(_TEXT, Action.REPLACED)


def _concept(item: Dataset, codec: Codec) -> str:
    if _CONCEPT not in item._dict:
        return ""
    for concept in items_of(item, _CONCEPT):
        value, scheme = concept._dict.get(_CODE_VALUE), concept._dict.get(_SCHEME)
        if value is not None and scheme is not None and text_of(scheme, codec)[0].strip(" \0") == "DCM":
            return text_of(value, codec)[0].strip(" \0")
    return ""


def _cap(walk: Walk, item: Dataset, codec: Codec) -> None:
    from deephealth.lake.profile.dates import capped_age

    units = {"a": "Y", "mo": "M", "wk": "W", "d": "D"}
    for measured in items_of(item, _MEASURED) if _MEASURED in item._dict else []:
        number = measured._dict.get(_NUMERIC)
        if number is None:
            continue
        unit = next((str(u.get("CodeValue", "a")) for u in measured.get("MeasurementUnitsCodeSequence", [])), "a")
        age = text_of(number, codec)[0].strip(" \0").partition(".")[0]
        if capped_age(f"{age}{units.get(unit, 'Y')}") == "090Y" and age not in ("90",):
            factor = {"Y": 1, "M": 12, "W": 52, "D": 365}[units.get(unit, "Y")]
            walk.put(measured, _NUMERIC, str(90 * factor), codec, "DS")
            walk.note(_NUMERIC, Action.CAPPED)
