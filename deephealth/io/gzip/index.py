"""The extra field (RFC 1952, section 2.3.1.1) that says where the independent blocks of a gzip member are.

Subfield ``DH``: version (1 byte), three zero bytes, block size before compression (4), size of everything before
compression (8), then the compressed length of each block (4 each); little endian. Blocks are byte-aligned raw DEFLATE
without a final block; an empty final block follows the last one, then CRC-32 and length as in any gzip member.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["FINAL_BLOCK", "MAX_BLOCKS", "TRAILER", "BlockIndex", "member_header", "read_index"]

FINAL_BLOCK = b"\x03\x00"  # an empty block with fixed codes and the "last" bit set
TRAILER = 8

_FIXED = struct.Struct("<2sBBIBBH")  # magic, method, flags, time, hints, system, length of the extra field
_SUBFIELD = struct.Struct("<2sH")
_INDEX = struct.Struct("<B3xIQ")
_EXTRA_FLAG = 4
_UNKNOWN_SYSTEM = 255
_NAME = b"DH"
_VERSION = 1
# an extra field is at most 65,535 bytes
MAX_BLOCKS = (0xFFFF - _SUBFIELD.size - _INDEX.size) // 4


@dataclass(frozen=True, slots=True)
class BlockIndex:
    """Where the blocks of a member are.

    Args:
        start: offset of the first block in the file.
        block: bytes per block before compression; the last may hold less.
        total: bytes of all blocks before compression.
        lengths: compressed bytes per block.
    """

    start: int
    block: int
    total: int
    lengths: tuple[int, ...]


def member_header(block: int, total: int, lengths: list[int]) -> bytes:
    """Return the header of a gzip member with its block index; no time and no name, so that bytes repeat.

    Args:
        block: bytes per block before compression.
        total: bytes of all blocks before compression.
        lengths: compressed bytes per block; at most :data:`MAX_BLOCKS`.
    """
    payload = _INDEX.pack(_VERSION, block, total) + struct.pack(f"<{len(lengths)}I", *lengths)
    field = _SUBFIELD.pack(_NAME, len(payload)) + payload
    return _FIXED.pack(b"\x1f\x8b", 8, _EXTRA_FLAG, 0, 0, _UNKNOWN_SYSTEM, len(field)) + field


def read_index(data: memoryview) -> BlockIndex | None:
    """Return the block index of a gzip file, or ``None`` if it has none or it does not fit the file.

    Args:
        data: the whole file.
    """
    payload, start = _subfield(data)
    if payload is None or len(payload) < _INDEX.size or payload[0] != _VERSION:
        return None
    _, block, total = _INDEX.unpack_from(payload)
    count, rest = divmod(len(payload) - _INDEX.size, 4)
    lengths = struct.unpack_from(f"<{count}I", payload, _INDEX.size)
    fits = (
        not rest
        and block > 0
        and count == -(-total // block)
        and start + sum(lengths) + len(FINAL_BLOCK) + TRAILER == len(data)
    )
    return BlockIndex(start, block, total, lengths) if fits else None


def _subfield(data: memoryview) -> tuple[memoryview | None, int]:
    """Return the payload of our subfield, and where the compressed data begins."""
    if len(data) < _FIXED.size:
        return None, 0
    magic, method, flags, _, _, _, length = _FIXED.unpack_from(data)
    if magic != b"\x1f\x8b" or method != 8 or flags != _EXTRA_FLAG:
        return None, 0
    start = _FIXED.size + length
    at = _FIXED.size
    while at + _SUBFIELD.size <= min(start, len(data)):
        name, size = _SUBFIELD.unpack_from(data, at)
        at += _SUBFIELD.size
        if name == _NAME and at + size <= start <= len(data):
            return data[at : at + size], start
        at += size
    return None, 0
