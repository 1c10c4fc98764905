"""deid with a recipe written for this job: the norm's actions, with functions of our own for dates and texts."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from peers_rules import DESCRIPTORS, known_words, scrub, shift_days, shifted

__all__ = ["deid_with_recipe", "recipe_text"]

_KEEP = {
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "EthnicGroup",
    "SmokingStatus",
    "TimezoneOffsetFromUTC",
}
_KEEP_SEQUENCES = {
    "RequestAttributesSequence",
    "ContentSequence",
    "GraphicAnnotationSequence",
    "AcquisitionContextSequence",
}


def recipe_text() -> str:
    """Return the recipe, made from the table's basic column and the options' rows."""
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition
    from pydicom.datadict import dictionary_VR, keyword_for_tag

    lines = ["FORMAT dicom", "", "%header", ""]
    done = {"PatientID", "PatientName", "SOPInstanceUID"}
    for column in ("X", "Z", "D", "X_Z", "X_D", "Z_D", "X_Z_D", "X_Z_U_STAR"):
        for tag in getattr(edition, f"{column}_TAGS"):
            keyword = keyword_for_tag(tag) if len(tag) == 2 else ""
            if not keyword or keyword in done or keyword in _KEEP | _KEEP_SEQUENCES or keyword in DESCRIPTORS:
                continue
            vr = dictionary_VR(tag)
            if vr in ("DA", "DT", "TM") and keyword not in ("PatientBirthDate", "PatientBirthTime"):
                continue
            lines.append(_line(keyword, column, vr))
    lines += ["REPLACE PatientID func:pseudonym", "REPLACE PatientName func:pseudonym"]
    lines += [f"REPLACE {keyword} func:clean" for keyword in DESCRIPTORS]
    lines += ["REPLACE select:VR:UI func:new_uid", "REPLACE select:VR:DA func:move", "REPLACE select:VR:DT func:move"]
    return "\n".join(lines) + "\n"


def _line(keyword: str, column: str, vr: str) -> str:
    if column in ("X", "X_D", "X_Z", "X_Z_D", "X_Z_U_STAR"):
        return f"REMOVE {keyword}"
    if column == "D" and vr != "SQ":
        dummy = {"UI": "func:new_uid"} | dict.fromkeys(("DS", "IS", "US", "FD", "FL"), "0")
        return f"REPLACE {keyword} {dummy.get(vr, 'ANONYMIZED')}"
    return f"BLANK {keyword}" if vr != "SQ" else f"REMOVE {keyword}"


def _new_uid(item: Any, value: Any, field: Any, dicom: Any) -> Any:
    from pydicom.uid import generate_uid

    old = field.element.value

    def one(uid: str) -> str:
        return (
            uid if str(uid).startswith("1.2.840.10008.") else str(generate_uid(prefix="2.25.", entropy_srcs=[str(uid)]))
        )

    if not old:
        return old
    return [one(uid) for uid in old] if field.element.VM > 1 else one(old)


@functools.cache
def _recipe(path: str) -> Any:
    from deid.config import DeidRecipe

    Path(path).write_text(recipe_text())
    return DeidRecipe(deid=path)


def deid_with_recipe(source: Path, target: Path, recipe: Path) -> None:
    """Run deid over one file."""
    import pydicom
    from deid.dicom.parser import DicomParser

    parser = DicomParser(str(source), recipe=_recipe(str(recipe)))
    header = pydicom.dcmread(source, stop_before_pixels=True)
    words, days = known_words(header), shift_days(str(header.get("PatientID", "")))
    name = "P" + hashlib.sha256(str(header.get("PatientID", "")).encode()).hexdigest()[:10]

    def move(item: Any, value: Any, field: Any, dicom: Any) -> Any:
        if field.element.keyword == "PatientBirthDate" or not field.element.value:
            return field.element.value
        return shifted(str(field.element.value), days)

    def clean(item: Any, value: Any, field: Any, dicom: Any) -> Any:
        return scrub(str(field.element.value or ""), words)

    parser.define("new_uid", _new_uid)
    parser.define("move", move)
    parser.define("clean", clean)
    parser.define("pseudonym", lambda item, value, field, dicom: name)
    parser.parse(strip_sequences=False, remove_private=True)
    ds = parser.dicom
    ds.preamble = b"\0" * 128
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    for keyword in ("SourceApplicationEntityTitle", "PrivateInformation", "PrivateInformationCreatorUID"):
        if keyword in ds.file_meta:
            delattr(ds.file_meta, keyword)
    ds.save_as(target)
