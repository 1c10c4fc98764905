"""Header record and voxels -> one file or two, compressed or not, atomically."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deephealth.io.gzip import gzip_blocks
from deephealth.io.stream_out import atomic_stream

__all__ = ["FileKind", "file_kind", "write_record"]

_SINGLE = {".nii": True, ".hdr": False, ".img": False}


@dataclass(frozen=True, slots=True)
class FileKind:
    """What is written.

    Args:
        single: header and voxels in one file, or a pair.
        packed: gzip or not.
    """

    single: bool = True
    packed: bool = False


def file_kind(path: Path) -> FileKind | None:
    """Return what a file's suffix asks for, or ``None`` if it is none of NIfTI's.

    Example:
        >>> file_kind(Path("a.nii.gz")), file_kind(Path("a.png"))
        (FileKind(single=True, packed=True), None)
    """
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    return FileKind(_SINGLE[suffix], name.endswith(".gz")) if suffix in _SINGLE else None


def write_record(
    path: Path,
    fields: np.void,
    values: np.ndarray,
    *,
    kind: FileKind,
    extensions: Iterable[tuple[int, bytes]] = (),
    level: int = 2,
    threads: int | None = None,
) -> None:
    """Write a header record and the voxels that it describes.

    Args:
        path: the file, or either file of a pair.
        fields: as :func:`~deephealth.io.nifti.fields.empty_fields` makes it; where the voxels begin is set here.
        values: stored values, C-contiguous, little endian, slowest axis first, colours last.
        kind: one file or two, compressed or not.
        extensions: (code, content) of header extensions.
        level: of compression.
        threads: cores to compress on.

    Raises:
        StorageError: it can't be written.
    """
    fields = fields.copy()
    more = _extension_bytes(extensions)
    voxels = memoryview(values.reshape(-1).view(np.uint8).data)
    if kind.single:
        fields["vox_offset"] = fields.dtype.itemsize + len(more)
        _write(path, [fields.tobytes(), more, voxels], kind, level, threads)
        return
    fields["vox_offset"] = 0
    fields["magic"] = bytes(fields["magic"]).replace(b"n+", b"ni")
    _write(_half(path, ".img", kind), [voxels], kind, level, threads)
    _write(_half(path, ".hdr", kind), [fields.tobytes(), more], kind, level, threads)


def _half(path: Path, suffix: str, kind: FileKind) -> Path:
    stem = path.name[:-3] if kind.packed else path.name
    return path.with_name(Path(stem).stem + suffix + (".gz" if kind.packed else ""))


def _write(path: Path, parts: list[bytes | memoryview], kind: FileKind, level: int, threads: int | None) -> None:
    content: Iterable[bytes | memoryview] = parts
    if kind.packed:
        content = gzip_blocks(parts, level=level, threads=threads)
    with atomic_stream(path) as stream:
        for part in content:
            stream.write(part)


def _extension_bytes(extensions: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the flag and the extensions, each padded to 16 bytes."""
    content = b""
    for code, data in extensions:
        size = -(-(len(data) + 8) // 16) * 16
        content += size.to_bytes(4, "little") + int(code).to_bytes(4, "little", signed=True)
        content += bytes(data).ljust(size - 8, b"\0")
    return (b"\1\0\0\0" if content else b"\0\0\0\0") + content
