"""The shape that a DICOM header claims for its pixels, checked before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.core.errors import LimitError, UnreadableFileError
from deephealth.io.dicom.syntaxes import is_big_endian
from deephealth.io.limits import Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from deephealth.io.dicom.header import Header

__all__ = ["PixelLayout", "layout_of_dataset", "layout_of_header"]

_ALLOCATED = (1, 8, 16, 32, 64)
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422")


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of one file are laid out.

    Args:
        rows, columns, frames, samples: sizes.
        allocated: bits that a sample takes in memory.
        stored: bits of them that hold the value.
        signed: whether values are two's complement.
        photometric: PhotometricInterpretation.
        planar: whether colours are stored plane by plane.
        keyword: name of the pixel element.
        syntax: UID of the transfer syntax.
        words: whether the element's VR is OW, which matters for 8-bit big-endian files.
    """

    rows: int
    columns: int
    frames: int = 1
    samples: int = 1
    allocated: int = 16
    stored: int = 16
    signed: bool = False
    photometric: str = "MONOCHROME2"
    planar: bool = False
    keyword: str = "PixelData"
    syntax: str = "1.2.840.10008.1.2.1"
    words: bool = False

    @property
    def dtype(self) -> np.dtype:
        """Element type of decoded samples, in the machine's byte order."""
        if self.keyword in _FLOATS:
            return np.dtype(f"f{_FLOATS[self.keyword] // 8}")
        return np.dtype(f"{'i' if self.signed else 'u'}{max(self.allocated, 8) // 8}")

    @property
    def stored_dtype(self) -> np.dtype:
        """Element type in the file's byte order."""
        return self.dtype.newbyteorder(">" if is_big_endian(self.syntax) else "<")

    @property
    def swapped(self) -> bool:
        """Whether 8-bit samples stand in 16-bit words whose bytes are swapped."""
        return self.words and self.allocated == 8 and is_big_endian(self.syntax)

    @property
    def contiguous(self) -> bool:
        """Whether a native frame lies in the file as it lies in memory."""
        special = self.allocated == 1 or self.planar or self.photometric == "YBR_FULL_422"
        return not special and not is_big_endian(self.syntax)

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(H, W), or (H, W, samples)."""
        return (self.rows, self.columns) if self.samples == 1 else (self.rows, self.columns, self.samples)

    @property
    def frame_bits(self) -> int:
        """Bits of a frame in a native file."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples  # two chroma samples per two pixels
        return self.rows * self.columns * samples * self.allocated

    def check(self, limits: Limits, name: str, frames: int) -> None:
        """Refuse more than the limits allow.

        Raises:
            LimitError: too many pixels, frames or bytes.
        """
        if self.rows * self.columns > limits.max_pixels:
            raise LimitError(
                f"a frame of {name} has {self.rows} x {self.columns} pixels", allowed=f"at most {limits.max_pixels}"
            )
        if frames > limits.max_frames:
            raise LimitError(f"{name} has {frames} frames", allowed=f"at most {limits.max_frames}")
        limits.check_array((frames, *self.frame_shape), self.dtype.itemsize, name)


def layout_of_dataset(dataset: Dataset, name: str, *, keyword: str | None = None) -> PixelLayout:
    """Return the layout that a pydicom data set claims.

    Args:
        dataset: with or without its pixel element.
        name: what errors call it.
        keyword: of the pixel element, where the data set was read without it.

    Raises:
        UnreadableFileError: an element is missing or has a value that no image can have.
    """
    if keyword is None:
        keyword = next((key for key in ("PixelData", *_FLOATS) if key in dataset), "")
    if not keyword:
        raise UnreadableFileError(f"{name} has no pixels", allowed="an image", hint="it may be a report or a plan")
    meta = getattr(dataset, "file_meta", None)
    syntax = str(meta.get("TransferSyntaxUID", "") or "") if meta is not None else ""
    if not syntax:
        implicit, little = dataset.original_encoding
        syntax = "1.2.840.10008.1.2" + ("" if implicit in (None, True) else ".1" if little in (None, True) else ".2")

    def integer(key: str, default: int | None) -> int:
        value = dataset.get(key)
        if value is None or value == "":
            if default is None:
                raise UnreadableFileError(f"{name} has no {key}", allowed="an image with that element")
            return default
        return int(value)

    words = keyword in dataset and dataset[keyword].VR == "OW"
    photometric = str(dataset.get("PhotometricInterpretation", "") or "")
    return _checked(integer, photometric, keyword, syntax, name, words=words)


def layout_of_header(header: Header) -> PixelLayout:
    """Return the layout that a scanned header claims.

    Raises:
        UnreadableFileError: an element is missing or has a value that no image can have.
    """
    if not header.pixel_keyword:
        raise UnreadableFileError(
            f"{header.path} has no pixels", allowed="an image", hint="it may be a report or a plan"
        )
    photometric = header.text("PhotometricInterpretation")
    return _checked(header.integer, photometric, header.pixel_keyword, header.syntax, header.path, words=True)


def _checked(
    integer: Callable[[str, int | None], int],
    photometric: str,
    keyword: str,
    syntax: str,
    name: str,
    *,
    words: bool,
) -> PixelLayout:
    samples = integer("SamplesPerPixel", 1)
    allocated = _FLOATS.get(keyword) or integer("BitsAllocated", None)
    facts: dict[str, Any] = {
        "rows": integer("Rows", None),
        "columns": integer("Columns", None),
        "frames": integer("NumberOfFrames", 1) or 1,
        "samples": samples,
        "allocated": allocated,
        "stored": allocated if keyword in _FLOATS else integer("BitsStored", allocated),
    }
    representation = 0 if keyword in _FLOATS else integer("PixelRepresentation", 0)
    _refuse(facts, representation, keyword, name)
    if not photometric:
        photometric = "MONOCHROME2" if samples == 1 else "RGB"
    if samples == 1 and photometric in _COLOURS:
        raise UnreadableFileError(f"{name} is {photometric} with one sample per pixel", allowed="3 samples")
    planar = samples > 1 and integer("PlanarConfiguration", 0) == 1
    return PixelLayout(
        **facts,
        signed=representation == 1,
        photometric=photometric,
        planar=planar,
        keyword=keyword,
        syntax=syntax,
        words=words,
    )


def _refuse(facts: dict[str, Any], representation: int, keyword: str, name: str) -> None:
    allowed: tuple[tuple[str, bool, str], ...] = (
        ("rows", 1 <= facts["rows"] <= 65_535, "1 to 65535"),
        ("columns", 1 <= facts["columns"] <= 65_535, "1 to 65535"),
        ("frames", 1 <= facts["frames"] <= 2**31, "1 or more"),
        ("samples", facts["samples"] in (1, 3, 4), "1, 3 or 4"),
        ("allocated", facts["allocated"] in _ALLOCATED, "1, 8, 16, 32 or 64 bits"),
        ("stored", 1 <= facts["stored"] <= facts["allocated"], "1 up to the bits allocated"),
    )
    for key, fine, right in allowed:
        if not fine:
            raise UnreadableFileError(f"{name} claims {facts[key]} {key} for {keyword}", allowed=right)
    if representation not in (0, 1):
        raise UnreadableFileError(f"{name} has the pixel representation {representation}", allowed="0 or 1")
