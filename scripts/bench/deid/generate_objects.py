"""The modules every object shares: patient, study, series, equipment, texts, sequences, private blocks, file meta."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field
from typing import Any

from generate_norm import SAFE_PRIVATE
from generate_people import Subject
from generate_pixels import Burned, overlay_bits
from generate_text import CLEAN, Text, mixed
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

__all__ = ["Draft", "Study", "code", "item", "new_uid", "start"]


@dataclass
class Study:
    """One study of a subject."""

    subject: Subject
    when: datetime.datetime
    uid: str
    accession: str
    frame_of_reference: str
    shared: Dataset = field(default_factory=Dataset)
    texts: dict[str, Text] = field(default_factory=dict)


@dataclass
class Draft:
    """An object while it is made, with what only its maker knows about it."""

    ds: Dataset
    study: Study
    rng: random.Random
    modality: str
    texts: dict[str, Text]
    syntax: str = ExplicitVRLittleEndian
    burned: list[Burned] = field(default_factory=list)
    clean_pixels: Any = None
    optional: set[str] = field(default_factory=set)  # paths whose kept form nobody asks about
    meta_plants: dict[str, str] = field(default_factory=dict)
    lossy: bool = False

    @property
    def subject(self) -> Subject:
        """Return the person the object is of."""
        return self.study.subject

    def text(self, where: Dataset, keyword: str, *, share: float = 0.5, native: float = 0.12) -> None:
        """Give a descriptor a text: clinical only, or clinical with identifiers (``share`` of the times)."""
        vr = dictionary_VR(keyword)
        if self.rng.random() < share:
            text = mixed(
                self.subject,
                self.study.when.date(),
                self.rng,
                vr,
                native=self.subject.charset not in ("ISO_IR 100", "ISO_IR 101") and self.rng.random() < native * 3,
            )
            self.texts[text.value] = text
            value = text.value
        else:
            latin1 = self.subject.charset in ("ISO_IR 100", "ISO_IR 192", "GB18030")
            limit = {"LO": 64, "SH": 16, "CS": 16}.get(vr, 1024)
            value = self.rng.choice([one for one in CLEAN if len(one) <= limit and (one.isascii() or latin1)])
        setattr(where, keyword, value)


def new_uid(rng: random.Random) -> str:
    """Return a made-up UID under an invented root."""
    return f"1.3.6.1.4.1.99887.{rng.randint(1, 99)}.{rng.getrandbits(80)}"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a code sequence's item."""
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def item(**values: Any) -> Dataset:
    """Return a dataset with these values by keyword."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def _day(when: datetime.datetime) -> str:
    return when.strftime("%Y%m%d")


def _clock(when: datetime.datetime, rng: random.Random) -> str:
    return when.strftime("%H%M%S") + rng.choice(("", f".{rng.randint(0, 999999):06d}"))


def start(sop_class: str, modality: str, study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
    """Return a draft with the modules all objects share."""
    ds = Dataset()
    ds.SpecificCharacterSet = (
        study.subject.charset.split("\\") if "\\" in study.subject.charset else study.subject.charset
    )
    draft = Draft(ds, study, rng, modality, dict(study.texts))
    for element in study.shared:
        ds[element.tag] = element
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, new_uid(rng)
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = study.uid, series["uid"], modality
    ds.SeriesNumber, ds.InstanceNumber = series["number"], series["next"]
    series["next"] += 1
    _dates(draft)
    _equipment(draft)
    _series_texts(draft)
    _request(draft)
    _extras(draft)
    _private(draft)
    _file_meta(draft)
    return draft


def study_module(study: Study, rng: random.Random) -> None:
    """Fill the patient and study attributes, the same in all objects of the study."""
    ds, who = study.shared, study.subject
    ds.SpecificCharacterSet = who.charset.split("\\") if "\\" in who.charset else who.charset
    ds.PatientName, ds.PatientID = who.dicom_name, who.patient_id
    ds.PatientBirthDate, ds.PatientSex = who.birth.strftime("%Y%m%d"), who.sex
    years = study.when.year - who.birth.year - ((study.when.month, study.when.day) < (who.birth.month, who.birth.day))
    ds.PatientAge = f"{years:03d}Y"
    ds.PatientSize, ds.PatientWeight = f"{rng.uniform(1.4, 1.95):.2f}", f"{rng.uniform(45, 120):.1f}"
    ds.StudyID = f"{rng.randint(1000, 99999)}"
    ds.StudyDate, ds.StudyTime = _day(study.when), _clock(study.when, rng)
    ds.AccessionNumber, ds.ReferringPhysicianName = study.accession, who.referring.dicom
    draft = Draft(ds, study, rng, "", study.texts)
    draft.text(ds, "StudyDescription", share=0.45)
    _maybe_identifiers(ds, who, rng)
    for keyword, share in (
        ("AdditionalPatientHistory", 0.6),
        ("PatientComments", 0.6),
        ("StudyComments", 0.5),
        ("Occupation", 0.0),
        ("MedicalAlerts", 0.1),
        ("Allergies", 0.1),
        ("PatientState", 0.2),
        ("AdmittingDiagnosesDescription", 0.4),
        ("ReasonForStudy", 0.4),
        ("RequestedProcedureDescription", 0.4),
        ("VisitComments", 0.6),
    ):
        if rng.random() < 0.45:
            draft.text(ds, keyword, share=share)
    if "Occupation" in ds:
        ds.Occupation = rng.choice(("teacher", "farmer", "retired", "nurse"))
    if rng.random() < 0.5:
        ds.AdmittingDiagnosesCodeSequence = Sequence([code("R07.4", "I10", "Chest pain")])
    ds.SmokingStatus, ds.EthnicGroup = rng.choice(("YES", "NO", "UNKNOWN")), rng.choice(("A", "B", "C"))
    _patient_sequences(ds, who, rng)


# What texts speak of is in some header, so that a cleaner may know it.
_ALWAYS = {"PatientMotherBirthName"}


def _maybe_identifiers(ds: Dataset, who: Subject, rng: random.Random) -> None:
    """Plant the identifier elements of patient and study, each two times in three."""
    values = {
        "PatientTelephoneNumbers": who.phone,
        "PatientAddress": f"{who.address}, {who.city}",
        "OtherPatientNames": f"{who.family}-{who.mother}^{who.given}",
        "PatientBirthName": f"{who.mother}^{who.given}",
        "PatientMotherBirthName": who.mother,
        "MilitaryRank": "Sergeant",
        "BranchOfService": "Navy",
        "MedicalRecordLocator": who.other_ids[0],
        "CountryOfResidence": "Utopia",
        "RegionOfResidence": who.city,
        "PatientReligiousPreference": "none given",
        "ResponsiblePerson": f"{who.mother}^Parent",
        "ResponsibleOrganization": who.place.name,
        "IssuerOfPatientID": who.place.station,
        "InsurancePlanIdentification": f"INS{who.other_ids[0]}",
        "PatientBirthTime": "041500",
        "PhysiciansOfRecord": who.referring.dicom,
        "NameOfPhysiciansReadingStudy": who.reader.dicom,
        "RequestingPhysician": who.referring.dicom,
        "RequestingService": who.place.department,
        "AdmissionID": f"ADM{who.other_ids[0]}",
        "CurrentPatientLocation": f"Ward {who.place.department}",
        "PatientInstitutionResidence": who.city,
        "InstitutionalDepartmentName": who.place.department,
        "InstitutionAddress": who.place.address,
        "ReferringPhysicianAddress": who.place.address,
        "ReferringPhysicianTelephoneNumbers": who.place.phone,
        "OrderEnteredBy": who.operator.dicom,
        "OrderCallbackPhoneNumber": who.place.phone,
        "NamesOfIntendedRecipientsOfResults": who.referring.dicom,
        "AdmittingDate": ds.StudyDate,
        "AdmittingTime": "071500",
        "ScheduledProcedureStepStartDate": ds.StudyDate,
        "StudyArrivalDate": ds.StudyDate,
        "LastMenstrualDate": ds.StudyDate,
        "ConsultingPhysicianName": who.reader.dicom,
        "PlacerOrderNumberImagingServiceRequest": f"PL{who.other_ids[0]}",
        "FillerOrderNumberImagingServiceRequest": f"FL{who.other_ids[0]}",
        "ServiceEpisodeID": f"EP{who.other_ids[0]}",
        "PatientTelecomInformation": who.email,
        "ScheduledStudyLocation": who.place.department,
        "InterpretationAuthor": who.reader.dicom,
        "DistributionName": who.referring.dicom,
        "ClinicalTrialSubjectID": f"CT-{who.other_ids[0]}",
        "ClinicalTrialSponsorName": f"{who.place.name} Trials",
        "ClinicalTrialProtocolID": f"PR{who.other_ids[0]}",
        "ClinicalTrialSiteName": who.place.name,
    }
    if who.sex == "M":
        values.pop("LastMenstrualDate")
    for keyword, value in values.items():
        share = 0.1 if keyword.startswith("ClinicalTrial") else 1 if keyword in _ALWAYS else 0.5
        if rng.random() < share:
            setattr(ds, keyword, value[:16] if dictionary_VR(keyword) == "SH" else value)
    if rng.random() < 0.03:
        ds.PatientBirthDateInAlternativeCalendar = f"AH {who.birth.year - 579}-{who.birth.month}-{who.birth.day}"


def _patient_sequences(ds: Dataset, who: Subject, rng: random.Random) -> None:
    if rng.random() < 0.4:
        ds.OtherPatientIDs = who.other_ids
    if rng.random() < 0.4:
        ds.OtherPatientIDsSequence = Sequence([item(PatientID=one, TypeOfPatientID="TEXT") for one in who.other_ids])
    if rng.random() < 0.3:
        person = item(
            PersonIdentificationCodeSequence=Sequence(
                [code(f"D{rng.randint(10**4, 10**5)}", "99LOCAL", who.referring.family)]
            ),
            PersonTelephoneNumbers=who.place.phone,
            InstitutionName=who.place.name,
        )
        ds.ReferringPhysicianIdentificationSequence = Sequence([person])
    if rng.random() < 0.3:
        ref = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.1.1", ReferencedSOPInstanceUID=new_uid(rng))
        ds.ReferencedPatientSequence = Sequence([ref])
    if rng.random() < 0.3:
        ref = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=new_uid(rng))
        ds.ReferencedStudySequence = Sequence([ref])


def _dates(draft: Draft) -> None:
    ds, when, rng = draft.ds, draft.study.when, draft.rng
    when += datetime.timedelta(seconds=rng.randint(60, 3000))
    day, clock = _day(when), _clock(when, rng)
    values = {
        "SeriesDate": day,
        "SeriesTime": clock,
        "ContentDate": day,
        "ContentTime": _clock(when, rng),
        "InstanceCreationDate": day,
        "InstanceCreationTime": clock,
        "AcquisitionDate": day,
        "AcquisitionTime": clock,
        "AcquisitionDateTime": day + clock,
        "PerformedProcedureStepStartDate": day,
        "PerformedProcedureStepStartTime": clock,
        "PerformedProcedureStepEndDate": day,
        "DateOfLastCalibration": _day(when - datetime.timedelta(days=rng.randint(1, 400))),
        "TimeOfLastCalibration": "063000",
        "InstanceCoercionDateTime": day + clock,
        "IssueDateOfImagingServiceRequest": _day(when - datetime.timedelta(days=rng.randint(0, 9))),
    }
    for keyword, value in values.items():
        if keyword in ("ContentDate", "ContentTime", "SeriesDate") or rng.random() < 0.6:
            setattr(ds, keyword, value[:16] if dictionary_VR(keyword) == "SH" else value)
    ds.InstanceCreatorUID = new_uid(rng)


def _equipment(draft: Draft) -> None:
    ds, who, rng = draft.ds, draft.subject, draft.rng
    ds.Manufacturer = rng.choice(("SIEMENS", "GE MEDICAL SYSTEMS", "Philips Medical Systems", "TOSHIBA"))
    ds.ManufacturerModelName = rng.choice(("Model A1", "Model X", "Vision 40"))
    ds.SoftwareVersions = rng.choice(("VB17", "5.1.7", "12M5"))
    values = {
        "InstitutionName": who.place.name,
        "StationName": who.place.station,
        "OperatorsName": who.operator.dicom,
        "DeviceSerialNumber": f"SN{rng.randint(10**6, 10**7)}",
        "PerformingPhysicianName": who.reader.dicom,
        "StationAETitle": who.place.station,
        "PerformedStationName": who.place.station,
        "PerformedStationAETitle": who.place.station,
        "PerformedLocation": who.place.department,
        "PerformedProcedureStepID": f"PPS{rng.randint(10**5, 10**6)}",
        "ScheduledStationName": who.place.station,
        "GantryID": f"GANTRY{rng.randint(100, 999)}",
        "DeviceUID": new_uid(rng),
        "RetrieveAETitle": who.place.station,
        "ContentCreatorName": who.operator.dicom,
        "RequestedProcedureID": f"RP{rng.randint(10**5, 10**6)}",
        "CassetteID": f"CAS{rng.randint(10**4, 10**5)}",
        "PlateID": f"PLATE{rng.randint(10**4, 10**5)}",
        "CameraOwnerName": f"{who.given} {who.family}",
        "XRayDetectorLabel": f"DET {rng.randint(10**4, 10**5)}",
        "DeviceDescription": f"{who.place.name} main scanner",
        "SourceSerialNumber": f"S{rng.randint(10**5, 10**6)}",
    }
    rare = {"CassetteID", "PlateID", "CameraOwnerName", "XRayDetectorLabel", "DeviceDescription", "SourceSerialNumber"}
    for keyword, value in values.items():
        if rng.random() < (0.12 if keyword in rare else 0.62):
            setattr(ds, keyword, value[:16] if dictionary_VR(keyword) == "SH" else value)


def _series_texts(draft: Draft) -> None:
    ds, rng = draft.ds, draft.rng
    draft.text(ds, "SeriesDescription", share=0.4)
    chances = {
        "ProtocolName": 0.4,
        "ImageComments": 0.6,
        "PerformedProcedureStepDescription": 0.4,
        "DerivationDescription": 0.3,
        "AcquisitionComments": 0.5,
        "RequestedProcedureComments": 0.6,
        "ReasonForTheRequestedProcedure": 0.5,
        "CommentsOnThePerformedProcedureStep": 0.6,
        "ImagingServiceRequestComments": 0.6,
        "AcquisitionProtocolDescription": 0.3,
        "AcquisitionDeviceProcessingDescription": 0.2,
        "WindowCenterWidthExplanation": 0.3,
        "FilterType": 0.1,
        "ContrastBolusAgent": 0.2,
    }
    for keyword, share in chances.items():
        if rng.random() < 0.38:
            draft.text(ds, keyword, share=share)
    if "ProtocolName" not in ds and rng.random() < 0.5:
        draft.text(ds, "ProtocolName", share=0.2)


def _request(draft: Draft) -> None:
    ds, study, rng = draft.ds, draft.study, draft.rng
    if rng.random() < 0.5:
        asked = item(
            RequestedProcedureID=f"RQ{rng.randint(10**5, 10**6)}",
            ScheduledProcedureStepID=f"SP{rng.randint(10**5, 10**6)}",
        )
        draft.text(asked, "RequestedProcedureDescription", share=0.5)
        draft.text(asked, "ScheduledProcedureStepDescription", share=0.5)
        asked.AccessionNumber, asked.StudyInstanceUID = study.accession, study.uid
        ds.RequestAttributesSequence = Sequence([asked])
    if rng.random() < 0.3:
        ds.ProcedureCodeSequence = Sequence([code("P5-09051", "SRT", "Magnetic resonance imaging guidance")])
    if rng.random() < 0.25:
        before = item(PatientName=study.subject.dicom_name, PatientID=study.subject.patient_id)
        before.SpecificCharacterSet = ds.SpecificCharacterSet
        changed = item(
            ModifiedAttributesSequence=Sequence([before]),
            AttributeModificationDateTime=study.when.strftime("%Y%m%d%H%M%S"),
            ModifyingSystem=study.subject.place.station,
            SourceOfPreviousValues=study.subject.place.name,
            ReasonForTheAttributeModification="COERCE",
        )
        ds.OriginalAttributesSequence = Sequence([changed])
    if rng.random() < 0.25:
        ref = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.3", ReferencedSOPInstanceUID=new_uid(rng))
        ds.ReferencedPerformedProcedureStepSequence = Sequence([ref])


def _extras(draft: Draft) -> None:
    """Plant the rare ones: icons, curves, signatures, padding, UN elements, unknown elements."""
    ds, who, rng = draft.ds, draft.subject, draft.rng
    name = f"{who.given} {who.family}"
    if rng.random() < 0.12:
        icon = item(SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", Rows=16, Columns=16, BitsAllocated=8)
        icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 7, 0
        icon.PixelData = name.encode("latin1", "replace")[:60].ljust(256, b"\x40")
        icon["PixelData"].VR = "OB"
        ds.IconImageSequence = Sequence([icon])
    if rng.random() < 0.06:
        for tag, vr, value in (
            (0x50000005, "US", 2),
            (0x50000010, "US", 4),
            (0x50000020, "CS", "ECG"),
            (0x50000022, "LO", f"curve of {name}"),
            (0x50003000, "OW", name.encode("utf8")[:20].ljust(20)),
        ):
            ds.add_new(tag, vr, value)
    if rng.random() < 0.06:
        signed = item(
            DigitalSignatureUID=new_uid(rng), MACIDNumber=1, CertificateOfSigner=name.encode("utf8").ljust(120)
        )
        signed.DigitalSignatureDateTime = draft.study.when.strftime("%Y%m%d%H%M%S")
        ds.DigitalSignaturesSequence = Sequence([signed])
    if rng.random() < 0.1:
        ds.add_new(0xFFFCFFFC, "OB", name.encode("utf8").ljust(64, b"\0"))
    if rng.random() < 0.08:
        ds.add_new(tag_for_keyword("PersonAddress"), "UN", f"{who.address} ".encode("ascii", "ignore")[:40].ljust(40))
    if rng.random() < 0.08:
        ds.add_new(0x00189999, "UN", f"spare {name}".encode().ljust(60))
    if rng.random() < 0.06:
        ds.AcquisitionDeviceProcessingCode = f"{who.family[:12]}"
        draft.texts[ds.AcquisitionDeviceProcessingCode] = Text(who.family[:12], (who.family[:12],), ())


def add_overlay(draft: Draft, rows: int, columns: int) -> None:
    """Add an overlay plane with the name in its bits, label and comments."""
    ds, who = draft.ds, draft.subject
    for tag, vr, value in (
        (0x60000010, "US", rows),
        (0x60000011, "US", columns),
        (0x60000040, "CS", "G"),
        (0x60000050, "SS", [1, 1]),
        (0x60000100, "US", 1),
        (0x60000102, "US", 0),
        (0x60000022, "LO", f"Overlay {who.family}"),
        (0x60001500, "LO", f"Marks {who.family}"),
        (0x60004000, "LT", f"drawn for {who.given} {who.family}"),
        (0x60003000, "OW", overlay_bits(rows, columns, f"{who.family} {who.given}", draft.rng)),
    ):
        ds.add_new(tag, vr, value)
    draft.texts[f"Overlay {who.family}"] = Text("", (who.family,), ())
    draft.texts[f"Marks {who.family}"] = Text("", (who.family,), ())


_VENDOR_BLOCKS = (
    ((0x0019, "SIEMENS MR HEADER"), (0x0029, "SIEMENS CSA HEADER", 0x10, "OB")),
    ((0x0043, "GEMS_PARM_01"), (0x0009, "GEMS_IDEN_01", 0x02, "SH")),
    ((0x0019, "GEMS_ACQU_01"), (0x0025, "GEMS_SERS_01", 0x1A, "LO")),
    ((0x2001, "Philips Imaging DD 001"), (0x2001, "Local Notes 2", 0x71, "LO")),
    ((0x2005, "Philips MR Imaging DD 001"), (0x2005, "Local Notes 3", 0xE1, "LT")),
    ((0x7053, "Philips PET Private Group"), (0x7053, "Local Research Group", 0x03, "LO")),
    ((0x01F1, "ELSCINT1"), (0x07A1, "ELSCINT1", 0x71, "SH")),
    ((0x00E1, "ELSCINT1"), (0x00E3, "ELSCINT1", 0x1F, "LO")),
)


def _private(draft: Draft) -> None:
    """Plant safe private values with identifying neighbours in the same and in other blocks."""
    ds, who, rng = draft.ds, draft.subject, draft.rng
    for (group, creator), (other_group, other, offset, vr) in rng.sample(_VENDOR_BLOCKS, 2):
        block = ds.private_block(group, creator, create=True)
        for (g, c, element), kind in SAFE_PRIVATE.items():
            if (g, c) == (group, creator):
                block.add_new(element, kind, _safe_value(kind, rng))
        block.add_new(0xFE, "LO", f"{who.given} {who.family}"[:64])
        text = f"{who.family}^{who.given}"[: 16 if vr == "SH" else 60]
        value = text.encode("utf8").ljust(64, b"\0") if vr == "OB" else text
        try:
            second = ds.private_block(other_group, other, create=True)
        except ValueError:
            continue
        second.add_new(offset, vr, value)
        if rng.random() < 0.5:
            inner = item(PatientName=f"{who.family}^{who.given}", StudyDate=ds.StudyDate)
            second.add_new(0x77, "SQ", Sequence([inner]))


def _safe_value(kind: str, rng: random.Random) -> Any:
    if kind == "IS":
        return rng.randint(0, 3000)
    if kind == "FD":
        return [rng.uniform(-1, 1) for _ in range(3)]
    if kind == "FL":
        return float(rng.randint(1, 4000)) / 8
    return f"{rng.uniform(0, 9):.3f}"


def _file_meta(draft: Draft) -> None:
    who, rng = draft.subject, draft.rng
    if rng.random() < 0.4:
        draft.meta_plants["SourceApplicationEntityTitle"] = who.place.station[:16]
    if rng.random() < 0.1:
        draft.meta_plants["PrivateInformation"] = f"{who.family}^{who.given}"
    if rng.random() < 0.15:
        draft.meta_plants["preamble"] = f"{who.given} {who.family} {who.patient_id}"
