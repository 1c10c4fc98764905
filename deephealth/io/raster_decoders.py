"""What a picture's header says, and who decodes it: one row per decoder, the fastest safe one first."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, Any

import cv2
import numpy as np
from PIL import Image

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.io.backend import Backend, BackendTable
from deephealth.io.jpeg import check_jpeg
from deephealth.io.limits import Limits
from deephealth.io.png import check_png
from deephealth.io.raster_pillow import check_pixels, opened, upright
from deephealth.io.tiff import TiffPage, parse_tiff
from deephealth.io.tiff_chunks import can_decode, check_budget, decode_page

__all__ = ["RASTER_BACKENDS", "RasterPage", "list_pages"]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DEEP_PNM = (b"P5", b"P6")
_WHITE_IS_ZERO, _RGB, _YCBCR = 0, 2, 6
_ALPHA = (1, 2)  # ExtraSamples: premultiplied, not premultiplied


@dataclass(frozen=True, slots=True)
class RasterPage:
    """What is known of one page before it is decoded.

    Args:
        number: 0 is the first.
        kind: ``"JPEG"``, ``"PNG"``, ``"TIFF"`` and so on.
        width: pixels as stored.
        height: pixels as stored.
        channels: as stored.
        bits: per channel.
        tiff: the page's tags, in a TIFF.
        fast: whether OpenCV gives the reference's pixels (a whole JPEG of 1 or 3 channels, more than 8 bits).
    """

    number: int
    kind: str
    width: int
    height: int
    channels: int = 3
    bits: int = 8
    tiff: TiffPage | None = None
    fast: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels."""
        return self.width * self.height * max(self.channels, 1) * max(1, self.bits // 8)


def list_pages(data: bytes, name: str, limits: Limits) -> list[RasterPage]:
    """Return what the headers of a file say, page by page, having refused pages that are too large.

    Raises:
        UnreadableFileError: empty, damaged, or not a picture.
        LimitError: a page or their number is larger than ``limits`` allow.
    """
    if data[:4] in _TIFF:
        return _tiff_pages(data, name, limits)
    if data[:3] == b"\xff\xd8\xff":
        page = _jpeg_page(data, name, limits)
        if page is not None:
            return [page]
    return _pillow_pages(data, name, limits)


def _tiff_pages(data: bytes, name: str, limits: Limits) -> list[RasterPage]:
    found = parse_tiff(lambda at, count: data[at : at + count], len(data), name, limits=limits)
    pages = []
    for number, page in enumerate(found):
        check_pixels((page.width, page.height), name, limits)
        check_budget(page, name)
        pages.append(RasterPage(number, "TIFF", page.width, page.height, page.samples, page.bits, page))
    return pages


def _jpeg_page(data: bytes, name: str, limits: Limits) -> RasterPage | None:
    """Return the page of a JPEG that OpenCV reads as Pillow does: whole, 8 bits, grey or YCbCr."""
    if not data.endswith(b"\xff\xd9"):
        return None  # cut off, or with something behind it: Pillow tells them apart
    try:
        height, width, channels = check_jpeg(data, name)
    except UnreadableFileError:
        return None
    if channels not in (1, 3) or not height or not width:
        return None
    check_pixels((width, height), name, limits)
    return RasterPage(0, "JPEG", width, height, channels, 8, None, fast=True)


def _pillow_pages(data: bytes, name: str, limits: Limits) -> list[RasterPage]:
    with opened(io.BytesIO(data), name, limits) as image:
        frames = int(getattr(image, "n_frames", 1))
        if frames > limits.max_frames:
            raise LimitError(f"{name} has {frames:,} frames", allowed=f"at most {limits.max_frames:,}")
        channels, bits = _pillow_depth(image, data)
        return [
            RasterPage(number, str(image.format), *image.size, channels, bits, fast=bits == 16)
            for number in range(frames)
        ]


def _pillow_depth(image: Image.Image, data: bytes) -> tuple[int, int]:
    """Return (channels, bits); Pillow itself hides 16 bits of colour pictures."""
    channels = 4 if image.mode == "P" else len(image.getbands())
    if image.format == "PNG":
        return channels, 16 if check_png(data, "it")[2] == 16 else 8
    if image.format == "PPM" and data[:2] in _DEEP_PNM:
        return channels, 16 if _pnm_maximum(data) == 65535 else 8
    if image.format == "JPEG2000":
        return channels, 16 if _jpeg2000_bits(data) > 8 else 8
    return channels, 16 if image.mode.startswith("I") else 8


def _jpeg2000_bits(data: bytes) -> int:
    """Bits of the first channel: SIZ follows the start of the codestream (ISO 15444-1, A.5.1)."""
    at = data.find(b"\xff\x4f\xff\x51")
    return (data[at + 42] & 0x7F) + 1 if 0 <= at < len(data) - 42 else 8


def _pnm_maximum(data: bytes) -> int:
    words: list[bytes] = []
    for line in data[2:2048].split(b"\n"):
        words += line.split(b"#")[0].split()
        if len(words) >= 3:
            return int(words[2]) if words[2].isdigit() else 0
    return 0


def _by_structure(data: bytes, name: str, page: RasterPage, limits: Limits) -> tuple[np.ndarray, bool]:
    tiff = page.tiff
    if tiff is None:
        raise UnreadableFileError(f"{name} is not a TIFF")
    pixels = decode_page(lambda at, count: data[at : at + count], tiff, name, limits=limits)
    if tiff.photometric == _WHITE_IS_ZERO:
        pixels = _inverted(pixels)
    pixels = _turned(pixels, tiff.orientation)
    colours = 3 if tiff.photometric in (_RGB, _YCBCR) else 1
    extra = list(tiff.extra_samples)
    # some writers leave the tag out where the fourth channel is alpha (OpenCV, old ImageMagick)
    has_alpha = tiff.samples == colours + 1 and (extra[0] in _ALPHA if len(extra) == 1 else not extra and colours == 3)
    if colours == 3 and not has_alpha:
        pixels = pixels[..., :3]
    return pixels, has_alpha


def _inverted(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind == "u":
        return np.iinfo(pixels.dtype).max - pixels
    return -pixels


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn upright what TIFF tag 274 says is not."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels


def _by_opencv(data: bytes, name: str, page: RasterPage, limits: Limits) -> tuple[np.ndarray, bool]:
    del limits  # the page was checked when it was listed
    stream = np.frombuffer(data, np.uint8)
    try:
        if page.kind == "JPEG":
            pixels = cv2.imdecode(stream, cv2.IMREAD_GRAYSCALE if page.channels == 1 else cv2.IMREAD_COLOR_RGB)
        elif page.kind == "TIFF":
            done, found = cv2.imdecodemulti(stream, cv2.IMREAD_UNCHANGED, range=(page.number, page.number + 1))
            pixels = found[0] if done and found else None
        else:
            pixels = cv2.imdecode(stream, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableFileError(f"{name} is damaged: {error}", hint="copy the file again") from error
    if pixels is None:
        raise UnreadableFileError(f"{name} is damaged", hint="copy the file again")
    if page.kind == "JPEG":
        return pixels, False
    return _from_bgr(pixels, page)


def _from_bgr(pixels: np.ndarray, page: RasterPage) -> tuple[np.ndarray, bool]:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 4 and page.channels == 2:  # OpenCV spreads grey with alpha over four channels
        return pixels[..., [0, 3]], True
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(channels)
    return (pixels if order is None else pixels[..., order]), channels == 4


def _by_pillow(stream: IO[bytes], name: str, page: RasterPage, limits: Limits) -> tuple[np.ndarray, bool]:
    with opened(stream, name, limits) as image:
        if page.number:
            image.seek(page.number)
            check_pixels(image.size, name, limits)
        shown = upright(image)
        see_through = "transparency" in shown.info
        target = _PLAIN_MODES.get(shown.mode, shown.mode)
        if see_through and target in ("RGB", "L"):
            target = "RGBA" if target == "RGB" or shown.mode == "P" else "LA"
        pixels = np.array(shown if shown.mode == target else shown.convert(target))
        if target in ("I;16", "I;16B", "I;16L", "I;16N"):
            pixels = pixels.astype(np.uint16)
        return pixels, target in ("RGBA", "LA")


_PLAIN_MODES = {
    "1": "L",
    "P": "RGB",
    "PA": "RGBA",
    "RGBa": "RGBA",
    "La": "LA",
    "RGBX": "RGB",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
    "LAB": "RGB",
}


def _own_tiff(page: Any) -> bool:
    return page.tiff is not None and can_decode(page.tiff)


def _keeps_bits(page: Any) -> bool:
    """Pillow reduces colours of 16 bits to 8 without a word."""
    return bool(page.bits <= 8 or page.channels == 1)


def _any_tiff(page: Any) -> bool:
    return page.tiff is not None


RASTER_BACKENDS = BackendTable(
    "decode a picture",
    [
        Backend(
            "tiff", _by_structure, (), _own_tiff, "stored, Deflate, LZW, PackBits, JPEG; any numbers; bombs cut off"
        ),
        Backend(
            "opencv", _by_opencv, (), lambda page: page.fast, "whole JPEG (Pillow's pixels, faster), 16-bit PNG, PNM"
        ),
        Backend("pillow", _by_pillow, (), _keeps_bits, "the reference: every format, strict about damage"),
        Backend("opencv-tiff", _by_opencv, (), _any_tiff, "kinds of TIFF that neither knows"),
    ],
)
