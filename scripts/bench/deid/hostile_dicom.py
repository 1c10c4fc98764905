"""DICOM files of invented patients, and nineteen ways to damage one; for hostile.py."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit

TOKEN = "QVXZKWJ"  # noqa: S105 - begins every invented name and number
CT = "1.2.840.10008.5.1.4.1.1.2"

Draw: TypeAlias = random.Random
Mutation: TypeAlias = Callable[[bytes, Draw], bytes]


def base_files() -> list[bytes]:
    """Small files that pydicom ships and can read with all elements."""
    found = []
    folder = Path(str(get_testdata_file("CT_small.dcm", download=False))).parent
    for path in sorted(folder.glob("*.dcm")):
        if path.stat().st_size > 150_000 or "DICOMDIR" in path.name:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                one = pydicom.dcmread(path)
                if "SOPClassUID" in one and "TransferSyntaxUID" in one.file_meta:
                    found.append(path.read_bytes())
            except Exception:  # noqa: S112 - pydicom ships broken files on purpose
                continue
    return found


def sound(number: int, base: bytes | None = None, **values: Any) -> bytes:
    """A DICOM file of an invented patient of its own; ``values`` are attributes by keyword."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = pydicom.dcmread(io.BytesIO(base)) if base else _generated(number)
        one.PatientID, one.PatientName = f"{TOKEN}{number}", f"{TOKEN}{number}^HOSTILE"
        for at, keyword in enumerate(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")):
            setattr(one, keyword, f"1.2.826.0.1.3680043.10.77.{number + 1}.{at + 1}")
        for keyword, value in values.items():
            setattr(one, keyword, value)
        one.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.10.77.{number + 1}.3"
        stream = io.BytesIO()
        one.save_as(stream, enforce_file_format=bool(not base))
        return stream.getvalue()


def _generated(number: int) -> Dataset:
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID, one.file_meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CT
    one.SOPClassUID, one.Modality, one.StudyDate, one.PatientAge = CT, "CT", "20150311", "065Y"
    one.SamplesPerPixel, one.PhotometricInterpretation, one.PixelRepresentation = 1, "MONOCHROME2", 0
    one.Rows = one.Columns = 16
    one.BitsAllocated, one.BitsStored, one.HighBit = 16, 12, 11
    one.PixelData = bytes(512)
    return one


def mutant(number: int, draw: Draw, bases: list[bytes]) -> tuple[str, bytes]:
    """Return the name of a mutation and the mutated file."""
    name = list(MUTATIONS)[number % len(MUTATIONS)]
    try:
        file = sound(number, draw.choice(bases) if draw.random() < 0.7 else None)
    except Exception:  # a file that pydicom reads and can't write
        file = sound(number)
    try:
        return name, MUTATIONS[name](file, draw)
    except Exception:  # the same
        return name, MUTATIONS[name](sound(number), draw)


def bits(file: bytes, draw: Draw) -> bytes:
    """Some bits flipped anywhere behind the magic."""
    content = bytearray(file)
    for _ in range(draw.choice((1, 4, 16, 200))):
        content[draw.randrange(132, len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def header_bits(file: bytes, draw: Draw) -> bytes:
    """Some bits flipped in the first elements."""
    content = bytearray(file)
    for _ in range(draw.randint(1, 8)):
        content[draw.randrange(132, min(len(content), 1200))] ^= 1 << draw.randrange(8)
    return bytes(content)


def truncated(file: bytes, draw: Draw) -> bytes:
    """Cut off anywhere."""
    return file[: draw.randrange(len(file))]


def cut_out(file: bytes, draw: Draw) -> bytes:
    """A piece from the middle is gone, or is there twice."""
    first = draw.randrange(132, len(file))
    piece = draw.randint(1, 400)
    return file[:first] + (file[first + piece :] if draw.random() < 0.5 else file[max(0, first - piece) :])


def swapped_lengths(file: bytes, draw: Draw) -> bytes:
    """Two-byte fields of the header exchanged."""
    content, end = bytearray(file), min(len(file) - 2, 3000)
    for _ in range(4):
        one, other = (draw.randrange(132, end) & ~1 for _ in range(2))
        content[one : one + 2], content[other : other + 2] = content[other : other + 2], content[one : one + 2]
    return bytes(content)


def odd_meta(file: bytes, draw: Draw) -> bytes:
    """The file meta group with a strange VR."""
    place = file.find(b"UI", 132, 600)
    vr = draw.choice((b"SQ", b"OB", b"UN", b"ZZ", b"\0\0", b"PN", b"US", b"UL"))
    return file[:place] + vr + file[place + 2 :] if place > 0 else file


def endless(file: bytes, draw: Draw) -> bytes:
    """A sequence or a value of undefined length without an end."""
    vr = draw.choice((b"SQ", b"UN", b"OB"))
    return file + struct.pack("<HH2sHI", 0x7FE1, 0x1010, vr, 0, 0xFFFFFFFF) + bytes(draw.randint(0, 64))


def nested(file: bytes, draw: Draw) -> bytes:
    """Sequences in sequences, ten thousand deep."""
    deep = draw.choice((100, 1000, 10_000))
    one = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ends = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return file + one * deep + (ends * deep if draw.random() < 0.7 else b"")


def doubled(file: bytes, draw: Draw) -> bytes:
    """An element of the patient again, with another value."""
    text = f"{TOKEN}SECOND".encode()
    text += b" " * (len(text) % 2)
    tag = draw.choice(((0x0010, 0x0010), (0x0010, 0x0020), (0x0008, 0x0018), (0x0020, 0x000D)))
    return file + struct.pack("<HH2sH", *tag, b"LO", len(text)) + text


def wrong_syntax(file: bytes, draw: Draw) -> bytes:
    """Another transfer syntax of the same length of text as far as possible."""
    known = (b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99",
             b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.5", b"9.9.9")  # fmt: skip
    old = next((uid for uid in known if file.find(uid + b"\0", 132, 700) > 0), b"1.2.840.10008.1.2.1")
    return file[:700].replace(old, draw.choice(known)[: len(old)].ljust(len(old), b"\0"), 1) + file[700:]


def _with(keywords: dict[str, Any], file: bytes) -> bytes:
    """Set attributes of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = pydicom.dcmread(io.BytesIO(file))
        for keyword, value in keywords.items():
            if keyword.endswith("TableDescriptor"):
                one.add_new(keyword, "US", value)
            else:
                setattr(one, keyword, value)
        stream = io.BytesIO()
        one.save_as(stream)
        return stream.getvalue()


def giant(file: bytes, draw: Draw) -> bytes:
    """65,535 rows and columns, a thousand frames."""
    return _with({"Rows": 65535, "Columns": 65535, "NumberOfFrames": draw.choice((1, 1000, 2**31 - 1, -1))}, file)


def long_rows(file: bytes, draw: Draw) -> bytes:
    """Rows as UL, FD or text."""
    place = file.find(struct.pack("<HH2s", 0x0028, 0x0010, b"US"))
    vr, value = draw.choice(((b"UL", struct.pack("<I", 2**31)), (b"FD", struct.pack("<d", 1e300)), (b"IS", b"-999")))
    new = struct.pack("<HH2sH", 0x0028, 0x0010, vr, len(value)) + value
    return file[:place] + new + file[place + 10 :] if place > 0 else file


def deflated(file: bytes, draw: Draw) -> bytes:
    """A deflated data set that unpacks to hundreds of megabytes."""
    one = FileMetaDataset()
    one.MediaStorageSOPClassUID, one.MediaStorageSOPInstanceUID = CT, "1.2.3"
    one.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = io.BytesIO()
    pydicom.filewriter.write_file_meta_info(head, one)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    size = draw.choice((1 << 20, 300 << 20))
    body = packer.compress(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, size))
    body += b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    return bytes(128) + b"DICM" + head.getvalue() + body


def absurd_jpeg(file: bytes, draw: Draw) -> bytes:
    """A JPEG stream that claims to be enormous, or is damaged."""
    side = draw.choice((0, 1, 65535))
    frame = struct.pack(">HHBHHB", 0xFFC0, 11, 8, side, side, 1) + b"\1\x11\0"
    stream = b"\xff\xd8" + frame + draw.randbytes(draw.randint(0, 200)) + b"\xff\xd9"
    one = pydicom.dcmread(io.BytesIO(sound(draw.randrange(10**7, 10**8))))
    one.Rows = one.Columns = side or 16
    one.BitsAllocated, one.BitsStored, one.HighBit = 8, 8, 7
    one.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    one.PixelData = pydicom.encaps.encapsulate([stream + b"\0" * (len(stream) % 2)])
    one["PixelData"].is_undefined_length = True
    out = io.BytesIO()
    one.save_as(out)
    return out.getvalue()


def palette(file: bytes, draw: Draw) -> bytes:
    """Look-up tables whose descriptors do not fit."""
    descriptor = draw.choice(([0, 0, 16], [65535, 65535, 16], [256, 0, 0], [256, 0, 200], [1], []))
    colors = ("Red", "Green", "Blue")
    lut: dict[str, Any] = {f"{color}PaletteColorLookupTableDescriptor": descriptor for color in colors}
    lut |= {f"{color}PaletteColorLookupTableData": draw.randbytes(2 * draw.randint(0, 300)) for color in colors}
    return _with({"PhotometricInterpretation": "PALETTE COLOR", "SamplesPerPixel": 1, **lut}, file)


def negative(file: bytes, draw: Draw) -> bytes:
    """Lengths such as -1, -2 and the largest."""
    length = draw.choice((0xFFFFFFFE, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF))
    tag = draw.choice(((0x0009, 0x1001), (0x0040, 0xA730), (0x7FE1, 0x1001)))
    return file + struct.pack("<HH2sHI", *tag, draw.choice((b"OB", b"UT", b"SQ", b"UN")), 0, length) + bytes(16)


def private(file: bytes, draw: Draw) -> bytes:
    """Private sequences that hold a patient, with and without a creator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = pydicom.dcmread(io.BytesIO(file))
        inner = Dataset()
        inner.PatientName = str(one.get("PatientName", TOKEN))
        if draw.random() < 0.5:
            one.add_new(0x00990010, "LO", draw.choice(("HOSTILE", "", "SIEMENS CSA HEADER", "A\\B", "\u5c71")))
        one.add_new(0x00991001, "SQ", [inner] * draw.randint(0, 50))
        stream = io.BytesIO()
        one.save_as(stream)
        return stream.getvalue()


def many(file: bytes, draw: Draw) -> bytes:
    """A hundred thousand elements."""
    count = draw.choice((1000, 100_000))
    groups = ((0x1001 + 2 * (at // 0xE000), 0x1000 + at % 0xE000) for at in range(count))
    return file + b"".join(struct.pack("<HH2sH", group, number, b"LO", 2) + b"x " for group, number in groups)


def not_dicom(file: bytes, draw: Draw) -> bytes:
    """The magic and noise, or only noise, or nothing."""
    return draw.choice((b"", bytes(128) + b"DICM", bytes(128) + b"DICM" + draw.randbytes(500), draw.randbytes(4000),
                        b"\x08\0" + draw.randbytes(300), bytes(5000)))  # fmt: skip


MUTATIONS: dict[str, Mutation] = {
    one.__name__: one
    for one in (
        bits, header_bits, truncated, cut_out, swapped_lengths, odd_meta, endless, nested, doubled, wrong_syntax, giant,
        long_rows, deflated, absurd_jpeg, palette, negative, private, many, not_dicom,
    )
}  # fmt: skip
