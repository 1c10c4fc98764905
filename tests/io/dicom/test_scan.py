"""Scanning headers: the quick walk finds what pydicom finds, and leaves alone what it should."""

from __future__ import annotations

import os
import struct
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from deephealth.core.errors import DeepHealthError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io.dicom.dataset import read_dataset
from deephealth.io.dicom.header import TAGS
from deephealth.io.dicom.metadata import describe
from deephealth.io.dicom.scanning import scan
from deephealth.io.dicom.walker import walk
from deephealth.io.limits import Limits

DATA = Path(pydicom.__file__).parent / "data" / "test_files"
FILES = [path for path in sorted(DATA.rglob("*")) if path.is_file() and path.suffix in (".dcm", "")]


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _same(keyword, header, dataset):
    value = dataset[TAGS[keyword][0]].value
    kind = TAGS[keyword][1]
    if kind == "there":
        return True
    if kind == "short":
        return header.integer(keyword) == int(value) & 0xFFFF
    many = list(value) if type(value).__name__ == "MultiValue" else [value]
    if kind == "double":
        return header.floats(keyword) == tuple(many)
    text = "\\".join("" if part is None else str(part) for part in many)
    try:
        return header.floats(keyword) == tuple(map(float, many))
    except (ValueError, TypeError, DeepHealthError):
        return header.text(keyword) == text


def test_the_walk_finds_what_pydicom_finds():
    walked = 0
    for path in FILES:
        header = walk(str(path))
        if header is None:
            continue
        dataset = pydicom.dcmread(path)
        walked += 1
        assert [key for key in TAGS if TAGS[key][0] in dataset] == [key for key in TAGS if key in header], path
        assert all(_same(key, header, dataset) for key in header.values), path
        if "PixelData" in dataset and header.pixel_length != 0xFFFFFFFF:
            content = path.read_bytes()[header.pixel_offset :][: header.pixel_length]
            assert content == dataset.PixelData, path
    assert walked > 100


@pytest.mark.parametrize("chunk", [600, 777, 1000, 5000])
def test_headers_longer_than_a_read(chunk):
    for name in ("CT_small.dcm", "MR_small_implicit.dcm", "JPEG2000.dcm", "examples_overlay.dcm"):
        path = str(DATA / name)
        assert walk(path, chunk) == walk(path)


def test_nested_sequences_are_stepped_over(tmp_path, make_image):
    for implicit in (False, True):
        inner, outer = pydicom.Dataset(), pydicom.Dataset()
        inner.InstanceNumber = 99
        outer.ReferencedImageSequence = [inner, inner]
        dataset = make_image(np.zeros((4, 4), "u2"), InstanceNumber=3)
        dataset.ReferencedStudySequence = [outer]
        dataset["ReferencedStudySequence"].is_undefined_length = True
        outer.is_undefined_length_sequence_item = True
        dataset.RequestAttributesSequence = [outer]
        if implicit:
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        path = tmp_path / f"{implicit}.dcm"
        dataset.save_as(path, implicit_vr=implicit, little_endian=True, enforce_file_format=True)
        header = walk(str(path))
        assert header is not None
        assert header.integer("InstanceNumber") == 3
        assert path.read_bytes()[header.pixel_offset :] == bytes(32)


def test_folders_and_links(tmp_path, write_series):
    folder, _ = write_series(3)
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "notes.txt").write_text("x")
    (folder / "broken").write_text("x")
    source = folder / "000.dcm"
    (outside / "secret.dcm").write_bytes(source.read_bytes())
    os.symlink(outside / "secret.dcm", folder / "link.dcm")
    os.symlink(outside, folder / "sub")
    os.symlink(source, folder / "inside.dcm")
    names = [Path(header.path).name for header in scan(folder)]
    assert names == ["000.dcm", "001.dcm", "002.dcm", "inside.dcm"]
    assert [header.path for header in scan(folder, threads=2)] == [header.path for header in scan(folder)]
    for one in ([folder / "broken"], folder / "broken"):
        with pytest.raises(UnreadableFileError):
            scan(one)
    with pytest.raises(MissingDataError):
        scan([folder / "none.dcm"])
    with pytest.raises(LimitError):
        scan(folder, limits=Limits(max_frames=2))


def test_a_dicomdir_is_never_followed(tmp_path):
    target = DATA / "dicomdirtests" / "DICOMDIR"
    (tmp_path / "DICOMDIR").write_bytes(target.read_bytes())
    assert scan(tmp_path) == []


def test_an_endless_header_ends(tmp_path):
    head = bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0"
    element = struct.pack("<HH2sH", 9, 0x1001, b"LO", 0)
    path = tmp_path / "long.dcm"
    path.write_bytes(head + element * 150_000)
    assert walk(str(path)) is None


def test_read_dataset_and_describe():
    dataset = read_dataset(DATA / "CT_small.dcm")
    found = describe(dataset)
    assert found["Rows"] == 128
    assert found["PixelData"] == {"bytes": 32768}
    assert found["PixelSpacing"] == [0.661468, 0.661468]
    assert found["OtherPatientIDsSequence"][0]["PatientID"] == "ABCD1234"
    assert "PixelData" not in read_dataset(DATA / "CT_small.dcm", pixels=False)
    with pytest.raises(LimitError):
        read_dataset(DATA / "CT_small.dcm", limits=Limits(max_bytes=1000))


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".dcm"][:40], ids=lambda path: path.name)
def test_every_file_can_be_described(path):
    try:
        found = describe(read_dataset(path))
    except DeepHealthError:
        return
    assert isinstance(found, dict)
