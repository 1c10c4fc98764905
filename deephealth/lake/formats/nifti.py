"""NIfTI-1 and NIfTI-2, single files and pairs, gzip or not: text fields and extensions are gone, voxels stay.

The output is always one file: 348 or 540 header bytes of which every text field is zero, an empty extension flag, and
the voxels, not a byte more. Sources: nifti1.h and nifti2.h of the NIfTI Data Format Working Group; RFC 1952.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from deephealth.core.errors import DataError, LimitError
from deephealth.core.units import format_bytes
from deephealth.io.nifti.header import HEADER_BYTES, NiftiHeader, parse_header
from deephealth.lake.actions import Action, Tally
from deephealth.lake.formats.context import FileContext, FileOutcome, damaged, too_large, writing

__all__ = ["clean", "is_nifti", "partner"]

_STEP = 1024**2
_GZIP = 31  # zlib's code for a gzip header and trailer
_SLACK = 1024**2  # what may follow the voxels; it is checked and left out
_TRUSTED_BYTES, _TRUSTED_RATIO = 512 * 1024**2, 250
# fields whose content nobody needs and anybody can write into: text, and numbers that the standard calls unused
_TEXT = {1: ("data_type", "db_name", "intent_name", "descrip", "aux_file"), 2: ("intent_name", "descrip", "aux_file")}
_SPANS = {
    1: {"data_type": (4, 10), "db_name": (14, 18), "extents": (32, 4), "session_error": (36, 2), "regular": (38, 1),
        "glmax": (140, 4), "glmin": (144, 4), "descrip": (148, 80), "aux_file": (228, 24), "intent_name": (328, 16)},
    2: {"descrip": (240, 80), "aux_file": (320, 24), "intent_name": (508, 16), "unused": (525, 15)},
}  # fmt: skip
_MODALITY = re.compile(r"_(?:(T1w|T2w|T2star|FLAIR|PDw|T1map|T2map|inplaneT[12]|bold|sbref|dwi|epi|phasediff|asl|mr)"
                       r"|(ct)|(pet))(?:\.|$)", re.IGNORECASE)  # fmt: skip


def is_nifti(start: bytes) -> bool:
    r"""Return whether a file that begins with ``start`` (inflated) is NIfTI; Analyze 7.5 is not.

    Example:
        >>> is_nifti(struct.pack("<i", 348) + bytes(340) + b"n+1\0"), is_nifti(b"DICM")
        (True, False)
    """
    one = start[:4] in (struct.pack("<i", 348), struct.pack(">i", 348)) and start[344:348] in (b"n+1\0", b"ni1\0")
    two = start[:4] in (struct.pack("<i", 540), struct.pack(">i", 540)) and start[4:8] in (b"n+2\0", b"ni2\0")
    return one or two


def partner(header: Path) -> Path | None:
    """Return the file with the voxels of a pair, ``None`` if there is none.

    Args:
        header: the ``.hdr`` or ``.hdr.gz`` of the pair.
    """
    stem = re.sub(r"\.hdr(\.gz)?$", "", header.name, flags=re.IGNORECASE)
    for ending in (".img", ".img.gz", ".IMG"):
        found = header.with_name(stem + ending)
        if stem != header.name and found.is_file() and not found.is_symlink():
            return found
    return None


def clean(source: Path, target: Path, who: FileContext) -> FileOutcome:
    """Write a volume without identifiers, gzipped when the target's name ends with ``.gz``.

    Args:
        source: the file, or the header of a pair.
        target: where the cleaned file is to be.
        who: whose it is.

    Raises:
        QuarantineError: damaged, truncated, a bomb, or no patient.
        StorageError: the target can't be written.
    """
    _ = who.subject
    with source.open("rb") as stream:
        start = _exactly(_inflated(stream), HEADER_BYTES, short=True)
    if not is_nifti(start):
        raise damaged("the file is not NIfTI")
    try:
        header = parse_header(start, name="the file")
        size = who.limits.check_array(header.shape, _voxel_bytes(header), "the volume")
    except DataError as error:
        raise _refused(error) from None
    pixels = source if header.single else partner(source)
    if pixels is None:
        raise damaged("the voxels of the pair (.img) are not beside the header")
    if size > _TRUSTED_BYTES and size > _TRUSTED_RATIO * pixels.stat().st_size:
        raise too_large(f"the volume claims {format_bytes(size)} and holds far less")
    fresh, tally = _fresh_header(start, header)
    with ExitStack() as stack:
        stream = stack.enter_context(pixels.open("rb"))
        out = stack.enter_context(writing(target)).open("wb")
        stack.enter_context(out)
        left_out = _write(_inflated(stream), out, fresh, header.offset, size, packed=target.suffix == ".gz")
    notes = (f"{left_out:,} bytes after the voxels were left out",) if left_out else ()
    shape = header.shape
    facts = {
        "rows": shape[1] if len(shape) > 1 else 1,
        "columns": shape[0] if shape else 0,
        "frames": size // max(1, shape[0] * shape[1] * _voxel_bytes(header)) if len(shape) > 1 and size else 1,
        "pixels": "unchecked",
    }
    return FileOutcome("nifti", _modality(source.name), tally, facts, notes)


def _modality(name: str) -> str:
    found = _MODALITY.search(name)
    return ("MR" if found[1] else "CT" if found[2] else "PT") if found else "OT"


def _voxel_bytes(header: NiftiHeader) -> int:
    return header.dtype.itemsize * (header.colours[0] if header.colours else 1)


def _refused(error: DataError) -> Exception:
    # the reader's own messages hold sizes and codes, never text of the header; still, only the kind is told
    if isinstance(error, LimitError):
        return too_large("the volume claims more voxels than are allowed")
    return damaged("the NIfTI header is damaged")


def _fresh_header(start: bytes, header: NiftiHeader) -> tuple[bytes, Tally]:
    """Return the header and extension flag of the output."""
    size = 348 if header.version == 1 else 540
    fresh, tally = bytearray(start[:size]), Tally()
    for name, (at, length) in _SPANS[header.version].items():
        if any(fresh[at : at + length]) and name in _TEXT[header.version]:
            tally[Action.EMPTIED] += 1
        fresh[at : at + length] = bytes(length)
    order = ">" if header.swapped else "<"
    offset = size + 4
    if header.version == 1:
        struct.pack_into(order + "f", fresh, 108, float(offset))
        fresh[344:348] = b"n+1\0"
    else:
        struct.pack_into(order + "q", fresh, 168, offset)
        fresh[4:12] = b"n+2\0\r\n\x1a\n"
    if header.single and header.offset > offset:
        tally[Action.REMOVED] += 1
    tally[Action.KEPT] += 1
    return bytes(fresh) + bytes(4), tally


def _write(pieces: Iterator[bytes], out: BinaryIO, fresh: bytes, offset: int, size: int, *, packed: bool) -> int:
    """Write header and voxels; return how many bytes after the voxels were left out.

    Everything is read to the end, so that a gzip checksum is checked.
    """
    pack = _packer() if packed else None

    def put(data: bytes) -> None:
        out.write(pack.compress(data) if pack else data)

    put(fresh)
    skip, left, after = offset, size, 0
    for piece in pieces:
        passed = min(skip, len(piece))
        skip -= passed
        voxels = piece[passed : passed + left]
        left -= len(voxels)
        after += len(piece) - passed - len(voxels)
        if voxels:
            put(voxels)
        if after > _SLACK:
            raise damaged("far more bytes follow the voxels than a volume has")
    if left:
        raise damaged("the volume ends before its last voxel")
    if pack:
        out.write(pack.flush())
    return after


def _packer() -> Any:
    """Return a compressor whose gzip header holds neither a name nor a time."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.compressobj(5, zlib.DEFLATED, _GZIP)
    return isal_zlib.compressobj(2, zlib.DEFLATED, _GZIP)


