"""Pictures to files: PNG, JPEG, TIFF (several pages), BMP, WebP, JPEG 2000 and PNM, atomically."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write

__all__ = ["encode_raster", "write_pages", "write_raster"]

_EIGHT, _SIXTEEN = np.dtype(np.uint8), np.dtype(np.uint16)
_TIFF_TYPES = tuple(np.dtype(name) for name in ("uint8", "uint16", "float32", "float64"))
# suffix -> (types, channel counts); what is lost without a word elsewhere is refused here
_CAN: dict[str, tuple[tuple[np.dtype[Any], ...], tuple[int, ...]]] = {
    ".png": ((_EIGHT, _SIXTEEN), (1, 3, 4)),
    ".jpg": ((_EIGHT,), (1, 3)),
    ".jpeg": ((_EIGHT,), (1, 3)),
    ".bmp": ((_EIGHT,), (1, 3, 4)),
    ".webp": ((_EIGHT,), (3, 4)),
    ".jp2": ((_EIGHT, _SIXTEEN), (1, 3)),
    ".pgm": ((_EIGHT, _SIXTEEN), (1,)),
    ".ppm": ((_EIGHT, _SIXTEEN), (3,)),
    ".tif": (_TIFF_TYPES, (1, 3, 4)),
    ".tiff": (_TIFF_TYPES, (1, 3, 4)),
}
_DEFLATE = 8
_LOSSLESS_JP2 = 1000


def write_raster(path: Path | str, array: np.ndarray, *, quality: int = 95) -> None:
    """Write a picture; the suffix of ``path`` chooses the format.

    Args:
        path: the file.
        array: H x W or H x W x channels (RGB, RGBA); bool is written as 0 and 255. uint8; uint16 too in PNG, TIFF, JPEG
            2000 and PNM; float32 and float64 too in TIFF.
        quality: of JPEG, 0 to 100; everything else is written without loss.

    Raises:
        DataError: the format doesn't hold such an array, or isn't known.
        StorageError: it can't be written.
    """
    atomic_write(path, encode_raster(array, Path(path).suffix, quality=quality))


def write_pages(path: Path | str, arrays: Sequence[np.ndarray]) -> None:
    """Write a TIFF of several pages.

    Args:
        path: the file, ``.tif`` or ``.tiff``.
        arrays: at least one; each as for :func:`write_raster`.

    Raises:
        DataError: another suffix, no page, or an array that a TIFF doesn't hold.
        StorageError: it can't be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".tif", ".tiff") or not arrays:
        raise DataError(f"{len(arrays)} pages into '{Path(path).name}'", allowed="one or more pages into .tif or .tiff")
    pages = [_prepared(array, suffix) for array in arrays]
    done, data = cv2.imencodemulti(suffix, pages, [cv2.IMWRITE_TIFF_COMPRESSION, _DEFLATE])
    if not done:
        raise DataError(f"{len(arrays)} pages can't be written as {suffix}")
    atomic_write(path, bytes(data))


def encode_raster(array: np.ndarray, suffix: str, *, quality: int = 95) -> bytes:
    """Return the bytes of a file; see :func:`write_raster`.

    Args:
        array: the picture.
        suffix: chooses the format, such as ``".png"``.
        quality: of JPEG.

    Example:
        >>> encode_raster(np.zeros((2, 3), np.uint8), ".png")[1:4]
        b'PNG'
    """
    suffix = suffix.lower()
    pixels = _prepared(array, suffix)
    if suffix == ".webp":
        return _webp(array)
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality],
        ".jp2": [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, _LOSSLESS_JP2],
        ".tif": [cv2.IMWRITE_TIFF_COMPRESSION, _DEFLATE],
        ".tiff": [cv2.IMWRITE_TIFF_COMPRESSION, _DEFLATE],
    }
    try:
        done, data = cv2.imencode(suffix, pixels, options.get(suffix, []))
    except cv2.error as error:
        raise DataError(f"{array.dtype} of shape {array.shape} can't be written as {suffix}: {error}") from error
    if not done:
        raise DataError(f"{array.dtype} of shape {array.shape} can't be written as {suffix}")
    return bytes(data)


def _webp(array: np.ndarray) -> bytes:
    """Through Pillow: OpenCV's encoder blackens what is transparent."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(stream, "WEBP", lossless=True, exact=True)
    return stream.getvalue()


def _prepared(array: np.ndarray, suffix: str) -> np.ndarray:
    """Return the array in OpenCV's order of channels, or say why it can't be written."""
    if suffix not in _CAN:
        raise DataError(f"the suffix '{suffix}' is not a format that is written", allowed=", ".join(sorted(_CAN)))
    types, channel_counts = _CAN[suffix]
    pixels = array.astype(np.uint8) * 255 if array.dtype == bool else array
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or channels not in channel_counts or pixels.dtype not in types:
        raise DataError(
            f"{suffix} is not written from {array.dtype} of shape {array.shape}",
            allowed=f"H x W (x channels); {', '.join(map(str, types))}; channels: {channel_counts}",
        )
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(channels)
    if order is None or pixels.dtype == np.float64:  # cvtColor knows no float64
        return np.ascontiguousarray(pixels if order is None else pixels[..., [2, 1, 0, 3][:channels]])
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), order))
