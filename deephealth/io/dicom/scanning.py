"""Scanning many DICOM files for the elements that sort them into series."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from deephealth.core.errors import LimitError, MissingDataError, UnreadableFileError
from deephealth.io.dicom.guard import guarded
from deephealth.io.dicom.header import TAGS, Header
from deephealth.io.dicom.walker import walk
from deephealth.io.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["files_below", "header_of", "scan"]

_DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_SKIP = frozenset({"DICOMDIR", "LICENSE", "README", "VERSION", "LOCKFILE"})
_NOT_DICOM = frozenset(
    (
        ".bval",
        ".bvec",
        ".csv",
        ".gz",
        ".htm",
        ".html",
        ".ini",
        ".jpg",
        ".jpeg",
        ".json",
        ".md",
        ".nii",
        ".npy",
        ".npz",
        ".pdf",
        ".png",
        ".py",
        ".tar",
        ".tif",
        ".tiff",
        ".txt",
        ".xml",
        ".xlsx",
        ".yaml",
        ".yml",
        ".zip",
    )
)


_SUFFIXES = (".dcm", ".dicom", ".ima")
_MARK, _MARK_AT = b"DICM", 128


class _IndexFileError(UnreadableFileError):
    """A DICOMDIR, which a folder may hold beside its images."""


def scan(
    where: Path | str | Iterable[Path | str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    threads: int | None = None,
    strict: bool | None = None,
) -> list[Header]:
    """Return the headers of DICOM files.

    Args:
        where: a file, the paths of several, or a folder, whose files are looked through with those of its subfolders
            (links that lead out of it are not followed, and DICOMDIR is not needed).
        limits: largest number of files is ``max_frames``.
        threads: how many files are opened at a time; pays where the disk is far away.
        strict: whether a file that is not DICOM is an error. By default it is one among paths, and is passed over in a
            folder. A damaged file that calls itself DICOM, by its mark or its suffix, is an error in a folder too: a
            slice must not be lost without a word.

    Returns:
        One header per DICOM file with or without pixels, in the order of the paths; a folder's files sorted by name.

    Raises:
        MissingDataError: no such folder or file.
        UnreadableFileError: a file is damaged, or not DICOM and ``strict``.
        LimitError: more files than allowed.
    """
    one_place = Path(where) if isinstance(where, str | Path) else None
    folder = one_place is not None and not one_place.is_file()
    files = files_below(one_place, limits) if one_place is not None else [os.fspath(path) for path in where]  # type: ignore[union-attr]
    if len(files) > limits.max_frames:
        raise LimitError(f"{len(files)} files to scan", allowed=f"at most {limits.max_frames}")
    must = not folder if strict is None else strict

    def one(path: str) -> Header | None:
        try:
            return header_of(path, limits=limits)
        except UnreadableFileError as error:
            if must:
                raise
            if strict is None and not isinstance(error, _IndexFileError) and _calls_itself_dicom(path):
                raise UnreadableFileError(
                    error.what,
                    allowed="whole DICOM files, and files of other kinds",
                    hint="copy it again, or move it out of the folder if the others are enough",
                ) from error
            return None

    if threads is None or threads <= 1:
        found: Iterable[Header | None] = map(one, files)
        return [header for header in found if header is not None]
    with ThreadPoolExecutor(threads) as pool:
        return [header for header in pool.map(one, files) if header is not None]


def _calls_itself_dicom(path: str) -> bool:
    if os.path.splitext(path)[1].lower() in _SUFFIXES:
        return True
    try:
        with open(path, "rb") as stream:
            return stream.read(_MARK_AT + len(_MARK))[_MARK_AT:] == _MARK
    except OSError:
        return False


def files_below(folder: Path, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """Return the files of a folder and of its subfolders that may be DICOM, sorted by name.

    Links are followed only to files below the folder.

    Raises:
        MissingDataError: no such folder.
        LimitError: more files than allowed.
    """
    if not folder.is_dir():
        if folder.is_file():
            return [str(folder)]
        raise MissingDataError(f"there is no folder {folder}", hint="check the path")
    found: list[str] = []
    with guarded(str(folder), "listed"):
        for path in _below(str(folder), str(folder.resolve())):
            found.append(path)
            if len(found) > limits.max_frames:
                raise LimitError(
                    f"{folder} holds more than {limits.max_frames} files",
                    allowed="fewer",
                    hint="pass one series' folder, or Limits(max_frames=...)",
                )
    return sorted(found)


def _below(folder: str, root: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or entry.name in _SKIP:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, root)
        elif os.path.splitext(entry.name)[1].lower() in _NOT_DICOM:
            continue
        elif entry.is_file(follow_symlinks=False) or (entry.is_file() and _inside(entry.path, root)):
            yield entry.path


def _inside(path: str, root: str) -> bool:
    return Path(path).resolve().is_relative_to(root)


def header_of(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Return the header of one DICOM file.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: not DICOM, or damaged.
    """
    name = os.fspath(path)
    with guarded(name):
        header = walk(name)
        if header is not None:
            return header
        return _through_pydicom(name, limits)


def _through_pydicom(name: str, limits: Limits) -> Header:
    from deephealth.io.dicom.dataset import read_dataset

    dataset = read_dataset(name, limits=limits, pixels=False)
    if str(getattr(dataset, "file_meta", {}).get("MediaStorageSOPClassUID", "")) == _DIRECTORY_CLASS:
        raise _IndexFileError(f"{name} is a DICOMDIR, an index without an image", hint="pass its folder")
    values = {}
    for keyword, (tag, kind) in TAGS.items():
        if tag in dataset:
            values[keyword] = _stored(dataset, tag, kind)
    header = Header(name, str(dataset.file_meta.get("TransferSyntaxUID", "")), values, size=os.stat(name).st_size)
    header.pixel_keyword = "PixelData" if "Rows" in values else ""
    return header


def _stored(dataset: Dataset, tag: int, kind: str) -> bytes:
    """Return a value that pydicom has read as little-endian bytes."""
    if kind == "there":
        return b""
    value = dataset[tag].value
    if value is None:
        return b""
    if kind == "short":
        return struct.pack("<H", int(value) & 0xFFFF)
    many = list(value) if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]
    if kind == "double":
        return struct.pack(f"<{len(many)}d", *map(float, many))
    return "\\".join(map(str, many)).encode("utf-8", "replace")
