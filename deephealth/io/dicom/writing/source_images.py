"""The images that a written object refers to: their headers, without pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from pydicom import Dataset

from deephealth.core.errors import DataError, MissingDataError
from deephealth.io.dicom.dataset import read_dataset
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.volume import Volume

__all__ = ["Sources", "read_source_images"]

Sources: TypeAlias = Path | str | Dataset | Volume | Sequence[Path | str | Dataset]
_MAGIC_AT, _MAGIC = 128, b"DICM"


def read_source_images(source: Sources, *, limits: Limits = DEFAULT_LIMITS) -> list[Dataset]:
    """Return the headers of source images.

    Args:
        source: a folder (its DICOM files, in the order of their names), a file, a data set in memory, several of
            these, or a volume that ``read_series`` made of files that are still there.
        limits: most files.

    Raises:
        MissingDataError: no such folder or file, or no DICOM file in it.
        UnreadableFileError: a file is damaged.
        DataError: several patients or series.
    """
    listed = _listed(source)
    if len(listed) > limits.max_frames:
        raise DataError(f"{len(listed)} source images", allowed=f"at most {limits.max_frames}")
    images = [item if isinstance(item, Dataset) else read_dataset(item, pixels=False) for item in listed]
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
    if isinstance(source, Volume):
        return _files_of(source)
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


def _files_of(volume: Volume) -> list[Path | str | Dataset]:
    files = [file for file in volume.meta.get("files", ()) if file]
    if not files:
        raise MissingDataError(
            "the volume does not know the DICOM files that it was read from",
            allowed="a volume of read_series",
            hint="pass the folder of the images",
        )
    return list(dict.fromkeys(files))  # a multi-frame file stands there once for each frame


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC
