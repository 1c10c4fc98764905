"""Makers of image objects, one per modality: technical values to keep, pixels, text burned into some of them."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from generate_objects import Draft, Study, add_overlay, code, item, new_uid, start
from generate_pixels import body, burn
from generate_text import burned_lines
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

__all__ = ["IMAGES", "plane"]

Maker = Callable[[Study, dict[str, Any], random.Random], Draft]
_UID = "1.2.840.10008.5.1.4.1.1."


def _ds(rng: random.Random, low: float, high: float, digits: int = 3) -> str:
    return f"{rng.uniform(low, high):.{digits}f}"


def plane(draft: Draft, spacing: bool = True) -> None:
    """Add the geometry of a slice."""
    ds, rng = draft.ds, draft.rng
    ds.FrameOfReferenceUID = draft.study.frame_of_reference
    ds.ImagePositionPatient = [_ds(rng, -200, 200), _ds(rng, -200, 200), _ds(rng, -900, 900)]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceThickness, ds.SliceLocation = _ds(rng, 0.5, 8), _ds(rng, -900, 900)
    ds.PositionReferenceIndicator = ""
    if spacing:
        ds.PixelSpacing = [_ds(rng, 0.3, 1.2), _ds(rng, 0.3, 1.2)]
    if rng.random() < 0.35:
        ref = item(ReferencedSOPClassUID=f"{_UID}2", ReferencedSOPInstanceUID=new_uid(rng))
        ds.ReferencedImageSequence = Sequence([ref])
    if rng.random() < 0.25:
        source = item(ReferencedSOPClassUID=f"{_UID}2", ReferencedSOPInstanceUID=new_uid(rng))
        ds.SourceImageSequence = Sequence([source])


def _monochrome(draft: Draft, picture: np.ndarray, bits: int, *, signed: bool = False, inverted: bool = False) -> None:
    """Store a picture of tones 0..1 (frames first when there are several), native."""
    ds = draft.ds
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME1" if inverted else "MONOCHROME2"
    ds.Rows, ds.Columns = picture.shape[-2:]
    allocated = 8 if bits <= 8 else 16
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = allocated, bits, bits - 1, int(signed)
    tones = 1 - picture if inverted else picture
    top = (1 << bits) - 1
    values = np.round(tones * top).astype(np.int32)
    kind = np.uint8 if allocated == 8 else np.uint16
    if signed:
        values = values - (1 << (bits - 1))
        kind = np.int16
    stored = values.astype(kind)
    if picture.ndim == 3:
        ds.NumberOfFrames = picture.shape[0]
    data = stored.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
    draft.clean_pixels = stored


def _colour(draft: Draft, frames: np.ndarray, *, jpeg: bool) -> None:
    """Store RGB frames (n, rows, columns, 3) in 0..255, native or as baseline JPEG."""
    ds = draft.ds
    ds.SamplesPerPixel, ds.PlanarConfiguration = 3, 0
    ds.Rows, ds.Columns = frames.shape[1:3]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if frames.shape[0] > 1:
        ds.NumberOfFrames = frames.shape[0]
    if not jpeg:
        ds.PhotometricInterpretation = "RGB"
        data = frames.astype(np.uint8).tobytes()
        ds.PixelData = data + b"\0" * (len(data) % 2)
        ds["PixelData"].VR = "OB"
        return
    ds.PhotometricInterpretation = "YBR_FULL_422"
    ds.LossyImageCompression, ds.LossyImageCompressionMethod, ds.LossyImageCompressionRatio = "01", "ISO_10918_1", "10"
    coded = []
    for frame in frames:
        stream = io.BytesIO()
        Image.fromarray(frame.astype(np.uint8)).save(stream, "JPEG", quality=92, subsampling=1)
        coded.append(stream.getvalue())
    ds.PixelData = encapsulate(coded)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    draft.syntax, draft.lossy = JPEGBaseline8Bit, True


def _burn(draft: Draft, picture: np.ndarray, share: float, *, size: int | None = None) -> None:
    """Write the subject's lines into the picture for ``share`` of the objects."""
    if draft.rng.random() < share:
        draft.burned = burn(
            picture, burned_lines(draft.subject, draft.study.when.date(), draft.rng), draft.rng, size=size
        )
        if draft.rng.random() < 0.6:
            draft.ds.BurnedInAnnotation = "YES"
    elif draft.rng.random() < 0.4:
        draft.ds.BurnedInAnnotation = "NO"


