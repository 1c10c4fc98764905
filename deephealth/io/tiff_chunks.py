"""From the bytes of one TIFF tile or strip to pixels: stored, Deflate, PackBits, LZW and JPEG, with predictors.

What a chunk may unpack to is known from its page, so a bomb is cut off at that size.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.core.optional import is_installed
from deephealth.io.jpeg import decode_jpeg
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.tiff import ReadAt, TiffPage

__all__ = ["can_decode", "check_budget", "decode_chunk", "decode_page", "most_unpacked"]

_STORED, _LZW, _JPEG, _DEFLATE, _ADOBE_DEFLATE, _PACKBITS = 1, 5, 7, 8, 32946, 32773
_RGB, _YCBCR = 2, 6
# decoded bytes per stored byte that a packing can reach; an empty fax page takes a bit a row
_MOST_RATIO = {_STORED: 1, _PACKBITS: 128, _JPEG: 1100, _DEFLATE: 1100, _ADOBE_DEFLATE: 1100, _LZW: 1500}
_ANY_RATIO = 60_000
_COPY_AGAIN = "copy the file again: it is truncated or damaged"


def can_decode(page: TiffPage) -> bool:
    """Return whether :func:`decode_chunk` knows how this page is packed.

    Example:
        >>> can_decode(TiffPage({"compression": 4, "fill_order": 1}, "<"))
        False
    """
    if page.fill_order != 1 or page.compression not in (_STORED, _LZW, _JPEG, _DEFLATE, _ADOBE_DEFLATE, _PACKBITS):
        return False
    if page.compression == _JPEG:
        return (
            page.bits == 8
            and page.planar == 1
            and (page.samples, page.photometric) in {(1, 0), (1, 1), (3, _RGB), (3, _YCBCR)}
            and page.predictor == 1
        )
    if page.compression == _LZW and not is_installed("imagecodecs"):
        return False
    if page.compression in (_STORED, _PACKBITS) and page.predictor != 1:  # libtiff ignores it there, others don't
        return False
    return page.dtype is not None and page.photometric in (0, 1, _RGB) and page.predictor in (1, 2, 3)


def decode_chunk(
    page: TiffPage, data: bytes, name: str, rows: int | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """Decode one tile or strip.

    Args:
        page: the page that it belongs to.
        data: its bytes.
        name: what errors call the file.
        rows: rows it holds, where the last strip is shorter.
        out: memory that may be used for the result; see :func:`~deephealth.io.jpeg.decode_jpeg`.

    Returns:
        height x width x samples (1 sample in planar files), in the machine's byte order.

    Raises:
        UnreadableFileError: damaged.
        LimitError: it unpacks to another size than the page says.
    """
    height, width = page.chunk
    shape = (height if rows is None else rows, width, 1 if page.planar == 2 else page.samples)
    try:
        if page.compression == _JPEG:
            return _jpeg_chunk(page, data, shape, name, out)
        return _plain_chunk(page, data, shape, name)
    except DataError:
        raise
    except Exception as error:  # zlib, imagecodecs and NumPy each have their own
        raise UnreadableFileError(f"{name}: a tile or strip is damaged: {error}", hint=_COPY_AGAIN) from error


def decode_page(read: ReadAt, page: TiffPage, name: str, *, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    """Decode a whole page.

    Returns:
        height x width x samples as stored: not turned upright, minimum-is-white not inverted.

    Raises:
        UnreadableFileError: damaged.
        LimitError: larger than ``limits`` allow.
    """
    dtype = np.dtype(np.uint8) if page.compression == _JPEG else page.dtype
    if dtype is None:
        raise UnreadableFileError(f"{name}: {page.bits} bits per sample", allowed="8, 16, 32 or 64")
    shape = (page.height, page.width, page.samples)
    limits.check_array(shape, dtype.itemsize, name)
    offsets, counts = page.offsets, page.counts
    (down, across), (high, wide) = page.grid, page.chunk
    planes = page.samples if page.planar == 2 else 1
    check_budget(page, name)
    out = np.empty(shape, dtype)
    for index in range(planes * down * across):
        plane, at = divmod(index, down * across)
        y, x = (at // across) * high, (at % across) * wide
        rows = None if page.tiled else min(high, page.height - y)
        data = read(int(offsets[index]), int(counts[index]))
        part = decode_chunk(page, data, name, rows)[: page.height - y, : page.width - x]
        target = out[y : y + part.shape[0], x : x + part.shape[1]]
        target[..., plane : plane + part.shape[2]] = part
    return out


def check_budget(page: TiffPage, name: str) -> None:
    """Refuse a page whose chunks can't hold its pixels: an array for them would be a bomb.

    Raises:
        LimitError: it claims more than its bytes could unpack to.
    """
    held = int(np.minimum(page.counts, 2**40).clip(0).sum())
    wanted = page.height * page.width * page.samples * page.bits // 8
    if most_unpacked(page.compression, held) < wanted:
        raise LimitError(
            f"{name} claims {page.width:,} x {page.height:,} pixels and holds {held:,} bytes of them",
            allowed="a complete file",
            hint=_COPY_AGAIN,
        )


def most_unpacked(compression: int, held: int) -> int:
    """Return how many bytes ``held`` bytes can become.

    Args:
        compression: TIFF's number for it.
        held: bytes.

    Example:
        >>> most_unpacked(1, 1000)
        66536
    """
    return held * _MOST_RATIO.get(compression, _ANY_RATIO) + 65536


def _jpeg_chunk(
    page: TiffPage, data: bytes, shape: tuple[int, int, int], name: str, out: np.ndarray | None
) -> np.ndarray:
    colour = "rgb" if page.photometric == _RGB else "ycbcr"
    grey = shape[2] == 1
    pixels = decode_jpeg(data, name, tables=page.jpeg_tables, colour=colour, at_most=page.chunk, grey=grey, out=out)
    if pixels.shape[0] < shape[0] or pixels.shape[1] < shape[1]:
        raise UnreadableFileError(
            f"{name}: a tile of {pixels.shape[1]} x {pixels.shape[0]} pixels", allowed=f"{shape[1]} x {shape[0]}"
        )
    return pixels


def _plain_chunk(page: TiffPage, data: bytes, shape: tuple[int, int, int], name: str) -> np.ndarray:
    dtype: np.dtype[Any] = page.dtype  # type: ignore[assignment]  # can_decode has said that there is one
    size = shape[0] * shape[1] * shape[2] * dtype.itemsize
    raw = _unpack(page.compression, data, size)
    if len(raw) < size:
        raise UnreadableFileError(
            f"{name}: a tile or strip holds {len(raw):,} bytes", allowed=f"{size:,} bytes", hint=_COPY_AGAIN
        )
    if page.predictor == 3:
        return _float_predictor(raw[:size], shape, dtype)
    values = np.frombuffer(
        raw, dtype.newbyteorder("<" if page.order == "<" else ">"), count=size // dtype.itemsize
    ).reshape(shape)
    values = values.astype(dtype, copy=False)
    return np.cumsum(values, axis=1, dtype=dtype) if page.predictor == 2 else values


def _unpack(compression: int, data: bytes, size: int) -> bytes:
    if compression == _STORED:
        return data
    if compression in (_DEFLATE, _ADOBE_DEFLATE):
        return zlib.decompressobj().decompress(data, size)
    if compression == _PACKBITS:
        return _packbits(data, size)
    import imagecodecs

    out: Any = imagecodecs.lzw_decode(data, out=size)
    return bytes(out)


def _packbits(data: bytes, size: int) -> bytes:
    out, at = bytearray(), 0
    while at < len(data) and len(out) < size:
        code = data[at]
        if code < 128:
            out += data[at + 1 : at + 2 + code]
            at += code + 2
        else:
            if code > 128:
                out += data[at + 1 : at + 2] * (257 - code)
            at += 2 if code > 128 else 1
    return bytes(out)


def _float_predictor(raw: bytes, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> np.ndarray:
    """Undo predictor 3: bytes of equal weight stand together in each row, as differences (Adobe technical note 3)."""
    rows, width, samples = shape
    planes = np.frombuffer(raw, np.uint8).reshape(rows, dtype.itemsize * width, samples)
    summed = np.cumsum(planes, axis=1, dtype=np.uint8).reshape(rows, dtype.itemsize, width * samples)
    return np.ascontiguousarray(summed.transpose(0, 2, 1)).view(dtype.newbyteorder(">")).reshape(shape).astype(dtype)
