"""Damage that has crashed, hung or misled a decoder once; the many other kinds are tried by the fuzzers."""

from __future__ import annotations

import random
import struct
import time
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

from deephealth.core.errors import DeepHealthError, LimitError, UnreadableFileError
from deephealth.io.dicom.dataset import read_dataset
from deephealth.io.dicom.metadata import describe
from deephealth.io.dicom.pixels import read_pixels
from deephealth.io.dicom.scanning import header_of
from deephealth.io.dicom.series import read_series

DATA = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_jpeg_ls_stream_without_its_end_does_not_spin(tmp_path):
    """CharLS reads zeros for half a minute where this file is cut off."""
    content = (DATA / "JPEGLSNearLossless_16.dcm").read_bytes()
    start = content.index(b"\xff\xd8\xff\xf7")
    (tmp_path / "a.dcm").write_bytes(content[: start + 135])
    begin = time.perf_counter()
    with pytest.raises(UnreadableFileError):
        read_pixels(tmp_path / "a.dcm")
    assert time.perf_counter() - begin < 5


def test_rle_segments_outside_the_frame(tmp_path):
    """imagecodecs reads where the header points, wherever that is."""
    dataset = pydicom.dcmread(DATA / "SC_rgb_rle_16bit_2frame.dcm")
    content = bytearray(dataset.PixelData)
    at = content.index(struct.pack("<II", 6, 64))
    content[at + 14] = 0x3F
    dataset.PixelData = bytes(content)
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(UnreadableFileError, match="segments"):
        read_pixels(tmp_path / "a.dcm")


def test_a_jpeg_without_its_huffman_table(tmp_path):
    """liblj92 follows a pointer that it never set."""
    content = bytearray((DATA / "SC_rgb_jpeg_gdcm.dcm").read_bytes())
    at = content.index(b"\xff\xc4", content.index(b"\xff\xc3"))
    content[at] = 0xBF
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(UnreadableFileError):
        read_pixels(tmp_path / "a.dcm")


def test_a_jpeg_that_is_cut_off_is_not_filled_with_grey(make_image):
    imagecodecs = pytest.importorskip("imagecodecs")
    values = np.random.default_rng(0).integers(0, 256, (64, 64)).astype("u1")
    stream = imagecodecs.jpeg8_encode(values)
    dataset = make_image(values, syntax="1.2.840.10008.1.2.4.50", PixelData=encapsulate([stream[: len(stream) // 2]]))
    with pytest.raises(UnreadableFileError, match="cut off"):
        read_pixels(dataset)


@pytest.mark.parametrize("frames", [1, 4000])
def test_a_few_bytes_do_not_become_gigabytes(make_image, frames):
    dataset = make_image(np.zeros((1, 8, 8), "u2"), NumberOfFrames=1)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.5"
    dataset.PixelData = encapsulate([bytes(64)] * frames)
    dataset.NumberOfFrames = frames
    dataset.Rows = dataset.Columns = 9000 if frames == 1 else 300
    with pytest.raises(LimitError, match="times their size"):
        read_pixels(dataset)


def test_deeply_nested_sequences(tmp_path):
    head = bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0"
    sequence = struct.pack("<HH2sHI", 8, 0x1110, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    (tmp_path / "a.dcm").write_bytes(head + sequence * 5000)
    for read in (header_of, read_dataset, read_pixels):
        with pytest.raises(DeepHealthError):
            read(tmp_path / "a.dcm")


def _damage(rng: random.Random, content: bytes) -> bytes:
    made = bytearray(content)
    if rng.random() < 0.15:
        return bytes(made[: rng.randrange(len(made))])
    reach = min(len(made), 2500) if rng.random() < 0.7 else len(made)
    for _ in range(rng.choice([1, 2, 4, 16])):
        at = rng.randrange(reach)
        kind = rng.random()
        if kind < 0.5:
            made[at : at + 1] = bytes([rng.randrange(256)])
        elif kind < 0.7:
            made[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", bytes(4), b"\xff\xff\xff\x7f", b"\xfe\xff\xdd\xe0"])
        elif kind < 0.85:
            del made[at : at + rng.randrange(1, 40)]
        else:
            made[at:at] = rng.randbytes(rng.randrange(1, 20))
    return bytes(made)


def test_damaged_files_end_in_typed_errors(tmp_path):
    files = [path for path in sorted(DATA.glob("*.dcm")) if path.stat().st_size < 50_000]
    rng = random.Random(0)
    path, slowest = tmp_path / "a.dcm", 0.0
    for _ in range(300):
        path.write_bytes(_damage(rng, rng.choice(files).read_bytes()))
        begin = time.perf_counter()
        for read in (
            lambda: read_pixels(path, colour="rgb", window="default", threads=1),
            lambda: describe(read_dataset(path)),
            lambda: read_series([path], on_missing="report", threads=1),
        ):
            try:
                read()
            except DeepHealthError:
                continue
        slowest = max(slowest, time.perf_counter() - begin)
    assert slowest < 5
