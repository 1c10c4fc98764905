"""Writing a cleaned object: what was not touched goes back as the bytes it came as."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

__all__ = ["encoded"]

_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})  # PS3.5 table 7.1-1
_UNDEFINED = 0xFFFFFFFF
_EXPLICIT, _IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_LAST_COMMAND_GROUP = 6


def encoded(dataset: FileDataset) -> bytes:
    """Return the file (PS3.10) of a data set.

    pydicom writes every element by way of its value; here an element whose value nobody asked for is copied, which is
    three times as fast and changes nothing in it. Whatever is unusual (deflated, big-endian, another character set or
    transfer syntax than the file came in) pydicom writes as a whole.

    Source: DICOM PS3.5 section 7.1, PS3.10 section 7.1.
    """
    stream = io.BytesIO()
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    implicit = syntax == _IMPLICIT
    unusual = (
        syntax in ("", _DEFLATED, _BIG_ENDIAN)
        or dataset.original_encoding != (implicit, True)
        or dataset.original_character_set != dataset._character_set
    )
    if unusual:
        dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()
    return _head(dataset) + _body(dataset, implicit)


def _head(dataset: FileDataset) -> bytes:
    from pydicom.dataset import FileMetaDataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info

    meta: FileMetaDataset = dataset.file_meta
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_file_meta_info(stream, meta, enforce_standard=True)
    return (dataset.preamble or bytes(128)) + b"DICM" + stream.getvalue()


def _body(dataset: FileDataset, implicit: bool) -> bytes:
    from pydicom.charset import convert_encodings
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element
    from pydicom.tag import tag_in_exception

    charset: Any = dataset.get("SpecificCharacterSet", "ISO_IR 6")
    codecs = convert_encodings(charset)
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, implicit
    for tag in sorted(dataset.keys()):
        if tag.element == 0 and tag.group > _LAST_COMMAND_GROUP:  # group lengths: retired, and wrong after a change
            continue
        element = dataset.get_item(tag)
        head = _raw_head(element, implicit)
        if head is not None:
            stream.write(head)
            stream.write(element.value)
        else:
            with tag_in_exception(tag):
                write_data_element(stream, element, codecs)
    return stream.getvalue()


def _raw_head(element: Any, implicit: bool) -> bytes | None:
    """Return the bytes before the value of an element that can be copied; ``None`` for any other."""
    if not element.is_raw or element.value is None or not element.is_little_endian:
        return None
    if element.is_implicit_VR is not implicit or element.length == _UNDEFINED or (element.VR is None and not implicit):
        return None
    size = len(element.value)
    if size % 2 or element.is_buffered:
        return None
    group, number = element.tag >> 16, element.tag & 0xFFFF
    if implicit:
        return struct.pack("<HHI", group, number, size)
    if element.VR in _LONG:
        return struct.pack("<HH2sHI", group, number, element.VR.encode(), 0, size)
    return struct.pack("<HH2sH", group, number, element.VR.encode(), size) if size < 2**16 else None
