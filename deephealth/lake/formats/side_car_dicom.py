"""DICOM attributes in JSON, by keyword or in the DICOM JSON model: the profile decides as it does for DICOM files."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.context import FileContext, damaged
from deephealth.lake.profile.options import RESEARCH, Option
from deephealth.lake.profile.profile import Handling, Profile

__all__ = ["clean_keyword", "clean_model", "is_keyword", "is_model"]

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_NUMERIC = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "UV", "SV"})
_TEXTUAL = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "CS"})
_KEEP = frozenset({Handling.KEEP, Handling.UNLISTED, Handling.SHIFT, Handling.CLEAN_TEXT, Handling.UID})


def is_keyword(key: str) -> bool:
    """Return whether a key is a DICOM keyword.

    Example:
        >>> is_keyword("EchoTime"), is_keyword("MyNotes")
        (True, False)
    """
    return tag_for_keyword(key) is not None


def is_model(value: Any) -> bool:
    """Return whether a value is a dataset in the DICOM JSON model.

    Example:
        >>> is_model({"00100010": {"vr": "PN"}}), is_model({"EchoTime": 1})
        (True, False)
    """
    return (
        isinstance(value, dict)
        and bool(value)
        and all(_TAG.fullmatch(key) and isinstance(inside, dict) and "vr" in inside for key, inside in value.items())
    )


@lru_cache(maxsize=8)
def _profile(full_dates: bool, characteristics: bool, device: bool) -> Profile:
    options = set(RESEARCH)
    if full_dates:
        options = (options - {Option.MODIFIED_DATES}) | {Option.FULL_DATES}
    if not characteristics:
        options.discard(Option.PATIENT_CHARACTERISTICS)
    if device:
        options.add(Option.DEVICE)
    return Profile(options)


def _profile_of(who: FileContext) -> Profile:
    return _profile(who.full_dates, who.characteristics, who.device)


def clean_keyword(key: str, value: Any, who: FileContext, sweep: Callable[[str], str], tally: Tally) -> Any:
    """Return the value that a DICOM keyword may have in a side-car, or ``None`` when the key has to go.

    Args:
        key: the keyword.
        value: text, number, or a list of them.
        who: the file's context.
        sweep: cleans a text.
        tally: where to count.
    """
    if key == "PatientID":
        tally[Action.PSEUDONYM] += 1
        return who.subject
    if key == "AccessionNumber" and isinstance(value, str | int) and str(value).strip():
        tally[Action.PSEUDONYM] += 1
        return who.pseudonyms.accession(str(value))
    tag = tag_for_keyword(key)
    handling = _profile_of(who).action(int(tag or 0))
    if handling not in _KEEP:
        return None
    vr = dictionary_VR(int(tag or 0))
    if isinstance(value, list):
        items = [_value(item, vr, who, sweep, tally) for item in value]
        return items if all(item is not None for item in items) else None
    return _value(value, vr, who, sweep, tally)


def _value(value: Any, vr: str, who: FileContext, sweep: Callable[[str], str], tally: Tally) -> Any:
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no such numbers
        return None
    if isinstance(value, list) and len(value) < 100_000:
        return [_value(item, vr, who, sweep, tally) for item in value]
    if vr in _NUMERIC or isinstance(value, bool):
        number = isinstance(value, int | float) or (isinstance(value, str) and _is_number(value))
        tally[Action.KEPT] += number
        return value if number else None
    if isinstance(value, float) and vr in _TEXTUAL:
        return value
    return _text(str(value), vr, who, sweep, tally) if isinstance(value, str | int) else None


def _text(value: str, vr: str, who: FileContext, sweep: Callable[[str], str], tally: Tally) -> Any:
    if vr == "UI":
        tally[Action.UID] += 1
        return who.pseudonyms.uid(value)
    if vr in ("DA", "DT"):
        moved = _shifted(value, who)
        tally[Action.SHIFTED] += moved is not None
        return moved
    if vr == "TM":
        return value if re.fullmatch(r"\d{1,2}:?\d{2}(:?\d{2}(\.\d+)?)?", value.strip()) else None
    if vr == "AS":
        return _age(value)
    return sweep(value) if vr in _TEXTUAL else None


def _age(value: str) -> str | None:
    found = re.fullmatch(r"(\d{1,3})([DWMY])", value.strip())
    if not found:
        return None
    return "090Y" if found[2] == "Y" and int(found[1]) >= 90 else value


def _shifted(value: str, who: FileContext) -> str | None:
    """Move a date as DICOM (``20190301``) or ISO (``2019-03-01T10:00:00``) writes it."""
    found = re.fullmatch(r"(\d{4})(-?)(\d{2})\2(\d{2})([T ]?[\d:.]*(?:[+-]\d{2}:?\d{2}|Z)?)", value.strip())
    if not found:
        return None
    try:
        moved = who.shift(datetime.date(int(found[1]), int(found[3]), int(found[4])))
    except ValueError:
        return None
    return moved.strftime(f"%Y{found[2]}%m{found[2]}%d") + found[5] if moved else None


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text.strip()))


def clean_model(value: dict[str, Any], who: FileContext, tally: Tally) -> dict[str, Any]:
    """Return a dataset of the DICOM JSON model as the header cleaner leaves it.

    Raises:
        QuarantineError: no dataset, or no patient.
    """
    from pydicom import Dataset

    from deephealth.lake.profile.engine import HeaderCleaner

    inline = {tag: inside for tag, inside in value.items() if "BulkDataURI" not in inside}
    try:
        dataset = Dataset.from_json(inline)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged("the file is not the DICOM JSON model") from None  # pydicom's messages quote values
    dataset.PatientID = who.patient
    outcome = HeaderCleaner(_profile_of(who), who.pseudonyms).clean(dataset, who.identifiers)
    try:
        fresh: dict[str, Any] = dataset.to_json_dict()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged("a value of the DICOM JSON model is not what its representation says") from None
    tally.update(outcome.tally)
    tally[Action.REMOVED] += len(value) - len(inline)
    return fresh
