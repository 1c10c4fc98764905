"""Opening the pixel element of a file: its layout from a quick walk, the rest of the header only when it is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import UnreadableFileError
from deephealth.io.dicom.bounded import Bytes, ByteSource, FilePart
from deephealth.io.dicom.dataset import read_dataset
from deephealth.io.dicom.groups import rescale_of_frames
from deephealth.io.dicom.header import Header
from deephealth.io.dicom.layout import PixelLayout, layout_of_dataset, layout_of_header
from deephealth.io.dicom.syntaxes import family_of
from deephealth.io.dicom.walker import walk
from deephealth.io.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["PixelAccess", "open_pixels"]

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


class PixelAccess:
    """An opened pixel element.

    Args:
        name: what errors call the file.
        layout: what the header claims about the pixels.
        source: the element's value.
        header: of a file that could be walked.
        dataset: of any other.
        limits: for reading the whole header of a walked file.
    """

    def __init__(
        self,
        name: str,
        layout: PixelLayout,
        source: ByteSource,
        *,
        header: Header | None = None,
        dataset: Dataset | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.name, self.layout, self.source = name, layout, source
        self.family = family_of(layout.syntax, name)
        self.header, self._dataset, self._limits = header, dataset, limits

    @property
    def dataset(self) -> Dataset:
        """All other elements; a walked file is parsed when they are first asked for."""
        if self._dataset is None:
            self._dataset = read_dataset(self.name, limits=self._limits, pixels=False)
        return self._dataset

    def has(self, keyword: str) -> bool:
        """Return whether the file has an element, one of those that are scanned for."""
        return keyword in self.header if self.header is not None else keyword in self.dataset

    def rescale_pairs(self, frames: Sequence[int]) -> list[tuple[float, float]]:
        """Return (slope, intercept) of each frame.

        Raises:
            UnreadableFileError: values that are no numbers.
        """
        if self.header is None or any(keyword in self.header for keyword in _GROUPS):
            return rescale_of_frames(self.dataset, frames, self.name)
        return [self.header.rescale_pair()] * len(frames)

    def extended_offsets(self) -> tuple[bytes, bytes] | None:
        """Return the values of the extended offset table and its lengths, ``None`` without them."""
        if not self.has("ExtendedOffsetTable"):
            return None
        offsets, lengths = self.dataset.get("ExtendedOffsetTable"), self.dataset.get("ExtendedOffsetTableLengths")
        return (offsets, lengths) if isinstance(offsets, bytes) and isinstance(lengths, bytes) else None


@contextmanager
def open_pixels(source: Path | str | Dataset, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[PixelAccess]:
    """Open the pixel element of a file or data set without reading it into memory.

    Raises:
        UnreadableFileError: not an image, damaged, or pixels that nobody can decode.
    """
    if not isinstance(source, str | Path):
        yield _in_memory("the data set", source)
        return
    name = os.fspath(source)
    header = walk(name)
    if header is None or header.pixel_offset < 0:
        yield _in_memory(name, read_dataset(name, limits=limits))
        return
    layout = layout_of_header(header)
    with FilePart(name, header.pixel_offset, header.pixel_length) as part:
        yield PixelAccess(name, layout, part, header=header, limits=limits)


def _in_memory(name: str, dataset: Dataset) -> PixelAccess:
    layout = layout_of_dataset(dataset, name)
    value = dataset[layout.keyword].value
    if not isinstance(value, bytes | bytearray):
        raise UnreadableFileError(f"the pixels of {name} are {type(value).__name__}", allowed="bytes")
    return PixelAccess(name, layout, Bytes(value), dataset=dataset)