def _syntax(draft: Draft) -> None:
    drawn = draft.rng.random()
    if drawn < 0.2:
        draft.syntax = ImplicitVRLittleEndian
    elif drawn < 0.24:
        draft.syntax = DeflatedExplicitVRLittleEndian
    elif drawn < 0.27:
        draft.syntax = ExplicitVRBigEndian
    elif drawn < 0.37:
        draft.syntax = RLELossless


def _ct(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
    draft = start(f"{_UID}2", "CT", study, series, rng)
    ds = draft.ds
    plane(draft)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.BodyPartExamined, ds.PatientPosition, ds.ScanOptions = (
        rng.choice(("CHEST", "ABDOMEN", "HEAD")),
        "HFS",
        "HELICAL MODE",
    )
    ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime = (
        rng.choice((80, 100, 120, 140)),
        rng.randint(50, 600),
        rng.randint(300, 1500),
    )
    ds.DataCollectionDiameter, ds.ReconstructionDiameter = 500, _ds(rng, 200, 500, 1)
    ds.DistanceSourceToDetector, ds.GantryDetectorTilt, ds.TableHeight = "1085.6", 0, _ds(rng, 100, 200)
    ds.RotationDirection, ds.ConvolutionKernel, ds.FilterType = (
        "CW",
        rng.choice(("B31f", "STANDARD", "LUNG")),
        "BODY FILTER",
    )
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    ds.WindowCenter, ds.WindowWidth, ds.SpiralPitchFactor, ds.CTDIvol = 40, 400, _ds(rng, 0.5, 1.5), _ds(rng, 1, 20)
    ds.AcquisitionNumber, ds.IrradiationEventUID = rng.randint(1, 9), new_uid(rng)
    picture = body(rng, 256, 256)
    _burn(draft, picture, 0.06)
    _monochrome(draft, picture, 12, signed=rng.random() < 0.3)
    _syntax(draft)
    return draft


def _mr(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
    draft = start(f"{_UID}4", "MR", study, series, rng)
    ds = draft.ds
    plane(draft)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "SK", "SAT1", "2D"
    ds.SequenceName, ds.AngioFlag = rng.choice(("*tse2d1_15", "*fl3d1", "epfid2d1_64")), "N"
    ds.RepetitionTime, ds.EchoTime, ds.NumberOfAverages = _ds(rng, 400, 6000, 1), _ds(rng, 2, 120, 2), rng.randint(1, 4)
    ds.ImagingFrequency, ds.ImagedNucleus, ds.EchoNumbers = _ds(rng, 63, 128, 6), "1H", 1
    ds.MagneticFieldStrength, ds.EchoTrainLength, ds.FlipAngle = (
        rng.choice(("1.5", "3")),
        rng.randint(1, 30),
        rng.randint(5, 180),
    )
    ds.PercentSampling, ds.PixelBandwidth, ds.SAR = 100, rng.randint(80, 600), _ds(rng, 0.01, 3)
    ds.BodyPartExamined, ds.PatientPosition, ds.TransmitCoilName = (
        rng.choice(("BRAIN", "KNEE", "PROSTATE")),
        "HFS",
        "Body",
    )
    ds.InPlanePhaseEncodingDirection, ds.SpacingBetweenSlices = "ROW", _ds(rng, 1, 8)
    ds.WindowCenter, ds.WindowWidth = rng.randint(200, 900), rng.randint(400, 1800)
    ds.SynchronizationFrameOfReferenceUID = new_uid(rng)
    picture = body(rng, 192, 192)
    _monochrome(draft, picture, 12)
    _syntax(draft)
    return draft


def _radiograph(sop: str, modality: str, rows: int, columns: int, share: float) -> Maker:
    def make(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
        draft = start(_UID + sop, modality, study, series, rng)
        ds = draft.ds
        ds.ImageType = ["DERIVED", "PRIMARY"]
        ds.BodyPartExamined = "BREAST" if modality == "MG" else rng.choice(("CHEST", "HAND", "PELVIS", "KNEE"))
        ds.ViewPosition = rng.choice(("MLO", "CC")) if modality == "MG" else rng.choice(("PA", "AP", "LL"))
        ds.KVP, ds.ExposureTime, ds.XRayTubeCurrent = rng.randint(50, 125), rng.randint(5, 900), rng.randint(50, 500)
        ds.ExposureInuAs, ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = rng.randint(500, 9000), 1800, 1750
        ds.ImagerPixelSpacing, ds.Sensitivity, ds.PatientOrientation = (
            ["0.148", "0.148"],
            rng.randint(100, 800),
            ["L", "F"],
        )
        ds.DetectorType, ds.FieldOfViewDimensions, ds.Grid = "SCINTILLATOR", [430, 350], "IN"
        ds.EntranceDoseInmGy, ds.RelativeXRayExposure = _ds(rng, 0.1, 4), rng.randint(100, 900)
        ds.WindowCenter, ds.WindowWidth, ds.ImageLaterality = 2048, 4096, rng.choice("LR")
        ds.PresentationIntentType = "FOR PRESENTATION"
        ds.RescaleIntercept, ds.RescaleSlope, ds.PresentationLUTShape = 0, 1, "IDENTITY"
        if rng.random() < 0.5:
            ds.DetectorID = f"DET{rng.randint(10**5, 10**6)}"
            ds.DateOfLastDetectorCalibration = ds.StudyDate
        ds.ViewCodeSequence = Sequence([code("R-10206", "SRT", "antero-posterior")])
        picture = body(rng, rows, columns)
        _burn(draft, picture, share)
        _monochrome(draft, picture, rng.choice((10, 12)), inverted=modality == "CR" and rng.random() < 0.35)
        if rng.random() < 0.2:
            add_overlay(draft, rows, columns)
        _syntax(draft)
        return draft

    return make


def _ultrasound(frames: int) -> Maker:
    def make(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
        draft = start(f"{_UID}3.1" if frames > 1 else f"{_UID}6.1", "US", study, series, rng)
        ds = draft.ds
        ds.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
        ds.TransducerData, ds.TransducerType, ds.DepthOfScanField = "C5-1", "SECTOR_PHASED", rng.randint(40, 240)
        ds.MechanicalIndex, ds.SoftTissueThermalIndex, ds.HeartRate = (
            _ds(rng, 0.2, 1.6, 2),
            _ds(rng, 0.1, 2, 2),
            rng.randint(50, 110),
        )
        ds.RecommendedDisplayFrameRate, ds.NumberOfStages, ds.StageNumber = 30, 1, 1
        rows, columns = 360, 480
        region = item(
            RegionSpatialFormat=1,
            RegionDataType=1,
            RegionFlags=0,
            RegionLocationMinX0=20,
            RegionLocationMinY0=80,
            RegionLocationMaxX1=columns - 20,
            RegionLocationMaxY1=rows - 20,
            PhysicalUnitsXDirection=3,
            PhysicalUnitsYDirection=3,
            PhysicalDeltaX=rng.uniform(0.01, 0.1),
            PhysicalDeltaY=rng.uniform(0.01, 0.1),
        )
        ds.SequenceOfUltrasoundRegions = Sequence([region])
        if frames > 1:
            ds.FrameTime, ds.FrameIncrementPointer = "33.3", 0x00181063
        clean = np.stack([body(rng, rows, columns, kind="sector") for _ in range(frames)])
        written = clean[0].copy()
        _burn(draft, written, 0.65)
        picture = clean.copy()
        for one in draft.burned:
            x0, y0, x1, y1 = one.box
            picture[:, y0 - 1 : y1 + 1, x0 - 1 : x1 + 1] = written[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1]
        rgb = np.repeat((picture * 255).round().astype(np.uint8)[..., None], 3, axis=-1)
        if rng.random() < 0.25:
            _monochrome(draft, picture if frames > 1 else picture[0], 8)
            _syntax(draft)
        else:
            _colour(draft, rgb, jpeg=rng.random() < 0.4)
        return draft

    return make


def _emission(sop: str, modality: str) -> Maker:
    def make(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
        draft = start(_UID + sop, modality, study, series, rng)
        ds = draft.ds
        when = study.when
        drug = item(
            Radiopharmaceutical="Fluorodeoxyglucose",
            RadionuclideTotalDose=_ds(rng, 1e8, 5e8, 0),
            RadionuclideHalfLife="6586.2",
            RadiopharmaceuticalStartTime=when.strftime("%H%M%S"),
            RadiopharmaceuticalStartDateTime=when.strftime("%Y%m%d%H%M%S"),
        )
        ds.RadiopharmaceuticalInformationSequence = Sequence([drug])
        if modality == "PT":
            plane(draft)
            ds.SeriesType, ds.Units, ds.CountsSource, ds.DecayCorrection = (
                ["WHOLE BODY", "IMAGE"],
                "BQML",
                "EMISSION",
                "START",
            )
            ds.CorrectedImage, ds.ActualFrameDuration, ds.FrameReferenceTime = (
                ["DECY", "ATTN"],
                rng.randint(10**4, 10**6),
                _ds(rng, 0, 9e5, 1),
            )
            ds.DecayFactor, ds.RescaleSlope, ds.RescaleIntercept = _ds(rng, 1, 2, 5), _ds(rng, 0.1, 5, 5), 0
            ds.ReconstructionMethod, ds.AttenuationCorrectionMethod = "OSEM3D 4i8s", "measured"
            picture = body(rng, 128, 128)
        else:
            ds.FrameIncrementPointer = [0x00540010, 0x00540020]
            ds.EnergyWindowVector, ds.DetectorVector = [1, 1], [1, 2]
            ds.NumberOfEnergyWindows, ds.NumberOfDetectors, ds.CountsAccumulated = 1, 2, rng.randint(10**5, 10**7)
            ds.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
            ds.ActualFrameDuration = rng.randint(10**4, 10**6)
            picture = np.stack([body(rng, 160, 128) for _ in range(2)])
        ds.BodyPartExamined = "WHOLEBODY"
        _monochrome(draft, picture, 16)
        _syntax(draft)
        return draft

    return make


def _xa(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
    draft = start(f"{_UID}12.1", "XA", study, series, rng)
    ds = draft.ds
    ds.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    ds.KVP, ds.RadiationSetting, ds.CineRate, ds.FrameTime = rng.randint(60, 120), "GR", 15, "66.7"
    ds.PositionerPrimaryAngle, ds.PositionerSecondaryAngle = _ds(rng, -60, 60, 1), _ds(rng, -40, 40, 1)
    ds.PixelIntensityRelationship, ds.FrameIncrementPointer, ds.XRayTubeCurrent = (
        "LIN",
        0x00181063,
        rng.randint(100, 900),
    )
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient, ds.IntensifierSize = (
        _ds(rng, 900, 1200, 1),
        _ds(rng, 600, 800, 1),
        200,
    )
    picture = np.stack([body(rng, 256, 256) for _ in range(3)])
    _monochrome(draft, picture, 10)
    _syntax(draft)
    return draft


def _capture(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
    draft = start(f"{_UID}7", "OT", study, series, rng)
    ds, who = draft.ds, draft.subject
    ds.ConversionType = "WSD"
    ds.SecondaryCaptureDeviceManufacturer, ds.SecondaryCaptureDeviceSoftwareVersions = "Grabber", "1.0"
    ds.DateOfSecondaryCapture, ds.TimeOfSecondaryCapture = ds.StudyDate, "101112"
    ds.SecondaryCaptureDeviceID = f"SC {who.place.station}"
    ds.NominalScannedPixelSpacing = [_ds(rng, 0.1, 0.4), _ds(rng, 0.1, 0.4)]
    picture = body(rng, 384, 512, kind=rng.choice(("screen", "body")))
    _burn(draft, picture, 0.85, size=rng.randint(12, 20))
    if rng.random() < 0.5:
        _monochrome(draft, picture, 8)
        _syntax(draft)
    else:
        rgb = np.repeat((picture * 255).round().astype(np.uint8)[None, ..., None], 3, axis=-1)
        _colour(draft, rgb, jpeg=False)
    return draft


def _photo(sop: str, modality: str) -> Maker:
    def make(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
        draft = start(_UID + sop, modality, study, series, rng)
        ds = draft.ds
        ds.ImageType = ["ORIGINAL", "PRIMARY"]
        ds.AnatomicRegionSequence = Sequence([code("T-01000", "SRT", "Skin")])
        ds.FocalLengthIn35mmFilm, ds.BitDepth = rng.randint(20, 90), 8
        ds.ImageLaterality = rng.choice("LRU")
        if rng.random() < 0.3:
            ds.GPSLatitude, ds.GPSLongitude = ["48", "51", "29"], ["2", "17", "40"]
        tone = [rng.uniform(0.5, 1) for _ in range(3)]
        picture = body(rng, 240, 320)
        rgb = (picture[..., None] * np.array(tone) * 255).round().astype(np.uint8)[None]
        _colour(draft, rgb, jpeg=rng.random() < 0.6)
        return draft

    return make


def _slide(study: Study, series: dict[str, Any], rng: random.Random) -> Draft:
    draft = start(f"{_UID}77.1.6", "SM", study, series, rng)
    ds, who = draft.ds, draft.subject
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    ds.ContainerIdentifier, ds.VolumetricProperties, ds.FocusMethod = f"{study.accession}-1A", "VOLUME", "AUTO"
    ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows, ds.ImagedVolumeWidth = 128, 128, rng.uniform(1, 20)
    ds.ImagedVolumeHeight, ds.ImagedVolumeDepth, ds.ExtendedDepthOfField = (
        rng.uniform(1, 20),
        rng.uniform(0.001, 0.01),
        "NO",
    )
    ds.SpecimenLabelInImage, ds.FrameOfReferenceUID = "NO", study.frame_of_reference
    ds.BarcodeValue, ds.LabelText = f"{who.patient_id}-{rng.randint(1, 9)}", f"{who.family} {who.given}"
    from generate_text import Text

    draft.texts[ds.LabelText] = Text("", (who.family, who.given), ())
    specimen = item(SpecimenIdentifier=f"{study.accession}-S", SpecimenUID=new_uid(rng))
    draft.text(specimen, "SpecimenShortDescription", share=0.3)
    draft.text(specimen, "SpecimenDetailedDescription", share=0.6)
    ds.SpecimenDescriptionSequence = Sequence([specimen])
    optics = item(
        OpticalPathIdentifier="1",
        IlluminationTypeCodeSequence=Sequence([code("111744", "DCM", "Brightfield illumination")]),
    )
    ds.OpticalPathSequence = Sequence([optics])
    ds.DimensionOrganizationSequence = Sequence([item(DimensionOrganizationUID=new_uid(rng))])
    tiles = np.stack([body(rng, 64, 64) for _ in range(4)])
    rgb = np.stack([255 - tiles * 60, 255 - tiles * 140, 255 - tiles * 70], axis=-1).round().astype(np.uint8)
    _colour(draft, rgb, jpeg=rng.random() < 0.5)
    return draft


IMAGES: dict[str, Maker] = {
    "CT": _ct,
    "MR": _mr,
    "CR": _radiograph("1", "CR", 384, 320, 0.3),
    "DX": _radiograph("1.1", "DX", 400, 400, 0.3),
    "MG": _radiograph("1.2", "MG", 448, 320, 0.2),
    "US": _ultrasound(1),
    "USM": _ultrasound(3),
    "PT": _emission("128", "PT"),
    "NM": _emission("20", "NM"),
    "XA": _xa,
    "SC": _capture,
    "XC": _photo("77.1.4", "XC"),
    "ES": _photo("77.1.1", "ES"),
    "SM": _slide,
}
