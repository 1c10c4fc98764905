"""BMP files written anew: header, palette, pixels; gaps, row padding, profiles and appended bytes go.

Source: Microsoft, "Bitmap storage" and the BITMAPCOREHEADER to BITMAPV5HEADER structures.
"""

from __future__ import annotations

import struct

from deephealth.lake.formats.context import damaged, too_large

__all__ = ["strip_bmp"]

_HEADERS = (12, 40, 52, 56, 108, 124)
_RGB, _RLE8, _RLE4, _FIELDS, _ALPHA_FIELDS = 0, 1, 2, 3, 6
_BITS = (1, 4, 8, 16, 24, 32)


def strip_bmp(data: bytes, most_pixels: int) -> tuple[bytes, tuple[int, int], int, list[str]]:
    """Return a BMP with its header, palette and pixels, and no more.

    Args:
        data: the file.
        most_pixels: width times height that is allowed.

    Returns:
        The new file, (width, height), how many things were left out, and notes.

    Raises:
        QuarantineError: not BMP, damaged, or too large.
    """
    if len(data) < 26 or data[:2] != b"BM":
        raise damaged("the file is not BMP")
    size = int.from_bytes(data[14:18], "little")
    if size not in _HEADERS or len(data) < 14 + size:
        raise damaged("the BMP header has a length that BMP does not know")
    width, height, bits, compression, colours, packed = _claims(data, size)
    if not width or not height or bits not in _BITS or compression not in (_RGB, _RLE8, _RLE4, _FIELDS, _ALPHA_FIELDS):
        raise damaged("the BMP header states what BMP does not have")
    if width * height > most_pixels:
        raise too_large(f"the picture claims {width:,} x {height:,} pixels")
    masks = {_FIELDS: 12, _ALPHA_FIELDS: 16}.get(compression, 0) if size == 40 else 0
    start = 14 + size
    palette = data[start : start + masks + colours * (3 if size == 12 else 4)]
    offset = int.from_bytes(data[10:14], "little")
    pixels = _pixels(data[offset:], width, height, bits, packed if compression in (_RLE8, _RLE4) else None)
    header = _header(data[14:start], size, len(pixels), colours)
    first = start + len(palette)
    out = b"BM" + struct.pack("<IHHI", first + len(pixels), 0, 0, first) + header + palette + pixels
    removed = int(offset > first) + int(len(data) > offset + len(pixels))
    notes = [] if not removed else ["bytes outside of the picture were left out"]
    return out, (width, height), removed, notes


def _claims(data: bytes, size: int) -> tuple[int, int, int, int, int, int]:
    """Return width, height, bits, compression, colours of the palette, bytes of packed pixels."""
    if size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        return width, height, bits, _RGB, 1 << bits if bits <= 8 else 0, 0
    width, height, _, bits, compression, packed, _, _, used, _ = struct.unpack_from("<iiHHIIiiII", data, 18)
    most = 1 << bits if bits <= 8 else 0
    if used > 256:
        raise damaged("the BMP palette has more than 256 colours")
    return abs(width), abs(height), bits, compression, (used or most) if bits <= 8 else used, packed


def _header(header: bytes, size: int, packed: int, colours: int) -> bytes:
    fresh = bytearray(header)
    if size >= 40:
        struct.pack_into("<I", fresh, 20, packed)
        struct.pack_into("<II", fresh, 32, colours, 0)
    if size == 124:
        if bytes(fresh[56:60]) in (b"KNIL", b"DEBM"):  # a profile in the file, or the path of one
            fresh[56:60] = b"BGRs"
        fresh[112:124] = bytes(12)
    if size >= 108 and any(fresh[56:60]):  # end points and gamma count only for calibrated colours
        fresh[60:108] = bytes(48)
    return bytes(fresh)


def _pixels(data: bytes, width: int, height: int, bits: int, packed: int | None) -> bytes:
    if packed is not None:
        if not 0 < packed <= len(data):
            raise damaged("the BMP file is cut off")
        return data[:packed]
    used = (width * bits + 7) // 8
    row = (width * bits + 31) // 32 * 4
    if len(data) < row * (height - 1) + used:
        raise damaged("the BMP file is cut off")
    if used == row:
        return data[: row * height]
    padding = bytes(row - used)  # nobody shows these bytes, so anything may be in them
    return b"".join(data[at : at + used] + padding for at in range(0, row * height, row))
