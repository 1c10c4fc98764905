"""JPEG files written anew from the segments that decoding needs; the coded pixels are copied, never decoded.

Source: ITU-T T.81 annex B (segments), T.871 (JFIF); Adobe technical note 5116 (APP14).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from deephealth.lake.formats.context import damaged
from deephealth.lake.formats.exif import orientation_block, orientation_of
from deephealth.lake.formats.icc import clean_icc

__all__ = ["StrippedJpeg", "strip_jpeg"]

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD})
_FIXED = {0xDC: 2, 0xDD: 2}  # number of lines, restart interval
_RESTARTS = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_MOST_SEGMENTS = 10_000


@dataclass(slots=True)
class StrippedJpeg:
    """A JPEG without anything that decoding does not need.

    Args:
        data: the new file.
        width, height: pixels; 0 for a file that holds tables only.
        removed: segments left out.
        trailing: bytes after the end of the picture that were left out.
        notes: what the steward should know.
    """

    data: bytes = b""
    width: int = 0
    height: int = 0
    removed: int = 0
    trailing: int = 0
    notes: list[str] = field(default_factory=list)


class _Parts:
    """What is gathered on the way through the segments."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.head: list[bytes] = []
        self.icc: dict[int, bytes] = {}
        self.orientation = 1
        self.found = StrippedJpeg()


def strip_jpeg(data: bytes, *, colour: bool = True) -> StrippedJpeg:
    r"""Return a JPEG with its tables and coded pixels, and of everything else only what shows the picture right.

    Kept: quantisation and Huffman tables, frame and scan headers, restart intervals, JFIF's pixel density, Adobe's
    colour transform, an ICC profile without its texts, the EXIF orientation. Left out: comments, all other
    application segments (EXIF, XMP, IPTC, thumbnails, maker notes), fill bytes, and whatever follows the picture.

    Args:
        data: the file, or one tile of a TIFF.
        colour: whether colour profile and orientation are wanted; a tile has them from its TIFF.

    Raises:
        QuarantineError: not JPEG, or damaged.

    Example:
        >>> import io
        >>> from PIL import Image
        >>> out = io.BytesIO()
        >>> Image.new("L", (8, 8)).save(out, "JPEG", comment=b"Jane Doe")
        >>> stripped = strip_jpeg(out.getvalue() + b"Jane Doe")
        >>> b"Jane" in stripped.data, stripped.width, stripped.removed, stripped.trailing
        (False, 8, 1, 8)
    """
    if data[:2] != b"\xff\xd8":
        raise damaged("the file is not JPEG")
    parts, at = _Parts(), 2
    for _ in range(_MOST_SEGMENTS):
        marker, at = _marker(data, at)
        if marker == 0xD9:
            return _finish(parts, data, at, colour)
        body, at = _segment(data, at)
        if marker == 0xDA:
            if not body or len(body) != 4 + 2 * body[0]:
                raise damaged("a scan header of the JPEG file has another length than it says")
            end = _end_of_scan(data, at)
            parts.kept.append(_packed(marker, body) + data[at:end])
            at = end
        elif marker in _TABLES or marker in _FRAMES:
            _check(marker, body, parts.found)
            parts.kept.append(_packed(marker, body))
        else:
            _application(marker, body, parts)
    raise damaged("the JPEG file has too many segments")


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """Return the next marker; bytes before it that belong to nothing are passed over."""
    start = data.find(b"\xff", at)
    if start < 0:
        raise damaged("the JPEG file is cut off")
    while start < len(data) and data[start] == 0xFF:
        start += 1
    if start >= len(data) or not data[start]:
        raise damaged("the JPEG file is cut off, or holds coded pixels outside of a scan")
    return data[start], start + 1


def _segment(data: bytes, at: int) -> tuple[bytes, int]:
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):
        raise damaged("a segment of the JPEG file is cut off")
    return data[at + 2 : at + length], at + length


def _packed(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def _end_of_scan(data: bytes, at: int) -> int:
    found = _RESTARTS.search(data, at)
    if not found:
        raise damaged("the JPEG file has no end")
    return found.start()


def _check(marker: int, body: bytes, found: StrippedJpeg) -> None:
    """Refuse tables that are longer than what they hold: room for a text."""
    if marker == 0xDB:
        at = 0
        while at < len(body):
            at += 129 if body[at] >> 4 else 65
    elif marker == 0xC4:
        at = 0
        while at < len(body):
            at += 17 + sum(body[at + 1 : at + 17])
    elif marker in _FRAMES:
        if len(body) < 6:
            raise damaged("the JPEG frame is cut off")
        at = 6 + 3 * body[5]
        found.height, found.width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    else:
        at = _FIXED.get(marker, len(body) if len(body) <= 64 else 0)
    if at != len(body):
        raise damaged("a table of the JPEG file has another length than it says")


def _application(marker: int, body: bytes, parts: _Parts) -> None:
    if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 12:
        parts.head.append(_packed(0xE0, body[:12] + b"\0\0"))  # density stays, the thumbnail goes
        parts.found.removed += len(body) > 14
    elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        parts.kept.append(_packed(0xEE, b"Adobe" + b"\0\x64\0\0\0\0" + body[11:12]))
    elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
        parts.icc[body[12]] = body[14:]
    else:
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            parts.orientation = orientation_of(body)
        parts.found.removed += 1


def _finish(parts: _Parts, data: bytes, end: int, colour: bool) -> StrippedJpeg:
    found, head = parts.found, parts.head[:1]
    if colour:
        if parts.orientation != 1:
            head.append(_packed(0xE1, b"Exif\0\0" + orientation_block(parts.orientation)))
        head += _icc(parts)
    found.data = b"\xff\xd8" + b"".join(head + parts.kept) + b"\xff\xd9"
    found.trailing = len(data) - end
    return found


def _icc(parts: _Parts) -> list[bytes]:
    if not parts.icc:
        return []
    profile = clean_icc(b"".join(parts.icc[number] for number in sorted(parts.icc)))
    if profile is None:
        parts.found.removed += 1
        parts.found.notes.append("the colour profile could not be cleaned and was left out")
        return []
    step = 65_519
    pieces = [profile[at : at + step] for at in range(0, len(profile), step)]
    return [_packed(0xE2, b"ICC_PROFILE\0" + bytes([n, len(pieces)]) + piece) for n, piece in enumerate(pieces, 1)]
