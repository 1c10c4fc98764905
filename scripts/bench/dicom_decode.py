"""Decoding DICOM frames: five transfer syntaxes against each plugin, one and two threads, and YBR ultrasound.

``python scripts/bench/dicom_decode.py [--frames 12] [--size 512] [--json FILE]``

Frames are 12-bit CT-like slices of one multi-frame file. Every peer starts from the file and ends with one array of all
frames; a plugin is called for each frame directly, with nothing of pydicom's checks around it, which is the fastest it
can be. ``ours`` is ``read_pixels``. All but the rows with threads run on one core: gdcm starts
threads of its own. Equality is checked first. The ultrasound loop is JPEG with YBR_FULL_422, which
pydicom turns to RGB by default; ours keeps it until asked.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from peers import interleave, machine, print_table, speedup, write_json
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import CTImageStorage, UltrasoundMultiFrameImageStorage

from deephealth.io.backend import Backend
from deephealth.io.dicom.codestream import probe
from deephealth.io.dicom.decoders import DECODERS
from deephealth.io.dicom.layout import layout_of_dataset
from deephealth.io.dicom.pixels import read_pixels

BASE = "1.2.840.10008.1.2."


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


def same(ours: np.ndarray, theirs: np.ndarray, what: str, off: int = 0) -> None:
    if ours.shape != theirs.shape or np.abs(ours.astype(int) - theirs).max() > off:
        msg = f"{what} gives other pixels"
        raise SystemExit(msg)


def plugins(path: Path, family: str, values: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Return for each installed plugin a call that decodes all frames one after the other."""
    found: dict[str, Callable[[], np.ndarray]] = {}
    for row in DECODERS[family].rows:
        if row.missing():
            print(f"{row.name} is not installed: skipped")
            continue

        def run(row: Backend = row) -> np.ndarray:
            dataset = pydicom.dcmread(path)
            layout = layout_of_dataset(dataset, "bench")
            frames = list(generate_frames(dataset.PixelData, number_of_frames=len(values)))
            info = None if family == "rle" else probe(frames[0], "bench")
            return np.stack([row.run(data, layout, info) for data in frames])

        same(run(), values, row.name)
        found[f"{row.name} alone"] = run
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[*SYNTAXES, "ultrasound"])
    parser.add_argument("--json")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    values, rows, raw = ct(chosen.frames, chosen.size), [], {}
    with tempfile.TemporaryDirectory() as name:
        for title, (family, syntax, encode) in SYNTAXES.items():
            if title not in chosen.only:
                continue
            path = Path(name) / f"{family}.dcm"
            write(path, [encode(value) for value in values], values, syntax)
            same(read_pixels(path, threads=1), values, "ours")
            peers = {
                "ours": lambda path=path: read_pixels(path, threads=1),
                f"ours, {chosen.threads} threads": lambda path=path: read_pixels(path, threads=chosen.threads),
                "pydicom": lambda path=path: pydicom.dcmread(path).pixel_array,
                **plugins(path, family, values),
            }
            rows += table(title, peers, values.nbytes, chosen.rounds, raw)
        if "ultrasound" in chosen.only:
            rows += ultrasound(Path(name) / "us.dcm", chosen, raw)
    print_table(rows, ["syntax", "peer", "MB/s", "ours (1 thread) is times as fast", "from", "to"])
    write_json(chosen.json, {"machine": machine(["pydicom", "imagecodecs", "numpy"]), "seconds": raw})


def pinned(call: Callable[[], object], *, alone: bool) -> Callable[[], object]:
    """Return a call that runs on one core if ``alone``: some plugins start threads of their own."""
    every = os.sched_getaffinity(0)

    def run() -> object:
        os.sched_setaffinity(0, {max(every)} if alone else every)
        try:
            return call()
        finally:
            os.sched_setaffinity(0, every)

    return run


def table(title: str, peers: dict, size: int, rounds: int, raw: dict) -> list[list[object]]:
    times = interleave({name: pinned(call, alone="threads" not in name) for name, call in peers.items()}, rounds=rounds)
    raw[title] = times
    ours = next(iter(times.values()))
    rows: list[list[object]] = []
    for peer, seconds in times.items():
        ratio = speedup(ours, seconds)
        rows.append([title, peer, size / 1e6 / float(np.median(seconds)), *ratio.values()])
    return rows


def ultrasound(path: Path, chosen: argparse.Namespace, raw: dict) -> list[list[object]]:
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
    write(path, streams, loop, "4.50", **facts)
    reference = pydicom.pixels.pixel_array(pydicom.dcmread(path), raw=True)
    same(read_pixels(path), reference, "ours")
    same(read_pixels(path, colour="rgb"), pydicom.dcmread(path).pixel_array, "ours in RGB", off=1)
    peers = {
        "ours": lambda: read_pixels(path, threads=1),
        f"ours, {chosen.threads} threads": lambda: read_pixels(path, threads=chosen.threads),
        "ours, RGB": lambda: read_pixels(path, colour="rgb", threads=1),
        f"ours, RGB, {chosen.threads} threads": lambda: read_pixels(path, colour="rgb", threads=chosen.threads),
        "pydicom (default: RGB)": lambda: pydicom.dcmread(path).pixel_array,
        "pydicom, raw": lambda: pydicom.pixels.pixel_array(pydicom.dcmread(path), raw=True),
    }
    return table("YBR ultrasound", peers, loop.nbytes, chosen.rounds, raw)


if __name__ == "__main__":
    main()
