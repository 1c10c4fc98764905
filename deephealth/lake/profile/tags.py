"""Attributes by what they hold, where neither the table nor the representation says it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydicom.datadict import get_entry, tag_for_keyword

from deephealth.lake.profile.table import row_of

__all__ = [
    "CLASS_UIDS",
    "DICTIONARY",
    "NUMBERS",
    "PLACES",
    "PUBLISHED_DATES",
    "REMOVED_TOO",
    "dictionary",
    "is_descriptive",
]


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag for word in keywords.split() if (tag := tag_for_keyword(word)) is not None)


CLASS_UIDS: Final = _tags(
    "SOPClassUID RelatedGeneralSOPClassUID OriginalSpecializedSOPClassUID SOPClassesInStudy ReferencedSOPClassUID "
    "SOPClassesSupported AffectedSOPClassUID RequestedSOPClassUID ReferencedSOPClassUIDInFile "
    "ReferencedRelatedGeneralSOPClassUIDInFile ReferencedTransferSyntaxUIDInFile TransferSyntaxUID "
    "AvailableTransferSyntaxUID CodingSchemeUID ContextUID MappingResourceUID EncryptedContentTransferSyntaxUID "
    "MACCalculationTransferSyntaxUID ImplementationClassUID MediaStorageSOPClassUID SOPClassesInSeries"
)
"""UIDs that name kinds of things, never things."""

PUBLISHED_DATES: Final = _tags("ContextGroupVersion TemplateVersion")
"""Editions of published lists: moving a date that anybody can look up would give the shift away."""

REMOVED_TOO: Final = _tags(
    "IssuerOfPatientIDQualifiersSequence IssuerOfAccessionNumberSequence PatientBirthDateInAlternativeCalendar "
    "PatientDeathDateInAlternativeCalendar BreedRegistrationSequence OrderPlacerIdentifierSequence "
    "OrderFillerIdentifierSequence AssigningFacilitySequence AssigningJurisdictionCodeSequence "
    "AssigningAgencyOrDepartmentCodeSequence RequestingServiceCodeSequence RetrieveURL RetrieveURI "
    "PixelDataProviderURL StorageURL HL7InstanceIdentifier HL7StructuredDocumentReferenceSequence "
    "LocalNamespaceEntityID UniversalEntityID"
)
"""Attributes that the table leaves out and that lead to a patient or a hospital."""

NUMBERS: Final = _tags(
    "PatientID OtherPatientIDs AccessionNumber InsurancePlanIdentification MedicalRecordLocator "
    "PatientTelephoneNumbers PatientTelecomInformation ReferringPhysicianTelephoneNumbers PersonTelephoneNumbers "
    "PersonTelecomInformation OrderCallbackPhoneNumber OrderCallbackTelecomInformation TelephoneNumberTrial "
    "AdmissionID ServiceEpisodeID StudyID RequestedProcedureID ScheduledProcedureStepID PerformedProcedureStepID "
    "PlacerOrderNumberImagingServiceRequest FillerOrderNumberImagingServiceRequest "
    "DeviceSerialNumber ClinicalTrialSubjectID ClinicalTrialSubjectReadingID SpecimenAccessionNumber "
    "SpecimenIdentifier ContainerIdentifier SlideIdentifier BarcodeValue ResultsID InterpretationID LensSerialNumber "
    "HL7InstanceIdentifier ClinicalTrialProtocolID BreedRegistrationNumber"
)
"""Numbers by which somebody can look a patient up."""

PLACES: Final = _tags(
    "InstitutionName InstitutionAddress InstitutionalDepartmentName StationName PatientAddress "
    "ReferringPhysicianAddress PersonAddress CurrentPatientLocation PatientInstitutionResidence "
    "ScheduledPatientInstitutionResidence PerformedLocation ScheduledStudyLocation ScheduledProcedureStepLocation "
    "RequestedProcedureLocation OrderEntererLocation ScheduledStationName PerformedStationName StationAETitle "
    "ScheduledStationAETitle PerformedStationAETitle RetrieveAETitle RequestingService ResponsibleOrganization "
    "HumanPerformerOrganization VerifyingOrganization ClinicalTrialSiteName ClinicalTrialCoordinatingCenterName "
    "ClinicalTrialSponsorName IssuerOfPatientID IssuerOfAdmissionID DistributionAddress AddressTrial CameraOwnerName"
)
"""Places and organisations that lead to a patient or a hospital."""

_DESCRIPTIVE: Final = (
    "Description",
    "Comment",
    "Note",
    "Label",
    "Reason",
    "History",
    "Title",
    "Narrative",
    "Explanation",
)


_NEWER: Final = {
    0x00081301: "SQ", 0x00081302: "SQ", 0x00081303: "SQ", 0x00081304: "SQ", 0x00100011: "SQ", 0x00100012: "LT",
    0x00100013: "LT", 0x00100014: "SQ", 0x00100015: "SQ", 0x00100016: "LT", 0x00100041: "SQ", 0x00100042: "LT",
    0x00100043: "SQ", 0x00100044: "SQ", 0x00100045: "LT", 0x00100046: "SQ", 0x00100047: "UR", 0x00102162: "UC",
    0x0040A034: "DT", 0x0040A035: "DT", 0x0040B034: "DT", 0x0040B036: "DT", 0x0040B03B: "LO", 0x0040B03F: "LO",
    0x0040E012: "UR",
}  # fmt: skip
"""Attributes of the table that pydicom's dictionary may not have yet."""


class _Dictionary(dict[int, str]):
    """Representation of each standard attribute, ``""`` for what the standard does not know."""

    def __missing__(self, tag: int) -> str:
        try:
            vr = str(get_entry(tag)[0])
        except KeyError:
            vr = _NEWER.get(tag, "")
        self[tag] = vr if len(vr) == 2 else vr[:2] if vr[:2] in ("US", "OB", "OW") else ""
        return self[tag]


DICTIONARY: Final = _Dictionary()


def dictionary(tag: int) -> str:
    """Return the representation that the standard gives an attribute.

    Returns:
        ``""`` for an attribute that is not in the dictionary; ``US`` or ``OB`` where the standard leaves a choice.

    Source: DICOM PS3.6.

    Example:
        >>> dictionary(0x00100010), dictionary(0x00280106), dictionary(0x00111001)
        ('PN', 'US', '')
    """
    return DICTIONARY[tag]


@lru_cache(maxsize=8192)
def is_descriptive(tag: int) -> bool:
    """Whether people write sentences into an attribute, by its keyword or the table's word for it.

    Example:
        >>> is_descriptive(0x00081030), is_descriptive(0x00080070)
        (True, False)
    """
    try:
        name = str(get_entry(tag)[2])
    except KeyError:
        row = row_of(tag)
        name = row.name if row else ""
    return any(word in name for word in _DESCRIPTIVE)
