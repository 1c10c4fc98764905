"""Makers of objects without pictures of their own, or derived from pictures: SR, SEG, RT, ECG, KO, PR."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from generate_modalities import plane
from generate_objects import Draft, Study, code, item, new_uid, start
from generate_pixels import body
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

__all__ = ["DERIVED"]

Maker = Callable[[Study, dict[str, Any], random.Random, Draft], Draft]
_UID = "1.2.840.10008.5.1.4.1.1."


def _ref(other: Draft) -> Dataset:
    return item(ReferencedSOPClassUID=other.ds.SOPClassUID, ReferencedSOPInstanceUID=other.ds.SOPInstanceUID)


def _evidence(other: Draft) -> Sequence:
    series = item(SeriesInstanceUID=other.ds.SeriesInstanceUID, ReferencedSOPSequence=Sequence([_ref(other)]))
    return Sequence([item(StudyInstanceUID=other.ds.StudyInstanceUID, ReferencedSeriesSequence=Sequence([series]))])


def _content(kind: str, concept: Dataset, relation: str = "CONTAINS", **values: Any) -> Dataset:
    return item(RelationshipType=relation, ValueType=kind, ConceptNameCodeSequence=Sequence([concept]), **values)


def _report(study: Study, series: dict[str, Any], rng: random.Random, image: Draft) -> Draft:
    draft = start(f"{_UID}88.33", "SR", study, series, rng)
    ds, who = draft.ds, draft.subject
    ds.ValueType, ds.ContinuityOfContent, ds.CompletionFlag, ds.VerificationFlag = (
        "CONTAINER",
        "SEPARATE",
        "COMPLETE",
        "VERIFIED",
    )
    ds.ConceptNameCodeSequence = Sequence([code("126000", "DCM", "Imaging Measurement Report")])
    ds.ContentTemplateSequence = Sequence([item(MappingResource="DCMR", TemplateIdentifier="1500")])
    ds.CurrentRequestedProcedureEvidenceSequence = _evidence(image)
    ds.PerformedProcedureCodeSequence = Sequence()
    stamp = study.when.strftime("%Y%m%d%H%M%S")
    verifier = item(
        VerifyingObserverName=who.reader.dicom, VerifyingOrganization=who.place.name, VerificationDateTime=stamp
    )
    ds.VerifyingObserverSequence = Sequence([verifier])
    if rng.random() < 0.5:
        author = item(ObserverType="PSN", PersonName=who.reader.dicom, InstitutionName=who.place.name)
        ds.AuthorObserverSequence = Sequence([author])
    children = [
        _content(
            "PNAME", code("121008", "DCM", "Person Observer Name"), "HAS OBS CONTEXT", PersonName=who.reader.dicom
        ),
        _content("UIDREF", code("112040", "DCM", "Tracking Unique Identifier"), UID=new_uid(rng)),
        _content("DATETIME", code("111060", "DCM", "Study Date"), DateTime=stamp),
        _content("PNAME", code("121029", "DCM", "Subject Name"), "HAS OBS CONTEXT", PersonName=who.dicom_name),
        _content("DATE", code("111018", "DCM", "Content Date"), Date=study.when.strftime("%Y%m%d")),
    ]
    for meaning in ("Finding", "Impression", "History"):
        text = _content("TEXT", code("121071", "DCM", meaning))
        draft.text(text, "TextValue", share=0.65)
        children.append(text)
    measured = item(
        NumericValue=f"{rng.uniform(1, 99):.2f}",
        MeasurementUnitsCodeSequence=Sequence([code("mm", "UCUM", "millimeter")]),
    )
    length = _content("NUM", code("G-D7FE", "SRT", "Length"), MeasuredValueSequence=Sequence([measured]))
    seen = _content(
        "IMAGE", code("121112", "DCM", "Source of Measurement"), ReferencedSOPSequence=Sequence([_ref(image)])
    )
    inner = _content("CONTAINER", code("125007", "DCM", "Measurement Group"), ContinuityOfContent="SEPARATE")
    inner.ContentSequence = Sequence([length, seen])
    ds.ContentSequence = Sequence([*children, inner])
    return draft


def _key_objects(study: Study, series: dict[str, Any], rng: random.Random, image: Draft) -> Draft:
    draft = start(f"{_UID}88.59", "KO", study, series, rng)
    ds = draft.ds
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Sequence([code("113000", "DCM", "Of Interest")])
    ds.ContentTemplateSequence = Sequence([item(MappingResource="DCMR", TemplateIdentifier="2010")])
    ds.CurrentRequestedProcedureEvidenceSequence = _evidence(image)
    note = _content("TEXT", code("113012", "DCM", "Key Object Description"))
    draft.text(note, "TextValue", share=0.7)
    seen = item(RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=Sequence([_ref(image)]))
    ds.ContentSequence = Sequence([note, seen])
    return draft


def _presentation(study: Study, series: dict[str, Any], rng: random.Random, image: Draft) -> Draft:
    draft = start(f"{_UID}11.1", "PR", study, series, rng)
    ds = draft.ds
    ds.ContentLabel, ds.PresentationCreationDate, ds.PresentationCreationTime = "MARKS", ds.StudyDate, "121314"
    ds.ContentDescription = "Marks of the reader"
    series_ref = item(SeriesInstanceUID=image.ds.SeriesInstanceUID, ReferencedImageSequence=Sequence([_ref(image)]))
    ds.ReferencedSeriesSequence = Sequence([series_ref])
    words = item(
        AnchorPoint=[rng.uniform(1, 99), rng.uniform(1, 99)],
        AnchorPointVisibility="Y",
        AnchorPointAnnotationUnits="PIXEL",
    )
    draft.text(words, "UnformattedTextValue", share=0.7)
    shape = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=2,
        GraphicType="POLYLINE",
        GraphicFilled="N",
    )
    shape.GraphicData = [rng.uniform(1, 200) for _ in range(4)]
    layer = item(GraphicLayer="LAYER1", TextObjectSequence=Sequence([words]), GraphicObjectSequence=Sequence([shape]))
    ds.GraphicAnnotationSequence = Sequence([layer])
    ds.GraphicLayerSequence = Sequence([item(GraphicLayer="LAYER1", GraphicLayerOrder=1)])
    area = item(
        DisplayedAreaTopLeftHandCorner=[1, 1],
        DisplayedAreaBottomRightHandCorner=[200, 200],
        PresentationSizeMode="SCALE TO FIT",
    )
    ds.DisplayedAreaSelectionSequence = Sequence([area])
    ds.PresentationLUTShape = "IDENTITY"
    return draft


def _segmentation(study: Study, series: dict[str, Any], rng: random.Random, image: Draft) -> Draft:
    draft = start(f"{_UID}66.4", "SEG", study, series, rng)
    ds, who = draft.ds, draft.subject
    plane(draft)
    for keyword in (
        "ReferencedImageSequence",
        "SourceImageSequence",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "SliceLocation",
    ):
        if keyword in ds:
            delattr(ds, keyword)
    ds.ImageType, ds.ContentLabel, ds.ContentDescription = ["DERIVED", "PRIMARY"], "SEGMENTATION", "Lesion mask"
    ds.DeviceSerialNumber, ds.ContentCreatorName = f"SEG{rng.randint(10**5, 10**6)}", who.reader.dicom
    ds.SegmentationType, ds.LossyImageCompression = "BINARY", "00"
    kind = item(
        SegmentNumber=1,
        SegmentLabel="Lesion",
        SegmentAlgorithmType="MANUAL",
        TrackingID="Lesion 1",
        TrackingUID=new_uid(rng),
        SegmentedPropertyCategoryCodeSequence=Sequence([code("M-01000", "SRT", "Morphologically Altered Structure")]),
        SegmentedPropertyTypeCodeSequence=Sequence([code("M-03010", "SRT", "Nodule")]),
    )
    draft.text(kind, "SegmentDescription", share=0.3)
    ds.SegmentSequence = Sequence([kind])
    ds.ReferencedSeriesSequence = Sequence(
        [item(SeriesInstanceUID=image.ds.SeriesInstanceUID, ReferencedInstanceSequence=Sequence([_ref(image)]))]
    )
    dimension = new_uid(rng)
    ds.DimensionOrganizationSequence = Sequence([item(DimensionOrganizationUID=dimension)])
    ds.DimensionIndexSequence = Sequence(
        [item(DimensionOrganizationUID=dimension, DimensionIndexPointer=0x0062000B, FunctionalGroupPointer=0x0062000A)]
    )
    frames = []
    for index in range(2):
        frame = item(FrameContentSequence=Sequence([item(DimensionIndexValues=[index + 1])]))
        frame.SegmentIdentificationSequence = Sequence([item(ReferencedSegmentNumber=1)])
        frame.PlanePositionSequence = Sequence([item(ImagePositionPatient=[0, 0, f"{rng.uniform(-90, 90):.2f}"])])
        frame.DerivationImageSequence = Sequence([item(SourceImageSequence=Sequence([_ref(image)]))])
        draft.optional.add("DerivationImageSequence")
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    mask = np.stack([body(rng, 64, 64) > 0.3 for _ in range(2)]).astype(np.uint8)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns, ds.NumberOfFrames = (
        1,
        "MONOCHROME2",
        64,
        64,
        2,
    )
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 1, 1, 0, 0
    ds.PixelData = np.packbits(mask.ravel(), bitorder="little").tobytes()
    ds["PixelData"].VR = "OB"
    return draft


def _structures(study: Study, series: dict[str, Any], rng: random.Random, image: Draft) -> Draft:
    draft = start(f"{_UID}481.3", "RTSTRUCT", study, series, rng)
    ds, who = draft.ds, draft.subject
    ds.StructureSetDate, ds.StructureSetTime = ds.StudyDate, "130000"
    draft.text(ds, "StructureSetLabel", share=0.4)
    draft.text(ds, "StructureSetName", share=0.4)
    draft.text(ds, "StructureSetDescription", share=0.6)
    contour_image = Sequence(
        [item(ContourImageSequence=Sequence([_ref(image)]), SeriesInstanceUID=image.ds.SeriesInstanceUID)]
    )
    in_study = item(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=study.uid,
        RTReferencedSeriesSequence=contour_image,
    )
    frame = item(FrameOfReferenceUID=study.frame_of_reference, RTReferencedStudySequence=Sequence([in_study]))
    ds.ReferencedFrameOfReferenceSequence = Sequence([frame])
    rois, contours, seen = [], [], []
    for number in (1, 2):
        roi = item(
            ROINumber=number, ReferencedFrameOfReferenceUID=study.frame_of_reference, ROIGenerationAlgorithm="MANUAL"
        )
        roi.ROIName = rng.choice(("PTV", "Heart", "Lung_L", "SpinalCord", "GTV 1"))
        rois.append(roi)
        points = [f"{rng.uniform(-90, 90):.2f}" for _ in range(9)]
        curve = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=3, ContourData=points)
        contours.append(
            item(ROIDisplayColor=[255, 0, number], ContourSequence=Sequence([curve]), ReferencedROINumber=number)
        )
        one = item(
            ObservationNumber=number,
            ReferencedROINumber=number,
            RTROIInterpretedType="ORGAN",
            ROIInterpreter=who.reader.dicom,
        )
        draft.text(one, "ROIObservationLabel", share=0.4)
        seen.append(one)
    ds.StructureSetROISequence, ds.ROIContourSequence = Sequence(rois), Sequence(contours)
    ds.RTROIObservationsSequence, ds.ApprovalStatus = Sequence(seen), "APPROVED"
    ds.ReviewDate, ds.ReviewTime, ds.ReviewerName = ds.StudyDate, "150000", who.reader.dicom
    draft.syntax = ImplicitVRLittleEndian
    return draft


def _plan(study: Study, series: dict[str, Any], rng: random.Random, image: Draft) -> Draft:
    draft = start(f"{_UID}481.5", "RTPLAN", study, series, rng)
    ds, who = draft.ds, draft.subject
    ds.RTPlanDate, ds.RTPlanTime, ds.RTPlanGeometry, ds.PlanIntent = ds.StudyDate, "140000", "PATIENT", "CURATIVE"
    draft.text(ds, "RTPlanLabel", share=0.4)
    draft.text(ds, "RTPlanName", share=0.4)
    draft.text(ds, "RTPlanDescription", share=0.6)
    ds.FrameOfReferenceUID = study.frame_of_reference
    dose = item(
        DoseReferenceNumber=1,
        DoseReferenceUID=new_uid(rng),
        DoseReferenceStructureType="SITE",
        TargetPrescriptionDose="60",
    )
    draft.text(dose, "DoseReferenceDescription", share=0.3)
    ds.DoseReferenceSequence = Sequence([dose])
    ds.FractionGroupSequence = Sequence(
        [item(FractionGroupNumber=1, NumberOfFractionsPlanned=rng.randint(5, 35), NumberOfBeams=1)]
    )
    point = item(
        ControlPointIndex=0, NominalBeamEnergy=6, GantryAngle=f"{rng.uniform(0, 359):.1f}", CumulativeMetersetWeight=0
    )
    beam = item(
        BeamNumber=1,
        BeamName="Beam 1",
        BeamType="STATIC",
        RadiationType="PHOTON",
        TreatmentMachineName=f"LINAC {who.place.station}"[:16],
        SourceAxisDistance=1000,
        NumberOfControlPoints=1,
        ControlPointSequence=Sequence([point]),
    )
    draft.text(beam, "BeamDescription", share=0.3)
    ds.BeamSequence = Sequence([beam])
    ds.ApprovalStatus, ds.ReviewDate, ds.ReviewTime, ds.ReviewerName = (
        "APPROVED",
        ds.StudyDate,
        "151500",
        who.reader.dicom,
    )
    ds.ReferencedStructureSetSequence = Sequence([_ref(image)])
    draft.syntax = ImplicitVRLittleEndian
    return draft


def _dose(study: Study, series: dict[str, Any], rng: random.Random, image: Draft) -> Draft:
    draft = start(f"{_UID}481.2", "RTDOSE", study, series, rng)
    ds = draft.ds
    plane(draft)
    ds.DoseUnits, ds.DoseType, ds.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    draft.text(ds, "DoseComment", share=0.4)
    ds.DoseGridScaling, ds.GridFrameOffsetVector, ds.FrameIncrementPointer = (
        f"{rng.uniform(1e-4, 1e-2):.6f}",
        [0, 2.5],
        0x3004000C,
    )
    ds.ReferencedRTPlanSequence = Sequence([_ref(image)])
    cube = np.stack([body(rng, 48, 48) for _ in range(2)])
    stored = (cube * 60000).astype(np.uint16)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns, ds.NumberOfFrames = (
        1,
        "MONOCHROME2",
        48,
        48,
        2,
    )
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OW"
    return draft


def _ecg(study: Study, series: dict[str, Any], rng: random.Random, image: Draft | None) -> Draft:
    draft = start(f"{_UID}9.1.1", "ECG", study, series, rng)
    ds = draft.ds
    ds.AcquisitionContextSequence = Sequence()
    leads = []
    for name in ("Lead I", "Lead II"):
        source = Sequence([code("5.6.3-9-1", "SCPECG", name)])
        leads.append(
            item(ChannelSourceSequence=source, ChannelSensitivity="1", WaveformBitsStored=16, ChannelBaseline="0")
        )
    signal = (np.sin(np.arange(1000) / rng.uniform(5, 15)) * 900).astype(np.int16)
    group = item(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=2,
        NumberOfWaveformSamples=500,
        SamplingFrequency="500",
        MultiplexGroupLabel=f"RHYTHM {draft.subject.family}"[:16],
        ChannelDefinitionSequence=Sequence(leads),
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
    )
    group.WaveformData = signal.tobytes()
    group["WaveformData"].VR = "OW"
    ds.WaveformSequence = Sequence([group])
    heart = item(AnnotationGroupNumber=0, NumericValue=f"{rng.randint(50, 120)}", ReferencedWaveformChannels=[1, 0])
    heart.ConceptNameCodeSequence = Sequence([code("8867-4", "LN", "Heart rate")])
    ds.WaveformAnnotationSequence = Sequence([heart])
    return draft


DERIVED: dict[str, Maker] = {
    "SR": _report,
    "KO": _key_objects,
    "PR": _presentation,
    "SEG": _segmentation,
    "RTSTRUCT": _structures,
    "RTPLAN": _plan,
    "RTDOSE": _dose,
    "ECG": _ecg,
}
