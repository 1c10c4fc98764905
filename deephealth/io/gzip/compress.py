"""Compressing on several cores into one gzip member that can be inflated on several cores."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deephealth.core.errors import DataError
from deephealth.core.optional import require
from deephealth.io.gzip.index import FINAL_BLOCK, MAX_BLOCKS, member_header
from deephealth.io.gzip.threads import thread_count

__all__ = ["gzip_blocks"]

_BLOCK = 512 * 1024
_ISAL_LEVELS = 3


def gzip_blocks(
    parts: Sequence[bytes | memoryview], *, level: int = 2, threads: int | None = None, block: int = _BLOCK
) -> Iterator[bytes]:
    """Compress ``parts``, one after the other, into one gzip member; yield its bytes piece by piece.

    The bytes depend on the content, the level and the block size, not on time or on the number of threads.

    Args:
        parts: what to compress; memory is not copied.
        level: 1 to 3 compress with ISA-L at hundreds of MB/s per core, 4 to 9 with zlib, smaller and far slower.
        threads: cores to use; all by default.
        block: bytes per independent block; larger ones compress a little better, smaller ones use more cores. Doubled
            as needed for streams of many gigabytes.

    Raises:
        DataError: a level outside 1 to 9.

    Example:
        >>> import gzip
        >>> gzip.decompress(b"".join(gzip_blocks([b"abc", b"def"])))
        b'abcdef'
    """
    if not 1 <= level <= 9:
        raise DataError(f"compression level {level}", allowed="1 (fastest) to 9 (smallest)")
    views = [view for part in parts if len(view := memoryview(part).cast("B"))]
    total = sum(map(len, views))
    while -(-total // block) > MAX_BLOCKS:
        block *= 2
    make, crc32, combine = _codec(level)

    def pack(pieces: list[memoryview]) -> tuple[bytes, int, int]:
        packer, crc, size = make(), 0, 0
        packed = []
        for piece in pieces:
            packed.append(packer.compress(piece))
            crc, size = crc32(piece, crc), size + len(piece)
        packed.append(packer.flush(zlib.Z_FULL_FLUSH))
        return b"".join(packed), crc, size

    with ThreadPoolExecutor(thread_count(threads, -(-total // block))) as pool:
        blocks = list(pool.map(pack, _cut(views, block)))
    crc = 0
    for _, part_crc, size in blocks:
        crc = combine(crc, part_crc, size)
    yield member_header(block, total, [len(packed) for packed, _, _ in blocks])
    yield from (packed for packed, _, _ in blocks)
    yield FINAL_BLOCK + struct.pack("<II", crc, total & 0xFFFFFFFF)


def _codec(level: int) -> tuple[Callable[[], Any], Callable[[memoryview, int], int], Callable[[int, int, int], int]]:
    isal = require("isal.isal_zlib", purpose="writing compressed volumes")
    engine: Any = zlib if level > _ISAL_LEVELS else isal
    return lambda: engine.compressobj(level, zlib.DEFLATED, -15), isal.crc32, isal.crc32_combine


def _cut(views: list[memoryview], block: int) -> Iterator[list[memoryview]]:
    """Yield the pieces of each block."""
    pieces: list[memoryview] = []
    room = block
    for view in views:
        at = 0
        while at < len(view):
            pieces.append(view[at : at + room])
            at += len(pieces[-1])
            room -= len(pieces[-1])
            if not room:
                yield pieces
                pieces, room = [], block
    if pieces:
        yield pieces
