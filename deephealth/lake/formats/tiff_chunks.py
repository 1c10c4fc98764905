"""The coded tiles and strips of a TIFF: copied, without what a codec lets people write into them."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.formats.jpeg_strip import strip_jpeg
from deephealth.lake.formats.tiff_pages import Directory
from deephealth.lake.reasons import Reason

__all__ = ["chunk_cleaner", "chunk_tags", "spans", "strip_j2k"]

_STEP = 1024**2
_MOST_CHUNKS = 2**21  # 137 gigapixels in tiles of 256 x 256
_NONE, _DEFLATE, _JPEG, _J2K = (1,), (8, 32946), (7,), (33003, 33004, 33005, 34712)
# LZW, PackBits, CCITT, LERC, ZSTD, WebP, JPEG XL, thunderscan: copied as they are
_COPIED = frozenset({2, 3, 4, 5, 32773, 34887, 34925, 50000, 50001, 50002, 52546})


def chunk_tags(page: Directory) -> tuple[int, int]:
    """Return the tags that hold offsets and byte counts: of tiles, else of strips."""
    return (324, 325) if 324 in page.entries else (273, 279)


def chunk_cleaner(page: Directory) -> Callable[[int, bytes], bytes]:
    """Return the function that cleans one tile or strip, by its number and content.

    Raises:
        QuarantineError: a compression that is not known.
    """
    compression = page.number(259, 1)
    if compression in _COPIED:
        return lambda _number, data: data
    if compression in _JPEG:
        return lambda _number, data: strip_jpeg(data, colour=False).data
    if compression in _J2K:
        return lambda _number, data: strip_j2k(data)
    if compression not in (*_NONE, *_DEFLATE):
        what = "the pixels of the TIFF file are packed in a way that is not known"
        raise QuarantineError(Reason.UNKNOWN_FORMAT, what, allowed="JPEG, JPEG 2000, deflate, LZW, none and others")
    sizes = _decoded_sizes(page)
    if compression in _NONE:
        return lambda number, data: data[: sizes(number)]
    return lambda number, data: _deflated(data, sizes(number))


def strip_j2k(data: bytes) -> bytes:
    r"""Return a JPEG 2000 codestream without the comments of its main header.

    Raises:
        QuarantineError: no bare codestream, or damaged.

    Source: ITU-T T.800 annex A.

    Example:
        >>> strip_j2k(b"\xff\x4f\xff\x51\0\4AB\xff\x64\0\6\0\1JD\xff\x90rest")
        b'\xffO\xffQ\x00\x04AB\xff\x90rest'
    """
    if data[:4] != b"\xff\x4f\xff\x51":
        raise damaged("a tile of the TIFF file is not a JPEG 2000 codestream")
    kept, at = [data[:2]], 2
    while data[at : at + 2] != b"\xff\x90":
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at : at + 1] != b"\xff" or end <= at + 3 or end > len(data):
            raise damaged("a JPEG 2000 tile of the TIFF file is damaged")
        if data[at + 1] != 0x64:
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])


def _decoded_sizes(page: Directory) -> Callable[[int], int]:
    """Return a function that says how many bytes a tile or strip holds when unpacked."""
    width, height = page.number(256), page.number(257)
    planes = page.number(277, 1) if page.number(284, 1) == 2 else 1
    bits = page.numbers(258)
    depth = int(bits.max()) if len(bits) else 1
    samples = 1 if planes > 1 else page.number(277, 1)
    deep = max(1, page.number(32998, 1))
    spare = 2 if page.number(262) == 6 else 1  # subsampled colours take less; their blocks may round up
    if 324 in page.entries:
        size = (page.number(322) * samples * depth + 7) // 8 * page.number(323) * deep * spare
        return lambda _number: size
    row = (width * samples * depth + 7) // 8
    rows = min(page.number(278, height) or height, height)
    strips = max(1, -(-height // max(1, rows)))

    def of_strip(number: int) -> int:
        return row * min(rows, height - number % strips * rows) * spare

    return of_strip


def _deflated(data: bytes, most: int) -> bytes:
    """Return a zlib stream without what follows its end."""
    decoder, found, pending = zlib.decompressobj(), 0, data
    try:
        while pending and not decoder.eof:
            found += len(decoder.decompress(pending, _STEP))
            pending = decoder.unconsumed_tail
            if found > most:
                raise damaged("a tile of the TIFF file unpacks to more than a tile")
    except zlib.error as error:
        raise damaged("a tile of the TIFF file is damaged") from error
    return data[: len(data) - len(decoder.unused_data)]


def spans(page: Directory, size: int) -> npt.NDArray[np.int64]:
    """Return where the tiles or strips lie: rows of (offset, bytes).

    Args:
        page: the page.
        size: bytes in the file.

    Raises:
        QuarantineError: not as many as the page needs, more than a slide has, or they overlap.
    """
    where, sizes = chunk_tags(page)
    offsets, counts = page.numbers(where), page.numbers(sizes)
    if not len(offsets) or not len(offsets) == len(counts) == _grid(page):
        raise damaged("a page of the TIFF file has no pixels, or not as many tiles as it needs")
    if len(offsets) > _MOST_CHUNKS:
        raise too_large(f"a page of the TIFF file claims {len(offsets):,} tiles")
    found = np.stack([offsets.astype(np.int64), counts.astype(np.int64)], axis=1)
    if found.min() < 0 or np.unique(found, axis=0)[:, 1].astype(float).sum() > 2 * size:
        raise QuarantineError(Reason.HOSTILE, "the tiles of the TIFF file overlap")
    return found


def _grid(page: Directory) -> int:
    """Return how many tiles or strips the page needs."""
    width, height = page.number(256), page.number(257)
    planes = page.number(277, 1) if page.number(284, 1) == 2 else 1
    if 324 in page.entries:
        deep = -(-max(1, page.number(32997, 1)) // max(1, page.number(32998, 1)))
        across, down = max(1, page.number(322)), max(1, page.number(323))
        return planes * deep * -(-width // across) * -(-height // down)
    rows = min(page.number(278, height) or height, height)
    return planes * -(-height // max(1, rows))
