"""The answer key: an object is walked once, and each element becomes one or more actions."""

from __future__ import annotations

import re
from typing import Any

from generate_norm import KEEP_SEQUENCES, SAFE_PRIVATE, expectation
from generate_objects import Draft
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

__all__ = ["actions_of", "value_of"]

_CLASS = {
    "X": "removed",
    "X/Z": "removed",
    "X/D": "removed",
    "X/Z/D": "removed",
    "X/Z/U*": "removed",
    "Z": "emptied",
    "Z/D": "emptied",
    "D": "replaced",
}
# Attributes that say how to read the object (the encoding may change), and the one that a pixel check stamps.
_STRUCTURE = {0x00080005, 0x00080016, 0x00280004, 0x00280006, 0x00280301, 0x7FE00010, 0xFFFCFFFC}
_BINARY = {"OB", "OW", "OF", "OD", "OL", "OV", "UN"}


def value_of(element: DataElement) -> list[str]:
    """Return an element's values as strings."""
    value = element.value
    if value is None or value == "":
        return []
    if isinstance(value, (bytes, bytearray)):
        return [bytes(value).decode("latin-1")]
    many = value if element.VM > 1 and not isinstance(value, str) else [value]
    return [str(one) for one in many]


def actions_of(draft: Draft) -> list[dict[str, Any]]:
    """Return all actions of the object, without the pixels'."""
    found: list[dict[str, Any]] = []
    _walk(draft, draft.ds, "", found, False)
    for keyword, planted in draft.meta_plants.items():
        kind = "text_removed" if keyword == "preamble" else "removed"
        found.append({"class": kind, "path": f"meta:{keyword}", "go": [planted], "accept": "XZD"})
    uid = draft.ds.SOPInstanceUID
    for kind in ("uid_changed", "uid_consistent"):
        found.append({"class": kind, "path": "meta:MediaStorageSOPInstanceUID", "value": [uid]})
    return found


def _walk(draft: Draft, ds: Dataset, prefix: str, found: list[dict[str, Any]], optional: bool) -> None:
    for element in ds:
        tag = element.tag
        path = prefix + f"{int(tag):08X}"
        if tag.is_private:
            _private(ds, element, prefix, found)
        elif tag.element == 0 or (int(tag) in _STRUCTURE and int(tag) != 0xFFFCFFFC):
            continue
        elif element.VR == "SQ":
            _sequence(draft, element, path, found, optional)
        else:
            _plain(draft, element, path, found, optional)


def _private(ds: Dataset, element: DataElement, prefix: str, found: list[dict[str, Any]]) -> None:
    tag = element.tag
    if tag.is_private_creator:
        return
    creator = ds.private_creator(tag) if hasattr(ds, "private_creator") else ds[(tag.group, tag.element >> 8)].value
    path = f"{prefix}p{tag.group:04X}|{creator}|{tag.element & 0xFF:02X}"
    if (tag.group, creator, tag.element & 0xFF) in SAFE_PRIVATE:
        found.append({"class": "text_kept", "path": path, "value": value_of(element), "safe_private": True})
    else:
        found.append({"class": "removed", "path": path, "accept": "X"})


def _sequence(draft: Draft, element: DataElement, path: str, found: list[dict[str, Any]], optional: bool) -> None:
    action = expectation(element.tag, "SQ")
    if element.keyword in KEEP_SEQUENCES or action == "K":
        for index, one in enumerate(element.value or ()):
            _walk(draft, one, f"{path}[{index}]/", found, optional)
        return
    if action == "X/Z/U*":
        for index, one in enumerate(element.value or ()):
            _walk(draft, one, f"{path}[{index}]/", found, True)
        return
    leaves = sorted(_identifying(element))
    found.append({"class": _CLASS[action], "path": path, "accept": _accept(action), "go": leaves, "sequence": True})


def _identifying(element: DataElement) -> set[str]:
    """Return the values of a sequence that may not survive it (codes of public schemes may)."""
    leaves: set[str] = set()
    for one in element.value or ():
        public = str(one.get("CodingSchemeDesignator", "99")) in _PUBLIC_SCHEMES
        for inner in one:
            if inner.VR == "SQ":
                leaves |= _identifying(inner)
            elif inner.VR in {"PN", "LO", "SH", "ST", "LT", "UI", "DT"} and inner.keyword not in _CODES and not public:
                leaves.update(value for value in value_of(inner) if len(value) > 3)
    return leaves


