"""Where files keep their sizes and offsets: (offset, bytes, byte order) of each, so that mutations hit them often."""

from __future__ import annotations

import struct
import zlib
from typing import Literal

__all__ = ["Field", "fields_of", "fix_checksums"]

Field = tuple[int, int, Literal["little", "big"]]
_LONG_VR = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"})
_MAX = 400


def fields_of(kind: str, data: bytes) -> list[Field]:
    """Return the fields of a file; none for a format, or a file, in which none are known."""
    try:
        return FINDERS.get(kind, _none)(data)[:_MAX]
    except (struct.error, IndexError):
        return []


def fix_checksums(kind: str, data: bytes) -> bytes:
    """Return the file with checksums that match again, so that damage gets past them."""
    return _fix_png(data) if data[:4] == b"\x89PNG" else data


def _none(data: bytes) -> list[Field]:
    return []


def _raster(data: bytes) -> list[Field]:
    if data[:4] == b"\x89PNG":
        return _png(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:2] in (b"II", b"MM"):
        return _tiff(data)
    return [(at, 4, "little") for at in range(2, 54, 4)]  # BMP, WebP


def _png(data: bytes) -> list[Field]:
    found: list[Field] = []
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((at, 4, "big"))
        if data[at + 4 : at + 8] == b"IHDR":
            found += [(at + 8, 4, "big"), (at + 12, 4, "big")] * 3 + [(at + 16 + byte, 1, "big") for byte in range(5)]
        at += 12 + length
    return found


def _fix_png(data: bytes) -> bytes:
    fixed, at = bytearray(data), 8
    while at + 12 <= len(fixed):
        (length,) = struct.unpack_from(">I", fixed, at)
        if at + 12 + length > len(fixed):
            break
        struct.pack_into(">I", fixed, at + 8 + length, zlib.crc32(fixed[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(fixed)


def _jpeg(data: bytes) -> list[Field]:
    found: list[Field] = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        found.append((at + 2, 2, "big"))
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            found += [(at + 5, 2, "big"), (at + 7, 2, "big")] * 3 + [(at + byte, 1, "big") for byte in range(4, 18)]
        if marker in (0xC4, 0xDB, 0xDA, 0xE1):
            found += [(at + byte, 1, "big") for byte in range(4, 12)]
        if marker == 0xDA:
            break
        at += 2 + length
    return found


def _tiff(data: bytes) -> list[Field]:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    mark = "<" if order == "little" else ">"
    found: list[Field] = [(4, 4, order)]
    (at,) = struct.unpack_from(f"{mark}I", data, 4)
    for _ in range(8):
        if not 0 < at < len(data) - 2:
            break
        (count,) = struct.unpack_from(f"{mark}H", data, at)
        found.append((at, 2, order))
        for entry in range(at + 2, min(at + 2 + 12 * count, len(data) - 12), 12):
            found += [(entry, 2, order), (entry + 2, 2, order), (entry + 4, 4, order), (entry + 8, 4, order)]
            found += _tiff_values(data, entry, mark, order)
        found.append((at + 2 + 12 * count, 4, order))
        (at,) = struct.unpack_from(f"{mark}I", data, at + 2 + 12 * count)
    return found


def _tiff_values(data: bytes, entry: int, mark: str, order: Literal["little", "big"]) -> list[Field]:
    _, kind, count, where = struct.unpack_from(f"{mark}HHII", data, entry)
    if kind in (3, 4) and count > 1 and where < len(data):  # tables: offsets and lengths of strips and tiles
        return [(where + at * (2 if kind == 3 else 4), 2 if kind == 3 else 4, order) for at in range(min(count, 3))]
    return []


def _nifti(data: bytes) -> list[Field]:
    if len(data) > 540 and struct.unpack_from("<I", data)[0] == 540:
        found: list[Field] = [(at, 8, "little") for at in range(16, 80, 8)] + [(12, 2, "little"), (14, 2, "little")]
        return found + [(at, 8, "little") for at in range(104, 200, 8)] + [(0, 4, "little")]
    found = [(at, 2, "little") for at in range(40, 56, 2)] * 2 + [(70, 2, "little"), (72, 2, "little")] * 2
    found += [(at, 4, "little") for at in (*range(76, 124, 4), *range(252, 328, 4))] + [
        (0, 4, "little"),
        (344, 4, "big"),
    ]
    return [*found, (348, 4, "little"), (352, 4, "little"), (356, 4, "little")]


def _dicom(data: bytes) -> list[Field]:
    """Lengths, representations and values of the elements, as far as explicit little endian can be followed."""
    found: list[Field] = []
    at = 132 if data[128:132] == b"DICM" else 0
    while at + 12 <= len(data) and len(found) < _MAX:
        representation = data[at + 4 : at + 6]
        if representation.isalpha() and representation.isupper():
            long = representation in _LONG_VR
            length = struct.unpack_from("<I", data, at + 8)[0] if long else struct.unpack_from("<H", data, at + 6)[0]
            start = at + (12 if long else 8)
            found += [
                (at + 8, 4, "little") if long else (at + 6, 2, "little"),
                (at + 4, 2, "little"),
                (at, 4, "little"),
            ]
        else:  # implicit, or an item
            representation, length, start = b"", struct.unpack_from("<I", data, at + 4)[0], at + 8
            found.append((at + 4, 4, "little"))
        if representation in (b"SQ",) or length == 0xFFFFFFFF or data[at : at + 2] == b"\xfe\xff":
            length = 0  # step inside
        elif data[at : at + 2] == b"\x28\x00" or length <= 16:
            found.append((start, max(1, min(length, 8)), "little"))
            if representation in (b"IS", b"DS", b"UI", b"CS", b"LO"):
                found += [(start, max(9, length), "little")] * 2
        at = start + length
    return found


FINDERS = {
    "raster": _raster,
    "svs": _tiff,
    "nifti": _nifti,
    "dicom": _dicom,
    "series": _dicom,
    "seg": _dicom,
    "rtstruct": _dicom,
    "slide-dicom": _dicom,
    "eddl-bin": lambda data: [(at, 4, "little") for at in range(0, 20, 4)],
}
