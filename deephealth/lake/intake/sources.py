"""Where files come from: a folder, or a spool folder that a receiver or a download fills."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deephealth.core.errors import MissingDataError
from deephealth.lake.reasons import Reason

__all__ = ["FolderSource", "Incoming", "Source", "SpoolSource", "incoming"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One file of a source, not opened yet.

    Args:
        locator: names the file within its source, for ever; a path or a URL. It identifies: never logged.
        size: bytes; ``None`` when unknown before it is fetched.
        stamp: changes when the file changes (size and times); empty when the source can't say.
        refused: why the file may not even be opened, such as a DICOMDIR entry that leads outside.
        what: what was found, without its value.
    """

    locator: str = field(repr=False)
    size: int | None = None
    stamp: str = field(default="", repr=False)
    refused: Reason | None = None
    what: str = ""


class Source(Protocol):
    """Gives files, one by one and always in the same order."""

    name: str  # names the source, for ever; it may identify and is never logged
    skipped: Counter[str]  # what was seen and not opened, by kind: ``link``, ``special``, ``unreadable-folder``

    def __iter__(self) -> Iterator[Incoming]:
        """List the files."""
        ...

    def path(self, locator: str) -> Path:
        """Return a local file, fetched now if need be.

        Raises:
            MissingDataError: it is not there any more.
        """
        ...

    def done(self, locator: str) -> None:
        """The file has reached its end state and this is on disk: a temporary copy may go."""
        ...


class FolderSource:
    """All regular files below a folder, sorted by name. Links are not followed; pipes and devices are not opened.

    Args:
        root: the folder, or one file.

    Raises:
        MissingDataError: there is no such folder or file.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> _ = (root / "a.dcm").write_bytes(b"1"), (root / "b.dcm").symlink_to("a.dcm")
        >>> source = FolderSource(root)
        >>> [Path(one.locator).name for one in source], dict(source.skipped)
        (['a.dcm'], {'link': 1})
    """

    def __init__(self, root: Path | str) -> None:
        given = Path(root)
        if not given.exists():
            raise MissingDataError("the source of the intake does not exist", hint="check the path")
        self.root = given.resolve()
        self.name = f"folder:{self.root}"
        self.skipped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Incoming]:
        self.skipped.clear()
        if self.root.is_file():
            yield incoming(str(self.root), self.root.stat())
            return
        yield from self._below(str(self.root))

    def _below(self, top: str) -> Iterator[Incoming]:
        folders = [top]
        while folders:
            inner: list[str] = []
            for entry in self._entries(folders.pop()):
                if entry.is_symlink():
                    self.skipped["link"] += 1
                elif entry.is_dir(follow_symlinks=False):
                    inner.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield from self._file(entry)
                else:
                    self.skipped["special"] += 1
            folders.extend(reversed(inner))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:  # no permission, or removed meanwhile: counted, so that nobody believes it was taken in
            self.skipped["unreadable-folder"] += 1
            return []

    def _file(self, entry: os.DirEntry[str]) -> Iterator[Incoming]:
        try:
            yield incoming(entry.path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            self.skipped["vanished"] += 1

    def path(self, locator: str) -> Path:
        """Return the file itself."""
        return Path(locator)

    def done(self, locator: str) -> None:
        """Leave the file where it is: a source is only read."""


class SpoolSource(FolderSource):
    """A folder of temporary copies, each deleted as soon as what became of it is on disk.

    Args:
        root: the spool folder; outside the lake, since it holds files as they came.
    """

    def done(self, locator: str) -> None:
        """Delete the temporary copy."""
        Path(locator).unlink(missing_ok=True)


def incoming(path: str, status: os.stat_result) -> Incoming:
    """Describe a local file by its status; its size and time of change are its stamp.

    Args:
        path: the file; becomes the locator.
        status: as ``lstat`` gave it.
    """
    stamp = f"{status.st_size}:{status.st_mtime_ns}"
    return Incoming(path, status.st_size, stamp)
