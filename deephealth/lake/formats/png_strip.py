"""PNG files written anew from the chunks that showing the picture needs.

Source: W3C Portable Network Graphics (third edition), sections 5, 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.formats.exif import orientation_block, orientation_of
from deephealth.lake.formats.icc import clean_icc
from deephealth.lake.reasons import Reason

__all__ = ["SIGNATURE", "strip_png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# chunk -> the lengths it may have
_KEPT = {
    b"PLTE": range(3, 769, 3), b"tRNS": range(1, 257), b"gAMA": (4,), b"cHRM": (32,), b"sRGB": (1,),
    b"sBIT": range(1, 5), b"pHYs": (9,), b"bKGD": range(1, 7), b"cICP": (4,),
}  # fmt: skip
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_STEP = 256 * 1024
_MOST_PROFILE = 4 * 1024**2


def strip_png(data: bytes, most_pixels: int) -> tuple[bytes, tuple[int, int], int, list[str]]:
    """Return a PNG with its pixels, palette, transparency, gamma, density, a cleaned colour profile, and no more.

    The compressed pixels are copied as they are unless they hold more than the picture needs; then the surplus is cut.

    Args:
        data: the file.
        most_pixels: width times height that is allowed.

    Returns:
        The new file, (width, height), how many chunks were left out, and notes.

    Raises:
        QuarantineError: not PNG, damaged, too large, or animated.
    """
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        raise damaged("the file is not PNG")
    kept: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    removed, notes, size = 0, list[str](), (0, 0)
    for name, body in _chunks(data, notes):
        if name == b"IHDR":
            size = _check_header(body, most_pixels)
            kept[name] = body
        elif name == b"IDAT":
            pixels.append(body)
        elif name == b"acTL":
            raise QuarantineError(Reason.UNKNOWN_FORMAT, "the PNG is animated", allowed="one picture per PNG")
        elif name in _KEPT and len(body) in _KEPT[name]:
            kept.setdefault(name, body)
        elif name == b"iCCP":
            _profile(body, kept, notes)
        else:
            block = orientation_block(orientation_of(body)) if name == b"eXIf" else b""
            if block:
                kept[name] = block
            removed += name != b"IEND"
    stream = _exact_pixels(pixels, kept[b"IHDR"])
    order = [b"IHDR", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"PLTE", b"tRNS", b"bKGD", b"pHYs", b"eXIf"]
    out = SIGNATURE + b"".join(_chunk(name, kept[name]) for name in order if name in kept)
    return out + b"".join(_chunk(b"IDAT", part) for part in stream) + _chunk(b"IEND", b""), size, removed, notes


def _chunks(data: bytes, notes: list[str]) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise damaged("the PNG file is cut off")
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise damaged("a chunk of the PNG file is cut off")
        body = data[at + 8 : end - 4]
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise damaged("a checksum of the PNG file is wrong")
        yield name, body
        at = end
        if name == b"IEND":
            if at < len(data):
                notes.append(f"{len(data) - at:,} bytes after the picture were left out")
            return


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _check_header(body: bytes, most_pixels: int) -> tuple[int, int]:
    if len(body) != 13:
        raise damaged("the PNG header has another length")
    width, height, bits, colour, method, filtering, interlace = struct.unpack(">IIBBBBB", body)
    sound = colour in _CHANNELS and bits in (1, 2, 4, 8, 16) and not method and not filtering and interlace < 2
    if not sound or not width or not height:
        raise damaged("the PNG header states what PNG does not have")
    if width * height > most_pixels:
        raise too_large(f"the picture claims {width:,} x {height:,} pixels")
    return width, height


def _profile(body: bytes, kept: dict[bytes, bytes], notes: list[str]) -> None:
    packed = body.partition(b"\0")[2][1:]
    try:
        profile = clean_icc(zlib.decompressobj().decompress(packed, _MOST_PROFILE))
    except zlib.error:
        profile = None
    if profile is None:
        notes.append("the colour profile could not be cleaned and was left out")
    else:
        kept[b"iCCP"] = b"icc\0\0" + zlib.compress(profile, 9)


def _decoded_bytes(header: bytes) -> int:
    """Return how many bytes the pixels take before compression, filter bytes among them."""
    width, height, bits, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    bits *= _CHANNELS[colour]

    def area(columns: int, rows: int) -> int:
        return rows * (1 + (columns * bits + 7) // 8) if columns and rows else 0

    if not interlace:
        return area(width, height)
    return sum(
        area(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _PASSES if x < width and y < height
    )


def _exact_pixels(parts: list[bytes], header: bytes) -> list[bytes]:
    """Return the compressed pixels, cut where the picture ends."""
    wanted, found = _decoded_bytes(header), 0
    decoder = zlib.decompressobj()
    try:
        for n, part in enumerate(parts):
            pending = part
            while pending and not decoder.eof:
                found += len(decoder.decompress(pending, _STEP))
                pending = decoder.unconsumed_tail
                if found > wanted:
                    return _again(parts, wanted)
            if decoder.eof:
                if found < wanted:
                    raise damaged("the PNG file ends before its last pixel")
                end = len(part) - len(decoder.unused_data)
                return [*parts[:n], part[:end]] if end else parts[:n]
    except zlib.error as error:
        raise damaged("the pixels of the PNG file are damaged") from error
    if found == wanted:  # without the checksum at the end: readers take it, so it is written with one
        return _again(parts, wanted)
    raise damaged("the PNG file ends before its last pixel")


def _again(parts: list[bytes], wanted: int) -> list[bytes]:
    """Compress the pixels again, for a stream that holds more than the picture."""
    decoder, packer, left, out = zlib.decompressobj(), zlib.compressobj(6), wanted, list[bytes]()
    for part in parts:
        pending = part
        while pending and left:
            piece = decoder.decompress(pending, min(_STEP, left))
            left -= len(piece)
            out.append(packer.compress(piece))
            pending = decoder.unconsumed_tail
    return [*filter(None, out), packer.flush()]
