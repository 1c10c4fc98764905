"""What one DICOM whole-slide instance says: its matrix, its tiles' places, and where each frame lies in the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.dicom.bounded import BoundedFile
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.slide.claims import check_grid

__all__ = ["DicomLevel", "is_dicom", "read_dicom_level"]

_SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"  # VL Whole Slide Microscopy Image Storage
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_UNDEFINED = 0xFFFFFFFF
_COPY_AGAIN = "copy the file again: it is truncated or damaged"


@dataclass(frozen=True, slots=True)
class DicomLevel:
    """One instance: a resolution of the slide, or a picture that comes along.

    Args:
        path: the file.
        width: pixels of the whole matrix.
        height: pixels of the whole matrix.
        tile: (width, height) of a frame.
        channels: 1 or 3.
        syntax: transfer syntax UID.
        photometric: PhotometricInterpretation.
        spans: (column, row) of the tile -> (offset, length) parts in the file.
        facts: short properties by keyword.
        series: SeriesInstanceUID.
        kind: third value of ImageType, such as ``VOLUME`` or ``LABEL``.
        spacing: (x, y) micrometres per pixel, if known.
        ordered: whether it says in which order its frames stand.
    """

    path: Path
    width: int
    height: int
    tile: tuple[int, int]
    channels: int
    syntax: str
    photometric: str
    spans: dict[tuple[int, int], tuple[tuple[int, int], ...]]
    facts: dict[str, str]
    series: str
    kind: str
    spacing: tuple[float, float] | None
    ordered: bool = True

    @property
    def grid(self) -> tuple[int, int]:
        """(columns, rows) of frames."""
        return -(-self.width // self.tile[0]), -(-self.height // self.tile[1])

    @property
    def stored(self) -> np.ndarray:
        """Which tiles there are: rows x columns, bool."""
        found = np.zeros(self.grid[::-1], bool)
        if self.spans:
            columns, rows = np.array(list(self.spans)).T
            found[rows, columns] = True
        return found


def is_dicom(path: Path) -> bool:
    """Return whether a file has DICOM's mark after its preamble."""
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_dicom_level(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> DicomLevel:
    """Read the header of a DICOM whole-slide instance and find its frames.

    Raises:
        UnreadableFileError: not one, or damaged.
        LimitError: more frames or larger ones than ``limits`` allow.

    Source:
        DICOM PS3.3 C.8.12 (VL Whole Slide Microscopy), PS3.5 A.4 (encapsulated frames).
    """
    import pydicom

    try:
        with BoundedFile(str(path)) as stream:  # pydicom believes lengths, and takes memory for them
            head = pydicom.dcmread(stream, stop_before_pixels=True, force=False)
            if str(head.get("SOPClassUID", "")) != _SLIDE_CLASS:
                raise UnreadableFileError(f"{path} is DICOM, but not a whole-slide image")
            return _level(path, head, stream, limits)
    except DataError:
        raise
    except Exception as error:  # pydicom raises nearly anything on damaged files
        raise UnreadableFileError(f"{path} is damaged: {error}", hint=_COPY_AGAIN) from error


def _level(path: Path, head: Any, stream: Any, limits: Limits) -> DicomLevel:
    tile = (int(head.Columns), int(head.Rows))
    width = int(head.get("TotalPixelMatrixColumns", tile[0]))
    height = int(head.get("TotalPixelMatrixRows", tile[1]))
    frames = int(head.get("NumberOfFrames", 1))
    channels = int(head.get("SamplesPerPixel", 1))
    if min(*tile, width, height) < 1 or int(head.BitsAllocated) != 8 or channels not in (1, 3):
        raise UnreadableFileError(
            f"{path}: {width} x {height} pixels in tiles of {tile}, {channels} channels of {head.BitsAllocated} bits",
            allowed="8 bits, 1 or 3 channels",
        )
    if frames > max(limits.max_frames, path.stat().st_size // 16) or tile[0] * tile[1] > limits.max_pixels:
        raise LimitError(f"{path} claims {frames:,} frames of {tile[0]:,} x {tile[1]:,}", allowed=_COPY_AGAIN)
    syntax = str(head.file_meta.TransferSyntaxUID)
    parts = _frame_parts(stream, path.stat().st_size, frames, tile[0] * tile[1] * channels, syntax)
    check_grid((-(-width // tile[0]), -(-height // tile[1])), min(frames, len(parts)), str(path))
    places = _places(head, frames, tile, width, height)
    return DicomLevel(
        path=path,
        width=width,
        height=height,
        tile=tile,
        channels=channels,
        syntax=syntax,
        photometric=str(head.get("PhotometricInterpretation", "")),
        spans={place: parts[number] for number, place in places if number < len(parts)},
        facts=_facts(head),
        series=str(head.get("SeriesInstanceUID", "")),
        kind=str(list(head.get("ImageType", None) or [])[2:3] or ["VOLUME"])[2:-2],
        spacing=_spacing(head, width, height),
        ordered="DimensionOrganizationType" in head or "PerFrameFunctionalGroupsSequence" in head,
    )


def _places(
    head: Any, frames: int, tile: tuple[int, int], width: int, height: int
) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield (frame, (column, row)); of several focal planes or optical paths the first counts."""
    across, down = -(-width // tile[0]), -(-height // tile[1])
    groups = head.get("PerFrameFunctionalGroupsSequence", None)
    if groups is None or str(head.get("DimensionOrganizationType", "")) == "TILED_FULL":
        yield from ((at, (at % across, at // across)) for at in range(min(frames, across * down)))
        return
    seen = set()
    for number, group in enumerate(groups):
        position = group.PlanePositionSlideSequence[0]
        x = int(position.ColumnPositionInTotalImagePixelMatrix) - 1
        y = int(position.RowPositionInTotalImagePixelMatrix) - 1
        if x % tile[0] or y % tile[1] or x < 0 or y < 0:
            raise UnreadableFileError(f"frame {number} starts at {x}, {y}", allowed="frames on the grid of tiles")
        place = (x // tile[0], y // tile[1])
        if place not in seen and place[0] < across and place[1] < down:  # beyond the matrix nobody looks
            seen.add(place)
            yield number, place


def _frame_parts(
    stream: Any, size: int, frames: int, frame_bytes: int, syntax: str
) -> list[tuple[tuple[int, int], ...]]:
    """Return where each frame lies: parts of (offset, length)."""
    explicit = syntax != "1.2.840.10008.1.2"
    tag = stream.read(12 if explicit else 8)
    if tag[:4] != b"\xe0\x7f\x10\x00":
        raise UnreadableFileError("there is no pixel data", hint=_COPY_AGAIN)
    length, start = struct.unpack("<I", tag[-4:])[0], stream.tell()
    if length != _UNDEFINED:
        whole = min(length, size - start) // frame_bytes
        return [((start + number * frame_bytes, frame_bytes),) for number in range(min(frames, whole))]
    items = list(_items(stream, size))
    table, fragments = items[0], items[1:]
    if len(fragments) == frames:
        return [(item,) for item in fragments]
    if frames == 1:
        return [tuple(fragments)]
    stream.seek(table[0])
    starts = struct.unpack(f"<{table[1] // 4}I", stream.read(table[1] // 4 * 4))
    if len(starts) != frames or not fragments:
        raise UnreadableFileError(f"{len(fragments)} fragments for {frames} frames, and no offset table")
    return _grouped(fragments, [start + fragments[0][0] - 8 for start in starts])


def _grouped(fragments: list[tuple[int, int]], starts: list[int]) -> list[tuple[tuple[int, int], ...]]:
    found: list[list[tuple[int, int]]] = [[] for _ in starts]
    ends = [*starts[1:], 2**63]
    number = 0
    for offset, length in fragments:
        while number < len(starts) - 1 and offset - 8 >= ends[number]:
            number += 1
        found[number].append((offset, length))
    return [tuple(parts) for parts in found]


def _items(stream: Any, size: int) -> Iterator[tuple[int, int]]:
    while True:
        head = stream.read(8)
        if head[:4] == _END:
            return
        if head[:4] != _ITEM or len(head) < 8:
            raise UnreadableFileError("its list of frames is damaged", hint=_COPY_AGAIN)
        length, start = struct.unpack("<I", head[4:])[0], stream.tell()
        if start + length > size:
            raise LimitError(f"a frame claims {length:,} bytes", allowed="a complete file", hint=_COPY_AGAIN)
        yield start, length
        stream.seek(length, 1)


def _facts(head: Any) -> dict[str, str]:
    found = {}
    for element in head:
        if element.keyword and element.VR not in ("SQ", "OB", "OW", "UN", "OF", "OD") and not element.tag.is_private:
            text = str(element.value)
            if len(text) <= 1024:
                found[f"dicom.{element.keyword}"] = text
    return found


def _spacing(head: Any, width: int, height: int) -> tuple[float, float] | None:
    shared = head.get("SharedFunctionalGroupsSequence", None)
    measures = shared[0].get("PixelMeasuresSequence", None) if shared else None
    if measures and "PixelSpacing" in measures[0]:
        down, across = measures[0].PixelSpacing
        return float(across) * 1000, float(down) * 1000
    wide, high = head.get("ImagedVolumeWidth", None), head.get("ImagedVolumeHeight", None)
    if wide and high:
        return float(wide) / width * 1000, float(high) / height * 1000
    return None
