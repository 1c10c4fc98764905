"""Palette colour: index values to RGB through the look-up tables of the file.

Source: DICOM PS3.3 C.7.6.3.1.5 and C.7.9 (segmented tables).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deephealth.core.errors import UnreadableFileError
from deephealth.io.dicom.syntaxes import is_big_endian

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["expand_segments", "from_palette"]

_MAX_ENTRIES = 65_536
_COLOURS = ("Red", "Green", "Blue", "Alpha")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def from_palette(frames: np.ndarray, dataset: Dataset, syntax: str, name: str) -> np.ndarray:
    """Return (..., 3), or (..., 4) with an alpha table, for index values.

    Args:
        frames: stored values.
        dataset: holds the tables.
        syntax: UID of the transfer syntax; tells the byte order of 16-bit tables.
        name: what errors call the file.

    Raises:
        UnreadableFileError: a table is missing, or tables of different lengths.
    """
    descriptor = dataset.get("RedPaletteColorLookupTableDescriptor")
    if descriptor is None or len(descriptor) != 3:
        raise UnreadableFileError(f"{name} is a palette image without a palette", allowed="look-up tables of R, G, B")
    entries, first, depth = (int(value) for value in descriptor)
    entries = entries or _MAX_ENTRIES
    if not 1 <= entries <= _MAX_ENTRIES or depth not in (8, 16):
        raise UnreadableFileError(f"the palette of {name} claims {entries} entries of {depth} bits", allowed="8 or 16")
    tables = [
        table
        for table in (_table(dataset, colour, entries, depth, is_big_endian(syntax)) for colour in _COLOURS)
        if table is not None
    ]
    if len(tables) < 3 or len({len(table) for table in tables}) != 1 or not len(tables[0]):
        raise UnreadableFileError(
            f"the palette of {name} has tables of {[len(table) for table in tables]} entries", allowed="three alike"
        )
    palette = np.stack(tables, axis=1)
    last = min(entries, len(palette)) - 1
    every = np.clip(np.arange(*_range(frames.dtype)) - first, 0, last)  # all stored values at once
    return palette[every][frames.astype(np.int64) - _range(frames.dtype)[0]] if frames.size else palette[:0]


def _range(dtype: np.dtype) -> tuple[int, int]:
    if dtype.itemsize > 2 or dtype.kind not in "iu":
        raise UnreadableFileError(f"palette indices of {dtype}", allowed="8 or 16 bits")
    info = np.iinfo(dtype)
    return int(info.min), int(info.max) + 1


def _table(dataset: Dataset, colour: str, entries: int, depth: int, big: bool) -> np.ndarray | None:
    order = ">" if big else "<"
    plain = dataset.get(f"{colour}PaletteColorLookupTableData")
    if plain:
        actual = round(len(plain) / entries) * 8  # 8-bit entries may stand in 16-bit words
        size = 2 if actual >= 16 else 1
        return np.frombuffer(plain[: entries * size], np.dtype(f"{order}u{size}")).astype(f"u{size}")
    packed = dataset.get(f"Segmented{colour}PaletteColorLookupTableData")
    if not packed:
        return None
    size = depth // 8
    codes = np.frombuffer(packed[: len(packed) // size * size], np.dtype(f"{order}u{size}")).astype(np.int64)
    return np.asarray(expand_segments(codes.tolist(), entries, wide=size == 2), f"u{size}")


def expand_segments(codes: list[int], entries: int, *, wide: bool) -> list[int]:
    """Return the entries of a segmented table, never more than ``entries``.

    Args:
        codes: segments: an operation, a length, and its values.
        entries: length that the descriptor claims.
        wide: whether a code has 16 bits; tells how an indirect segment writes its offset.

    Raises:
        UnreadableFileError: an operation that does not exist, or a table that refers to itself.

    Example:
        >>> expand_segments([0, 1, 10, 1, 2, 30], 3, wide=False)
        [10, 20, 30]
    """
    table: list[int] = []
    at = 0
    while at + 1 < len(codes) and len(table) < entries:
        operation, length = codes[at], codes[at + 1]
        if operation == _INDIRECT:
            words = codes[at + 2 : at + (4 if wide else 6)]
            if len(words) < (2 if wide else 4) or not table:
                raise UnreadableFileError("a palette's segments are cut off", hint="the file is damaged")
            start = words[0] | words[1] << 16 if wide else int.from_bytes(bytes(words), "little")
            _copy(codes, start, length, table, entries)
            at += 4 if wide else 6
        else:
            at = _segment(codes, at, table, entries)
    return table


def _copy(codes: list[int], at: int, count: int, table: list[int], entries: int) -> None:
    """Repeat ``count`` earlier segments, none of which may be indirect itself."""
    for _ in range(count):
        if at + 1 >= len(codes) or len(table) >= entries:
            return
        at = _segment(codes, at, table, entries)


def _segment(codes: list[int], at: int, table: list[int], entries: int) -> int:
    operation, length = codes[at], codes[at + 1]
    room = entries - len(table)
    if operation == _DISCRETE:
        table.extend(codes[at + 2 : at + 2 + min(length, room)])
        return at + 2 + length
    if operation != _LINEAR or not table or at + 2 >= len(codes):
        raise UnreadableFileError(
            f"a palette has the segment {codes[at : at + 3]}", allowed="discrete, linear or indirect segments"
        )
    start, stop = table[-1], codes[at + 2]
    ramp = np.around(start + (stop - start) / max(length, 1) * np.arange(1, min(length, room) + 1))
    table.extend(ramp.astype(int).tolist())
    return at + 3
