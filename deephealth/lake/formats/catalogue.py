"""Which cleaner a file gets: decided by what is in it, and by its name only where content has no mark."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deephealth.lake.formats.context import FileContext, FileOutcome
from deephealth.lake.formats.edf_header import is_edf
from deephealth.lake.formats.nifti import is_nifti, partner
from deephealth.lake.formats.raster import raster_kind
from deephealth.lake.formats.tiff_pages import is_tiff
from deephealth.lake.identifiers import Identifiers

__all__ = ["FORMATS", "FileFormat", "companion_of", "format_of", "identity_of"]

_START = 1024
_INFLATED = 600  # a NIfTI-2 header has 540 bytes
_TABLES, _TEXTS = (".csv", ".tsv"), (".txt",)


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One format that is not DICOM.

    Args:
        name: as in :attr:`deephealth.lake.facts.ObjectFacts.format`; a raster's own name is in its outcome.
        module: which cleans it; imported when it is needed.
        suffix: what released files end with; of a raster or a table the source's kind decides.
        has_identity: whether the module tells whose file it is.
    """

    name: str
    module: str
    suffix: str
    has_identity: bool = False

    def clean(self, source: Path, target: Path, who: FileContext) -> FileOutcome:
        """Write a cleaned copy of ``source``; see the format's module."""
        found: FileOutcome = importlib.import_module(self.module).clean(source, target, who)
        return found


FORMATS: dict[str, FileFormat] = {
    name: FileFormat(name, f"{__package__}.{module}", suffix, known)
    for name, module, suffix, known in (
        ("edf", "edf", ".edf", True),
        ("bdf", "edf", ".bdf", True),
        ("nifti", "nifti", ".nii.gz", False),
        ("jpeg", "raster", ".jpg", False),
        ("png", "raster", ".png", False),
        ("webp", "raster", ".webp", False),
        ("bmp", "raster", ".bmp", False),
        ("gif", "raster", ".gif", False),
        ("tiff", "tiff", ".tif", False),
        ("csv", "table", ".csv", False),
        ("tsv", "table", ".tsv", False),
        ("report", "report", ".txt", False),
        ("json", "side_car", ".json", True),
    )
}


def format_of(path: Path) -> FileFormat | None:
    r"""Return the format of a file, or ``None`` when no cleaner knows it (DICOM has its own).

    Archives are no format: what is in them must be taken out first. A file that is DICOM and something else at once is
    DICOM, and the part of a NIfTI pair that holds only voxels is none (see :func:`companion_of`).

    Args:
        path: the file.

    Example:
        >>> import tempfile
        >>> picture = Path(tempfile.mkdtemp()) / "no-suffix"
        >>> _ = picture.write_bytes(b"\xff\xd8\xff\xe0" + bytes(300))
        >>> format_of(picture).name
        'jpeg'
    """
    with path.open("rb") as stream:
        start = stream.read(_START)
    if start[128:132] == b"DICM":
        return None
    name = _by_content(start, path)
    return FORMATS[name] if name else None


def companion_of(path: Path) -> Path | None:
    """Return the header to which a file with the voxels of a NIfTI pair belongs, else ``None``.

    Such a file is cleaned with its header, into one file; by itself it is nothing.
    """
    for ending, other in ((".img", ".hdr"), (".img.gz", ".hdr"), (".img.gz", ".hdr.gz"), (".img", ".hdr.gz")):
        if path.name.lower().endswith(ending):
            header = path.with_name(path.name[: -len(ending)] + other)
            if header.is_file() and partner(header) == path:
                return header
    return None


def identity_of(path: Path, kind: FileFormat) -> tuple[str, Identifiers]:
    """Return the patient's number that a file states (may be empty), and the identifiers that it holds.

    Tables of many patients are asked with :func:`deephealth.lake.formats.table_plan.identities`.

    Raises:
        QuarantineError: the file is damaged.
    """
    if not kind.has_identity:
        return "", Identifiers()
    found: tuple[str, Identifiers] = importlib.import_module(kind.module).identity(path)
    return found


def _by_content(start: bytes, path: Path) -> str:
    checks: tuple[Callable[[], str], ...] = (
        lambda: raster_kind(start),
        lambda: "tiff" if is_tiff(start) else "",
        lambda: ("bdf" if start[:1] == b"\xff" else "edf") if is_edf(start) else "",
        lambda: "nifti" if is_nifti(_inflated(start)) else "",
        lambda: _by_name(start, path.name.lower()),
    )
    return next((found for check in checks if (found := check())), "")


def _by_name(start: bytes, name: str) -> str:
    if name.endswith(".json"):
        return "json" if start.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in (b"{", b"[") else ""
    for endings, kind in ((_TABLES, name[-3:]), (_TEXTS, "report")):
        if name.endswith(endings):
            return kind
    return ""


def _inflated(start: bytes) -> bytes:
    if not start.startswith(b"\x1f\x8b"):
        return start
    try:
        return zlib.decompressobj(31).decompress(start, _INFLATED)
    except zlib.error:
        return b""
