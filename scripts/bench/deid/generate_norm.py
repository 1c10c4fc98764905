"""What PS3.15 Table E.1-1 asks of an attribute under the options assumed, as one letter group.

The basic column comes from the installed dicom-anonymizer (edition 2026c); the option columns that matter here (clean
descriptors, clean graphics, clean structured content, patient characteristics) are written down by keyword. Dates and
times of the table are changed but kept (option 113107), whatever their basic action is.
"""

from __future__ import annotations

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition
from pydicom.datadict import keyword_for_tag
from pydicom.tag import BaseTag

__all__ = ["KEEP_SEQUENCES", "SAFE_PRIVATE", "expectation"]

_COLUMNS = ("D", "U", "X_D", "X", "X_Z_D", "X_Z", "X_Z_U_STAR", "Z_D", "Z")

_CLEAN_DESCRIPTORS = frozenset(
    [
        "StudyDescription",
        "SeriesDescription",
        "AdmittingDiagnosesDescription",
        "PyramidDescription",
        "DerivationDescription",
        "IdentifyingComments",
        "MedicalAlerts",
        "Occupation",
        "AdditionalPatientHistory",
        "PatientComments",
        "AcquisitionComments",
        "ClinicalTrialTimePointDescription",
        "ClinicalTrialSeriesDescription",
        "RespiratoryMotionCompensationTechniqueDescription",
        "MultienergyAcquisitionDescription",
        "DecompositionDescription",
        "AcquisitionProtocolDescription",
        "RequestedSeriesDescription",
        "ContributionDescription",
        "PyramidLabel",
        "ImageComments",
        "FrameComments",
        "ReasonForStudy",
        "ReasonForVisit",
        "RequestedContrastAgent",
        "StudyComments",
        "DischargeDiagnosisDescription",
        "ServiceEpisodeDescription",
        "VisitComments",
        "WaveformFilterDescription",
        "FilterLookupTableDescription",
        "ScheduledProcedureStepDescription",
        "PerformedProcedureStepDescription",
        "RequestAttributesSequence",
        "CommentsOnThePerformedProcedureStep",
        "CommentsOnRadiationDose",
        "ContainerDescription",
        "SpecimenShortDescription",
        "SpecimenDetailedDescription",
        "ReasonForTheRequestedProcedure",
        "RequestedProcedureComments",
        "ReasonForTheImagingServiceRequest",
        "ImagingServiceRequestComments",
        "LongDeviceDescription",
        "StructureSetName",
        "StructureSetDescription",
        "ROIDescription",
        "ROIGenerationDescription",
        "ROIObservationLabel",
        "ROIObservationDescription",
        "RTPlanName",
        "RTPlanDescription",
        "TreatmentSites",
        "PrescriptionDescription",
        "DoseReferenceDescription",
        "FractionGroupDescription",
        "BeamDescription",
        "BolusDescription",
        "InterpretationText",
        "InterpretationDiagnosisDescription",
        "Impressions",
        "ResultsComments",
        "ContrastBolusAgent",
        "ProtocolName",
        "AcquisitionDeviceProcessingDescription",
        "TreatmentSite",
        "StructureSetLabel",
        "RTPlanLabel",
        "RequestedProcedureDescription",
        "ROIName",
        "UserContentLabel",
        "UserContentLongLabel",
        "Allergies",
        "PatientState",
        "SpecialNeeds",
        "PreMedication",
        "LabelText",
        "UnformattedTextValue",
        "EntityLongLabel",
    ]
)
_PATIENT_CHARACTERISTICS = frozenset(
    ["PatientSex", "PatientAge", "PatientSize", "PatientWeight", "EthnicGroup", "SmokingStatus", "PregnancyStatus"]
)
# Sequences the table names and an option keeps: their content is judged, not the sequence.
KEEP_SEQUENCES = frozenset(
    [
        "RequestAttributesSequence",
        "ContentSequence",
        "GraphicAnnotationSequence",
        "AcquisitionContextSequence",
        "AdmittingDiagnosesCodeSequence",
        "ReasonForRequestedProcedureCodeSequence",
        "ReasonForVisitCodeSequence",
    ]
)

# Table E.3.10-1, in part: (group, creator, element) -> (VR, a maker of values is in generate_modalities)
SAFE_PRIVATE = {
    (0x7053, "Philips PET Private Group", 0x00): "DS",
    (0x7053, "Philips PET Private Group", 0x09): "DS",
    (0x2001, "Philips Imaging DD 001", 0x03): "FL",
    (0x2005, "Philips MR Imaging DD 001", 0x0D): "FL",
    (0x2005, "Philips MR Imaging DD 001", 0x0E): "FL",
    (0x0019, "SIEMENS MR HEADER", 0x0C): "IS",
    (0x0019, "SIEMENS MR HEADER", 0x0E): "FD",
    (0x0043, "GEMS_PARM_01", 0x27): "SH",
    (0x0043, "GEMS_PARM_01", 0x39): "IS",
    (0x0019, "GEMS_ACQU_01", 0x23): "DS",
    (0x0019, "GEMS_ACQU_01", 0x27): "DS",
    (0x01F1, "ELSCINT1", 0x26): "DS",
    (0x00E1, "ELSCINT1", 0x21): "DS",
}


def _read() -> dict[int, str]:
    rows: dict[int, str] = {}
    for column in _COLUMNS:
        for tag in getattr(edition, f"{column}_TAGS"):
            if len(tag) == 2:
                rows[(tag[0] << 16) | tag[1]] = column.replace("_STAR", "*").replace("_", "/")
    return rows


_BASIC = _read()


def expectation(tag: BaseTag, vr: str) -> str:
    """Return the action asked for: X, Z, D, U, X/Z ... , C (clean text), S (shift), T (time), K (keep) or ? (unknown).

    Example:
        >>> expectation(BaseTag(0x00100010), "PN"), expectation(BaseTag(0x00081030), "LO")
        ('Z', 'C')
    """
    keyword = keyword_for_tag(tag)
    action = _repeating(tag) or _BASIC.get(int(tag))
    if action is None:
        return "K" if keyword else "?"
    if keyword in _CLEAN_DESCRIPTORS or keyword in KEEP_SEQUENCES:
        return "C"
    if keyword in _PATIENT_CHARACTERISTICS:
        return "K"
    if keyword in {"PatientBirthDate", "PatientBirthTime", "TimezoneOffsetFromUTC"}:
        return action
    return {"DA": "S", "DT": "S", "TM": "T"}.get(vr, action)


def _repeating(tag: BaseTag) -> str | None:
    """Return the action of the repeating groups of curves (50xx) and overlays (60xx,3000 and 4000)."""
    if tag.group & 0xFF00 == 0x5000 and not tag.group & 1:
        return "X"
    return "X" if tag.group & 0xFF00 == 0x6000 and tag.element in (0x3000, 0x4000) else None
