r"""Sealing with AES-256-GCM: small values, and files of any size in chunks.

A sealed file is ``b"DHSEAL1\n"``, 32 random bytes of salt, then chunks of 1 MiB, each followed by its tag of 16 bytes.
The chunks' key is derived from the given key, the salt and the context, so it seals one file only; a chunk's nonce is
its number and whether it is the last. Chunks that are changed, swapped, dropped or added are therefore refused.

Sources: NIST SP 800-38D (GCM); Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", CRYPTO 2015 (the STREAM construction).
"""

from __future__ import annotations

import functools
import io
import os
import secrets
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, cast

from deephealth.core.errors import VaultError
from deephealth.core.files import replacing
from deephealth.core.optional import require
from deephealth.lake.vault.keys import derive

__all__ = ["CHUNK", "cipher", "open_file", "seal", "seal_file", "unseal"]

CHUNK = 1 << 20
_MAGIC = b"DHSEAL1\n"
_SALT, _TAG, _NONCE = 32, 16, 12
_HEAD = len(_MAGIC) + _SALT
_VERSION = b"\1"


def cipher(key: bytes) -> Any:
    """Return AES-256-GCM under a key of 32 bytes, for many values."""
    return require("cryptography.hazmat.primitives.ciphers.aead", purpose="the vault").AESGCM(key)


def seal(key: Any, plain: bytes, context: bytes) -> bytes:
    """Encrypt a value.

    Args:
        key: from :func:`cipher`.
        plain: the value; below 2**32 values under one key.
        context: where the value belongs; it can be opened nowhere else.

    Returns:
        a version byte, a random nonce, the ciphertext and its tag: 29 bytes more than ``plain``.

    Example:
        >>> key = cipher(bytes(32))
        >>> unseal(key, seal(key, b"4711", b"here"), b"here")
        b'4711'
    """
    nonce = secrets.token_bytes(_NONCE)
    return _VERSION + nonce + cast(bytes, key.encrypt(nonce, plain, _VERSION + context))


def unseal(key: Any, sealed: bytes, context: bytes) -> bytes:
    """Decrypt a value.

    Raises:
        VaultError: another key, another context, or the value was changed.
    """
    invalid = _invalid()
    try:
        if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE + _TAG:
            raise ValueError
        nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        return cast(bytes, key.decrypt(nonce, rest, _VERSION + context))
    except (invalid, ValueError):
        raise VaultError(
            "a sealed value can't be opened: it was damaged, changed or moved, or the key is another one",
            hint="restore the vault from its backup",
        ) from None


def seal_file(source: Path | BinaryIO, target: Path, key: bytes, *, context: str = "") -> None:
    """Write ``source``, encrypted, to ``target``: atomically, readable by its owner only, in bounded memory.

    Args:
        source: a file, or an open stream that is read to its end.
        target: the sealed file.
        key: 32 bytes.
        context: where the file belongs, such as its name; needed to open it.

    Raises:
        StorageError: the disk is full or the folder can't be written.
    """
    salt = secrets.token_bytes(_SALT)
    aead = cipher(derive(key, salt, f"file {context}"))
    with replacing(target, "sealing a file") as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out, _readable(source) as stream:
            out.write(_MAGIC + salt)
            number, chunk = 0, _full(stream)
            while True:
                following = _full(stream) if len(chunk) == CHUNK else b""
                out.write(aead.encrypt(_nonce(number, last=not following), chunk, _MAGIC))
                if not following:
                    break
                number, chunk = number + 1, following


def open_file(path: Path, key: bytes, *, context: str = "") -> BinaryIO:
    """Open a sealed file for reading, with seek; every chunk is proven before one byte of it is given out.

    Args:
        path: from :func:`seal_file`.
        key: 32 bytes.
        context: the same as when it was sealed.

    Raises:
        VaultError: it is missing, no sealed file, was changed or cut, or the key or context is another one; later reads
            raise it too.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.sealed"
        >>> seal_file(io.BytesIO(b"4711"), file, bytes(32), context="a")
        >>> with open_file(file, bytes(32), context="a") as stream:
        ...     stream.read()
        b'4711'
    """
    return cast(BinaryIO, io.BufferedReader(_Unsealing(path, key, context), buffer_size=1 << 16))


class _Unsealing(io.RawIOBase):
    """The decrypted view of a sealed file; holds one chunk at a time."""

    _stream: BinaryIO | None = None

    def __init__(self, path: Path, key: bytes, context: str) -> None:
        super().__init__()
        try:
            stream = self._stream = path.open("rb")
        except OSError as error:
            raise VaultError(f"the sealed file {path.name} can't be opened: {error.strerror}") from error
        head = stream.read(_HEAD)
        self._size = os.fstat(stream.fileno()).st_size - _HEAD
        if len(head) < _HEAD or not head.startswith(_MAGIC) or self._size < _TAG:
            stream.close()
            raise VaultError(f"{path.name} is not a sealed file, or was cut")
        self._aead = cipher(derive(key, head[len(_MAGIC) :], f"file {context}"))
        self._count = -(-self._size // (CHUNK + _TAG))
        self._length = self._size - self._count * _TAG
        self._position, self._held, self._chunk = 0, -1, b""
        try:
            self._load(self._count - 1)  # the last first: a file that was cut is refused before anything is given out
        except VaultError:
            stream.close()
            raise

    def _load(self, number: int) -> None:
        if number == self._held or self._stream is None:
            return
        invalid = _invalid()
        self._stream.seek(_HEAD + number * (CHUNK + _TAG))
        sealed = self._stream.read(CHUNK + _TAG)
        try:
            self._chunk = self._aead.decrypt(_nonce(number, last=number == self._count - 1), sealed, _MAGIC)
        except (invalid, ValueError):
            raise VaultError("a sealed file was changed or cut, or the key is another one") from None
        self._held = number

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        if start + offset < 0:
            raise ValueError("a position before the start of the file")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._length or not len(buffer):
            return 0
        number, start = divmod(self._position, CHUNK)
        self._load(number)
        piece = self._chunk[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        super().close()


@functools.cache
def _invalid() -> type[Exception]:
    return cast(type[Exception], require("cryptography.exceptions", purpose="the vault").InvalidTag)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_NONCE - 1, "big") + (b"\1" if last else b"\0")


def _full(stream: BinaryIO) -> bytes:
    """Read a whole chunk, or what is left: a pipe gives less than it is asked for."""
    pieces, missing = [], CHUNK
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _readable(source: Path | BinaryIO) -> Any:
    return source.open("rb") if isinstance(source, Path) else nullcontext(source)
