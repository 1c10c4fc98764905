"""The text headers of NRRD and MetaImage files, read before ITK sees them: sizes, and which files they name."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.core.files import below
from deephealth.core.optional import is_installed
from deephealth.io.limits import Limits
from deephealth.io.nrrd_fields import nrrd_fields

__all__ = ["ItkHeader", "check_header", "is_itk", "read_header"]

_MAX_HEADER = 1024**2
_NRRD = b"NRRD00"
_META_FIRST = re.compile(rb"\s*(ObjectType|NDims|Comment|ObjectSubType|BinaryData)\s*=", re.IGNORECASE)
_MAX_RANK = 5
_PACKED_RATIO = 1032  # DEFLATE can't do better
_STEP = 1024**2
_MAX_NAME = 255  # of a file, in every file system

_NRRD_TYPES = {
    "signed char": 1, "int8": 1, "int8_t": 1, "uchar": 1, "unsigned char": 1, "uint8": 1, "uint8_t": 1,
    "short": 2, "short int": 2, "signed short": 2, "signed short int": 2, "int16": 2, "int16_t": 2,
    "ushort": 2, "unsigned short": 2, "unsigned short int": 2, "uint16": 2, "uint16_t": 2,
    "int": 4, "signed int": 4, "int32": 4, "int32_t": 4, "uint": 4, "unsigned int": 4, "uint32": 4, "uint32_t": 4,
    "longlong": 8, "long long": 8, "long long int": 8, "signed long long": 8, "signed long long int": 8,
    "int64": 8, "int64_t": 8, "ulonglong": 8, "unsigned long long": 8, "unsigned long long int": 8,
    "uint64": 8, "uint64_t": 8, "float": 4, "double": 8,
}  # fmt: skip
_META_TYPES = {
    "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4, "MET_LONG": 8,
    "MET_ULONG": 8, "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItkHeader:
    """What the header of an NRRD or MetaImage file claims.

    Args:
        kind: ``"nrrd"`` or ``"meta"``.
        shape: sizes of all axes, and of channels if there are any.
        itemsize: bytes per element.
        encoding: ``"raw"``, ``"deflate"`` (zlib or gzip) or ``"text"``.
        data_file: where the elements are.
        begin: where in that file they begin.
    """

    kind: str
    shape: tuple[int, ...]
    itemsize: int
    encoding: str
    data_file: Path
    begin: int


def is_itk(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` is NRRD or MetaImage.

    Example:
        >>> is_itk(b"NRRD0004"), is_itk(b"ObjectType = Image"), is_itk(b"DICM")
        (True, True, False)
    """
    return start.startswith(_NRRD) or _META_FIRST.match(start) is not None


def read_header(path: Path) -> ItkHeader:
    """Read what a file claims, from its text.

    Raises:
        UnreadableFileError: neither NRRD nor MetaImage, or a header without what is needed.
        MissingDataError: the file that it names for its elements is not there.
        DataError: that file lies outside the folder.
        LimitError: a header of more than 1 MiB.
    """
    with path.open("rb") as stream:
        start = stream.read(_MAX_HEADER)
    if start.startswith(_NRRD):
        return _nrrd(path, start)
    if _META_FIRST.match(start):
        return _meta(path, start)
    raise UnreadableFileError(f"{path} is neither NRRD nor MetaImage", allowed=".nrrd, .nhdr, .mha, .mhd")


def check_header(path: Path, limits: Limits) -> ItkHeader:
    """Read what a file claims and refuse it where it claims too much, or more than it can hold.

    Raises:
        LimitError: more elements than ``limits`` allow, or than its file can hold.
        UnreadableFileError, MissingDataError, DataError: as :func:`read_header`.
    """
    header = read_header(path)
    if not 1 <= len(header.shape) <= _MAX_RANK:
        raise UnreadableFileError(f"{path} claims {len(header.shape)} axes", allowed=f"1 to {_MAX_RANK}")
    if min(header.shape) < 1:
        raise LimitError(f"{path} claims the shape {header.shape}", allowed="sizes of 1 or more")
    held = max(header.data_file.stat().st_size - header.begin, 0)
    ratio = _PACKED_RATIO if header.encoding == "deflate" else 1
    wanted = limits.check_array(header.shape, header.itemsize, str(path), on_disk=held * ratio)
    if header.encoding == "deflate":
        _check_stream(header, str(path), wanted)
    return header


def _check_stream(header: ItkHeader, name: str, wanted: int) -> None:
    """Inflate once without keeping anything: ITK looks at no checksum, and takes memory before it looks at a size."""
    engine: Any = zlib
    if is_installed("isal"):
        from isal import isal_zlib as engine
    decoder = engine.decompressobj(zlib.MAX_WBITS | 32)  # a zlib or a gzip header
    size = 0
    try:
        with header.data_file.open("rb") as stream:
            stream.seek(header.begin)
            while not decoder.eof and size <= wanted and (packed := stream.read(_STEP)):
                while packed and size <= wanted:
                    size += len(decoder.decompress(packed, _STEP))
                    packed = decoder.unconsumed_tail
    except Exception as error:  # each engine has its own
        raise UnreadableFileError(f"the elements of {name} are damaged: {error}", hint="copy the file again") from error
    if not decoder.eof or size != wanted:
        holds = "goes on beyond that" if size > wanted else f"ends after {size}"
        raise LimitError(
            f"{name} claims {wanted} bytes of elements, and its compressed stream {holds}",
            allowed="a header that agrees with the content",
            hint="copy the file again: it is truncated or damaged",
        )


