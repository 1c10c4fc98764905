"""Writing the pages of a TIFF into a new file: header, pixels, values, directories, and not a byte between them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import QuarantineError
from deephealth.lake.formats.context import damaged, too_large
from deephealth.lake.formats.icc import clean_icc
from deephealth.lake.formats.jpeg_strip import strip_jpeg
from deephealth.lake.formats.tiff_chunks import chunk_cleaner, chunk_tags, spans
from deephealth.lake.formats.tiff_pages import SIZES, Directory, Entry
from deephealth.lake.reasons import Reason

__all__ = ["KEPT_TAGS", "TiffWriter"]

_DESCRIPTION, _SUB_IFDS, _TABLES, _ICC, _PALETTE = 270, 330, 347, 34675, 320
_PER_SAMPLE = 0
_ANY = -1
# tag -> how many values it may have
KEPT_TAGS: dict[int, int] = {
    254: 1, 255: 1, 256: 1, 257: 1, 258: _PER_SAMPLE, 259: 1, 262: 1, 266: 1, 273: _ANY, 274: 1, 277: 1, 278: 1,
    279: _ANY, 280: _PER_SAMPLE, 281: _PER_SAMPLE, 282: 1, 283: 1, 284: 1, 290: 1, 292: 1, 293: 1, 296: 1, 297: 2,
    317: 1, 318: 2, 319: 6, _PALETTE: 3 * 65_536, 322: 1, 323: 1, 324: _ANY, 325: _ANY, 332: 1, 334: 1,
    338: _PER_SAMPLE, 339: _PER_SAMPLE, 340: _PER_SAMPLE, 341: _PER_SAMPLE, _TABLES: _ANY, 529: 3, 530: 2, 531: 1,
    532: 6, 32997: 1, 32998: 1, 50674: 8, _ICC: _ANY,
}  # fmt: skip
_BYTES_TAGS = (_TABLES, _ICC)
_CLASSIC_END = 2**32 - 2**20


class TiffWriter:
    """Writes one TIFF.

    Args:
        out: the new file, open for writing and seeking.
        order: ``"<"`` or ``">"``, as in the old file: uncompressed pixels depend on it.
        big: whether it is BigTIFF.
        stream: the old file.
        size: bytes of the old file; the new one may not grow far beyond.
        most: bytes that one tile or strip may take.
    """

    def __init__(self, out: BinaryIO, order: str, big: bool, stream: BinaryIO, size: int, *, most: int) -> None:
        self._most = most
        self._out, self._order, self._big, self._stream, self._size = out, order, big, stream, size
        self._word = order + ("Q" if big else "I")
        self._at = 0

    def write(self, pages: list[Directory], describe: Callable[[str], str], notes: list[str]) -> None:
        """Write all pages.

        Args:
            pages: in order.
            describe: what a page's description becomes; an empty one is left out.
            notes: where to say what had to go.

        Raises:
            QuarantineError: pixels that lie outside of the old file, or overlap to blow the new one up.
        """
        mark = b"II" if self._order == "<" else b"MM"
        if self._big:
            self._put(mark + struct.pack(self._order + "HHHQ", 43, 8, 0, 0))
        else:
            self._put(mark + struct.pack(self._order + "HI", 42, 0))
        link = 8 if self._big else 4
        for page in pages:
            place, end = self._page(page, describe, notes)
            self._patch(link, struct.pack(self._word, place))
            link = end

    def _page(self, page: Directory, describe: Callable[[str], str], notes: list[str]) -> tuple[int, int]:
        """Write a page with its pixels and the pages below; return where it is and where the link to the next is."""
        entries = self._entries(page, describe, notes)
        where, sizes = chunk_tags(page)
        entries[where], entries[sizes] = self._pixels(page)
        if page.children:
            places = [self._page(child, describe, notes)[0] for child in page.children]
            entries[_SUB_IFDS] = self._offsets(places)
        return self._directory(entries)

    def _entries(self, page: Directory, describe: Callable[[str], str], notes: list[str]) -> dict[int, Entry]:
        samples = max(1, page.number(277, 1))
        kept: dict[int, Entry] = {}
        for tag, entry in page.entries.items():
            most = KEPT_TAGS.get(tag)
            if most is None or most == _ANY or entry.kind in (2, 7):
                continue
            if entry.count <= (samples if most == _PER_SAMPLE else most):
                kept[tag] = entry
        if _TABLES in page.entries:
            tables = strip_jpeg(page.entries[_TABLES].data, colour=False).data
            kept[_TABLES] = Entry(7, len(tables), tables)
        if _ICC in page.entries:
            profile = clean_icc(page.entries[_ICC].data)
            if profile:
                kept[_ICC] = Entry(7, len(profile), profile)
            else:
                notes.append("a colour profile could not be cleaned and was left out")
        text = describe(page.text(_DESCRIPTION)) if _DESCRIPTION in page.entries else ""
        if text:
            data = text.encode("utf-8") + b"\0"
            kept[_DESCRIPTION] = Entry(2, len(data), data)
        return kept

    def _pixels(self, page: Directory) -> tuple[Entry, Entry]:
        clean, chunks = chunk_cleaner(page), spans(page, self._size)
        places = np.zeros_like(chunks)
        placed: dict[tuple[int, int], int] = {}
        for number in range(len(chunks)):
            offset, count = map(int, chunks[number])
            if not count:
                continue  # a tile that the scanner did not visit
            if (offset, count) in placed:  # blank tiles often share their bytes
                places[number] = places[placed[offset, count]]
                continue
            data = clean(number, self._read(offset, count))
            places[number] = self._put(data), len(data)
            placed[offset, count] = number
        return self._offsets(places[:, 0]), self._offsets(places[:, 1])

    def _read(self, offset: int, count: int) -> bytes:
        if offset < 0 or count < 0 or offset + count > self._size:
            raise damaged("the pixels of the TIFF file lie beyond its end")
        if count > self._most:
            raise too_large("one strip of the TIFF file takes more memory than it may")
        if self._at + count > 2 * self._size + 1024**2:
            raise QuarantineError(Reason.HOSTILE, "the tiles of the TIFF file overlap")
        self._stream.seek(offset)
        return self._stream.read(count)

    def _offsets(self, values: npt.ArrayLike) -> Entry:
        kind, code = (16, "u8") if self._big else (4, "u4")
        fresh = np.asarray(values, np.int64).astype(self._order + code)
        return Entry(kind, len(fresh), fresh.tobytes())

    def _directory(self, entries: dict[int, Entry]) -> tuple[int, int]:
        inside = 8 if self._big else 4
        rows = []
        for tag in sorted(entries):
            entry = entries[tag]
            data = entry.data[: entry.count * SIZES[entry.kind]]
            field = data.ljust(inside, b"\0") if len(data) <= inside else struct.pack(self._word, self._put(data))
            rows.append(struct.pack(self._order + "HH", tag, entry.kind) + struct.pack(self._word, entry.count) + field)
        head = struct.pack(self._order + ("Q" if self._big else "H"), len(rows))
        place = self._put(head + b"".join(rows) + struct.pack(self._word, 0))
        return place, place + len(head) + len(rows) * (20 if self._big else 12)

    def _put(self, data: bytes) -> int:
        """Append at an even place, return where."""
        if self._at % 2:
            self._out.write(b"\0")
            self._at += 1
        place = self._at
        if not self._big and place + len(data) > _CLASSIC_END:
            raise damaged("the TIFF file is larger than a classic TIFF can be")
        self._out.write(data)
        self._at += len(data)
        return place

    def _patch(self, at: int, data: bytes) -> None:
        self._out.seek(at)
        self._out.write(data)
        self._out.seek(self._at)
