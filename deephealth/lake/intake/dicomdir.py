"""A DICOMDIR as a source: the files that it names, as long as they lie below its folder."""

from __future__ import annotations

import os
import stat
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom

from deephealth.core.errors import MissingDataError, UnreadableFileError
from deephealth.io.dicom.guard import guarded
from deephealth.lake.intake.sources import Incoming, incoming
from deephealth.lake.reasons import MEANING, Reason

__all__ = ["DicomdirSource"]

_OUTSIDE = "an entry of the DICOMDIR leads outside its folder"
_MISSING = "an entry of the DICOMDIR names a file that is not there"
_REFUSED = "refused:"


class DicomdirSource:
    """The files that a DICOMDIR names.

    Entries that are absolute, climb with ``..`` or go through a link are quarantined without being opened. Names
    are also found in lower case and with a trailing dot or version, as some systems show those of a CD.

    Args:
        path: the DICOMDIR, or the folder that holds it.

    Raises:
        MissingDataError: there is none.
        UnreadableFileError: it is damaged.

    Source: DICOM PS3.3 F (directory records), PS3.10 8.5 (file IDs).
    """

    def __init__(self, path: Path | str) -> None:
        given = Path(path)
        file = given / "DICOMDIR" if given.is_dir() else given
        if not file.is_file():
            raise MissingDataError("there is no DICOMDIR", hint="name the file itself, or give the folder as a source")
        self.file = file.resolve()
        self.root = self.file.parent
        self.name = f"dicomdir:{self.file}"
        self.skipped: Counter[str] = Counter()
        self._entries = list(dict.fromkeys(_file_ids(self.file)))

    def __iter__(self) -> Iterator[Incoming]:
        for parts in self._entries:
            yield self._incoming(parts)

    def _incoming(self, parts: tuple[str, ...]) -> Incoming:
        named = _REFUSED + "\x1f".join(parts)
        if not all(_is_name(part) for part in parts):
            return Incoming(named, refused=Reason.HOSTILE, what=_OUTSIDE)
        path, status = self._find(parts)
        if status is None:
            return Incoming(named, refused=Reason.UNREADABLE, what=_MISSING)
        if stat.S_ISREG(status.st_mode):
            return incoming(str(path), status)
        what = _OUTSIDE if stat.S_ISLNK(status.st_mode) else MEANING[Reason.HOSTILE]
        return Incoming(named, refused=Reason.HOSTILE, what=what)

    def _find(self, parts: tuple[str, ...]) -> tuple[Path, os.stat_result | None]:
        """Go down part by part; stop at a link, which could lead anywhere."""
        path, status = self.root, None
        for part in parts:
            path, status = _child(path, part)
            if status is None or not stat.S_ISDIR(status.st_mode):
                break
        whole = len(path.relative_to(self.root).parts) == len(parts)
        is_link = status is not None and stat.S_ISLNK(status.st_mode)
        return path, status if whole or is_link else None

    def path(self, locator: str) -> Path:
        """Return the file itself; entries that were refused have none.

        Raises:
            MissingDataError: the entry was refused.
        """
        if locator.startswith(_REFUSED):
            raise MissingDataError("an entry of the DICOMDIR that was refused is not opened")
        return Path(locator)

    def done(self, locator: str) -> None:
        """Leave the file where it is: a source is only read."""


def _file_ids(file: Path) -> Iterator[tuple[str, ...]]:
    name = "the DICOMDIR"
    with guarded(name), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote the directory
        directory = pydicom.dcmread(file, specific_tags=["DirectoryRecordSequence"])
        records: Any = directory.get("DirectoryRecordSequence")
        if records is None:
            raise UnreadableFileError(f"{name} holds no directory", hint="give the folder as a source instead")
        for record in records:
            found: Any = record.get("ReferencedFileID")
            if found:
                yield (str(found),) if isinstance(found, str) else tuple(str(part) for part in found)


def _is_name(part: str) -> bool:
    """One component of a file ID: a name, and nothing that means something in a path."""
    return bool(part.strip(". ")) and not any(char in part for char in "/\\:\0") and len(part) <= 255


def _child(folder: Path, name: str) -> tuple[Path, os.stat_result | None]:
    cases = dict.fromkeys((name, name.lower(), name.upper()))
    for candidate in (f"{case}{end}" for end in ("", ".", ";1", ".;1") for case in cases):
        path = folder / candidate
        try:
            return path, os.lstat(path)
        except OSError:
            continue
    return folder / name, None
