"""A private folder for copies of what comes over a network, until the lake has taken it in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from deephealth.core.errors import DataError
from deephealth.core.files import fsync_folder, replacing, storage_errors, user_cache_folder
from deephealth.lake.folder import LakeFolder

__all__ = ["Spool"]

_DOING = "receiving a file"


class Spool:
    """The folder. Names in it are hashes of ours: nothing that a sender says becomes a path.

    Args:
        folder: made if missing, for its owner only.
        lake: the lake that it must lie outside of, since its files are as they came.

    Raises:
        DataError: it lies inside the lake.
        StorageError: it can't be made.

    Example:
        >>> import tempfile
        >>> spool = Spool(Path(tempfile.mkdtemp()) / "spool")
        >>> path = spool.write("../../x", [b"4711"])
        >>> path.parent == spool.folder, path.read_bytes()
        (True, b'4711')
    """

    def __init__(self, folder: Path | str, *, lake: LakeFolder | None = None) -> None:
        self.folder = Path(folder).resolve()
        if lake is not None and self.folder.is_relative_to(lake.root.resolve()):
            raise DataError(
                "the folder for files as they come lies inside the lake",
                allowed="a folder outside of it",
                hint="nothing below the lake's root may identify anybody",
            )
        with storage_errors(self.folder, _DOING):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)

    @classmethod
    def of(cls, source: str) -> Self:
        """Return the spool of one source in the user's cache.

        Args:
            source: the source's name; only its hash is used.

        Raises:
            StorageError: it can't be made.
        """
        return cls(user_cache_folder() / "lake-spool" / hashlib.sha256(source.encode()).hexdigest()[:24])

    def path(self, name: str) -> Path:
        """Return where the file with a sender's name is kept."""
        return self.folder / f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}.dcm"

    def write(self, name: str, pieces: Iterable[bytes]) -> Path:
        """Keep a file; it is on disk when this returns.

        Raises:
            StorageError: the disk is full.
        """
        with self.writing(name) as stream:
            for piece in pieces:
                stream.write(piece)
        return self.path(name)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Open a file for writing; it appears under its name at the end of the block, if that does not fail.

        Raises:
            StorageError: the disk is full.
        """
        with replacing(self.path(name), _DOING) as temporary:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(temporary, flags, 0o600), "w+b") as stream:
                yield stream

    def clear(self) -> None:
        """Delete what a killed process left half-written."""
        for path in self.folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
        fsync_folder(self.folder)
