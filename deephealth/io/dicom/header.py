"""What sorts and shapes an image: the few elements of a DICOM file that a series is put together from."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from deephealth.core.errors import UnreadableFileError

__all__ = ["TAGS", "UNDEFINED", "Header"]

UNDEFINED = 0xFFFFFFFF
"""The length of an element that ends with a delimiter: encapsulated pixels, sequences."""

# keyword -> (tag, how a value is stored: text, unsigned short, signed short, unsigned long, or only that it is there)
TAGS: dict[str, tuple[int, str]] = {
    "SpecificCharacterSet": (0x00080005, "text"),
    "ImageType": (0x00080008, "text"),
    "SOPClassUID": (0x00080016, "text"),
    "SOPInstanceUID": (0x00080018, "text"),
    "AcquisitionTime": (0x00080032, "text"),
    "Modality": (0x00080060, "text"),
    "SeriesDescription": (0x0008103E, "text"),
    "PatientID": (0x00100020, "text"),
    "EchoNumbers": (0x00180086, "text"),
    "SliceThickness": (0x00180050, "text"),
    "SpacingBetweenSlices": (0x00180088, "text"),
    "TriggerTime": (0x00181060, "text"),
    "DiffusionBValue": (0x00189087, "double"),
    "DiffusionGradientOrientation": (0x00189089, "double"),
    "StudyInstanceUID": (0x0020000D, "text"),
    "SeriesInstanceUID": (0x0020000E, "text"),
    "SeriesNumber": (0x00200011, "text"),
    "AcquisitionNumber": (0x00200012, "text"),
    "InstanceNumber": (0x00200013, "text"),
    "ImagePositionPatient": (0x00200032, "text"),
    "ImageOrientationPatient": (0x00200037, "text"),
    "FrameOfReferenceUID": (0x00200052, "text"),
    "TemporalPositionIdentifier": (0x00200100, "text"),
    "SamplesPerPixel": (0x00280002, "short"),
    "PhotometricInterpretation": (0x00280004, "text"),
    "PlanarConfiguration": (0x00280006, "short"),
    "NumberOfFrames": (0x00280008, "text"),
    "Rows": (0x00280010, "short"),
    "Columns": (0x00280011, "short"),
    "PixelSpacing": (0x00280030, "text"),
    "BitsAllocated": (0x00280100, "short"),
    "BitsStored": (0x00280101, "short"),
    "PixelRepresentation": (0x00280103, "short"),
    "PixelPaddingValue": (0x00280120, "short"),
    "RescaleIntercept": (0x00281052, "text"),
    "RescaleSlope": (0x00281053, "text"),
    "RescaleType": (0x00281054, "text"),
    "ModalityLUTSequence": (0x00283000, "there"),
    "SharedFunctionalGroupsSequence": (0x52009229, "there"),
    "PerFrameFunctionalGroupsSequence": (0x52009230, "there"),
    "ExtendedOffsetTable": (0x7FE00001, "there"),
}


@dataclass(slots=True)
class Header:
    r"""The elements of one file that a series is put together from, as stored; decoded when asked for.

    Args:
        path: the file.
        syntax: UID of its transfer syntax.
        values: keyword -> bytes as stored (little-endian), for the keywords of :data:`TAGS` that the file has.
        pixel_offset: where the value of the pixel element starts in the file; -1 without pixels, or if only a full
            parse finds it (deflated files).
        pixel_length: bytes of that value, :data:`UNDEFINED` if it is encapsulated.
        pixel_keyword: which of the pixel elements it is; empty without pixels.
        size: bytes of the file.

    Example:
        >>> header = Header("a.dcm", "1.2.840.10008.1.2.1", {"Rows": b"\x10\x00", "PixelSpacing": b"0.5\\0.25 "})
        >>> header.integer("Rows"), header.floats("PixelSpacing"), header.text("Modality")
        (16, (0.5, 0.25), '')
    """

    path: str
    syntax: str
    values: Mapping[str, bytes] = field(default_factory=dict)
    pixel_offset: int = -1
    pixel_length: int = 0
    pixel_keyword: str = ""
    size: int = 0

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.values

    def text(self, keyword: str) -> str:
        """Return a text value without padding, empty if the file does not have it."""
        raw = self.values.get(keyword, b"")
        try:
            return raw.decode("utf-8").strip(" \0")
        except UnicodeDecodeError:
            return raw.decode("latin-1").strip(" \0")

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return a whole number.

        Raises:
            UnreadableFileError: it is missing (and there is no default) or is no number.
        """
        raw = self.values.get(keyword, b"")
        if TAGS[keyword][1] == "short":
            if len(raw) >= 2:
                return raw[0] | raw[1] << 8
        elif raw.strip(b" \0"):
            try:
                return int(raw.strip(b" \0").split(b"\\")[0])
            except ValueError:
                raise self._wrong(keyword, raw) from None
        if default is None:
            raise UnreadableFileError(f"{self.path} has no {keyword}", allowed="an image with that element")
        return default

    def floats(self, keyword: str, count: int | None = None) -> tuple[float, ...]:
        """Return the numbers of a value, none if the file does not have it.

        Args:
            keyword: which element.
            count: how many there must be, if there are any.

        Raises:
            UnreadableFileError: something else than numbers, not finite, or another count.
        """
        raw = self.values.get(keyword, b"")
        try:
            if TAGS[keyword][1] == "double":
                found = struct.unpack(f"<{len(raw) // 8}d", raw[: len(raw) // 8 * 8])
            else:
                stripped = raw.strip(b" \0")
                found = tuple(map(float, stripped.split(b"\\"))) if stripped else ()
        except ValueError:
            raise self._wrong(keyword, raw) from None
        if not all(map(math.isfinite, found)) or (count is not None and found and len(found) != count):
            raise self._wrong(keyword, raw)
        return found

    def number(self, keyword: str, default: float) -> float:
        """Return the first number of a value, or ``default``."""
        found = self.floats(keyword)
        return found[0] if found else default

    def rescale_pair(self) -> tuple[float, float]:
        """Return slope and intercept; 1 and 0 unless the file has both.

        Raises:
            UnreadableFileError: values that are no numbers.
        """
        if "RescaleSlope" not in self.values or "RescaleIntercept" not in self.values:
            return 1.0, 0.0
        return self.number("RescaleSlope", 1.0), self.number("RescaleIntercept", 0.0)

    def _wrong(self, keyword: str, raw: bytes) -> UnreadableFileError:
        return UnreadableFileError(
            f"{keyword} of {self.path} is {raw[:80]!r}", allowed="finite numbers", hint="the header is damaged"
        )
