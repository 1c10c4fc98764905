"""What fuzzing found once: the damage that did it, in words, against the readers of today."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.fuzz.fields import fields_of, fix_checksums
from tests.fuzz.harness import Fuzzer


def _replace(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new, 1)


def _text(text: str) -> Callable[[bytes], bytes]:
    return lambda data: text.encode()


def _set_tag(tag: int, value: int) -> Callable[[bytes], bytes]:
    """Set a tag's value in the first directory of a little-endian TIFF."""

    def damage(data: bytes) -> bytes:
        at = struct.unpack_from("<I", data, 4)[0]
        for entry in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
            if struct.unpack_from("<H", data, entry)[0] == tag:
                return data[: entry + 2] + struct.pack("<HII", 4, 1, value) + data[entry + 12 :]
        raise AssertionError(tag)

    return damage


def _far_matrix(data: bytes) -> bytes:
    """A DICOM slide that claims two milliard rows and has twelve tiles."""
    at = data.index(struct.pack("<HH2sH", 0x0048, 0x0007, b"UL", 4))
    return data[: at + 8] + struct.pack("<I", 2**31 - 1) + data[at + 12 :]


def _long_box(data: bytes) -> bytes:
    """A JPEG 2000 file whose header box claims four gigabytes."""
    at = data.index(b"jp2h")
    return data[: at - 4] + b"\xff\xff\xff\xff" + data[at:]


DAMAGES = {
    "yaml: a million lists in each other": ("yaml", "classes.yml", _text("images:\n  " + "- " * 1_000_000 + "a\n")),
    "yaml: a hundred thousand brackets": ("yaml", "classes.yml", _text("images:\n  " + "[" * 100_000)),
    "yaml: maps in each other": ("yaml", "classes.yml", _text("images:\n  " + "{a: " * 50_000)),
    "yaml: aliases that double": (
        "yaml",
        "classes.yml",
        _text(
            "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)) + "images: *a59\n"
        ),
    ),
    "yaml: a label of five thousand digits": ("yaml", "classes.yml", _replace(b"label: 1", b"label: " + b"1" * 5000)),
    "yaml: a long file name": ("yaml", "classes.yml", _replace(b"e.png", b"e" * 5000 + b".png")),
    "augmentation: containers in each other": (
        "augmentation",
        "00.txt",
        _text("SequentialAugmentationContainer\n" * 20_000),
    ),
    "augmentation: brackets": ("augmentation", "01.txt", _text("AugResizeDim dims=" + "(" * 100_000)),
    "itk: a file name with a zero byte": ("itk", "raw.mha", _replace(b"= LOCAL", b"= a\x00b.raw")),
    "itk: a long file name": ("itk", "raw.mha", _replace(b"= LOCAL", b"= " + b"a" * 5000)),
    "itk: a long header line": ("itk", "raw.nrrd", _replace(b"kinds: ", b"kinds: " + b"domain " * 2000)),
    "itk: a long space": ("itk", "raw.nrrd", _replace(b"space: ", b"space: " + b"left-" * 2000)),
    "raster: a long box": ("raster", "rgb.jp2", _long_box),
    "svs: no width": ("svs", "raw.svs", _set_tag(256, 0)),
    "svs: no tile width": ("svs", "raw.svs", _set_tag(322, 0)),
    "svs: no tile height": ("svs", "jpeg.svs", _set_tag(323, 0)),
    "svs: a very wide level": ("svs", "raw.svs", _set_tag(256, 2**31)),
    "svs: very wide tiles": ("svs", "jpeg.svs", _set_tag(322, 2**31)),
    "svs: no samples": ("svs", "jpeg.svs", _set_tag(277, 0)),
    "slide-dicom: a matrix that is not there": ("slide-dicom", "stored.dcm", _far_matrix),
}


@pytest.mark.parametrize("finding", list(DAMAGES))
def test_old_findings_stay_mended(finding: str) -> None:
    name, seed, damage = DAMAGES[finding]
    with Fuzzer(name) as fuzzer:
        data = {path.name: path.read_bytes() for path in fuzzer.paths}[seed]
        assert damage(data) != data
        found = fuzzer.check(seed, damage(data))
    assert found is None, str(found)


@pytest.mark.parametrize("name", ["raster", "svs", "nifti", "dicom", "seg", "eddl-bin"])
def test_fields_are_found_where_sizes_stand(name: str) -> None:
    with Fuzzer(name) as fuzzer:
        found = [fields_of(name, data) for data in fuzzer.seeds]
    assert sum(len(fields) > 2 for fields in found) >= len(found) * 0.7
    for fields, data in zip(found, fuzzer.seeds, strict=True):
        assert all(at >= 0 and size <= 5000 for at, size, _ in fields)
        assert fix_checksums(name, data) == data
