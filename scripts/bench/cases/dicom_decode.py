"""Decoding DICOM frames: five transfer syntaxes against each plugin, and YBR ultrasound.

Frames are 12-bit CT-like slices of one multi-frame file. Every peer starts from the file and ends with one array of all
frames; a plugin is called for each frame directly, with nothing of pydicom's checks around it, which is the fastest it
can be. The ultrasound loop is JPEG with YBR_FULL_422, which pydicom turns to RGB by default; ours keeps it until asked.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import CTImageStorage, UltrasoundMultiFrameImageStorage
from row import Row, made_once

from deephealth.io.backend import Backend
from deephealth.io.dicom.codestream import probe
from deephealth.io.dicom.decoders import DECODERS
from deephealth.io.dicom.layout import layout_of_dataset
from deephealth.io.dicom.pixels import read_pixels

BASE = "1.2.840.10008.1.2."
FRAMES, SIZE = 24, 512


def rle(values: np.ndarray) -> bytes:
    return RLELosslessEncoder.encode(
        values,
        rows=values.shape[0],
        columns=values.shape[1],
        number_of_frames=1,
        samples_per_pixel=1,
        bits_allocated=16,
        bits_stored=12,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
        encoding_plugin="pydicom",
    )


SYNTAXES: dict[str, tuple[str, str, Callable[[np.ndarray], bytes]]] = {
    "JPEG-LS": ("jpeg-ls", "4.80", imagecodecs.jpegls_encode),
    "JPEG 2000": (
        "jpeg2000",
        "4.90",
        lambda values: imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True),
    ),
    "HTJ2K": ("htj2k-lossless", "4.201", lambda values: imagecodecs.htj2k_encode(values, reversible=True)),
    "JPEG lossless": ("jpeg-lossless", "4.70", lambda values: imagecodecs.ljpeg_encode(values, bitspersample=12)),
    "RLE": ("rle", "5", rle),
}


def ct(frames: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size]
    made = []
    for at in range(frames):
        smooth = 1000 + 600 * np.sin((columns + 9 * at) / 40) * np.cos(rows / 55)
        smooth += 300 * ((columns - size / 2) ** 2 + (rows - size / 2) ** 2 < (size / 3) ** 2)
        made.append(np.clip(smooth + rng.normal(0, 25, smooth.shape), 0, 4095))
    return np.stack(made).astype("u2")


def write(path: Path, frames: list[bytes], values: np.ndarray, syntax: str, **elements: object) -> None:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = BASE + syntax
    colour = values.ndim == 4
    plain = {
        "SOPClassUID": UltrasoundMultiFrameImageStorage if colour else CTImageStorage,
        "SOPInstanceUID": "1.2.3",
        "NumberOfFrames": len(frames),
        "Rows": values.shape[1],
        "Columns": values.shape[2],
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": values.dtype.itemsize * 8,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelData": encapsulate(frames),
    }
    for keyword, value in {**plain, **elements}.items():
        setattr(made, keyword, value)
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made["PixelData"].VR = "OB"
    made.save_as(path, enforce_file_format=True)


def plugins(path: Path, family: str, count: int) -> dict[str, Callable[[], np.ndarray]]:
    """Return for each installed plugin a call that decodes all frames one after the other."""
    found: dict[str, Callable[[], np.ndarray]] = {}
    for row in DECODERS[family].rows:
        if row.missing():
            continue

        def run(row: Backend = row) -> np.ndarray:
            dataset = pydicom.dcmread(path)
            layout = layout_of_dataset(dataset, "bench")
            frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
            info = None if family == "rle" else probe(frames[0], "bench")
            return np.stack([row.run(data, layout, info) for data in frames])

        found[f"{row.name} alone"] = run
    return found


def decode_peers(title: str) -> dict[str, Callable[[], np.ndarray]]:
    """Return who decodes one transfer syntax."""
    warnings.simplefilter("ignore")
    family, syntax, encode = SYNTAXES[title]
    values = ct(FRAMES, SIZE)
    folder = made_once(
        family, lambda folder: write(folder / "ct.dcm", [encode(value) for value in values], values, syntax)
    )
    path = folder / "ct.dcm"
    return {
        "deephealth": lambda: read_pixels(path),
        "pydicom": lambda: pydicom.dcmread(path).pixel_array,
        **plugins(path, family, FRAMES),
    }


def check(found: Mapping[str, np.ndarray]) -> str:
    """Compare with what was written."""
    values = ct(FRAMES, SIZE)
    for name, frames in found.items():
        assert np.array_equal(frames, values), f"{name} gives other pixels"
    return "equal"


def ultrasound_file(folder: Path) -> None:
    """Write a loop as scanners do."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:480, :640]
    frames = []
    for at in range(30):
        fan = (np.hypot(columns - 320, rows) < 440) & (np.abs(columns - 320) < rows + 20)
        grey = np.clip(fan * (90 + 60 * np.sin((rows + 3 * at) / 23) + rng.normal(0, 12, rows.shape)), 0, 255)
        frame = np.stack([grey] * 3, -1).astype("u1")
        frame[200:260, 280:360, 0] = 200
        frames.append(frame)
    loop = np.stack(frames)
    streams = [imagecodecs.jpeg8_encode(frame, level=90, subsampling="422") for frame in loop]
    facts = {"PhotometricInterpretation": "YBR_FULL_422", "PlanarConfiguration": 0, "BitsStored": 8, "HighBit": 7}
    write(folder / "us.dcm", streams, loop, "4.50", **facts)


def ultrasound_peers() -> dict[str, Callable[[], np.ndarray]]:
    """Return who reads the loop, as it is stored or in RGB."""
    warnings.simplefilter("ignore")
    path = made_once("ultrasound", ultrasound_file) / "us.dcm"
    return {
        "deephealth": lambda: read_pixels(path),
        "deephealth, RGB": lambda: read_pixels(path, colour="rgb"),
        "pydicom (default: RGB)": lambda: pydicom.dcmread(path).pixel_array,
        "pydicom, raw": lambda: pydicom.pixels.pixel_array(pydicom.dcmread(path), raw=True),
    }


def check_ultrasound(found: Mapping[str, np.ndarray]) -> str:
    """Compare raw with raw, and RGB with RGB within one level."""
    assert np.array_equal(found["deephealth"], found["pydicom, raw"]), "other stored values"
    far = np.abs(found["deephealth, RGB"].astype(int) - found["pydicom (default: RGB)"]).max()
    assert far <= 1, f"RGB differs by {far} levels"
    return "stored values equal, RGB within 1 level"


def row(title: str) -> Row:
    """Return the row of one transfer syntax."""
    family = SYNTAXES[title][0]
    names = [entry.name for entry in DECODERS[family].rows if not entry.missing()]
    return Row(
        name=f"decode-{family}",
        title=f"decode {FRAMES} frames, {title}",
        peers=lambda: decode_peers(title),
        check=check,
        goals={f"{name} alone": 0.98 for name in names},
        rounds=7,
        packages=PACKAGES,
    )


PACKAGES = ("pydicom", "imagecodecs")
ROWS = [
    *map(row, SYNTAXES),
    Row(
        name="decode-ultrasound",
        title="read a loop of 30 frames, JPEG, YBR",
        peers=ultrasound_peers,
        check=check_ultrasound,
        goals={"pydicom (default: RGB)": 5},
        rounds=7,
        packages=PACKAGES,
    ),
]
