"""Reading a DICOM object from memory: usual files in one quick walk, all others through pydicom."""

from __future__ import annotations

import io
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import DataElement, RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import ENCODED_VR, data_element_generator
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32
from pydicom.values import convert_string

__all__ = ["encodings_of", "quick_read"]

_MARK_AT, _META_AT = 128, 132
_PIXELS: Final = {0x7FE00010, 0x7FE00009, 0x7FE00008}
_CHARACTER_SET = BaseTag(0x00080005)
_TRANSFER_SYNTAX, _META_LENGTH = BaseTag(0x00020010), BaseTag(0x00020000)
_IMPLICIT, _UNUSUAL = b"1.2.840.10008.1.2", {b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99", b""}
_STANDARD = b"1.2.840.10008.1.2"
_UNDEFINED = 0xFFFFFFFF
_DELIMITERS, _FIRST_GROUP = 0xFFFE, 8
_HEADS_KEPT = 50_000
_short, _long = Struct("<H").unpack_from, Struct("<L").unpack_from

Elements = dict[BaseTag, RawDataElement | DataElement]


class _Head(NamedTuple):
    """What the first bytes of an element say, its length apart.

    Args:
        tag: of the element.
        vr: as it stands in the file; ``None`` in an implicit one.
        long: whether the length has four bytes after two of padding.
        empty: what pydicom calls no value.
    """

    tag: BaseTag
    vr: str | None
    long: bool
    empty: bytes | None


class _UnusualError(Exception):
    """The file is for pydicom."""


def quick_read(content: bytes, *, pixels: bool = True) -> FileDataset | None:
    """Return what ``pydicom.dcmread`` gives for a file in memory, about four times as fast.

    Args:
        content: the whole file, or its beginning up to and past the header when ``pixels`` is false.
        pixels: whether the pixel element is read too.

    Returns:
        The data set, all values unconverted; ``None`` for a file that has anything unusual: pydicom reads those.

    Source: DICOM PS3.5 section 7.1, PS3.10 section 7.1.
    """
    if content[_MARK_AT:_META_AT] != b"DICM":
        return None
    try:
        meta, at, syntax = _meta(content)
        implicit = syntax == _IMPLICIT
        elements = _implicit(content, at, pixels) if implicit else _explicit(content, at, pixels)
    except _UnusualError:
        return None
    encodings = _declared(elements)
    dataset = Dataset(elements, parent_encoding=default_encoding)
    dataset.set_original_encoding(implicit, True, encodings)
    found = FileDataset(io.BytesIO(), dataset, content[:_MARK_AT], meta, implicit, True)
    found.set_original_encoding(implicit, True, encodings)
    return found


def _meta(content: bytes) -> tuple[FileMetaDataset, int, bytes]:
    """Return the file meta information, where the data set begins, and the transfer syntax."""
    elements: Elements = {}
    at, size = _META_AT, len(content)
    while at + 8 <= size and content[at : at + 2] == b"\x02\0":
        at = _one(content, at, size, elements)
    first = next(iter(elements.values()), None)
    if first is None or first.tag != _META_LENGTH or len(first.value or b"") != 4 or size < at + 8:
        raise _UnusualError
    if _long(first.value)[0] != at - _META_AT - 12:
        raise _UnusualError
    syntax = elements.get(_TRANSFER_SYNTAX)
    uid = syntax.value.strip(b" \0") if syntax is not None and isinstance(syntax.value, bytes) else b""
    if uid in _UNUSUAL or not uid.startswith(_STANDARD):
        raise _UnusualError
    meta = FileMetaDataset()
    meta._dict = elements
    meta.set_original_encoding(False, True, default_encoding)
    return meta, at, uid


def _one(content: bytes, at: int, size: int, elements: Elements) -> int:
    """Read one explicit element; return where the next begins."""
    head = _head(content[at : at + 6])
    if head.long:
        (length,), start = _long(content, at + 8), at + 12
    else:
        (length,), start = _short(content, at + 6), at + 8
    end = start + length
    if end > size:
        raise _UnusualError
    value = content[start:end] if length else head.empty
    elements[head.tag] = RawDataElement(head.tag, head.vr, length, value, start, False, True)
    return end


def _explicit(content: bytes, at: int, pixels: bool) -> Elements:
    """Read the elements of an explicit little-endian data set."""
    elements: Elements = {}
    size = len(content)
    heads, new, kind = _HEADS, tuple.__new__, RawDataElement  # a named tuple's own constructor is Python code
    if int.from_bytes(content[at : at + 2], "little") < _FIRST_GROUP:
        raise _UnusualError
    while at + 8 <= size:
        head = heads.get(content[at : at + 6])
        if head is None:
            head = _head(content[at : at + 6])
        tag, vr, long, empty = head
        if long:
            if at + 12 > size:
                raise _UnusualError
            (length,), start = _long(content, at + 8), at + 12
        else:
            (length,), start = _short(content, at + 6), at + 8
        if not pixels and tag in _PIXELS:
            break
        if length == _UNDEFINED:
            at = _undefined(content, at, elements, implicit=False)
            continue
        at = start + length
        if at > size:
            raise _UnusualError
        value = content[start:at] if length else empty
        elements[tag] = new(kind, (tag, vr, length, value, start, False, True, True, False))
    return elements


def _implicit(content: bytes, at: int, pixels: bool) -> Elements:
    """Read the elements of an implicit little-endian data set."""
    elements: Elements = {}
    size = len(content)
    heads, new, kind = _HEADS, tuple.__new__, RawDataElement  # a named tuple's own constructor is Python code
    first = content[at + 4 : at + 6]
    looks_explicit = len(first) == 2 and 0x40 < first[0] < 0x5B and 0x40 < first[1] < 0x5B
    if looks_explicit or int.from_bytes(content[at : at + 2], "little") < _FIRST_GROUP:
        raise _UnusualError
    empty = empty_value_for_VR(None, raw=True)
    while at + 8 <= size:
        head = heads.get(content[at : at + 4])
        if head is None:
            head = _head(content[at : at + 4])
        tag = head.tag
        (length,), start = _long(content, at + 4), at + 8
        if not pixels and tag in _PIXELS:
            break
        if length == _UNDEFINED:
            at = _undefined(content, at, elements, implicit=True)
            continue
        at = start + length
        if at > size:
            raise _UnusualError
        value = content[start:at] if length else empty
        elements[tag] = new(kind, (tag, None, length, value, start, True, True, True, False))
    return elements


def _undefined(content: bytes, at: int, elements: Elements, *, implicit: bool) -> int:
    """Let pydicom read one element of undefined length; return where the next begins."""
    stream = io.BytesIO(content)
    stream.seek(at)
    encodings = _declared(elements)
    element = next(data_element_generator(stream, implicit, True, encoding=encodings), None)
    if element is None:
        raise _UnusualError
    elements[element.tag] = element
    return stream.tell()


def _declared(elements: Elements) -> str | tuple[str, ...] | list[str]:
    """Return pydicom's names for the character sets that a data set declares."""
    element = elements.get(_CHARACTER_SET)
    if element is None:
        return default_encoding
    if not isinstance(element, RawDataElement):
        raise _UnusualError
    return list(encodings_of(element.value or b""))


@lru_cache(maxsize=256)
def encodings_of(value: bytes) -> tuple[str, ...]:
    """Return Python's names for the bytes of Specific Character Set.

    Args:
        value: as it stands in the file.

    Example:
        >>> encodings_of(b"ISO_IR 100"), encodings_of(b"")
        (('latin_1',), ('iso8859',))
    """
    return tuple(convert_encodings(convert_string(value, True)))


_HEADS: dict[bytes, _Head] = {}


def _head(start: bytes) -> _Head:
    """Return what the first four (implicit) or six (explicit) bytes of an element say; remembered.

    Raises:
        _UnusualError: no element of a usual data set begins like this.
    """
    head = _HEADS.get(start)
    if head is not None:
        return head
    group, number = int.from_bytes(start[:2], "little"), int.from_bytes(start[2:4], "little")
    if group in (0, _DELIMITERS) or (len(start) > 4 and start[4:6] not in ENCODED_VR):
        raise _UnusualError
    vr = start[4:6].decode("ascii") if len(start) > 4 else None
    long = vr is not None and vr in EXPLICIT_VR_LENGTH_32
    empty = empty_value_for_VR(vr, raw=True)
    assert empty is None or isinstance(empty, bytes)  # noqa: S101 - raw values are bytes
    if len(_HEADS) > _HEADS_KEPT:  # a hostile file can name any tag
        _HEADS.clear()
    head = _HEADS[start] = _Head(BaseTag(group << 16 | number), vr, long, empty)
    return head
