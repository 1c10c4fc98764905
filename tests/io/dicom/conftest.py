"""Small DICOM files made on the spot, and those that pydicom ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

Write = Callable[..., Path]


def image(pixels: np.ndarray, *, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> Dataset:
    """Return a CT-like data set around (H, W) or (H, W, 3) pixels, or (N, H, W) with NumberOfFrames given."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = CTImageStorage
    uid = elements.get("SOPInstanceUID", generate_uid())
    meta.MediaStorageSOPInstanceUID = uid
    dataset = Dataset()
    dataset.file_meta = meta
    many = "NumberOfFrames" in elements
    shape = pixels.shape[1:] if many else pixels.shape
    colour = len(shape) == 3
    plain: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": uid,
        "Modality": "CT",
        "PatientID": "patient-1",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "Rows": shape[0],
        "Columns": shape[1],
        "SamplesPerPixel": shape[2] if colour else 1,
        "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2",
        "BitsAllocated": pixels.dtype.itemsize * 8,
        "BitsStored": pixels.dtype.itemsize * 8,
        "HighBit": pixels.dtype.itemsize * 8 - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    if colour:
        plain["PlanarConfiguration"] = 0
    for keyword, value in {**plain, **elements}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    raw = pixels.tobytes()
    if "PixelData" not in elements:
        dataset.PixelData = raw + b"\0" * (len(raw) % 2)
        dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
    return dataset


@pytest.fixture
def make_image() -> Callable[..., Dataset]:
    """The function that builds a data set around pixels."""
    return image


@pytest.fixture
def write_series(tmp_path: Path) -> Callable[..., tuple[Path, np.ndarray]]:
    """Write a series in scrambled order; returns its folder and the stored values in order of position."""

    def write(
        count: int = 5,
        size: tuple[int, int] = (6, 8),
        *,
        folder: str = "series",
        step: tuple[float, float, float] = (0.0, 0.0, 2.5),
        skip: tuple[int, ...] = (),
        change: Callable[[int, Dataset], None] | None = None,
        dtype: str = "u2",
        **elements: Any,
    ) -> tuple[Path, np.ndarray]:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        rng = np.random.default_rng(count)
        values = rng.integers(0, 4096, (count, *size)).astype(dtype)
        for number, at in enumerate(rng.permutation(count)):
            if at in skip:
                continue
            position = [round(float(start + at * by), 6) for start, by in zip((-10, -20, -30), step, strict=True)]
            plain = {
                "ImagePositionPatient": position,
                "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
                "PixelSpacing": [0.5, 0.25],
                "SliceThickness": 5,
                "InstanceNumber": int(at) + 1,
                "BitsStored": 12,
                "HighBit": 11,
                "RescaleSlope": 1,
                "RescaleIntercept": -1024,
            }
            dataset = image(values[at], **{**plain, **elements})
            if change is not None:
                change(int(at), dataset)
            dataset.save_as(place / f"{number:03d}.dcm", enforce_file_format=True)
        return place, values

    return write
