"""What a compressed frame says about itself, read from its first bytes before a decoder sees it.

Sources: ITU-T T.81 (JPEG), T.87 (JPEG-LS), T.800 (JPEG 2000), DICOM PS3.5 annex G (RLE).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import pairwise

from deephealth.core.errors import UnreadableFileError

__all__ = ["Codestream", "check_segments", "probe"]

_SOI, _SOC, _JP2 = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_FRAME_MARKERS = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7))
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_RLE_HEADER = struct.Struct("<16I")
_MAX_MARKERS = 10_000
_RGB_IDS = (b"RGB", b"rgb")


@dataclass(frozen=True, slots=True)
class Codestream:
    """Sizes and colours of one compressed frame.

    Args:
        rows, columns, samples, precision: as the stream says.
        signed: as a JPEG 2000 stream says; others do not say.
        process: number of the JPEG frame marker (0xC0 baseline ... 0xC3 lossless, 0xF7 JPEG-LS), 0 for JPEG 2000.
        rgb_ids: whether the components are named R, G, B.
        jfif: whether the stream says it is JFIF, and so YCbCr.
        adobe: colour transform of Adobe's marker (0 none, 1 YCbCr), -1 without one.
        same_sampling: whether all components have the frame's size.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    process: int = 0
    rgb_ids: bool = False
    jfif: bool = False
    adobe: int = -1
    same_sampling: bool = True


@dataclass(slots=True)
class _Hints:
    jfif: bool = False
    adobe: int = -1
    seen: list[int] = field(default_factory=list)


def probe(data: bytes, name: str) -> Codestream:
    """Return what a JPEG, JPEG-LS or JPEG 2000 stream says about itself.

    Raises:
        UnreadableFileError: not such a stream, or its header is cut off.

    Example:
        >>> stream = bytes.fromhex("ffd8 fff7 000b 0c 0010 0020 01 01 11 00 ffda".replace(" ", ""))
        >>> info = probe(stream, "a.dcm")
        >>> info.rows, info.columns, info.samples, info.precision
        (16, 32, 1, 12)
    """
    try:
        if data[:2] == _SOI:
            return _jpeg(data, name)
        if data[:4] == _SOC:
            return _jpeg2000(data, 4, name)
        if data[: len(_JP2)] == _JP2:
            at = data.find(_SOC)
            if at >= 0:
                return _jpeg2000(data, at + 4, name)
    except (struct.error, IndexError) as error:
        raise UnreadableFileError(f"a compressed frame of {name} is cut off in its header") from error
    raise UnreadableFileError(
        f"a compressed frame of {name} starts with {data[:4].hex()}",
        allowed="ffd8 (JPEG, JPEG-LS) or ff4f (JPEG 2000)",
        hint="the transfer syntax in the header is wrong, or the file is damaged",
    )


def check_segments(data: bytes, segments: int, name: str) -> None:
    """Refuse an RLE frame whose header points outside it: some decoders believe it.

    Args:
        data: the frame.
        segments: samples times bytes per sample.
        name: what errors call the file.

    Raises:
        UnreadableFileError: another number of segments, or places that are not in the frame one after the other.
    """
    if len(data) < _RLE_HEADER.size:
        raise UnreadableFileError(f"an RLE frame of {name} has {len(data)} bytes", allowed="a header of 64 bytes")
    count, *starts = _RLE_HEADER.unpack_from(data)
    if count != segments:
        raise UnreadableFileError(f"an RLE frame of {name} has {count} segments", allowed=f"{segments}")
    places = [_RLE_HEADER.size, *starts[:count], len(data)]
    if any(later < earlier for earlier, later in pairwise(places)):
        raise UnreadableFileError(
            f"the segments of an RLE frame of {name} start at {starts[:count]}",
            allowed=f"places in order, between 64 and {len(data)}",
            hint="the file is damaged",
        )


def _jpeg(data: bytes, name: str) -> Codestream:
    at, hints = 2, _Hints()
    for _ in range(_MAX_MARKERS):
        while data[at] != 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        at += 2
        if marker in _ALONE or marker == 0:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if marker in _FRAME_MARKERS:
            return _frame(data, at, marker, hints)
        if marker in (0xDA, 0xD9):
            break
        body = data[at + 2 : at + length]
        if 0xE0 <= marker <= 0xEF and body[:4] == b"JFIF":
            hints.jfif = True
        if marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            hints.adobe = body[11]
        at += max(length, 2)
    raise UnreadableFileError(f"a JPEG frame of {name} has no frame header", hint="the file is damaged")


def _frame(data: bytes, at: int, marker: int, hints: _Hints) -> Codestream:
    precision, rows, columns, samples = struct.unpack_from(">BHHB", data, at + 2)
    parts = data[at + 8 : at + 8 + 3 * samples]
    if len(parts) < 3 * samples:
        raise IndexError
    return Codestream(
        rows,
        columns,
        samples,
        precision,
        process=marker,
        rgb_ids=parts[::3] in _RGB_IDS,
        jfif=hints.jfif,
        adobe=hints.adobe,
        same_sampling=len(set(parts[1::3])) <= 1,
    )


def _jpeg2000(data: bytes, at: int, name: str) -> Codestream:
    """Read the SIZ segment, which follows the start of the stream."""
    _, _, right, low, left, top, *_ = struct.unpack_from(">HHIIIIIIII", data, at)
    (samples,) = struct.unpack_from(">H", data, at + 36)
    parts = data[at + 38 : at + 38 + 3 * samples]
    if len(parts) < 3 * samples or not samples:
        raise UnreadableFileError(f"a JPEG 2000 frame of {name} claims {samples} components that it does not describe")
    return Codestream(
        low - top,
        right - left,
        samples,
        (parts[0] & 0x7F) + 1,
        signed=bool(parts[0] & 0x80),
        same_sampling=set(parts[1::3]) == {1} and set(parts[2::3]) == {1},
    )