_PUBLIC_SCHEMES = {"DCM", "SRT", "LN", "UCUM", "I10", "SCPECG"}
_CODES = {"ReferencedSOPClassUID", "CodingSchemeDesignator", "TypeOfPatientID", "ReasonForTheAttributeModification"}


def _accept(action: str) -> str:
    """Return the allowed ends as letters: X absent, Z empty, D another value."""
    if action == "X":
        return "X"
    return {"Z": "ZD", "Z/D": "ZD", "D": "D", "X/Z": "XZ", "X/D": "XD", "X/Z/D": "XZD"}[action]


def _special(
    draft: Draft, element: DataElement, action: str, base: dict[str, Any], found: list[dict[str, Any]]
) -> bool:
    """Judge the elements with rules of their own; tell whether this was one."""
    age = base["value"][0] if element.keyword == "PatientAge" else ""
    if element.tag.group & 0xFF00 in (0x5000, 0x6000) and action == "X":
        _graphics(draft, element, base, found)
    elif element.keyword in _OPEN:
        found.append({"class": "removed", **base, "value": [], "accept": "XZD", "go": [draft.subject.family[:9]]})
    elif element.keyword == "PatientBirthDateInAlternativeCalendar":
        found.append({"class": "removed", **base, "accept": "XZD"})
    elif age.endswith("Y") and int(age[:3]) > 89:
        found.append({"class": "replaced", **base, "accept": "XZD"})
    else:
        return False
    return True


def _plain(draft: Draft, element: DataElement, path: str, found: list[dict[str, Any]], optional: bool) -> None:
    values = value_of(element)
    if not values:
        return
    action = expectation(element.tag, element.VR)
    base = {"path": path, "value": values, **({"optional": True} if optional else {})}
    if _special(draft, element, action, base, found):
        return
    if element.VR == "UN" or action == "?":
        found.append({"class": "removed", **base, "accept": "X"})
    elif element.keyword == "PatientID" and "/" not in path:
        found.append({"class": "patient_consistent", **base})
        found.append({"class": "replaced", **base, "accept": "D"})
    elif action == "U":
        found.append({"class": "uid_changed", **base})
        found.append({"class": "uid_consistent", **base})
    elif action in ("S", "T"):
        found.append({"class": "date_shifted", **base, "vr": element.VR})
    elif action in _CLASS:
        found.append({"class": _CLASS[action], **base, "accept": _accept(action)})
    else:
        _kept(draft, element, base, found)


# Rows of the edition whose option column is not known here: removed, emptied and cleaned are all right.
_OPEN = {"MultiplexGroupLabel"}


def _graphics(draft: Draft, element: DataElement, base: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Curves and overlays: clean graphics allows removal and cleaning; numbers of a curve are not asked for."""
    who = draft.subject
    if element.VR in ("LO", "LT", "ST", "SH"):
        found.append({"class": "removed", **base, "value": [], "accept": "XZD", "go": [who.family, who.given]})
    elif element.VR in ("OB", "OW"):
        found.append({"class": "removed", **base, "accept": "XZD"})


def _kept(draft: Draft, element: DataElement, base: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Judge what is kept or cleaned: texts by their parts, names and dates outside the table by their kind."""
    values = base["value"]
    text = draft.texts.get("\\".join(values))
    if text is not None:
        found.append({"class": "text_removed", **base, "go": list(text.go)})
        if text.stay:
            found.append({"class": "text_kept", **base, "stay": list(text.stay)})
    elif element.VR == "PN":
        found.append({"class": "emptied", **base, "accept": "XZD"})
    elif element.VR in ("DA", "DT"):
        found.append({"class": "date_shifted", **base, "vr": element.VR})
    elif element.VR == "UI":
        kept = values[0].startswith("1.2.840.10008.")
        found.extend(
            [{"class": "text_kept", **base}]
            if kept
            else [{"class": k, **base} for k in ("uid_changed", "uid_consistent")]
        )
    elif element.VR not in _BINARY:
        found.append({"class": "text_kept", **base, "words": bool(re.search(r"[A-Za-z]{3}", values[0]))})
