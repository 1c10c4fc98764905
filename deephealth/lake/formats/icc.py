"""ICC colour profiles: what colours need stays, descriptions, makers, dates and unknown tags go.

Source: ICC.1:2022 (profile version 4.4), sections 7 to 10.
"""

from __future__ import annotations

import struct

__all__ = ["clean_icc"]

_HEADER = 128
_COLOUR_TAGS = frozenset(
    [f"{c}{kind}".encode() for c in "rgbk" for kind in ("XYZ", "TRC") if (c, kind) != ("k", "XYZ")]
    + [f"{way}{n}".encode() for way in ("A2B", "B2A") for n in range(3)]
    + [b"wtpt", b"bkpt", b"chad", b"lumi", b"gamt", b"cicp"]
)
_FIXED = {b"XYZ ": 20, b"cicp": 12, b"sf32": 8 + 4 * 9}  # the last is the chromatic adaptation, three by three
_MOST = 4 * 1024**2


def clean_icc(profile: bytes) -> bytes | None:
    """Return a profile with the same colours and no text, or ``None`` when it can't be rebuilt surely.

    Args:
        profile: as embedded in a picture.

    Example:
        >>> clean_icc(b"no profile") is None
        True
    """
    if not _HEADER + 4 <= len(profile) <= _MOST or profile[36:40] != b"acsp":
        return None
    count = struct.unpack_from(">I", profile, _HEADER)[0]
    if count > 100 or _HEADER + 4 + 12 * count > len(profile):
        return None
    tags: list[tuple[bytes, bytes]] = [(b"desc", _desc(profile)), (b"cprt", _cprt(profile))]
    for n in range(count):
        name, at, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * n)
        if name not in _COLOUR_TAGS:
            continue
        data = _exact(profile[at : at + size]) if at + size <= len(profile) else None
        if data is None:
            return None  # a curve that is not understood: colours without it would be others
        tags.append((name, data))
    return _build(profile, tags) if len(tags) > 2 else None


def _build(profile: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    table, body, places = b"", b"", dict[bytes, int]()
    start = _HEADER + 4 + 12 * len(tags)
    for name, data in tags:
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    header = bytearray(profile[:_HEADER])
    header[0:4] = struct.pack(">I", start + len(body))
    header[4:8] = bytes(4)  # preferred engine
    header[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    header[40:44] = bytes(4)  # platform
    header[48:56] = bytes(8)  # maker and model
    header[56:60] = struct.pack(">I", struct.unpack(">I", header[56:60])[0] & 0xF)  # attributes: the maker's half
    header[60:64] = bytes(4)
    header[80:128] = bytes(48)  # creator, checksum, reserved
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def _desc(profile: bytes) -> bytes:
    text = b"profile"
    if profile[8] >= 4:
        return _mluc("profile")
    return b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67)


def _cprt(profile: bytes) -> bytes:
    return _mluc("none") if profile[8] >= 4 else b"text" + bytes(4) + b"none\0"


def _mluc(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _exact(data: bytes) -> bytes | None:
    """Return a tag's content cut to what its type needs, or ``None`` for a type whose size isn't known."""
    if len(data) < 8:
        return None
    size = _size(data)
    return data[:4] + bytes(4) + data[8:size] if size is not None and size <= len(data) else None


def _size(data: bytes) -> int | None:
    kind = data[:4]
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == b"curv" and len(data) >= 12:
        return 12 + 2 * int(struct.unpack_from(">I", data, 8)[0])
    if kind == b"para" and len(data) >= 12:
        return {0: 16, 1: 24, 2: 28, 3: 32, 4: 40}.get(struct.unpack_from(">H", data, 8)[0])
    return _table_size(data) if kind in (b"mft1", b"mft2") and len(data) >= 52 else None


def _table_size(data: bytes) -> int | None:
    """Return the bytes of a look-up table of 8 or 16 bits."""
    inputs, outputs, points = data[8], data[9], data[10]
    if inputs > 15 or outputs > 15:
        return None
    grid = int(points**inputs) * outputs
    if data[:4] == b"mft1":
        return 48 + 256 * inputs + grid + 256 * outputs
    first, last = struct.unpack_from(">HH", data, 48)
    return 52 + 2 * (first * inputs + grid + last * outputs)
