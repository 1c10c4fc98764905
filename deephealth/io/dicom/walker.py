"""Walking the elements of a little-endian DICOM file without parsing them, to find a few of them quickly.

Only what is ordinary is walked: a file with the ``DICM`` mark, explicit or implicit VR, little-endian, not deflated.
:func:`walk` returns ``None`` for anything else, and the caller lets pydicom read the file.

Source: DICOM PS3.5 section 7.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field

from deephealth.io.dicom.bounded import open_to_read, read_at
from deephealth.io.dicom.header import TAGS, UNDEFINED, Header

__all__ = ["walk"]

_CHUNK = 16 * 1024
_META_AT = 132  # 128 bytes of preamble and the four letters
_MAX_ELEMENTS = 100_000  # top-level and nested together: more is no header but an attempt to keep the reader busy
_MAX_VALUE = 64 * 1024  # a value longer than this is none of those that sort a series
_MAX_DEPTH = 64

_EXPLICIT = struct.Struct("<4s2sH").unpack_from
_IMPLICIT = struct.Struct("<4sI").unpack_from
_LONG = struct.Struct("<I").unpack_from

_SHORT_VR = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VR = frozenset(b"OB OW OD OF OL OV SQ SV UC UR UT UV".split())
_UNKNOWN = b"UN"
_ITEM_GROUP = b"\xfe\xff"
_ITEM, _ITEM_END, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
_IMPLICIT_SYNTAX = b"1.2.840.10008.1.2"
_NOT_HERE = (b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.95")  # big-endian, deflated


def _key(tag: int) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


_WANTED = {_key(tag): keyword for keyword, (tag, _) in TAGS.items()}
_PIXELS = {
    _key(0x7FE00010): "PixelData",
    _key(0x7FE00008): "FloatPixelData",
    _key(0x7FE00009): "DoubleFloatPixelData",
}


@dataclass(slots=True)
class _Window:
    """The part of the file that is in memory, and what has been found."""

    descriptor: int
    buffer: bytes
    base: int = 0  # where the buffer starts in the file
    size: int = 0
    values: dict[str, bytes] = field(default_factory=dict)
    pixel_offset: int = -1
    pixel_length: int = 0
    pixel_keyword: str = ""

    def move(self, at: int, least: int = 0) -> int:
        """Read on from position ``at`` of the buffer; return the same place in the new buffer (0)."""
        self.base += at
        self.buffer = read_at(self.descriptor, max(_CHUNK, least), self.base) if self.base < self.size else b""
        return 0

    def keep(self, keyword: str, at: int, length: int) -> int:
        """Store a value; return where it starts in the buffer, which may have moved."""
        if length > _MAX_VALUE:
            return at
        if at + length > len(self.buffer):
            at = self.move(at, length + 8)
        self.values[keyword] = self.buffer[at : at + length]
        return at


def walk(path: str, chunk: int = _CHUNK) -> Header | None:
    """Return the header of an ordinary DICOM file, ``None`` if the file is not one.

    Args:
        path: the file.
        chunk: bytes of the first read; most headers fit.

    Raises:
        OSError: the file can't be opened.
    """
    descriptor = open_to_read(path)
    try:
        buffer = os.read(descriptor, chunk)
        if buffer[128:_META_AT] != b"DICM":
            return None
        window = _Window(descriptor, buffer, size=os.fstat(descriptor).st_size)
        return _walk(path, window)
    finally:
        os.close(descriptor)


def _walk(path: str, window: _Window) -> Header | None:
    syntax, at = _meta(window.buffer)
    if not syntax or syntax in _NOT_HERE:
        return None
    implicit = syntax == _IMPLICIT_SYNTAX
    looks_explicit = window.buffer[at + 4 : at + 6] in _SHORT_VR
    if implicit == looks_explicit:
        return None
    done = _implicit(window, at) if implicit else _explicit(window, at)
    if not done:
        return None
    return Header(
        path,
        syntax.decode("ascii", "replace"),
        window.values,
        window.pixel_offset,
        window.pixel_length,
        window.pixel_keyword,
        window.size,
    )


def _meta(buffer: bytes) -> tuple[bytes, int]:
    """Return the transfer syntax and where the data set starts."""
    at, syntax, last = _META_AT, b"", len(buffer) - 12
    while at <= last and buffer[at : at + 2] == b"\x02\x00":
        tag, vr, length = _EXPLICIT(buffer, at)
        if vr in _SHORT_VR:
            body = at + 8
        elif vr in _LONG_VR or vr == _UNKNOWN:
            body = at + 12
            (length,) = _LONG(buffer, at + 8)
        else:
            return b"", 0
        if tag == b"\x02\x00\x10\x00":
            syntax = buffer[body : body + length].rstrip(b" \0")
        at = body + length
    return (syntax, at) if at <= last else (b"", 0)


def _explicit(window: _Window, at: int) -> bool:  # noqa: C901, PLR0912 - one loop, kept flat: it runs a hundred times per file
    """Walk an explicit-VR data set; return whether it was ordinary up to its pixels or its end."""
    depth, buffer, wanted = 0, window.buffer, _WANTED
    last = len(buffer) - 12
    for _ in range(_MAX_ELEMENTS):
        if at > last:
            if window.base + at + 8 > window.size:
                return depth == 0 and window.base + at >= window.size
            at = window.move(at)
            buffer = window.buffer
            last = max(len(buffer) - 12, 0)
            if len(buffer) < 12:
                buffer = window.buffer = buffer + bytes(12 - len(buffer))
        tag, vr, length = _EXPLICIT(buffer, at)
        if vr in _SHORT_VR:
            at += 8
        elif vr in _LONG_VR or (vr == _UNKNOWN and buffer[at + 8 : at + 12] != b"\xff\xff\xff\xff"):
            (length,) = _LONG(buffer, at + 8)
            at += 12
            if tag in _PIXELS and not depth:
                return _found(window, tag, at, length)
            if length == UNDEFINED:
                if not depth and tag in wanted:
                    window.values[wanted[tag]] = b""
                depth += 1
                continue
        elif tag[:2] == _ITEM_GROUP:
            at, depth = _item(tag, buffer, at, depth)
            if depth < 0:
                return False
            continue
        else:
            return False
        if not depth and tag in wanted:
            at = window.keep(wanted[tag], at, length)
            buffer = window.buffer
            last = len(buffer) - 12
        at += length
    return False


def _implicit(window: _Window, at: int) -> bool:
    """Walk an implicit-VR data set; return whether it was ordinary up to its pixels or its end."""
    depth, buffer, wanted = 0, window.buffer, _WANTED
    for _ in range(_MAX_ELEMENTS):
        if at + 8 > len(buffer):
            if window.base + at + 8 > window.size:
                return depth == 0 and window.base + at >= window.size
            at = window.move(at)
            buffer = window.buffer
        tag, length = _IMPLICIT(buffer, at)
        if tag[:2] == _ITEM_GROUP:
            at, depth = _item(tag, buffer, at, depth)
            if depth < 0:
                return False
            continue
        at += 8
        if tag in _PIXELS and not depth:
            return _found(window, tag, at, length)
        if length == UNDEFINED:
            if not depth and tag in wanted:
                window.values[wanted[tag]] = b""
            depth += 1
            continue
        if not depth and tag in wanted:
            at = window.keep(wanted[tag], at, length)
            buffer = window.buffer
        at += length
    return False


def _item(tag: bytes, buffer: bytes, at: int, depth: int) -> tuple[int, int]:
    """Step over an item or delimiter; the depth is negative if it does not belong here."""
    (length,) = _LONG(buffer, at + 4)
    if tag == _ITEM:
        if length == UNDEFINED:
            return at + 8, depth + 1 if depth < _MAX_DEPTH else -1
        return at + 8 + length, depth if depth else -1
    return at + 8, depth - 1 if tag in (_ITEM_END, _SEQUENCE_END) else -1


def _found(window: _Window, tag: bytes, at: int, length: int) -> bool:
    window.pixel_offset, window.pixel_length = window.base + at, length
    window.pixel_keyword = _PIXELS[tag]
    return True