def _inflated(stream: BinaryIO) -> Iterator[bytes]:
    """Yield a file's content piece by piece, all gzip members of it inflated.

    Raises:
        QuarantineError: a damaged or truncated gzip stream, or bytes after it.
    """
    pending = stream.read(_STEP)
    if not pending.startswith(b"\x1f\x8b"):
        while pending:
            yield pending
            pending = stream.read(_STEP)
        return
    while pending:
        decoder = zlib.decompressobj(_GZIP)
        while not decoder.eof:
            pending = pending or stream.read(_STEP)
            if not pending:
                raise damaged("the gzip stream is cut off")
            try:
                piece = decoder.decompress(pending, _STEP)
            except zlib.error as error:
                raise damaged("the gzip stream is damaged") from error
            pending = decoder.unconsumed_tail
            if piece:
                yield piece
        pending = (decoder.unused_data + stream.read(_STEP)).lstrip(b"\0")
        if pending and not pending.startswith(b"\x1f"):
            return  # what follows a gzip member and is none is left out, as gzip itself does


def _exactly(pieces: Iterator[bytes], size: int, *, short: bool = False) -> bytes:
    found = b""
    for piece in pieces:
        found += piece[: size - len(found)]
        if len(found) >= size:
            break
    if len(found) < size and not short:
        raise damaged("the file is cut off")
    return found
