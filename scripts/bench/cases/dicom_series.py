"""Reading a raw CT series, and scanning headers, against pydicom and SimpleITK.

The slices lie in the folder in scrambled order. "pydicom stack" is what users of pydicom write: read every file, sort
by position, stack ``pixel_array``; it does not rescale, ours and SimpleITK do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from row import Row, made_once

from deephealth.core.optional import is_installed
from deephealth.io.dicom.scanning import scan
from deephealth.io.dicom.series import read_series

SORTING = ["SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient"]
SLICES, SIZE, ELEMENTS, INTERCEPT = 150, 512, 110, -1024
SERIES = "1.2.826.0.1.3680043.10.1"


def slice_of(values: np.ndarray, at: int) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"{SERIES}.{at + 1}"
    made = Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, f"{SERIES}.{at + 1}"
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.Modality, made.PatientID, made.PatientName = "CT", "bench", "Bench^Mark"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = SERIES + "9", SERIES, SERIES + "8"
    made.SeriesDescription, made.InstanceNumber, made.SeriesNumber = "body", at + 1, 3
    made.ImagePositionPatient = [-180.5, -170.25, round(-300 + 2.5 * at, 3)]
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.PixelSpacing, made.SliceThickness = [0.7, 0.7], 2.5
    made.Rows, made.Columns = values.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.RescaleSlope, made.RescaleIntercept, made.RescaleType = 1, INTERCEPT, "HU"
    made.WindowCenter, made.WindowWidth = 40, 400
    block = made.private_block(0x0019, "BENCH", create=True)
    for number in range(max(0, ELEMENTS - len(made))):
        block.add_new(number, "LO", f"value {number}")
    made.PixelData = values.tobytes()
    made["PixelData"].VR = "OW"
    return made


def write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    columns = np.arange(SIZE) / 9
    for number, at in enumerate(rng.permutation(SLICES)):
        values = (800 + 100 * np.sin(columns + at) + rng.normal(0, 20, (SIZE, SIZE))).astype("u2")
        slice_of(values, int(at)).save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)


def stack(files: list[Path]) -> np.ndarray:
    read = [pydicom.dcmread(path) for path in files]
    read.sort(key=lambda one: one.ImagePositionPatient[2])
    return np.stack([one.pixel_array for one in read])


def simpleitk(folder: Path) -> np.ndarray:
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return SimpleITK.GetArrayFromImage(reader.Execute())


def pydicom_tags(files: list[Path]) -> list[Dataset]:
    return [pydicom.dcmread(path, specific_tags=SORTING, stop_before_pixels=True) for path in files]


def files_of() -> tuple[Path, list[Path]]:
    """Return the folder of the series and its files."""
    warnings.simplefilter("ignore")
    folder = made_once("series", write)
    return folder, sorted(folder.iterdir())


def series_peers() -> dict[str, Callable[[], np.ndarray]]:
    """Return who reads the series; two threads are compared on two cores by the runner."""
    folder, files = files_of()
    peers = {
        "deephealth": lambda: read_series(folder).data,
        "deephealth, stored values": lambda: read_series(folder, rescale=False).data,
        "pydicom stack": lambda: stack(files),
    }
    if is_installed("SimpleITK"):
        peers["SimpleITK"] = lambda: simpleitk(folder)
    return peers


def check_series(found: Mapping[str, np.ndarray]) -> str:
    """Compare the voxels: in Hounsfield units, or stored ones with the intercept."""
    for name, voxels in found.items():
        units = voxels if name in ("deephealth", "SimpleITK") else voxels.astype(np.int32) + INTERCEPT
        assert np.array_equal(units, found["deephealth"]), f"{name} reads other values"
    return "equal"


def scan_peers() -> dict[str, Callable[[], Any]]:
    """Return who scans the headers."""
    _, files = files_of()
    return {
        "deephealth": lambda: scan(files),
        "pydicom, 3 tags": lambda: pydicom_tags(files),
        "pydicom, whole header": lambda: [pydicom.dcmread(path, stop_before_pixels=True) for path in files],
    }


def check_scan(found: Mapping[str, Any]) -> str:
    """Compare what was found of the series: its slices by number."""
    ours = sorted(int(header.values["InstanceNumber"].decode()) for header in found["deephealth"])
    assert ours == sorted(int(one.InstanceNumber) for one in found["pydicom, 3 tags"])
    return "same slices"


PACKAGES = ("pydicom", "SimpleITK")
ROWS = [
    Row(
        name="dicom-series",
        title=f"read a raw CT series of {SLICES} slices",
        peers=series_peers,
        check=check_series,
        goals={"pydicom stack": 4, "SimpleITK": 5},
        packages=PACKAGES,
    ),
    Row(
        name="dicom-scan",
        title=f"scan {SLICES} headers of {ELEMENTS} elements",
        peers=scan_peers,
        check=check_scan,
        goals={"pydicom, 3 tags": 1.5},
        packages=PACKAGES,
    ),
]
