"""From what a user names (files, folders, zip archives) to the images in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from deephealth.core.errors import MissingDataError
from deephealth.io.raster import RASTER_SUFFIXES
from deephealth.io.source import Source, list_members

__all__ = ["expand_files"]


def expand_files(files: str | Path | Source | Iterable[str | Path | Source]) -> list[Source]:
    """Return the images that ``files`` stand for.

    Args:
        files: image files, folders (searched at every depth, sorted by name), zip archives, and members of archives as
            ``"archive.zip!member.jpg"``. A file named directly is taken whatever its suffix.

    Returns:
        Sources in the order given; a file that does not exist stays in the list and fails when it is read.

    Raises:
        MissingDataError: a folder or an archive holds no image.
        UnreadableFileError: an archive is damaged.
    """
    single = isinstance(files, (str, Path, Source))
    given: Iterable[str | Path | Source] = [files] if single else files  # type: ignore[list-item,assignment]
    return [source for item in given for source in _expand(item)]


def _expand(item: str | Path | Source) -> Iterator[Source]:
    source = item if isinstance(item, Source) else Source.parse(str(item))
    if source.member is None and source.path.is_dir():
        yield from _filled(source.path, (Source(path) for path in _images_below(source.path)))
    elif source.member is None and source.path.suffix.lower() == ".zip" and source.path.is_file():
        yield from _filled(source.path, _members(source.path))
    else:
        yield source


def _images_below(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in RASTER_SUFFIXES and path.is_file())
    return sorted(path for path in found if not path.name.startswith("."))


def _members(archive: Path) -> list[Source]:
    names = sorted(list_members(archive))
    paths = ((name, PurePosixPath(name)) for name in names)
    wanted = (name for name, path in paths if path.suffix.lower() in RASTER_SUFFIXES and not path.name.startswith("."))
    return [Source(archive, name) for name in wanted]


def _filled(place: Path, sources: Iterable[Source]) -> Iterator[Source]:
    count = 0
    for count, source in enumerate(sources, 1):  # noqa: B007 - the last value is the count
        yield source
    if not count:
        suffixes = " ".join(sorted(RASTER_SUFFIXES))
        raise MissingDataError(f"{place} holds no image", allowed=f"files that end in {suffixes}")
