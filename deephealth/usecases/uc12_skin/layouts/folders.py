"""One pass over a data set's folders and archives: which files lie where. Each is listed once, no file is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deephealth.core.errors import DataError, MissingDataError, UnreadableFileError
from deephealth.io.raster import RASTER_SUFFIXES
from deephealth.io.source import Source, list_members

__all__ = ["MASK_ENDING", "Folder", "entry_names", "image_key", "mask_key", "walk"]


MASK_ENDING = "_segmentation"
_MOST_FOLDERS = 20_000


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder, or one folder inside a zip archive.

    Args:
        trail: names from the root down, lower case; an archive counts as a folder called like its stem.
        files: file name -> where it is. Hidden files and those of ``__MACOSX`` are not there.
    """

    trail: tuple[str, ...]
    files: Mapping[str, Source]

    @property
    def key(self) -> str:
        """The trail as one text with ``/`` at both ends, for searching."""
        return f"/{'/'.join(self.trail)}/"


def walk(root: Path, *, archives: Callable[[str], bool] | None = None, depth: int = 5) -> Iterator[Folder]:
    """List the folders of ``root``, itself first, in order of name.

    Args:
        root: an existing folder.
        archives: says by its lower-case stem whether a zip archive is opened and listed like a folder.
        depth: how many levels below the root; archives often unpack as NAME/NAME/files.

    Raises:
        MissingDataError: there is no such folder.
        UnreadableFileError: an archive is damaged.
        DataError: there are too many folders for this to be one data set.
    """
    if not root.is_dir():
        hint = "check data.root" if not root.exists() else "give the folder that holds it"
        raise MissingDataError(f"{root} is not a folder", hint=hint)
    waiting: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return
        path, trail = waiting.pop()
        folders, files = _listing(path)
        yield Folder(trail, {name: Source(path / name) for name in files})
        if archives is not None:
            for name in files:
                stem, suffix = os.path.splitext(name.lower())
                if suffix == ".zip" and archives(stem):
                    yield from _members(path / name, (*trail, stem))
        if len(trail) < depth:
            waiting += [(path / name, (*trail, name.lower())) for name in reversed(folders)]
    raise DataError(
        f"there are over {_MOST_FOLDERS} folders below {root}", hint="give the data set's own folder as data.root"
    )


def _listing(path: Path) -> tuple[list[str], list[str]]:
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if not _hidden(entry.name):
                    (folders if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        raise UnreadableFileError(f"the folder {path} can't be listed: {error.strerror}") from error
    return sorted(folders), sorted(files)


def _members(archive: Path, trail: tuple[str, ...]) -> Iterator[Folder]:
    inside: dict[tuple[str, ...], dict[str, Source]] = {}
    for name in sorted(list_members(archive)):
        *parents, last = PurePosixPath(name).parts
        if not any(_hidden(part) for part in (*parents, last)):
            inside.setdefault(tuple(parents), {})[last] = Source(archive, name)
    for folder_names, files in inside.items():
        yield Folder(trail + tuple(part.lower() for part in folder_names), files)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def entry_names(root: Path, *, depth: int = 3) -> set[str]:
    """Return the lower-case names of the folders and of the files other than images, for recognising a layout.

    A layout has to be recognised in any folder that a user names, so one that can't be listed has no names.
    """
    found: set[str] = set()
    try:
        for folder in walk(root, depth=depth):
            found.update(folder.trail)
            found.update(name.lower() for name in folder.files if not _is_image(name))
    except DataError:
        return set()
    return found


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in RASTER_SUFFIXES


def image_key(name: str) -> str | None:
    """Return the id of an image by its file name, or None where it is a mask or no image.

    Example:
        >>> image_key("ISIC_0024306.JPG"), image_key("ISIC_0024306_segmentation.png"), image_key("LICENSE.txt")
        ('ISIC_0024306', None, None)
    """
    stem, suffix = os.path.splitext(name)
    if suffix.lower() not in RASTER_SUFFIXES or stem.lower().endswith((MASK_ENDING, "_superpixels")):
        return None
    return stem


def mask_key(name: str) -> str | None:
    """Return the id of the image that a mask belongs to, by the mask's file name, or None where it is no mask.

    Example:
        >>> mask_key("ISIC_0024306_segmentation.png"), mask_key("ISIC_0024306.jpg")
        ('ISIC_0024306', None)
    """
    stem, suffix = os.path.splitext(name)
    if suffix.lower() in RASTER_SUFFIXES and stem.lower().endswith(MASK_ENDING):
        return stem[: -len(MASK_ENDING)]
    return None
