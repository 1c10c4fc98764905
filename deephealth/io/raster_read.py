"""Pictures as they are stored: 8 or 16 bits or floating point, grey or colour, with alpha, page by page.

:func:`~deephealth.io.raster.read_rgb` makes everything 8-bit RGB; this keeps what is there. What becomes of a file:

* grey is height x width, RGB x 3, grey with alpha x 2, RGBA x 4; a TIFF of other channel counts keeps them.
* a palette and CMYK become RGB; one bit becomes 0 and 255; EXIF and TIFF orientation is applied.
* alpha is dropped unless asked for; colours stay as stored (premultiplied ones too).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.raster_decoders import RASTER_BACKENDS, RasterPage, list_pages
from deephealth.io.source import Source

__all__ = ["count_pages", "decode_raster", "read_pages", "read_raster"]


def read_raster(
    source: Source | Path | str,
    *,
    depth: str | int = "keep",
    alpha: str = "drop",
    page: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> np.ndarray:
    """Read one picture with the bits, channels and numbers it has.

    Args:
        source: a file, or a member of a zip archive.
        depth: ``"keep"``, or 8: of 16 bits the high byte is kept.
        alpha: ``"drop"``, or ``"keep"``: a last channel where the file has one.
        page: its number, in a TIFF of several pages or an animation.
        limits: largest picture, most pages.

    Returns:
        H x W or H x W x channels, uint8, uint16, or whatever a TIFF holds (int8 to int64, float16 to float64).

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: empty, truncated, damaged, not a picture, or no 8-bit form is defined for its numbers.
        LimitError: more than ``limits`` allow; refused before the pixels are allocated.
        DataError: no such page, or an argument that isn't known.
    """
    found = source if isinstance(source, Source) else Source.parse(str(source))
    data = found.read_bytes(limits.max_bytes)
    return decode_raster(data, str(found), depth=depth, alpha=alpha, page=page, limits=limits)


def read_pages(
    source: Source | Path | str,
    *,
    depth: str | int = "keep",
    alpha: str = "drop",
    limits: Limits = DEFAULT_LIMITS,
) -> list[np.ndarray]:
    """Read all pages of a TIFF, or all frames of an animation; other pictures have one.

    Args:
        source: a file, or a member of a zip archive.
        depth: see :func:`read_raster`.
        alpha: see :func:`read_raster`.
        limits: largest page, most pages, and most bytes for all of them together.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_raster`.
    """
    found = source if isinstance(source, Source) else Source.parse(str(source))
    data, name = found.read_bytes(limits.max_bytes), str(found)
    _check_options(depth, alpha)
    pages = list_pages(data, name, limits)
    _check_total(pages, name, limits)
    return [_decode(data, name, page, depth, alpha, limits) for page in pages]


def count_pages(source: Source | Path | str, *, limits: Limits = DEFAULT_LIMITS) -> int:
    """Return how many pages or frames a file has.

    Raises:
        MissingDataError, UnreadableFileError, LimitError: as :func:`read_raster`.
    """
    found = source if isinstance(source, Source) else Source.parse(str(source))
    return len(list_pages(found.read_bytes(limits.max_bytes), str(found), limits))


def decode_raster(
    data: bytes,
    name: str = "a picture",
    *,
    depth: str | int = "keep",
    alpha: str = "drop",
    page: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> np.ndarray:
    """Decode the bytes of a picture; see :func:`read_raster`.

    Args:
        data: content of the file.
        name: what errors call it.
        depth: ``"keep"`` or 8.
        alpha: ``"drop"`` or ``"keep"``.
        page: its number.
        limits: largest picture, most pages.

    Example:
        >>> decode_raster(b"P5 2 1 65535 " + bytes([1, 2, 3, 4])).tolist()
        [[258, 772]]
    """
    _check_options(depth, alpha)
    pages = list_pages(data, name, limits)
    if not 0 <= page < len(pages):
        raise DataError(f"{name} has no page {page}", allowed=f"0 to {len(pages) - 1}")
    return _decode(data, name, pages[page], depth, alpha, limits)


def _check_options(depth: str | int, alpha: str) -> None:
    if depth not in ("keep", 8):
        raise DataError(f"depth={depth!r}", allowed="'keep' or 8")
    if alpha not in ("keep", "drop"):
        raise DataError(f"alpha='{alpha}'", allowed="'keep' or 'drop'")


def _check_total(pages: Sequence[RasterPage], name: str, limits: Limits) -> None:
    total = sum(page.nbytes for page in pages)
    if total > limits.max_decoded_bytes:
        raise LimitError(
            f"{name} has {len(pages):,} pages of {total:,} bytes together",
            allowed=f"at most {limits.max_decoded_bytes:,} bytes",
            hint="read the pages you need with read_raster(page=...)",
        )


def _decode(data: bytes, name: str, page: RasterPage, depth: str | int, alpha: str, limits: Limits) -> np.ndarray:
    limits.check_array((page.nbytes,), 1, name)
    failures: list[Exception] = []
    for row in RASTER_BACKENDS.usable(page):
        try:
            pixels, has_alpha = row.run(io.BytesIO(data) if row.name == "pillow" else data, name, page, limits)
            break
        except LimitError:
            raise
        except Exception as error:  # the next one may know it; the first one's message is the best
            failures.append(error)
    else:
        first = failures[0] if failures else None
        if isinstance(first, DataError):
            raise first
        raise UnreadableFileError(f"{name} can't be decoded: {first}", hint="copy the file again") from first
    if has_alpha and alpha == "drop":
        pixels = pixels[..., :-1]
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels if depth == "keep" else _eight_bits(pixels, name))


def _eight_bits(pixels: np.ndarray, name: str) -> np.ndarray:
    kinds: dict[Any, int] = {np.dtype(np.uint8): 0, np.dtype(np.uint16): 8}
    if pixels.dtype not in kinds:
        raise UnreadableFileError(
            f"{name} holds {pixels.dtype}",
            allowed="8 or 16 bits without sign, where 8 bits are asked for",
            hint="read it with depth='keep' and scale its values yourself",
        )
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
