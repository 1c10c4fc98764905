"""The structure of a TIFF file: its pages, where their tiles or strips lie, and how they are packed.

Nothing is decoded here. Every offset and count that the file claims is compared with what the file holds before memory
is allocated, a chain of pages that bites its own tail ends, and only the tags that are needed are read. Both byte
orders; classic TIFF 6.0 and BigTIFF.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.io.limits import DEFAULT_LIMITS, Limits

__all__ = ["TiffPage", "parse_tiff"]

ReadAt = Callable[[int, int], bytes]

# tag -> (attribute, default); only these are read
_TAGS: dict[int, tuple[str, Any]] = {
    254: ("subfile", 0),
    256: ("width", 0),
    257: ("height", 0),
    258: ("bits", 1),
    259: ("compression", 1),
    262: ("photometric", 1),
    266: ("fill_order", 1),
    270: ("description", ""),
    273: ("strip_offsets", ()),
    274: ("orientation", 1),
    277: ("samples", 1),
    278: ("rows_per_strip", 0),
    279: ("strip_counts", ()),
    282: ("x_resolution", 0.0),
    283: ("y_resolution", 0.0),
    284: ("planar", 1),
    296: ("resolution_unit", 2),
    305: ("software", ""),
    317: ("predictor", 1),
    322: ("tile_width", 0),
    323: ("tile_height", 0),
    324: ("tile_offsets", ()),
    325: ("tile_counts", ()),
    338: ("extra_samples", ()),
    339: ("sample_format", 1),
    347: ("jpeg_tables", b""),
    700: ("xmp", b""),
}
_ARRAYS = frozenset({273, 279, 324, 325, 338})
_TYPES = {1: "B", 2: "c", 3: "u2", 4: "u4", 5: "u4", 6: "i1", 7: "B", 8: "i2", 9: "i4", 16: "u8", 17: "i8", 18: "u8"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST_TEXT = 16 * 1024**2
_MOST_ENTRIES = 4096
_COPY_AGAIN = "copy the file again: it is truncated or damaged"


@dataclass(frozen=True, slots=True)
class TiffPage:
    """One page (IFD) of a TIFF.

    Args:
        tags: the read tags by name, defaults filled in.
        order: ``"<"`` or ``">"``.

    Example:
        >>> page = TiffPage({"width": 3, "height": 2, "bits": 8, "samples": 1, "sample_format": 1}, "<")
        >>> page.dtype, page.tiled
        (dtype('uint8'), False)
    """

    tags: dict[str, Any]
    order: str

    def __getattr__(self, name: str) -> Any:
        try:
            return self.tags[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def tiled(self) -> bool:
        """Whether the pixels lie in tiles (else in strips)."""
        return bool(self.tags.get("tile_width"))

    @property
    def chunk(self) -> tuple[int, int]:
        """(height, width) of one tile or strip, pixels."""
        if self.tiled:
            return self.tags["tile_height"], self.tags["tile_width"]
        rows = self.tags["rows_per_strip"]
        return (min(rows, self.tags["height"]) if rows else self.tags["height"]), self.tags["width"]

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of tiles or strips in one plane."""
        height, width = self.chunk
        return -(-self.tags["height"] // height), -(-self.tags["width"] // width)

    @property
    def offsets(self) -> np.ndarray:
        """Where each tile or strip starts, bytes."""
        return np.asarray(self.tags["tile_offsets" if self.tiled else "strip_offsets"])

    @property
    def counts(self) -> np.ndarray:
        """How many bytes each tile or strip takes."""
        return np.asarray(self.tags["tile_counts" if self.tiled else "strip_counts"])

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """NumPy type of a sample in this machine's byte order, ``None`` where there is none (1, 4, 12 bits ...)."""
        kind = {1: "u", 2: "i", 3: "f", 4: "u"}.get(self.tags["sample_format"])
        name = f"{kind}{self.tags['bits'] // 8}"
        known = {"u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"}
        return np.dtype(name) if self.tags["bits"] % 8 == 0 and name in known else None


def parse_tiff(read: ReadAt, size: int, name: str, *, limits: Limits = DEFAULT_LIMITS) -> list[TiffPage]:
    """Return the pages of a TIFF, without decoding anything.

    Args:
        read: returns up to n bytes at an offset: ``read(offset, n)``.
        size: bytes in the file.
        name: what errors call it.
        limits: most pages.

    Raises:
        UnreadableFileError: not a TIFF, or its structure is damaged.
        LimitError: a tag claims more than the file holds, or there are too many pages.

    Source:
        TIFF revision 6.0 (1992), BigTIFF proposal (2007).

    Example:
        >>> parse_tiff(lambda at, n: b"GIF89a"[at : at + n], 6, "x.tif")
        Traceback (most recent call last):
        ...
        deephealth.core.errors.UnreadableFileError: x.tif is not a TIFF file
          allowed: TIFF or BigTIFF
    """
    try:
        parser = _Parser(read, size, name)
        pages: list[TiffPage] = []
        for entries in parser.directories():
            if len(pages) >= limits.max_frames:
                raise LimitError(f"{name} has more than {limits.max_frames:,} pages", allowed="Limits(max_frames=...)")
            pages.append(parser.page(entries))
    except (struct.error, ValueError, OverflowError, ZeroDivisionError, TypeError) as error:
        if isinstance(error, (UnreadableFileError, LimitError)):
            raise
        raise UnreadableFileError(f"{name}: its TIFF structure is damaged: {error}", hint=_COPY_AGAIN) from error
    if not pages:
        raise UnreadableFileError(f"{name} is a TIFF without a page", hint=_COPY_AGAIN)
    return pages


class _Parser:
    """Byte order and word size of one file, and how to read its directories."""

    def __init__(self, read: ReadAt, size: int, name: str) -> None:
        self.read_at, self.size, self.name = read, size, name
        head = read(0, 16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        magic = struct.unpack(self.order + "H", head[2:4])[0] if self.order and len(head) >= 8 else 0
        if magic not in (42, 43):
            raise UnreadableFileError(f"{name} is not a TIFF file", allowed="TIFF or BigTIFF")
        self.big = magic == 43
        self.word, self.entry = ("Q", 20) if self.big else ("I", 12)
        self.first = struct.unpack(self.order + self.word, head[8:16] if self.big else head[4:8])[0]

    def read(self, offset: int, count: int) -> bytes:
        if offset < 0 or count < 0 or offset + count > self.size:
            raise LimitError(
                f"{self.name} points to bytes {offset:,} to {offset + count:,} and holds {self.size:,}",
                allowed="a complete file",
                hint=_COPY_AGAIN,
            )
        return self.read_at(offset, count)

    def directories(self) -> Iterator[bytes]:
        offset, seen = self.first, set()
        head, width = ("Q", 8) if self.big else ("H", 2)
        while offset:
            if offset in seen:
                raise UnreadableFileError(f"{self.name}: its chain of pages is a loop", hint=_COPY_AGAIN)
            seen.add(offset)
            count = struct.unpack(self.order + head, self.read(offset, width))[0]
            if count > _MOST_ENTRIES:
                raise UnreadableFileError(f"{self.name}: a page claims {count:,} tags", allowed=f"{_MOST_ENTRIES:,}")
            body = self.read(offset + width, count * self.entry)
            yield body
            link = struct.calcsize(self.word)
            offset = struct.unpack(self.order + self.word, self.read(offset + width + count * self.entry, link))[0]

    def page(self, entries: bytes) -> TiffPage:
        tags = dict(_TAGS.values())
        for at in range(0, len(entries), self.entry):
            tag, kind = struct.unpack_from(self.order + "HH", entries, at)
            if tag in _TAGS and kind in _TYPES:
                tags[_TAGS[tag][0]] = self._value(tag, kind, entries[at + 4 : at + self.entry])
        page = TiffPage(tags, self.order)
        self._check(page)
        return page

    def _value(self, tag: int, kind: int, field: bytes) -> Any:
        half = len(field) // 2 if self.big else 4
        count = struct.unpack(self.order + self.word, field[:half])[0]
        size = count * _SIZES[kind]
        if tag not in _ARRAYS and size > _MOST_TEXT:
            raise LimitError(f"{self.name}: tag {tag} claims {size:,} bytes", allowed=f"at most {_MOST_TEXT:,}")
        inside = field[half:]
        if size <= len(inside):
            return self._convert(tag, kind, inside[:size])
        offset = struct.unpack(self.order + self.word, inside)[0]
        return self._convert(tag, kind, self.read(offset, size))

    def _convert(self, tag: int, kind: int, data: bytes) -> Any:
        default = _TAGS[tag][1]
        if isinstance(default, bytes):
            return data
        if isinstance(default, str):
            return data.split(b"\0")[0].decode("utf-8", "replace")
        if kind == 5:
            if not isinstance(default, float):
                msg = f"tag {tag} is a fraction where a whole number belongs"
                raise ValueError(msg)
            parts = np.frombuffer(data, self.order + "u4")
            return float(parts[0]) / float(parts[1]) if len(parts) > 1 and parts[1] else 0.0
        if kind == 2:  # a number written as text: leave the default
            return default
        code = _TYPES[kind]
        values = np.frombuffer(data, code if code == "B" else self.order + code)
        if tag in _ARRAYS:
            return values.astype(np.int64)
        if len(values) > 1 and (values != values[0]).any():
            msg = f"tag {tag} has different values per channel: {values[:8].tolist()}"
            raise ValueError(msg)
        return int(values[0]) if len(values) else default

    def _check(self, page: TiffPage) -> None:
        if page.width < 1 or page.height < 1 or not 1 <= page.samples <= 1024 or not 1 <= page.bits <= 64:
            msg = f"a page of {page.width} x {page.height} pixels, {page.samples} samples of {page.bits} bits"
            raise ValueError(msg)
        if min(page.chunk) < 1 or max(page.chunk) > 2**31:
            msg = f"tiles of {page.chunk[1]} x {page.chunk[0]} pixels"
            raise ValueError(msg)
        wanted = math.prod(page.grid) * (page.samples if page.planar == 2 else 1)
        if len(page.counts) < wanted or len(page.offsets) < wanted:
            msg = f"{len(page.offsets):,} tiles or strips are listed, {wanted:,} are needed"
            raise ValueError(msg)
