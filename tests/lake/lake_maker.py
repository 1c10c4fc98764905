"""A small lake for tests: de-identified objects as the intake would have left them, with pydicom-made files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from deephealth.lake.facts import ObjectFacts
from deephealth.lake.folder import LakeFolder
from deephealth.lake.layout.names import place
from deephealth.lake.layout.published import Entry

SOP_CLASSES = {
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "XC": "1.2.840.10008.5.1.4.1.1.77.1.4",
    "ES": "1.2.840.10008.5.1.4.1.1.77.1.1",
}


def digits(*parts: object, count: int = 16) -> str:
    """Return a stand-in for a pseudonym."""
    text = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest().upper()
    return text[:count]


class LakeMaker:
    """Writes objects into a lake, one by one.

    Args:
        root: the lake.
        dataset: name of the data set.
    """

    def __init__(self, root: Path, dataset: str = "demo") -> None:
        self.lake, self.dataset = LakeFolder(root), dataset
        self.entries: list[Entry] = []

    def add(self, facts: ObjectFacts, content: bytes, suffix: str = "") -> Entry:
        """Put a file into its place."""
        digest = hashlib.sha256(content).hexdigest()
        facts = replace(facts, sha256=digest, bytes=len(content))
        path = f"rawdata/{self.dataset}/{place(facts, suffix)}"
        target = self.lake.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        entry = Entry(facts, self.dataset, path)
        self.entries.append(entry)
        return entry

    def series(
        self,
        patient: str,
        modality: str,
        *,
        visit: str = "1",
        number: int = 1,
        body_part: str = "",
        description: str = "",
        view: str = "",
        slices: int = 4,
        size: int = 16,
        color: bool = False,
        **facts: object,
    ) -> list[Entry]:
        """Write a series of ``slices`` objects."""
        subject, session = digits("p", patient), digits("v", patient, visit, count=12)
        study, series = (generate_uid("2.25.", [patient, visit, *rest]) for rest in ((), (modality, str(number))))
        made = []
        for at in range(slices):
            dataset = _header(modality, study, series, at)
            dataset.PatientID = dataset.PatientName = subject
            dataset.SeriesNumber, dataset.SeriesDescription, dataset.BodyPartExamined = number, description, body_part
            _pixels(dataset, size, color, seed=number * 1000 + at)
            self_facts = ObjectFacts(
                subject, session, digits("o", dataset.SOPInstanceUID), "dicom", modality, "", 0, digits("s", at),
                study, series, str(dataset.SOPInstanceUID), SOP_CLASSES[modality], ExplicitVRLittleEndian, body_part,
                view, "", "ACME", "One", description, series_number=number, instance_number=at + 1, rows=size,
                columns=size, study_date="20150311", pixels="kept", image_type="ORIGINAL\\PRIMARY",
            )  # fmt: skip
            made.append(self.add(replace(self_facts, **facts), _bytes(dataset)))  # type: ignore[arg-type]
        return made


def _header(modality: str, study: str, series: str, at: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SOP_CLASSES[modality]
    dataset.SOPInstanceUID = generate_uid("2.25.", [series, str(at)])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, series
    dataset.Modality, dataset.Manufacturer, dataset.ImageType = modality, "ACME", ["ORIGINAL", "PRIMARY", "M"]
    dataset.StudyDate, dataset.StudyTime, dataset.AcquisitionTime = "20150311", "101112", "101112"
    dataset.InstanceNumber, dataset.AcquisitionNumber = at + 1, 1
    if modality in {"MR", "CT"}:
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, 3.0 * at], [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness, dataset.SpacingBetweenSlices = [1, 1], 3, 3
        dataset.PatientPosition = "HFS"
    if modality == "MR":
        dataset.ScanningSequence, dataset.SequenceVariant, dataset.MRAcquisitionType = "SE", "SK", "2D"
        dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle, dataset.MagneticFieldStrength = 500, 10, 90, 1.5
    if modality == "CT":
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.KVP = 1, -1024, 120
    return dataset


def _pixels(dataset: Dataset, size: int, color: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    dataset.Rows = dataset.Columns = size
    dataset.PixelRepresentation = 0
    if color:
        values: np.ndarray = random.integers(0, 255, (size, size, 3), dtype=np.uint8)
        dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PhotometricInterpretation = 3, 0, "RGB"
        dataset.BitsAllocated = dataset.BitsStored = 8
    else:
        values = random.integers(0, 4096, (size, size), dtype=np.uint16)
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored = 16, 12
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = values.tobytes()


def _bytes(dataset: Dataset) -> bytes:
    stream = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return bytes(stream.getvalue())