def _nrrd(path: Path, start: bytes) -> ItkHeader:
    end = re.search(rb"\r?\n\r?\n", start)
    text = start if end is None else start[: end.start()]
    if end is None and len(start) == _MAX_HEADER:
        raise LimitError(f"{path} has a header of more than {_MAX_HEADER} bytes", allowed="a shorter one")
    fields = nrrd_fields(text, str(path))
    kind = fields.get("type", "").lower()
    if kind not in _NRRD_TYPES:
        raise UnreadableFileError(f"{path} has elements of type '{kind}'", allowed="integers and floats")
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz", "txt", "text", "ascii", "hex"):
        raise UnreadableFileError(f"{path} has the encoding '{encoding}'", allowed="raw, gzip, text, hex")
    shape = _sizes(path, "sizes", fields.get("sizes", ""))
    detached = fields.get("datafile")
    for unit in ("byte", "line"):
        skip = fields.get(f"{unit}skip", "0")
        if skip not in ("0", "-1"):
            raise UnreadableFileError(f"{path} has the {unit} skip {skip}", allowed="elements that follow directly")
    begin = 0 if detached is not None or end is None else end.end()
    file = path if detached is None else _beside(path, detached)
    stored = {"raw": "raw", "gzip": "deflate", "gz": "deflate"}.get(encoding, "text")
    return ItkHeader("nrrd", shape, _NRRD_TYPES[kind], stored, file, begin)


def _meta(path: Path, start: bytes) -> ItkHeader:
    fields: dict[str, str] = {}
    begin = 0
    for line in start.split(b"\n"):
        begin += len(line) + 1
        fields |= {key.lower(): value for key, value in _pairs(line)}
        if "elementdatafile" in fields:
            break
    else:
        raise UnreadableFileError(f"{path} names no ElementDataFile within its first MiB", allowed="a MetaImage header")
    kind = fields.get("elementtype", "").removesuffix("_ARRAY")
    if kind not in _META_TYPES:
        raise UnreadableFileError(f"{path} has elements of type '{kind}'", allowed=", ".join(_META_TYPES))
    shape = _sizes(path, "DimSize", fields.get("dimsize", ""))
    channels = _sizes(path, "ElementNumberOfChannels", fields.get("elementnumberofchannels", "1"))
    text = fields.get("binarydata", "true").lower()[:1] == "f"
    packed = fields.get("compresseddata", "false").lower()[:1] in ("t", "1")
    name = fields["elementdatafile"]
    local = name in ("LOCAL", "Local", "local")
    file = path if local else _beside(path, name)
    whole = channels + shape if channels != (1,) else shape
    encoding = "text" if text else "deflate" if packed else "raw"
    return ItkHeader("meta", whole, _META_TYPES[kind], encoding, file, begin if local else 0)


def _pairs(line: bytes) -> Iterator[tuple[str, str]]:
    key, found, value = line.decode("latin-1").partition("=")
    if found and not line.startswith(b"#"):
        yield key.strip(), value.strip()


def _sizes(path: Path, key: str, text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(word) for word in text.split()[: _MAX_RANK + 1])
    except ValueError:
        sizes = ()
    if not sizes:
        raise UnreadableFileError(f"{path} has {key} '{text[:80]}'", allowed="whole numbers")
    return sizes


def _beside(path: Path, name: str) -> Path:
    """Return the file that a header names for its elements: one, in the header's folder."""
    words = name.split()
    if not words or words[0].upper() == "LIST" or "%" in name:
        raise UnreadableFileError(
            f"{path} is spread over several files: '{name[:80]}'",
            allowed="one file of elements",
            hint="convert it to one .nrrd or .mha with the program that wrote it",
        )
    stored = name.encode("latin-1")  # ITK takes the bytes as they stand
    if len(stored) > _MAX_NAME:
        raise UnreadableFileError(
            f"{path} names a file by {len(stored)} characters: '{name[:80]}...'",
            allowed=f"at most {_MAX_NAME}",
            hint="the header is damaged: copy the file again",
        )
    try:
        file = below(path.parent, os.fsdecode(stored))
        missing = not file.is_file()
    except (OSError, RuntimeError) as error:  # a link that leads to itself, a path that is too long
        if isinstance(error, DataError):
            raise
        raise UnreadableFileError(
            f"{path} names '{name[:80]}', which is no file: {error}", hint="copy both files"
        ) from error
    if missing:
        raise MissingDataError(f"{path} names the file '{name}', which is missing", hint="copy both files")
    return file
