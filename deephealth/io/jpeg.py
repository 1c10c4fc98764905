"""One baseline or progressive JPEG stream to RGB, as tiles of slides and frames of DICOM need it.

Tiles come without their tables and often without a word on their colours, so both are given. The decoder is OpenCV's
libjpeg-turbo; its pixels equal those of Pillow, OpenSlide and imagecodecs (8 bits, accurate integer DCT, smooth
chroma).
"""

from __future__ import annotations

import struct
from functools import cache
from types import ModuleType

import cv2
import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.core.optional import is_installed

__all__ = ["check_jpeg", "decode_jpeg", "jpeg_size"]

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODABLE = frozenset({0xC0, 0xC1, 0xC2})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Adobe's marker with colour transform 0: the three channels are red, green and blue as they stand
_STORED_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
_PROGRESSIVE = b"\xff\xc2"
# Each 8 x 8 block takes a bit at the very least, 1.5 blocks stand for 64 pixels: 341 pixels in a byte, and some room.
_PIXELS_PER_BYTE, _FREE_PIXELS = 1000, 1_000_000
_MOST_SCAN_PIXELS = 3_000_000_000  # a decoder goes over the whole picture in each scan of a progressive stream
_READ = cv2.IMREAD_IGNORE_ORIENTATION


def jpeg_size(data: bytes, name: str = "a JPEG stream") -> tuple[int, int, int]:
    """Return (height, width, channels) from the frame header, without decoding.

    Raises:
        UnreadableFileError: no JPEG, no frame header, or a kind that is not decoded (lossless, 12 bits, arithmetic).

    Source:
        ITU-T T.81, annex B.

    Example:
        >>> jpeg_size(bytes.fromhex("ffd8ffc0000b080010002001011100"))
        (16, 32, 1)
    """
    at = 2 if data[:2] == b"\xff\xd8" else len(data)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        if marker in _FRAMES:
            return _frame(data[at + 4 : at + 10], marker, name)
        if marker in (0xD9, 0xDA):
            break
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise UnreadableFileError(f"{name} holds no JPEG picture", hint="copy the file again")


def _frame(body: bytes, marker: int, name: str) -> tuple[int, int, int]:
    if len(body) < 6:
        raise UnreadableFileError(f"{name}: the JPEG stream is cut off", hint="copy the file again")
    bits, height, width, channels = struct.unpack(">BHHB", body)
    if marker not in _DECODABLE or bits != 8:
        raise UnreadableFileError(
            f"{name} holds a JPEG of kind SOF{marker - 0xC0} with {bits} bits",
            allowed="baseline or progressive, 8 bits",
        )
    return height, width, channels


def check_jpeg(data: bytes, name: str = "a JPEG stream") -> tuple[int, int, int]:
    """Return (height, width, channels), having refused what would cost more time or memory than the stream justifies.

    Raises:
        UnreadableFileError: as :func:`jpeg_size`.
        LimitError: more pixels than so few bytes can hold, or a progressive stream of very many scans.

    Example:
        >>> check_jpeg(bytes.fromhex("ffd8ffc0000b08ffffffff01011100"), "a.jpg")
        Traceback (most recent call last):
        ...
        deephealth.core.errors.LimitError: a.jpg claims 65,535 x 65,535 pixels and holds 15 bytes
          allowed: a complete file
          do next: copy the file again: it is truncated or damaged
    """
    height, width, channels = jpeg_size(data, name)
    pixels = height * width
    if pixels > _FREE_PIXELS + _PIXELS_PER_BYTE * len(data):
        raise LimitError(
            f"{name} claims {width:,} x {height:,} pixels and holds {len(data):,} bytes",
            allowed="a complete file",
            hint="copy the file again: it is truncated or damaged",
        )
    if data.find(_PROGRESSIVE, 0, 65536) > 0 and pixels * (scans := data.count(b"\xff\xda")) > _MOST_SCAN_PIXELS:
        raise LimitError(f"{name} shows {width:,} x {height:,} pixels in {scans:,} scans", allowed="a few scans")
    return height, width, channels


def decode_jpeg(
    data: bytes,
    name: str = "a JPEG stream",
    *,
    tables: bytes = b"",
    colour: str = "ycbcr",
    at_most: tuple[int, int],
    grey: bool = False,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Decode one JPEG stream.

    Args:
        data: the stream.
        name: what errors call its file.
        tables: quantisation and Huffman tables that stand elsewhere (TIFF tag 347): a stream of its own.
        colour: ``"rgb"`` if the channels are stored as they are, ``"ycbcr"`` if the stream decides (mostly YCbCr).
        at_most: (height, width) that it may have; a larger one is refused before it is decoded.
        grey: return one channel.
        out: height x width x 3, filled and returned if the stream has just this size and imagecodecs is installed.

    Returns:
        height x width x 3 RGB, or x 1; uint8.

    Raises:
        UnreadableFileError: damaged.
        LimitError: larger than ``at_most``.
    """
    height, width, channels = check_jpeg(data, name)
    if height > at_most[0] or width > at_most[1]:
        raise LimitError(
            f"{name} holds a JPEG of {width:,} x {height:,} pixels", allowed=f"at most {at_most[1]:,} x {at_most[0]:,}"
        )
    if out is not None and out.shape == (height, width, channels) and _imagecodecs() is not None:
        return _decode_into(data, name, tables, colour, out)
    if tables[:2] == b"\xff\xd8" or colour == "rgb":
        marker = _STORED_RGB if colour == "rgb" and channels == 3 else b""
        body = tables[2:-2] if tables[:2] == b"\xff\xd8" else b""
        data = b"".join((b"\xff\xd8", body, marker, memoryview(data)[2:]))
    try:
        stream = np.frombuffer(data, np.uint8)
        pixels = cv2.imdecode(stream, _READ | (cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB))
    except cv2.error as error:
        raise UnreadableFileError(f"{name}: damaged JPEG: {error}", hint="copy the file again") from error
    if pixels is None:
        raise UnreadableFileError(f"{name}: damaged JPEG", hint="copy the file again")
    return pixels[..., None] if grey else pixels


@cache
def _imagecodecs() -> ModuleType | None:
    if not is_installed("imagecodecs"):
        return None
    import imagecodecs

    return imagecodecs  # type: ignore[no-any-return]


def _decode_into(data: bytes, name: str, tables: bytes, colour: str, out: np.ndarray) -> np.ndarray:
    """Decode into memory that is there: OpenCV makes its own, and threads queue for fresh memory."""
    stored = "RGB" if colour == "rgb" else None
    try:
        decode = _imagecodecs().jpeg8_decode  # type: ignore[union-attr]
        decode(data, tables=tables or None, colorspace=stored, outcolorspace="RGB", out=out)
    except Exception as error:  # it has an error type of its own, and ValueError for sizes
        raise UnreadableFileError(f"{name}: damaged JPEG: {error}", hint="copy the file again") from error
    return out
