"""The images that a written object refers to: their headers, without pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom import Dataset

from deephealth.core.errors import DataError, MissingDataError, UnreadableFileError
from deephealth.io.limits import DEFAULT_LIMITS, Limits

__all__ = ["Sources", "read_source_images"]

Sources = Path | str | Dataset | Sequence[Path | str | Dataset]
_MAGIC_AT, _MAGIC = 128, b"DICM"


def read_source_images(source: Sources, *, limits: Limits = DEFAULT_LIMITS) -> list[Dataset]:
    """Return the headers of source images.

    Args:
        source: a folder (its DICOM files, in the order of their names), a file, a data set in memory, or several of
            these.
        limits: most files.

    Raises:
        MissingDataError: no such folder or file, or no DICOM file in it.
        UnreadableFileError: a file is damaged.
        DataError: several patients or series.
    """
    listed = _listed(source)
    if len(listed) > limits.max_frames:
        raise DataError(f"{len(listed)} source images", allowed=f"at most {limits.max_frames}")
    images = [item if isinstance(item, Dataset) else _header(Path(item)) for item in listed]
    series = {str(image.get("SeriesInstanceUID", "")) for image in images}
    if len(series) > 1:
        raise DataError(
            f"the source images are of {len(series)} series: {', '.join(sorted(series)[:3])}",
            allowed="images of one series",
            hint="pass the files of one series",
        )
    return images


def _listed(source: Sources) -> list[Path | str | Dataset]:
    if isinstance(source, Dataset):
        return [source]
    if not isinstance(source, Path | str):
        return [item for part in source for item in ([part] if isinstance(part, Dataset) else _listed(part))]
    path = Path(source)
    if not path.exists():
        raise MissingDataError(f"{path} does not exist", allowed="a DICOM file, or a folder of them")
    if not path.is_dir():
        return [path]
    files: list[Path | str | Dataset] = [file for file in sorted(path.iterdir()) if file.is_file() and _is_dicom(file)]
    if not files:
        raise MissingDataError(f"{path} holds no DICOM file", allowed="files with the DICOM mark at byte 128")
    return files


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC


def _header(path: Path) -> Dataset:
    if not path.is_file():
        raise MissingDataError(f"{path} does not exist", allowed="a DICOM file")
    try:
        image = pydicom.dcmread(path, stop_before_pixels=True, force=False)
        image.get("SOPInstanceUID")
    except Exception as error:  # pydicom raises nearly anything on damaged files
        raise UnreadableFileError(f"{path} can't be read as DICOM: {error}") from error
    return image
