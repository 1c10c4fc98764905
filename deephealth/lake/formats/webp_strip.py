"""WebP files written anew from the chunks that showing the picture needs. Source: RFC 9649."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.formats.exif import orientation_block, orientation_of
from deephealth.lake.formats.icc import clean_icc
from deephealth.lake.reasons import Reason

__all__ = ["strip_webp"]

_ICC, _ALPHA, _EXIF = 0x20, 0x10, 0x08


def strip_webp(data: bytes, most_pixels: int) -> tuple[bytes, tuple[int, int], int, list[str]]:
    """Return a WebP with its coded pixels, transparency, cleaned colour profile and orientation, and no more.

    Args:
        data: the file.
        most_pixels: width times height that is allowed.

    Returns:
        The new file, (width, height), how many chunks were left out, and notes.

    Raises:
        QuarantineError: not WebP, damaged, too large, or animated.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise damaged("the file is not WebP")
    found: dict[bytes, bytes] = {}
    removed, notes = 0, list[str]()
    for name, body in _chunks(data, notes):
        if name in (b"ANIM", b"ANMF"):
            raise QuarantineError(Reason.UNKNOWN_FORMAT, "the WebP is animated", allowed="one picture per WebP")
        if name in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"EXIF") and name not in found:
            found[name] = body
        else:
            removed += 1
    pixels = b"VP8L" if b"VP8L" in found else b"VP8 "
    if pixels not in found:
        raise damaged("the WebP file holds no picture")
    size = _size(pixels, found[pixels])
    if size[0] * size[1] > most_pixels:
        raise too_large(f"the picture claims {size[0]:,} x {size[1]:,} pixels")
    extra = _extra(found, notes)
    removed += sum(name in found and name not in extra for name in (b"ICCP", b"EXIF"))
    alpha = b"ALPH" in found and pixels == b"VP8 "
    flags = (_ICC if b"ICCP" in extra else 0) | (_ALPHA if alpha else 0) | (_EXIF if b"EXIF" in extra else 0)
    if pixels == b"VP8L" and b"VP8X" in found:
        flags |= found[b"VP8X"][0] & _ALPHA if found[b"VP8X"] else 0
    body = b""
    if flags:
        corner = (size[0] - 1).to_bytes(3, "little") + (size[1] - 1).to_bytes(3, "little")
        body += _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + corner)
    body += _chunk(b"ICCP", extra[b"ICCP"]) if b"ICCP" in extra else b""
    body += _chunk(b"ALPH", found[b"ALPH"]) if alpha else b""
    body += _chunk(pixels, found[pixels])
    body += _chunk(b"EXIF", extra[b"EXIF"]) if b"EXIF" in extra else b""
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body, size, removed, notes


def _extra(found: dict[bytes, bytes], notes: list[str]) -> dict[bytes, bytes]:
    extra = {}
    if b"ICCP" in found:
        profile = clean_icc(found[b"ICCP"])
        if profile is None:
            notes.append("the colour profile could not be cleaned and was left out")
        else:
            extra[b"ICCP"] = profile
    orientation = orientation_block(orientation_of(found.get(b"EXIF", b"")))
    if orientation:
        extra[b"EXIF"] = orientation
    return extra


def _chunks(data: bytes, notes: list[str]) -> Iterator[tuple[bytes, bytes]]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) + 1:  # an odd last chunk may lack its pad byte
        raise damaged("the WebP file is cut off")
    if end < len(data):
        notes.append(f"{len(data) - end:,} bytes after the picture were left out")
    at = 12
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > min(end, len(data)):
            raise damaged("a chunk of the WebP file is cut off")
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _size(name: bytes, body: bytes) -> tuple[int, int]:
    if name == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise damaged("the coded picture of the WebP file is damaged")
