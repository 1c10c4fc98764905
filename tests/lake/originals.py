"""DICOM files as a hospital would send them, of invented patients, and small checks of a lake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from deephealth.lake.intake.report import IntakeReport
from deephealth.lake.intake.sources import FolderSource
from deephealth.lake.intake.tools import IntakeSettings
from deephealth.lake.lake import Lake
from deephealth.lake.taking_in import take_in

CT = "1.2.840.10008.5.1.4.1.1.2"
ONE = IntakeSettings(workers=1)


def original(path: Path, patient: str = "4711", *, at: int = 1, series: str = "1", **values: Any) -> Path:
    """Write one small CT slice; ``values`` are attributes by keyword."""
    root = f"1.2.826.0.1.3680043.10.{sum(map(ord, patient)) + 1}.{series}"
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.Modality, dataset.ImageType = CT, "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = root, f"{root}.1", f"{root}.1.{at}"
    dataset.FrameOfReferenceUID = f"{root}.9"
    dataset.PatientName, dataset.PatientID = f"ZWINGLI^URSINA{patient}", patient
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "19500607", "F", "065Y"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = "20150311"
    dataset.StudyTime = dataset.SeriesTime = "101112"
    dataset.AccessionNumber, dataset.StudyID, dataset.ReferringPhysicianName = "", "1", ""
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.SeriesDescription = 1, at, "Chest 3.0 mm"
    dataset.Manufacturer, dataset.BodyPartExamined, dataset.KVP = "ACME", "CHEST", 120
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, 3.0 * at], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [1, 1], 3
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.PixelRepresentation = 1, -1024, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.Rows, dataset.Columns = 16, 12, 11, 32, 32
    values_at = np.add.outer(np.arange(32), np.arange(32)) * 8 + at
    dataset.PixelData = values_at.astype("<u2").tobytes()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def intake(lake: Lake, source: Path) -> IntakeReport:
    """Take a folder in with one worker."""
    return take_in(lake, FolderSource(source), settings=ONE)


def released(lake: Lake) -> list[Dataset]:
    """Return the DICOM objects that were released, in the order of their paths."""
    return [pydicom.dcmread(path) for path in sorted(lake.folder.rawdata.rglob("*.dcm"))]


def everything(root: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
