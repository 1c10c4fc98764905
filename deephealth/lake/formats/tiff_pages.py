"""The directories of a TIFF with the raw values of chosen tags, read from files that nobody vouches for.

:mod:`deephealth.io.tiff` reads what decoding needs and drops the rest; here values must be written again as they were.
Source: TIFF revision 6.0 (1992), BigTIFF proposal (2007), Adobe TIFF technical note 1 (SubIFDs).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from deephealth.lake.formats.context import damaged, too_large

__all__ = ["SIZES", "Directory", "Entry", "TiffFile", "is_tiff", "read_tiff"]

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_CODES = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_SUB_IFDS = 330
_MOST_ENTRIES = 4096
_MOST_PAGES = 65_536
_MOST_VALUES = 256 * 1024**2  # bytes of all tag values: offsets and counts of 16 million tiles
_MOST_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag's value.

    Args:
        kind: type of the values, 1 to 18.
        count: how many.
        data: the values as in the file.
    """

    kind: int
    count: int
    data: bytes


@dataclass(slots=True)
class Directory:
    """One page.

    Args:
        order: ``"<"`` or ``">"``.
        entries: the tags that were asked for.
        others: how many tags there are that were not.
        tags: the numbers of all tags.
        children: pages below it, such as the levels of a pyramid.
    """

    order: str
    entries: dict[int, Entry] = field(default_factory=dict)
    others: int = 0
    tags: frozenset[int] = frozenset()
    children: list[Directory] = field(default_factory=list)

    def numbers(self, tag: int) -> np.ndarray[Any, np.dtype[Any]]:
        """Return a tag's whole numbers; empty when it is absent or holds something else."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _CODES:
            return np.empty(0, np.int64)
        return np.frombuffer(entry.data, self.order + _CODES[entry.kind])

    def number(self, tag: int, default: int = 0) -> int:
        """Return a tag's first whole number."""
        found = self.numbers(tag)
        return int(found[0]) if len(found) else default

    def text(self, tag: int) -> str:
        """Return a tag's text, up to its first null byte."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in (1, 2, 7):
            return ""
        return entry.data.split(b"\0")[0].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class TiffFile:
    """A TIFF's pages.

    Args:
        order: ``"<"`` or ``">"``.
        big: whether it is BigTIFF.
        pages: in the file's order.
    """

    order: str
    big: bool
    pages: list[Directory]


def is_tiff(start: bytes) -> bool:
    r"""Return whether a file that begins with ``start`` (4 bytes) is TIFF or BigTIFF.

    Example:
        >>> is_tiff(b"II*\0"), is_tiff(b"MM\0+"), is_tiff(b"GIF8")
        (True, True, False)
    """
    return start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(stream: BinaryIO, size: int, wanted: Callable[[int], bool]) -> TiffFile:
    """Read the pages of a TIFF.

    Args:
        stream: the file.
        size: bytes in it.
        wanted: says which tags' values are read.

    Raises:
        QuarantineError: not TIFF, damaged, loops of pages, or more claims than the file can hold.
    """
    reader = _Reader(stream, size, wanted)
    try:
        pages = reader.chain(reader.first, 0)
    except (struct.error, OverflowError) as error:
        raise damaged("the structure of the TIFF file is damaged") from error
    if not pages:
        raise damaged("the TIFF file has no page")
    return TiffFile(reader.order, reader.big, pages)


class _Reader:
    def __init__(self, stream: BinaryIO, size: int, wanted: Callable[[int], bool]) -> None:
        self.stream, self.size, self.wanted = stream, size, wanted
        head = self.read(0, 8)
        if not is_tiff(head):
            raise damaged("the file is not TIFF")
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = b"+" in head[2:4]
        self.word = self.order + ("Q" if self.big else "I")
        self.entry = 20 if self.big else 12
        self.first = struct.unpack(self.word, self.read(8, 8) if self.big else head[4:8])[0]
        self.seen: set[int] = set()
        self.values = 0

    def read(self, at: int, count: int) -> bytes:
        if at < 0 or count < 0 or at + count > self.size:
            raise damaged("the TIFF file points beyond its end")
        self.stream.seek(at)
        data = self.stream.read(count)
        if len(data) != count:
            raise damaged("the TIFF file is cut off")
        return data

    def chain(self, at: int, depth: int) -> list[Directory]:
        """Return the pages of a chain; a page that was met before is a loop."""
        pages = []
        while at:
            if at in self.seen:
                raise damaged("the chain of pages of the TIFF file is a loop")
            self.seen.add(at)
            if len(self.seen) > _MOST_PAGES:
                raise too_large(f"the TIFF file has more than {_MOST_PAGES:,} pages")
            page, at = self.page(at, depth)
            pages.append(page)
            if depth:  # a page below a page has no successor
                break
        return pages

    def page(self, at: int, depth: int) -> tuple[Directory, int]:
        width, code = (8, "Q") if self.big else (2, "H")
        count = struct.unpack(self.order + code, self.read(at, width))[0]
        if not 0 < count <= _MOST_ENTRIES:
            raise damaged("a page of the TIFF file claims a number of tags that can't be")
        link = struct.calcsize(self.word)
        body = self.read(at + width, count * self.entry + link)
        page, tags = Directory(self.order), set()
        for start in range(0, count * self.entry, self.entry):
            tag, kind = struct.unpack_from(self.order + "HH", body, start)
            tags.add(tag)
            if kind in SIZES and (tag == _SUB_IFDS or self.wanted(tag)) and tag not in page.entries:
                page.entries[tag] = self.value(kind, body[start + 4 : start + self.entry])
            else:
                page.others += 1
        page.tags = frozenset(tags)
        below = page.numbers(_SUB_IFDS).tolist()
        if below and depth >= _MOST_DEPTH:
            raise damaged("pages of the TIFF file lie below pages too deep")
        for offset in below:
            page.children += self.chain(int(offset), depth + 1)
        return page, struct.unpack(self.word, body[-link:])[0]

    def value(self, kind: int, where: bytes) -> Entry:
        half = len(where) // 2
        count = struct.unpack(self.word, where[:half])[0]
        size = count * SIZES[kind]
        if size <= half:
            return Entry(kind, count, where[half : half + size])
        self.values += size
        if self.values > min(_MOST_VALUES, 4 * self.size):
            raise too_large("the tags of the TIFF file claim more than they can hold")
        return Entry(kind, count, self.read(struct.unpack(self.word, where[half:])[0], size))
