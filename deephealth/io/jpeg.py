"""One baseline or progressive JPEG stream to RGB, as tiles of slides and frames of DICOM need it.

Tiles come without their tables and often without a word on their colours, so both are given. The decoder is OpenCV's
libjpeg-turbo; its pixels equal those of Pillow, OpenSlide and imagecodecs (8 bits, accurate integer DCT, smooth chroma).
"""

from __future__ import annotations

import struct

import cv2
import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError

__all__ = ["decode_jpeg", "jpeg_size"]

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODABLE = frozenset({0xC0, 0xC1, 0xC2})
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Adobe's marker with colour transform 0: the three channels are red, green and blue as they stand
_STORED_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
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
            f"{name} holds a JPEG of kind SOF{marker - 0xC0} with {bits} bits", allowed="baseline or progressive, 8 bits"
        )
    return height, width, channels


def decode_jpeg(
    data: bytes,
    name: str = "a JPEG stream",
    *,
    tables: bytes = b"",
    colour: str = "ycbcr",
    at_most: tuple[int, int],
    grey: bool = False,
) -> np.ndarray:
    """Decode one JPEG stream.

    Args:
        data: the stream.
        name: what errors call its file.
        tables: quantisation and Huffman tables that stand elsewhere (TIFF tag 347): a stream of its own.
        colour: ``"rgb"`` if the channels are stored as they are, ``"ycbcr"`` if the stream decides (nearly always YCbCr).
        at_most: (height, width) that it may have; a larger one is refused before it is decoded.
        grey: return one channel.

    Returns:
        height x width x 3 RGB, or x 1; uint8.

    Raises:
        UnreadableFileError: damaged.
        LimitError: larger than ``at_most``.
    """
    height, width, channels = jpeg_size(data, name)
    if height > at_most[0] or width > at_most[1]:
        raise LimitError(
            f"{name} holds a JPEG of {width:,} x {height:,} pixels", allowed=f"at most {at_most[1]:,} x {at_most[0]:,}"
        )
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
