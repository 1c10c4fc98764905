"""Writing a cleaned object: what was not touched goes back as the bytes it came as."""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pydicom.dataelem import RawDataElement
from pydicom.uid import UID

from deephealth.lake.dicom_reading import encodings_of

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

__all__ = ["encoded"]

_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})  # PS3.5 table 7.1-1
_UNDEFINED = 0xFFFFFFFF
_IMPLICIT = "1.2.840.10008.1.2"
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_UNNAMED = {(True, True): _IMPLICIT, (False, True): "1.2.840.10008.1.2.1", (False, False): _BIG_ENDIAN}
_LAST_COMMAND_GROUP = 6
_CHARACTER_SET, _SOP_CLASS, _SOP_INSTANCE = 0x00080005, 0x00080016, 0x00080018
_LENGTH_OF_META, _CLASS_IN_META, _INSTANCE_IN_META, _SYNTAX = 0x00020000, 0x00020002, 0x00020003, 0x00020010
_INSTANCE_HEAD: Final = b"\x02\x00\x03\x00UI"
_LENGTH_HEAD: Final = b"\x02\x00\x00\x00UL\x04\x00"
_HEADS_KEPT = 256


def encoded(dataset: FileDataset) -> bytes:
    """Return the file (PS3.10) of a data set.

    pydicom writes every element by way of its value; here an element whose value nobody asked for is copied, which is
    three times as fast and changes nothing in it. Whatever is unusual (deflated, big-endian, another character set or
    transfer syntax than the file came in) pydicom writes as a whole.

    Source: DICOM PS3.5 section 7.1, PS3.10 section 7.1.
    """
    syntax = _uid(dataset.file_meta._dict.get(_SYNTAX)) or _as_read(dataset)
    implicit = syntax == _IMPLICIT
    unusual = (
        syntax in ("", _DEFLATED, _BIG_ENDIAN)
        or dataset.original_encoding != (implicit, True)
        or _names(dataset.original_character_set) != _declared(dataset)
    )
    if unusual:
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()
    return b"".join([dataset.preamble or bytes(128), b"DICM", _meta(dataset), *_body(dataset, implicit)])


def _as_read(dataset: FileDataset) -> str:
    """Write into file meta information that has none which transfer syntax the object was read in; return it."""
    syntax = _UNNAMED.get(dataset.original_encoding, "")
    if syntax:
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return syntax


def _declared(dataset: FileDataset) -> list[str]:
    """Return pydicom's names for the character sets that the data set declares."""
    element = dataset._dict.get(_CHARACTER_SET)
    if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
        return list(encodings_of(element.value))
    return _names(dataset._character_set)


def _names(encodings: Any) -> list[str]:
    return [encodings] if isinstance(encodings, str) else list(encodings)


def _meta(dataset: FileDataset) -> bytes:
    """Return the file meta information; it differs from slice to slice in one UID, so the rest is remembered."""
    instance, kind = (_uid(dataset._dict.get(tag)) for tag in (_SOP_INSTANCE, _SOP_CLASS))
    key: list[Any] = [kind]
    for tag, element in dataset.file_meta._dict.items():
        if tag in (_LENGTH_OF_META, _CLASS_IN_META, _INSTANCE_IN_META):
            continue
        value = element.value if isinstance(element, RawDataElement) else _uid(element) or None
        if value is None:
            return _meta_by_pydicom(dataset)
        key.append((tag, element.VR, value))
    known = _METAS.get(tuple(key)) if instance and kind else None
    if known is None:
        made = _meta_by_pydicom(dataset)
        _remember(tuple(key), made)
        return made
    uid = instance.encode("ascii")
    uid += b"\0" * (len(uid) % 2)
    rest = b"".join((known[0], _INSTANCE_HEAD, struct.pack("<H", len(uid)), uid, known[1]))
    return _LENGTH_HEAD + struct.pack("<L", len(rest)) + rest


_METAS: dict[tuple[Any, ...], tuple[bytes, bytes]] = {}


def _remember(key: tuple[Any, ...], made: bytes) -> None:
    """Keep what stands before and after the object's UID in file meta information."""
    at = made.find(_INSTANCE_HEAD)
    if at < 0 or not made.startswith(_LENGTH_HEAD) or made.count(_INSTANCE_HEAD) != 1:
        return
    (size,) = struct.unpack_from("<H", made, at + len(_INSTANCE_HEAD))
    if len(_METAS) >= _HEADS_KEPT:
        _METAS.clear()
    start = len(_LENGTH_HEAD) + 4
    _METAS[key] = made[start:at], made[at + len(_INSTANCE_HEAD) + 2 + size :]


def _meta_by_pydicom(dataset: FileDataset) -> bytes:
    from pydicom.dataset import FileMetaDataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info

    meta: FileMetaDataset = dataset.file_meta
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_file_meta_info(stream, meta, enforce_standard=True)
    return stream.getvalue()


def _uid(element: Any) -> str:
    """Return the one UID that an element holds; nothing where it holds something else."""
    value = getattr(element, "value", None)
    if element is None or element.VR not in ("UI", None) or not value:
        return ""
    text = value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""
    text = text.strip(" \0")
    return text if text.isascii() and "\\" not in text else ""


def _body(dataset: FileDataset, implicit: bool) -> list[bytes]:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element
    from pydicom.tag import tag_in_exception

    codecs = _declared(dataset) if _CHARACTER_SET in dataset._dict else list(encodings_of(b""))
    parts: list[bytes] = []
    for number, element in sorted(((int(tag), element) for tag, element in dataset._dict.items()), key=_number):
        if number & 0xFFFF == 0 and number >> 16 > _LAST_COMMAND_GROUP:  # group lengths: retired, wrong after a change
            continue
        head = _raw_head(number, element, implicit)
        if head is not None:
            parts.append(head)
            parts.append(element.value or b"")  # type: ignore[arg-type]
            continue
        stream = DicomBytesIO()
        stream.is_little_endian, stream.is_implicit_VR = True, implicit
        with tag_in_exception(element.tag):
            write_data_element(stream, dataset.get_item(number), codecs)
        parts.append(stream.getvalue())
    return parts


def _number(pair: tuple[int, Any]) -> int:
    return pair[0]


def _raw_head(number: int, element: Any, implicit: bool) -> bytes | None:
    """Return the bytes before the value of an element that can be copied; ``None`` for any other."""
    if not isinstance(element, RawDataElement):
        return None
    _, vr, length, value, _, is_implicit, little, _, buffered = element
    if not little or is_implicit is not implicit or length == _UNDEFINED or (vr is None and not implicit) or buffered:
        return None
    if value is None:
        return _head(number, vr, 0, implicit) if length == 0 else None
    size = len(value)
    return None if size % 2 else _head(number, vr, size, implicit)


@lru_cache(maxsize=8192)
def _head(number: int, vr: str | None, size: int, implicit: bool) -> bytes | None:
    group, element = number >> 16, number & 0xFFFF
    if implicit:
        return struct.pack("<HHI", group, element, size)
    assert vr is not None  # noqa: S101 - explicit elements have one
    if vr in _LONG:
        return struct.pack("<HH2sHI", group, element, vr.encode(), 0, size)
    return struct.pack("<HH2sH", group, element, vr.encode(), size) if size < 2**16 else None
