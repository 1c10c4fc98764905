"""dicom-anonymizer (plain, and with rules written by hand) and dicognito over one file."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom

__all__ = [
    "DESCRIPTORS",
    "dicognito",
    "dicom_anonymizer",
    "dicom_anonymizer_with_rules",
    "scrub",
    "shift_days",
    "shifted",
]

DESCRIPTORS = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "ImageComments",
    "AdditionalPatientHistory",
    "PatientComments",
    "StudyComments",
    "MedicalAlerts",
    "Allergies",
    "PatientState",
    "AdmittingDiagnosesDescription",
    "ReasonForStudy",
    "RequestedProcedureDescription",
    "VisitComments",
    "Occupation",
    "PerformedProcedureStepDescription",
    "DerivationDescription",
    "AcquisitionComments",
    "RequestedProcedureComments",
    "ReasonForTheRequestedProcedure",
    "CommentsOnThePerformedProcedureStep",
    "ImagingServiceRequestComments",
    "AcquisitionProtocolDescription",
    "AcquisitionDeviceProcessingDescription",
    "ContrastBolusAgent",
    "ScheduledProcedureStepDescription",
    "StructureSetLabel",
    "StructureSetName",
    "StructureSetDescription",
    "ROIName",
    "ROIObservationLabel",
    "RTPlanLabel",
    "RTPlanName",
    "RTPlanDescription",
    "SpecimenShortDescription",
    "SpecimenDetailedDescription",
    "BeamDescription",
    "DoseReferenceDescription",
    "UnformattedTextValue",
    "TextValue",
)
_KEPT = ("PatientSex", "PatientAge", "PatientSize", "PatientWeight", "EthnicGroup", "SmokingStatus")


def shift_days(patient: str) -> int:
    """Return one patient's shift."""
    return -(366 + int.from_bytes(hashlib.sha256(patient.encode()).digest()[:4], "big") % 3000)


def shifted(value: str, days: int) -> str:
    """Return a DA or DT value moved by whole days."""
    try:
        day = datetime.datetime.strptime(value[:8], "%Y%m%d") + datetime.timedelta(days=days)
    except ValueError:
        return ""
    return day.strftime("%Y%m%d") + value[8:]


def known_words(ds: Any) -> list[str]:
    """Return the header's own identifiers: parts of names and numbers, longest first."""
    words: set[str] = set()
    for keyword in (
        "PatientName",
        "ReferringPhysicianName",
        "OperatorsName",
        "NameOfPhysiciansReadingStudy",
        "PatientMotherBirthName",
    ):
        words.update(part for part in re.split(r"[\^= ,\\]", str(ds.get(keyword, ""))) if len(part) > 1)
    for keyword in ("PatientID", "AccessionNumber", "PatientTelephoneNumbers", "PatientAddress", "InstitutionName"):
        words.add(str(ds.get(keyword, "")))
    return sorted({word for word in words if len(word) > 1}, key=len, reverse=True)


_PATTERNS = re.compile(
    r"\d{1,2}[./-]\w{2,3}[./-]\d{2,4}|\d{4}-\d\d-\d\d|\d{1,2} [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d{1,2}, \d{4}|"
    r"\(?\d{3}\)?[ -]\d{2,3}-\d{4}|"
    r"[\w.]+@[\w.]+|\b\d{5,}\b|\b[A-Z]+-?\d{5,}\w?\b|(?<=Dr\. )[A-Z]\w+|(?<=Dr )[A-Z]\w+"
)


def scrub(text: str, words: list[str]) -> str:
    """Remove known identifiers and usual patterns from a text, as a careful recipe would."""
    for word in words:
        text = re.sub(re.escape(word), "", text, flags=re.IGNORECASE)
    return re.sub(r"\s{2,}", " ", _PATTERNS.sub("", text)).strip()


def dicom_anonymizer(source: Path, target: Path) -> None:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dicom_file, initialize_actions

    anonymize_dicom_file(str(source), str(target), base_rules_gen=lambda: initialize_actions("dicomfields_2026c"))


def keep(dataset: Any, tag: Any) -> None:
    """Leave an element as it is."""


def _changing(change: Callable[[str], str]) -> Callable[[Any, Any], None]:
    """Return a rule that puts a changed value in an element's place, where it has one."""

    def rule(dataset: Any, tag: Any) -> None:
        if dataset.get(tag) and dataset[tag].value:
            dataset[tag].value = change(str(dataset[tag].value))

    return rule


def _safe(ds: Any, element: Any) -> bool:
    """Tell whether an element is a time of day or a safe private one."""
    from generate_norm import SAFE_PRIVATE

    tag = element.tag
    if element.VR == "TM":
        return bool(element.keyword != "PatientBirthTime")
    if not tag.is_private or tag.is_private_creator:
        return False
    creator = ds.get((tag.group, tag.element >> 8))
    return creator is not None and (tag.group, str(creator.value), tag.element & 0xFF) in SAFE_PRIVATE


def _rules(ds: Any) -> dict[tuple[int, int], Callable[[Any, Any], None]]:
    """Return the rules written by hand for one file: dates shifted, texts scrubbed, characteristics kept."""
    from pydicom.tag import Tag

    words, days = known_words(ds), shift_days(str(ds.get("PatientID", "")))
    pseudonym = "P" + hashlib.sha256(str(ds.get("PatientID", "")).encode()).hexdigest()[:10]

    clean = _changing(lambda value: scrub(value, words))
    move = _changing(lambda value: shifted(value, days))
    rules: dict[tuple[int, int], Callable[[Any, Any], None]] = {}
    for element in ds:
        key = (element.tag.group, element.tag.element)
        if element.VR in ("DA", "DT") and element.keyword != "PatientBirthDate":
            rules[key] = move
        elif _safe(ds, element):
            rules[key] = keep
    for keywords, rule in ((_KEPT, keep), (DESCRIPTORS, clean)):
        for tag in map(Tag, keywords):
            rules[(tag.group, tag.element)] = rule
    rules[(0x0010, 0x0020)] = _changing(lambda value: pseudonym)
    rules[(0x0002, 0x0016)] = lambda dataset, tag: dataset.pop(tag, None)
    return rules


def dicom_anonymizer_with_rules(source: Path, target: Path) -> None:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset, initialize_actions

    ds = pydicom.dcmread(source)
    anonymize_dataset(ds, _rules(ds), True, lambda: initialize_actions("dicomfields_2026c"))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.save_as(target)


def dicognito(anonymizer: Any, source: Path, target: Path) -> None:
    ds = pydicom.dcmread(source)
    anonymizer.anonymize(ds)
    ds.save_as(target)
