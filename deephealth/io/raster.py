"""Photographs and masks: JPEG, PNG, TIFF, BMP, WebP, GIF, JPEG 2000, through Pillow.

What a picture becomes, whatever its file says: height x width x RGB, 8 bits, upright.

* 16 bits per channel: the high byte is kept (``value >> 8``), for grey as for colour.
* alpha and transparency: dropped; colours stay as stored (as OpenCV and torchvision do).
* CMYK: converted without a colour profile. Adobe writes inverted inks and says so in its marker; files without that
  marker hold plain inks. Both are read correctly.
* EXIF orientation: applied. Animations and multi-page files: the first frame.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from deephealth.core.files import atomic_write
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster_pillow import LAST_UPRIGHT, opened, orientation, upright
from deephealth.io.source import Source

if TYPE_CHECKING:
    from deephealth.core.types import ImageHWC, MaskHW

__all__ = [
    "RASTER_SUFFIXES",
    "RASTER_VERSION",
    "decode_mask",
    "decode_rgb",
    "read_mask",
    "read_rgb",
    "read_size",
    "write_png",
]

RASTER_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".ppm", ".pgm"})
RASTER_VERSION = 1  # raise it when the same file would decode to other numbers: caches are then filled anew


def read_rgb(source: Source | Path | str, *, limits: Limits = DEFAULT_LIMITS) -> ImageHWC:
    """Read a picture as upright 8-bit RGB.

    Args:
        source: a file, or a member of a zip archive.
        limits: largest picture.

    Returns:
        H x W x 3, uint8, 0 to 255, writable.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: empty, truncated, damaged, or not a picture.
        LimitError: more pixels or bytes than allowed; refused before the pixels are allocated.
    """
    source = _as_source(source)
    return decode_rgb(source.read_bytes(limits.max_bytes), str(source), limits=limits)


def read_mask(source: Source | Path | str, *, limits: Limits = DEFAULT_LIMITS) -> MaskHW:
    """Read a binary mask.

    Foreground is what lies above half of the brightest value in the file, so 0/1, 0/255 and 0/65535 all work. In a JPEG
    it is what lies above 127, because compression leaves faint noise in an empty mask.

    Args:
        source: a file, or a member of a zip archive.
        limits: largest picture.

    Returns:
        H x W, uint8, 0 background and 1 foreground, upright.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_rgb`.
    """
    source = _as_source(source)
    return decode_mask(source.read_bytes(limits.max_bytes), str(source), limits=limits)


def read_size(source: Source | Path | str, *, limits: Limits = DEFAULT_LIMITS) -> tuple[int, int]:
    """Return (height, width) of the upright picture in pixels, from its header alone.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_rgb`.
    """
    source = _as_source(source)
    with source.open(limits.max_bytes) as stream, opened(stream, str(source), limits) as image:
        # Pillow swaps the two sides of a turned TIFF itself
        turned = orientation(image) > LAST_UPRIGHT and image.format != "TIFF"
        return (image.width, image.height) if turned else (image.height, image.width)


def decode_rgb(data: bytes, name: str, *, limits: Limits = DEFAULT_LIMITS) -> ImageHWC:
    """Decode the bytes of a picture; see :func:`read_rgb`.

    Args:
        data: content of the file.
        name: what errors call it.
        limits: largest picture.
    """
    with opened(io.BytesIO(data), name, limits) as image:
        return np.array(_to_rgb(upright(image)))


def decode_mask(data: bytes, name: str, *, limits: Limits = DEFAULT_LIMITS) -> MaskHW:
    """Decode the bytes of a mask; see :func:`read_mask`."""
    with opened(io.BytesIO(data), name, limits) as image:
        lossy = image.format in ("JPEG", "MPO")
        image = upright(image)
        grey = np.asarray(image if _is_deep(image) else _to_rgb(image).convert("L"))
    threshold = 127.0 if lossy else float(grey.max()) / 2
    return (grey > threshold).astype(np.uint8)


def write_png(path: Path | str, array: ImageHWC | MaskHW) -> None:
    """Write a picture as PNG, atomically.

    Args:
        path: the file.
        array: H x W x 3 RGB or H x W grey, uint8; a bool array is written as 0 and 255.

    Raises:
        ValueError: another shape or type.
        StorageError: it can't be written.
    """
    pixels = array.astype(np.uint8) * 255 if array.dtype == bool else array
    grey = pixels.ndim == 2
    if pixels.dtype != np.uint8 or not (grey or pixels.shape[2:] == (3,)):
        msg = f"a PNG is written from uint8 H x W or H x W x 3, not from {array.dtype} of shape {array.shape}"
        raise ValueError(msg)
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    atomic_write(path, stream.getvalue())


def _as_source(source: Source | Path | str) -> Source:
    if isinstance(source, str):
        return Source.parse(source)
    return Source(source) if isinstance(source, Path) else source


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I")


def _to_rgb(image: Image.Image) -> Image.Image:
    if _is_deep(image):
        values: Any = np.asarray(image)
        return Image.fromarray((np.clip(values, 0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        msg = "its pixels are floating point, and only 8 and 16 bits per channel have a defined brightness"
        raise ValueError(msg)
    return image if image.mode == "RGB" else image.convert("RGB")
