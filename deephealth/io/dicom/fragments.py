"""Finding the frames in an encapsulated pixel element: offset tables, fragments without tables, damaged tables.

Source: DICOM PS3.5 annex A.4.
"""

from __future__ import annotations

import struct
from itertools import pairwise

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.io.dicom.bounded import ByteSource

__all__ = ["Frames", "find_frames"]

_HEAD = struct.Struct("<4sI")
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_JPEG_END, _END_WITHIN = b"\xff\xd9", 16  # the marker that ends a JPEG stream stands in its last bytes, before padding
_MAX_FRAGMENTS_PER_FRAME = 4096

Frames = list[list[tuple[int, int]]]
"""For each frame its fragments: (start, length) within the pixel element."""


def find_frames(source: ByteSource, frames: int, name: str, *, extended: tuple[bytes, bytes] | None = None) -> Frames:
    """Return where the frames of an encapsulated pixel element are.

    Args:
        source: the element's value, starting with the item of the basic offset table.
        frames: how many the header claims.
        name: what errors call the file.
        extended: values of ExtendedOffsetTable and ExtendedOffsetTableLengths.

    Raises:
        UnreadableFileError: no items, or too few for the claimed frames.
        LimitError: unreasonably many fragments.
    """
    table, fragments = _items(source, frames, name)
    if not fragments:
        raise UnreadableFileError(f"the pixels of {name} hold no fragment", allowed="one or more per frame")
    first = fragments[0][0] - _HEAD.size
    if extended is not None:
        found = _by_extended(source, extended, first, frames)
        if found is not None:
            return found
    if frames == 1:
        return [fragments]
    if len(fragments) == frames:
        return [[fragment] for fragment in fragments]
    found = _by_table(table, fragments, first) or _by_marker(source, fragments)
    if len(found) < frames:
        raise UnreadableFileError(
            f"{name} claims {frames} frames and holds {len(found)}",
            allowed="a complete file",
            hint="copy the file again: it is truncated, or NumberOfFrames is wrong",
        )
    return found[:frames]


def _items(source: ByteSource, frames: int, name: str) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the basic offset table and the (start, length) of each fragment."""
    at = 0
    table: bytes | None = None
    fragments: list[tuple[int, int]] = []
    most = (frames + 1) * _MAX_FRAGMENTS_PER_FRAME
    while at + _HEAD.size <= source.size:
        tag, length = _HEAD.unpack(source.read(at, _HEAD.size))
        if tag != _ITEM:
            if tag == _END or fragments:
                break
            raise UnreadableFileError(
                f"the pixels of {name} start with {tag.hex()} where an item should",
                allowed="encapsulated frames, as its transfer syntax says",
                hint="the transfer syntax in the header is wrong, or the file is damaged",
            )
        at += _HEAD.size
        length = min(length, source.size - at)
        if table is None:
            table = source.read(at, length)
        else:
            fragments.append((at, length))
            if len(fragments) > most:
                raise LimitError(f"{name} has more than {most} fragments for {frames} frames", allowed="fewer")
        at += length
    return table or b"", fragments


def _by_extended(source: ByteSource, extended: tuple[bytes, bytes], first: int, frames: int) -> Frames | None:
    """Return the frames that the extended offset table names, ``None`` if it does not fit."""
    count = min(len(extended[0]), len(extended[1])) // 8
    if count < frames:
        return None
    offsets = struct.unpack_from(f"<{frames}Q", extended[0])
    lengths = struct.unpack_from(f"<{frames}Q", extended[1])
    found: Frames = []
    for offset, length in zip(offsets, lengths, strict=True):
        start = first + offset + _HEAD.size
        if start + length > source.size or source.read(first + offset, 4) != _ITEM:
            return None
        found.append([(start, length)])
    return found


def _by_table(table: bytes, fragments: list[tuple[int, int]], first: int) -> Frames | None:
    """Return the frames that the basic offset table names, ``None`` if it is empty or does not fit."""
    offsets = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
    if not offsets or offsets[0] != 0:
        return None
    place = {start - _HEAD.size - first: index for index, (start, _) in enumerate(fragments)}
    if any(offset not in place for offset in offsets):
        return None
    starts = [place[offset] for offset in offsets]
    if any(later <= earlier for earlier, later in pairwise(starts)):
        return None
    return [fragments[start:stop] for start, stop in zip(starts, [*starts[1:], len(fragments)], strict=True)]


def _by_marker(source: ByteSource, fragments: list[tuple[int, int]]) -> Frames:
    """Split where a fragment ends with the end of a JPEG stream."""
    found: Frames = []
    pending: list[tuple[int, int]] = []
    for start, length in fragments:
        pending.append((start, length))
        tail = min(length, _END_WITHIN)
        if _JPEG_END in source.read(start + length - tail, tail):
            found.append(pending)
            pending = []
    return [*found, pending] if pending else found
