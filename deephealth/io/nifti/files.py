"""The one or two files of a NIfTI image: which they are, whether they are compressed, and their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import LimitError, MissingDataError, UnreadableFileError
from deephealth.core.files import below
from deephealth.core.units import format_bytes
from deephealth.io.gzip import gunzip, gunzip_start
from deephealth.io.limits import Limits
from deephealth.io.nifti.header import HEADER_BYTES, NiftiHeader, parse_header
from deephealth.io.source import Source

__all__ = ["NiftiFiles", "find_pair", "open_nifti"]

_GZIP = b"\x1f\x8b"
_PAIR = {".hdr": ".img", ".img": ".hdr"}


@dataclass(frozen=True)
class NiftiFiles:
    """An image on disk whose header has been read and checked.

    Args:
        header: what it says.
        extensions: (code, content) of each header extension.
        image: the file that holds the voxels.
        packed: the compressed content of ``image``, or ``None`` if it is not compressed.
        file_bytes: size of ``image``.
    """

    header: NiftiHeader
    extensions: list[tuple[int, bytes]]
    image: Path
    packed: bytes | None
    file_bytes: int

    def voxels(self, limits: Limits, *, threads: int | None = None, mmap: bool = False) -> np.ndarray:
        """Return the stored values in this machine's byte order, slowest axis first: (..., t, z, y, x[, colour]).

        Args:
            limits: refuses what the header claims, before memory is taken.
            threads: cores for streams of independent blocks.
            mmap: map an uncompressed file in this machine's byte order into memory instead of reading it.

        Raises:
            LimitError: more than the limits allow, or more than the file holds.
            UnreadableFileError: damaged.
        """
        header = self.header
        shape = header.shape[::-1] + ((header.colours[0],) if header.colours else ())
        on_disk = None if self.packed is not None else self.file_bytes - header.offset
        wanted = limits.check_array(shape, header.dtype.itemsize, header.name, on_disk=on_disk)
        if self.packed is not None:
            size = header.offset + wanted
            content = gunzip(self.packed, size, name=str(self.image), threads=threads)[header.offset :]
        elif mmap and not header.swapped:
            return np.memmap(self.image, header.dtype, "c", header.offset, shape)
        else:
            content = _read_part(self.image, header.offset, wanted)
        values = content.view(header.dtype).reshape(shape)
        return values.byteswap(inplace=True) if header.swapped else values


def open_nifti(path: Path | str, limits: Limits) -> NiftiFiles:
    """Read the header of an image; of a pair, either file may be named.

    Raises:
        MissingDataError: no such file, or the other half of a pair is missing.
        UnreadableFileError: not NIfTI, or damaged.
        LimitError: larger than ``limits``.
    """
    path = Path(path)
    first = find_pair(path, ".hdr") if _bare_suffix(path) == ".img" else path
    packed, start = _start(first, limits)
    header = parse_header(start, name=str(path))
    if header.offset > limits.max_bytes:
        raise LimitError(
            f"{path} says that its voxels begin at byte {header.offset}", allowed=f"at most {limits.max_bytes}"
        )
    extensions = _extensions(first, packed, start, header, limits)
    if not header.single:
        first = find_pair(first, ".img")
        packed, _ = _start(first, limits)
    return NiftiFiles(header, extensions, first, packed, first.stat().st_size)


def find_pair(path: Path, suffix: str) -> Path:
    """Return the other file of a pair, which lies in the same folder.

    Args:
        path: the ``.hdr`` or ``.img`` (or ``.hdr.gz``, ``.img.gz``).
        suffix: ``.hdr`` or ``.img``.

    Raises:
        MissingDataError: there is none.
        DataError: it is a link that leads out of the folder.
    """
    stem = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    stem = Path(stem).stem
    names = [stem + ending for ending in (suffix, f"{suffix}.gz", suffix.upper(), f"{suffix.upper()}.GZ")]
    for name in names:
        if (path.parent / name).exists():
            return below(path.parent, name)
    raise MissingDataError(
        f"{path} is half of a pair, and its other half is missing",
        allowed=f"{names[0]} or {names[1]} in the same folder",
        hint="copy both files, or convert the pair to .nii.gz",
    )


def _bare_suffix(path: Path) -> str:
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix


def _start(path: Path, limits: Limits) -> tuple[bytes | None, bytes]:
    """Return the whole content if it is compressed (else ``None``), and the first bytes, inflated."""
    # compressed content is held in memory next to what it inflates to; a raw file is bounded by its header's claim
    with Source(path).open(2**63) as stream:
        start = stream.read(HEADER_BYTES)
        if not start.startswith(_GZIP):
            return None, start
        size = path.stat().st_size
        if size > limits.max_decoded_bytes:
            raise LimitError(
                f"{path} holds {format_bytes(size)} of compressed data",
                allowed=f"at most {format_bytes(limits.max_decoded_bytes)}",
                hint="if the file is genuine, read it with Limits(max_decoded_bytes=...)",
            )
        stream.seek(0)
        content = stream.read(size)
    return content, gunzip_start(content, HEADER_BYTES, name=str(path))


def _extensions(
    path: Path, packed: bytes | None, start: bytes, header: NiftiHeader, limits: Limits
) -> list[tuple[int, bytes]]:
    """Return the header's extensions: after the flag, up to the voxels or to the end of the header's own file."""
    begin = header.fields.dtype.itemsize
    if start[begin : begin + 1] in (b"", b"\0"):
        return []
    end = header.offset if header.single else limits.max_bytes
    if packed is not None:
        content = gunzip_start(packed, end, name=str(path))[begin + 4 :]
    else:
        with path.open("rb") as stream:
            stream.seek(begin + 4)
            content = stream.read(max(0, min(end, path.stat().st_size) - begin - 4))
    order = "big" if header.swapped else "little"
    found = []
    at = 0
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], order)  # type: ignore[arg-type]
        code = int.from_bytes(content[at + 4 : at + 8], order, signed=True)  # type: ignore[arg-type]
        if size < 8 or at + size > len(content):
            break  # what follows is not an extension; the voxels don't depend on it
        found.append((code, content[at + 8 : at + size]))
        at += size
    return found


def _read_part(path: Path, offset: int, size: int) -> npt.NDArray[np.uint8]:
    content = np.empty(size, np.uint8)
    view = content.data
    at = 0
    try:
        with path.open("rb", buffering=0) as stream:
            stream.seek(offset)
            while at < size and (got := stream.readinto(view[at:])):  # one call reads 2 GiB at most
                at += got
    except OSError as error:
        raise UnreadableFileError(f"{path} can't be read: {error.strerror}", hint="check the disk") from error
    if at < size:
        raise UnreadableFileError(f"{path} ends in the middle of the voxels", hint="copy the file again")
    return content
