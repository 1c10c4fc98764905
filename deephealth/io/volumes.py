"""Any volume by its path: NIfTI, NRRD, MetaImage, or DICOM (a file, or a folder with a series)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError, UnreadableFileError
from deephealth.io.backend import Backend, BackendTable
from deephealth.io.gzip import gunzip_start
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.source import Source
from deephealth.io.volume import Volume

__all__ = ["VOLUME_BACKENDS", "VOLUME_SUFFIXES", "read_volume", "volume_format", "write_volume"]

_START = 1024
_GZIP = b"\x1f\x8b"

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")


def volume_format(path: Path | str) -> str:
    """Return ``"nifti"``, ``"itk"`` or ``"dicom"``: by content, not by name.

    Raises:
        MissingDataError: nothing there.
        UnreadableFileError: none of these.
    """
    return _format_of(_start_of(Path(path)))


def read_volume(path: Path | str, *, limits: Limits = DEFAULT_LIMITS, **options: Any) -> Volume:
    """Read a volume, whatever its format.

    Args:
        path: a file, or the folder of a DICOM series.
        limits: what it may claim.
        **options: go to the format's own reader, such as ``orientation`` to :func:`deephealth.io.nifti.read_nifti`.

    Raises:
        MissingDataError: nothing there.
        UnreadableFileError: damaged, or no format that is known.
        LimitError: it claims more than ``limits``.
        OptionalDependencyError: what reads this format is not installed.

    Example:
        >>> import numpy as np, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_volume(f"{folder}/a.nii.gz", Volume(np.zeros((4, 5, 6), np.int16), np.eye(4)))
        ...     read_volume(f"{folder}/a.nii.gz").shape
        (4, 5, 6)
    """
    start = _start_of(Path(path))
    _format_of(start)
    return VOLUME_BACKENDS.choose(start).run(Path(path), limits=limits, **options)


def write_volume(path: Path | str, volume: Volume, **options: Any) -> None:
    """Write a volume in the format that the suffix names: ``.nii``, ``.nii.gz``, ``.hdr``, ``.nrrd``, ``.mha``.

    Args:
        path: the file.
        volume: (D, H, W) or (C, D, H, W).
        **options: go to the format's own writer, such as ``level`` to :func:`deephealth.io.nifti.write_nifti`.

    Raises:
        DataError: another suffix, or values that the format can't hold.
        StorageError: it can't be written.
    """
    path = Path(path)
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    if suffix in (".nii", ".hdr", ".img"):
        from deephealth.io.nifti import write_nifti

        write_nifti(path, volume, **options)
    elif suffix in (".nrrd", ".mha") and not path.name.lower().endswith(".gz"):
        from deephealth.io.itk import write_itk

        write_itk(path, volume, **options)
    else:
        raise DataError(
            f"'{path.name}' names no format that volumes are written in",
            allowed=".nii, .nii.gz, .hdr, .nrrd, .mha",
            hint="DICOM objects are written by deephealth.io.dicom",
        )


@dataclass(frozen=True, slots=True)
class _Start:
    """What is looked at to know a format.

    Args:
        path: the file or folder.
        raw: its first bytes; empty for a folder.
        inner: the same, inflated if it is gzip.
    """

    path: Path
    raw: bytes
    inner: bytes

    @property
    def suffix(self) -> str:
        return Path(self.path.name.lower().removesuffix(".gz")).suffix


def _start_of(path: Path) -> _Start:
    if path.is_dir():
        return _Start(path, b"", b"")
    with Source(path).open(2**63) as stream:
        raw = stream.read(64 * _START)
    inner = raw
    if raw.startswith(_GZIP):
        try:
            inner = gunzip_start(raw, _START, name=str(path))
        except UnreadableFileError:
            inner = b""
    return _Start(path, raw, inner)


def _format_of(start: _Start) -> str:
    for row in VOLUME_BACKENDS.rows:
        if row.can(start):
            return row.name
    raise UnreadableFileError(
        f"{start.path} is no volume that is known here",
        allowed="NIfTI, NRRD, MetaImage, DICOM",
        hint="a folder of DICOM files is read as a series",
    )


def _is_nifti(start: _Start) -> bool:
    from deephealth.io.nifti.header import is_nifti

    # by name too: a damaged header, and the half of a pair that has none, get that reader's message
    return is_nifti(start.inner) or (bool(start.raw) and start.suffix in (".nii", ".hdr", ".img"))


def _is_itk(start: _Start) -> bool:
    from deephealth.io.itk_header import is_itk

    return is_itk(start.raw)


def _is_dicom(start: _Start) -> bool:
    return start.path.is_dir() or start.raw[128:132] == b"DICM" or start.suffix in (".dcm", ".ima", ".dicom")


def _read_nifti(path: Path, **options: Any) -> Volume:
    from deephealth.io.nifti import read_nifti

    return read_nifti(path, **options)


def _read_itk(path: Path, **options: Any) -> Volume:
    from deephealth.io.itk import read_itk

    return read_itk(path, **options)


def _read_dicom(path: Path, **options: Any) -> Volume:
    from deephealth.io.dicom.series import read_series

    return read_series(path, **options)


VOLUME_BACKENDS = BackendTable(
    "read volumes",
    [
        Backend("nifti", _read_nifti, (), _is_nifti, "NIfTI-1 and NIfTI-2, one file or a pair, compressed or not"),
        Backend("itk", _read_itk, ("SimpleITK",), _is_itk, "NRRD and MetaImage"),
        Backend("dicom", _read_dicom, ("pydicom",), _is_dicom, "a multi-frame file, or the folder of a series"),
    ],
)
