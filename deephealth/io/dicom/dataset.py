"""Reading a whole DICOM data set with pydicom, safely: bounded reads, bounded inflation, typed errors."""

from __future__ import annotations

import io
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.core.units import format_bytes
from deephealth.io.dicom.bounded import BoundedFile
from deephealth.io.dicom.guard import guarded
from deephealth.io.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

__all__ = ["read_dataset"]

_DEFLATED, _META_WITHIN = b"1.2.840.10008.1.2.1.99", 4096
_MAX_RATIO, _RATIO_FROM_BYTES = 200, 64 * 1024**2  # as for archives: better than this is a bomb
_MARK_AT = 128
_IN_MEMORY = 64 * 1024**2
_FIRST_GROUPS = (0x0002, 0x0008)  # what a data set without the mark may start with


def read_dataset(path: Path | str, *, limits: Limits = DEFAULT_LIMITS, pixels: bool = True) -> FileDataset:
    """Read a DICOM file as a pydicom data set; values are decoded when they are first asked for.

    Args:
        path: the file; also one without preamble and ``DICM`` mark, if it starts like a data set.
        limits: ``max_bytes`` bounds what is read into memory; a deflated data set may not inflate to more.
        pixels: whether the pixel element is read too.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: not DICOM, or damaged.
        LimitError: larger than allowed.
    """
    name = os.fspath(path)
    with guarded(name), BoundedFile(name) as stream:
        if pixels and stream.size > limits.max_bytes:
            raise LimitError(
                f"{name} has {format_bytes(stream.size)}",
                allowed=f"at most {format_bytes(limits.max_bytes)} in one piece",
                hint="read it with pixels=False, its frames with read_pixels, or set Limits(max_bytes=...)",
            )
        head = stream.read(_MARK_AT + 4)
        stream.seek(0)
        marked = head[_MARK_AT:] == b"DICM"
        if not marked and not _starts_like_dicom(head):
            raise UnreadableFileError(f"{name} is not a DICOM file", allowed="a file with the DICM mark at byte 128")
        if stream.size > _IN_MEMORY:
            return _parse(stream, name, limits, pixels, forced=not marked)
        # pydicom reads a few bytes at a time, which is twice as fast from memory
        return _parse(io.BytesIO(stream.read(stream.size)), name, limits, pixels, forced=not marked)


def _starts_like_dicom(head: bytes) -> bool:
    if len(head) < 8:
        return False
    groups = int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")
    element = min(int.from_bytes(head[2:4], "little"), int.from_bytes(head[2:4], "big"))
    return any(group in _FIRST_GROUPS for group in groups) and element <= 0x0100


def _parse(stream: BoundedFile | io.BytesIO, name: str, limits: Limits, pixels: bool, *, forced: bool) -> FileDataset:
    from pydicom import dcmread
    from pydicom.filereader import read_dataset as read_elements

    if not forced and _DEFLATED in stream.read(_META_WITHIN):
        stream.seek(_MARK_AT + 4)
        meta = read_elements(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)  # type: ignore[arg-type]
        if str(meta.get("TransferSyntaxUID", "")) == _DEFLATED.decode():
            return _inflated(stream, meta, name, limits, pixels)
    stream.seek(0)
    dataset = dcmread(stream, stop_before_pixels=not pixels, force=forced)  # type: ignore[arg-type]
    if not len(dataset) and not len(dataset.file_meta):
        raise UnreadableFileError(f"{name} holds no DICOM element", hint="the file is empty or damaged")
    return dataset


def _inflated(stream: BoundedFile | io.BytesIO, meta: Dataset, name: str, limits: Limits, pixels: bool) -> FileDataset:
    """Parse a deflated data set after bounded inflation."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.filereader import read_dataset as read_elements

    packed = stream.read(limits.max_bytes)
    most = min(limits.max_bytes, max(_RATIO_FROM_BYTES, _MAX_RATIO * len(packed)))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(packed, most)
    if inflater.unconsumed_tail:
        raise LimitError(
            f"the deflated data set of {name} ({format_bytes(len(packed))}) holds more than {format_bytes(most)}",
            allowed=f"at most {format_bytes(most)}",
            hint="if the file is genuine, read it with Limits(max_bytes=...)",
        )

    def at_pixels(tag: int, vr: str | None, length: int) -> bool:
        return not pixels and (tag >> 16) == 0x7FE0

    buffer = io.BytesIO(content)
    elements = read_elements(buffer, is_implicit_VR=False, is_little_endian=True, stop_when=at_pixels)
    return FileDataset(buffer, elements, file_meta=FileMetaDataset(meta), is_implicit_VR=False, is_little_endian=True)
