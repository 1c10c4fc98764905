"""Encrypting originals for the quarantine, and decrypting them for the person who looks into it."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from deephealth.core.errors import QuarantineError
from deephealth.core.files import replacing
from deephealth.lake.reasons import Reason
from deephealth.lake.vault.sealed import open_file, seal_file

__all__ = ["open_original", "open_to_read", "seal_original"]


def open_to_read(path: Path) -> int:
    """Return a file descriptor: never through a link, and never waiting for the other end of a pipe.

    Args:
        path: the file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.open(path, flags)


def seal_original(source: Path, target: Path, key: bytes, name: bytes) -> None:
    """Encrypt a file.

    Args:
        source: the file as it came.
        target: the sealed file.
        key: 32 bytes from the vault.
        name: what the sealed file is called in the quarantine; two files can't be swapped.

    Raises:
        OSError: the source can't be opened.
        QuarantineError: the source can't be read to its end.
        StorageError: the target can't be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a").write_bytes(b"4711")
        >>> seal_original(folder / "a", folder / "b", bytes(32), b"b")
        >>> open_original(folder / "b", folder / "c", bytes(32), b"b")
        >>> (folder / "c").read_bytes()
        b'4711'
    """
    with os.fdopen(open_to_read(source), "rb", buffering=0) as stream:
        seal_file(io.BufferedReader(_Original(stream), 1 << 20), target, key, context=name.decode())


def open_original(sealed: Path, target: Path, key: bytes, name: bytes) -> None:
    """Decrypt a file; the other arguments are as for :func:`seal_original`.

    Args:
        sealed: the sealed file.
        target: where the original is written, readable by its owner only.
        key: 32 bytes from the vault.
        name: what the sealed file is called in the quarantine.

    Raises:
        VaultError: another key or name, or the file was changed.
        StorageError: the target can't be written.
    """
    doing = "opening a sealed file"
    with (
        open_file(sealed, key, context=name.decode()) as stream,
        replacing(target, doing) as out,
        _private(out) as plain,
    ):
        shutil.copyfileobj(stream, plain, 1 << 20)


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


class _Original(io.RawIOBase):
    """A source whose disk fails is that file's fault, not the lake's: told apart from a lake that can't be written."""

    def __init__(self, stream: io.FileIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int | None:
        try:
            return self._stream.readinto(buffer)  # type: ignore[arg-type]
        except OSError:
            raise QuarantineError(Reason.UNREADABLE, "the file can't be read to its end") from None
