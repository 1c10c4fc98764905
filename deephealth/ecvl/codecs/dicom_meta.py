"""Metadata of ECVL images out of DICOM data sets, and back into them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.io.dicom.metadata import describe

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    from deephealth.ecvl.metadata import MetaData

__all__ = ["SAFE", "meta_of", "put_meta", "put_overlay"]

_STORED = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "SV": "q", "UV": "Q"}
_TEXT = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_NUMBERS = frozenset(_STORED)
_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_PIXELS = 0x7FE0
_GROUP_LENGTH = "GenericGroupLength"

# What is true of an image whatever was done to its pixels: who, when, how. Positions are not: a flip moves them.
SAFE = frozenset(
    (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "PatientIdentityRemoved",
        "DeidentificationMethod",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "ReferringPhysicianName",
        "SeriesDescription",
        "BodyPartExamined",
        "Laterality",
        "ProtocolName",
        "AcquisitionDate",
        "AcquisitionTime",
        "AcquisitionNumber",
        "InstanceNumber",
        "KVP",
        "ExposureTime",
        "XRayTubeCurrent",
        "ConvolutionKernel",
        "RepetitionTime",
        "EchoTime",
        "InversionTime",
        "FlipAngle",
        "MagneticFieldStrength",
        "ContrastBolusAgent",
        "ImageComments",
        "DerivationDescription",
    )
)
_NEVER = frozenset(
    (
        "SOPClassUID",
        "SOPInstanceUID",
        "SeriesInstanceUID",
        "SpecificCharacterSet",
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "PixelRepresentation",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "NumberOfFrames",
        "PixelData",
        "FloatPixelData",
        "DoubleFloatPixelData",
        "FrameIncrementPointer",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
        "SmallestImagePixelValue",
        "LargestImagePixelValue",
        "PixelPaddingValue",
        "LossyImageCompression",
        "PixelAspectRatio",
        "RedPaletteColorLookupTableDescriptor",
        "GreenPaletteColorLookupTableDescriptor",
        "BluePaletteColorLookupTableDescriptor",
    )
)


def meta_of(dataset: Dataset) -> dict[str, Any]:
    r"""Return each top-level element under its keyword, as ECVL's users know them.

    Text is as the file has it, several values joined by backslashes; of numbers the first counts; bulk data and unknown
    content are empty text; a sequence is a list of nested tables. Elements without a keyword have their tag; of the
    lengths of groups the first is kept.

    Args:
        dataset: a pydicom data set.

    Example:
        >>> from pydicom.dataset import Dataset
        >>> image = Dataset()
        >>> image.Rows, image.PixelSpacing, image.PatientID = 512, [0.5, "0.25"], "P1"
        >>> meta_of(image)
        {'PatientID': 'P1', 'Rows': 512, 'PixelSpacing': '0.5\\0.25'}
    """
    found: dict[str, Any] = {}
    for tag in sorted(dataset.keys()):
        key = _key(tag)
        if key not in found:
            found[key] = _element(dataset, tag)
    if "PixelRepresentation" in dataset:
        found["PixelData"] = ""  # the reader may have left it in the file
    return found


def put_meta(dataset: Dataset, meta: Mapping[str, MetaData], keys: Iterable[str] | None) -> None:
    """Write metadata back into a data set; what DICOM can't hold under that keyword is left out.

    Args:
        dataset: changed in place.
        meta: of an image.
        keys: those that are written; ``None`` for all but those that describe the pixels or identify the file.
    """
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    chosen = set(meta) - _NEVER if keys is None else set(keys) & set(meta)
    for key in sorted(chosen):
        tag, value = tag_for_keyword(key), meta[key].Get()
        if tag is None or (tag >> 16) in (0x0002, _PIXELS) or not isinstance(value, str | int | float):
            continue
        vr = dictionary_VR(tag).split(" ")[0]
        if vr not in _BULK and vr != "SQ" and _fits(vr, value):
            dataset.add_new(tag, vr, value if vr in _NUMBERS else str(value))


def put_overlay(dataset: Dataset, overlay: np.ndarray) -> None:
    """Write a mask as overlay plane 0x6000 (DICOM PS3.3 C.9.2).

    Args:
        dataset: changed in place.
        overlay: H x W; what is not 0 is drawn.
    """
    height, width = overlay.shape
    dataset.add_new(0x60000010, "US", height)
    dataset.add_new(0x60000011, "US", width)
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    packed = np.packbits(np.ascontiguousarray(overlay) != 0, bitorder="little").tobytes()
    dataset.add_new(0x60003000, "OW", packed + b"\0" * (len(packed) % 2))


def _key(tag: BaseTag) -> str:
    from pydicom.datadict import keyword_for_tag

    if not tag & 0xFFFF:
        return _GROUP_LENGTH
    return keyword_for_tag(tag) or f"({tag >> 16:04x},{tag & 0xFFFF:04x})"


def _element(dataset: Dataset, tag: BaseTag) -> Any:
    """Return a value; most are made of their bytes here, because pydicom's own objects take most of the time."""
    try:
        raw = dataset.get_item(tag)
        if isinstance(raw, tuple) and (found := _plain(raw)) is not None:
            return found
        element = dataset[tag]
        return _nested(element) if element.VR == "SQ" else _value(element.VR, element.value)
    except Exception:  # one damaged element is no reason to lose the rest
        return ""


def _plain(raw: Any) -> Any:
    """Return the value of an element as stored, or ``None`` if it takes pydicom to decode it."""
    value = raw.value
    if raw.VR in _BULK:
        return ""
    if raw.VR in _TEXT and isinstance(value, bytes) and value.isascii() and b"\x1b" not in value:
        return value.decode("ascii").strip(" \0")
    if raw.VR in _STORED and isinstance(value, bytes) and value:
        return struct.unpack_from(("<" if raw.is_little_endian else ">") + _STORED[raw.VR], value)[0]
    return None


def _nested(element: DataElement) -> Any:
    from pydicom.dataset import Dataset

    alone = Dataset()
    alone.add(element)
    return next(iter(describe(alone).values()), [])


def _value(vr: str, value: Any) -> Any:
    if vr in _BULK or value is None or isinstance(value, bytes):
        return ""
    many = value if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]
    if vr in _NUMBERS:
        return (float if vr in ("FL", "FD") else int)(many[0]) if len(many) else ""
    return "\\".join(_text(part) for part in many)


def _text(part: Any) -> str:
    original = getattr(part, "original_string", None)
    return original if isinstance(original, str) and original else str(part)


def _fits(vr: str, value: str | int | float) -> bool:
    """Return whether a value is one that the type can hold."""
    from pydicom import config
    from pydicom.valuerep import validate_value

    if vr in _NUMBERS:
        return isinstance(value, int | float)
    try:
        for part in str(value).split("\\"):
            validate_value(vr, part, config.RAISE)
        str(value).encode()
    except (ValueError, TypeError, UnicodeError):
        return False
    return True
