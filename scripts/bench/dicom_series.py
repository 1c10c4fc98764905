"""Reading a raw CT series, and scanning headers, against pydicom and SimpleITK.

``python scripts/bench/dicom_series.py [--slices 150] [--size 512] [--elements 110] [--json FILE]``

The series is made in a temporary folder, its slices in scrambled order. All peers give the same Hounsfield units, which
is checked first. "stack" is what users of pydicom write: read every file, sort by position, stack ``pixel_array``; it
does not rescale, ours and SimpleITK do.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pydicom
from peers import interleave, machine, print_table, speedup, write_json
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deephealth.io.dicom.scanning import scan
from deephealth.io.dicom.series import read_series

SORTING = ["SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient"]
SERIES = "1.2.826.0.1.3680043.10.1"


def slice_of(values: np.ndarray, at: int, elements: int) -> Dataset:
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
    made.RescaleSlope, made.RescaleIntercept, made.RescaleType = 1, -1024, "HU"
    made.WindowCenter, made.WindowWidth = 40, 400
    block = made.private_block(0x0019, "BENCH", create=True)
    for number in range(max(0, elements - len(made))):
        block.add_new(number, "LO", f"value {number}")
    made.PixelData = values.tobytes()
    made["PixelData"].VR = "OW"
    return made


def write(folder: Path, slices: int, size: int, elements: int) -> None:
    rng = np.random.default_rng(0)
    columns = np.arange(size) / 9
    for number, at in enumerate(rng.permutation(slices)):
        values = (800 + 100 * np.sin(columns + at) + rng.normal(0, 20, (size, size))).astype("u2")
        slice_of(values, int(at), elements).save_as(folder / f"{number:05d}.dcm", enforce_file_format=True)


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


def same(ours: np.ndarray, theirs: np.ndarray, peer: str) -> None:
    if not np.array_equal(ours, theirs):
        msg = f"{peer} reads other values"
        raise SystemExit(msg)


def series_peers(folder: Path, files: list[Path]) -> dict:
    peers = {
        "ours, 1 thread": lambda: read_series(folder, threads=1),
        "ours, 2 threads": lambda: read_series(folder, threads=2),
        "ours, stored values": lambda: read_series(folder, threads=1, rescale=False),
        "pydicom stack": lambda: stack(files),
    }
    ours = peers["ours, 1 thread"]().data
    same(ours, stack(files).astype(np.int32) - 1024, "pydicom")
    try:
        same(ours, simpleitk(folder), "SimpleITK")
        peers["SimpleITK"] = lambda: simpleitk(folder)
    except ImportError:
        print("SimpleITK is not installed: skipped")
    return peers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=150)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--elements", type=int, default=110)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1, help="threads of the header scan")
    parser.add_argument("--json")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, chosen.slices, chosen.size, chosen.elements)
        files = sorted(folder.iterdir())
        series = interleave(series_peers(folder, files), rounds=chosen.rounds)
        scans = interleave(
            {
                "ours": lambda: scan(files, threads=chosen.threads),
                "pydicom, 3 tags": lambda: pydicom_tags(files),
                "pydicom, whole header": lambda: [pydicom.dcmread(path, stop_before_pixels=True) for path in files],
            },
            rounds=chosen.rounds,
        )
    rows = []
    for title, times, ours in (("series", series, "ours, 1 thread"), ("scan", scans, "ours")):
        for peer, seconds in times.items():
            ratio = speedup(times[ours], seconds)
            rate = chosen.slices / float(np.median(seconds))
            rows.append([title, peer, rate, ratio["times"], ratio["low"], ratio["high"]])
    print_table(rows, ["what", "peer", "slices/s", "ours is times as fast", "from", "to"])
    write_json(chosen.json, {"machine": machine(["pydicom", "SimpleITK", "numpy"]), "series": series, "scan": scans})


if __name__ == "__main__":
    main()
