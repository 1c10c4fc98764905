"""The keys of a vault: files that only their owner may read, or a passphrase."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from deephealth.core.errors import VaultError
from deephealth.core.files import fsync_folder, replacing, storage_errors
from deephealth.core.optional import require
from deephealth.lake.pseudonyms import KEY_BYTES

__all__ = [
    "Key",
    "Passphrase",
    "bind_key_file",
    "derive",
    "fingerprint",
    "generate_key",
    "material",
    "new_kdf",
    "read_key",
    "shred_key_file",
    "write_key_file",
]

_TITLE = "deephealth vault key 1"
_SHORTEST = 12  # characters of a passphrase
_SCRYPT = {"n": 2**17, "r": 8, "p": 1}  # 128 MiB and some tenths of a second per guess


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A key that a person types; stretched by scrypt with the vault's own salt.

    Args:
        text: at least 12 characters; a key file is stronger.

    Raises:
        VaultError: it is shorter.

    Source: RFC 7914 (scrypt).

    Example:
        >>> Passphrase("correct horse battery staple")
        Passphrase()
    """

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.text) < _SHORTEST:
            raise VaultError("the passphrase is too short", allowed=f"{_SHORTEST} characters or more")


Key: TypeAlias = bytes | Path | Passphrase
"""A vault's key: 32 random bytes, the file that holds them, or a passphrase."""


def generate_key() -> bytes:
    """Return 32 bytes from the system's random source.

    Example:
        >>> len(generate_key()), generate_key() == generate_key()
        (32, False)
    """
    return secrets.token_bytes(KEY_BYTES)


def fingerprint(key: bytes) -> str:
    """Return sixteen letters that tell two keys apart and reveal neither.

    Example:
        >>> fingerprint(bytes(32)) == fingerprint(bytes(31) + b"1")
        False
    """
    return _label(key, "fingerprint")


def derive(key: bytes, salt: bytes, purpose: str) -> bytes:
    """Return a key of 32 bytes for one purpose (HKDF-SHA-256).

    Source: RFC 5869.

    Example:
        >>> derive(bytes(32), b"salt", "a") == derive(bytes(32), b"salt", "b")
        False
    """
    hkdf = require("cryptography.hazmat.primitives.kdf.hkdf", purpose="the vault")
    hashes = require("cryptography.hazmat.primitives.hashes", purpose="the vault")
    made: bytes = hkdf.HKDF(hashes.SHA256(), KEY_BYTES, salt, f"deephealth.vault/1 {purpose}".encode()).derive(key)
    return made


def write_key_file(path: Path | str, key: bytes | None = None) -> bytes:
    """Write a key file that only its owner may read; an existing file is never replaced.

    Args:
        path: the new file.
        key: 32 bytes; random ones when left out.

    Returns:
        the key.

    Raises:
        VaultError: the file exists, or the key has another length.
        StorageError: it can't be written.
    """
    file, made = Path(path), _checked(generate_key() if key is None else key)
    with storage_errors(file, "writing a key file"):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise VaultError(
                f"the key file {file} exists", hint="a key is never replaced: choose another name"
            ) from error
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(_text(made, "").encode())
            stream.flush()
            os.fsync(stream.fileno())
        fsync_folder(file.parent)
    return made


def read_key(path: Path | str) -> bytes:
    """Return the key in a key file.

    Raises:
        VaultError: the file is missing, damaged, or may be read by others than its owner.
    """
    return _read(Path(path))[0]


def bind_key_file(path: Path | str, project: str) -> bytes:
    """Tie a key file to the first project that uses it and return the key: one key never serves two projects.

    Raises:
        VaultError: the file is missing, damaged, readable by others, or tied to another project.
        StorageError: it can't be written.
    """
    file = Path(path)
    key, bound = _read(file)
    mark = _label(key, f"project {project}")
    if bound and not hmac.compare_digest(bound, mark):
        raise VaultError(
            f"the key file {file} belongs to another project",
            allowed="one key per project",
            hint="make a new key for this project",
        )
    if not bound:
        with replacing(file, "tying a key file to its project") as temporary:
            temporary.touch(mode=0o600)
            temporary.write_bytes(_text(key, mark).encode())
    return key


def shred_key_file(path: Path | str) -> None:
    """Overwrite a key file and remove it; copies and backups of it are not reached.

    Raises:
        StorageError: it can't be written.
    """
    file = Path(path)
    with storage_errors(file, "shredding a key file"):
        with file.open("r+b") as stream:
            size = os.fstat(stream.fileno()).st_size
            for filling in (secrets.token_bytes(size), bytes(size)):
                stream.seek(0)
                stream.write(filling)
                stream.flush()
                os.fsync(stream.fileno())
        file.unlink()
        fsync_folder(file.parent)


def new_kdf(key: Key) -> dict[str, Any]:
    """Return what a vault must note, in the clear, to get from ``key`` to its 32 bytes again."""
    if isinstance(key, Passphrase):
        return {"name": "scrypt", **_SCRYPT, "salt": secrets.token_bytes(16).hex()}
    return {"name": "none"}


def material(key: Key, kdf: dict[str, Any]) -> bytes:
    """Return the 32 bytes of a key.

    Args:
        key: bytes, key file or passphrase.
        kdf: from :func:`new_kdf`.

    Raises:
        VaultError: the kind of key is not the one the vault was made with, or it can't be read.
    """
    if isinstance(key, Passphrase) != (kdf.get("name") == "scrypt"):
        raise VaultError(
            "the vault has another kind of key",
            allowed="a passphrase" if kdf.get("name") == "scrypt" else "a key file",
        )
    if isinstance(key, Passphrase):
        return hashlib.scrypt(
            key.text.encode(),
            salt=bytes.fromhex(kdf["salt"]),
            n=kdf["n"],
            r=kdf["r"],
            p=kdf["p"],
            maxmem=2**28,
            dklen=KEY_BYTES,
        )
    return read_key(key) if isinstance(key, Path) else _checked(key)


def _read(file: Path) -> tuple[bytes, str]:
    damaged = VaultError(f"the file {file} is not a key of a vault", allowed="a file from `deephealth lake init`")
    try:
        with file.open("rb") as stream:
            _private(file, os.fstat(stream.fileno()))
            lines = stream.read(4096).decode("ascii").splitlines()
    except FileNotFoundError as error:
        raise VaultError(
            f"the key file {file} is missing", hint="without it nothing can be done: restore it"
        ) from error
    except OSError as error:
        raise VaultError(f"the key file {file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise damaged from error
    if len(lines) < 2 or lines[0] != _TITLE:
        raise damaged
    entries = dict(line.partition(" ")[::2] for line in lines[1:])
    try:
        return _checked(base64.b64decode(entries.get("key", ""), validate=True)), entries.get("project", "")
    except binascii.Error as error:
        raise damaged from error


def _private(file: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise VaultError(f"{file} is not a file")
    if os.name == "posix" and stat.S_IMODE(facts.st_mode) & 0o077:
        raise VaultError(
            f"the key file {file} may be read by others (mode {stat.S_IMODE(facts.st_mode):o})",
            allowed="mode 600 or 400",
            hint=f"chmod 600 {file}",
        )


def _checked(key: bytes) -> bytes:
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise VaultError("the vault's key has a wrong length", allowed=f"{KEY_BYTES} random bytes")
    return key


def _text(key: bytes, project: str) -> str:
    bound = f"project {project}\n" if project else ""
    return f"{_TITLE}\nkey {base64.b64encode(key).decode()}\n{bound}"


def _label(key: bytes, purpose: str) -> str:
    digest = hmac.new(key, f"deephealth.vault/1 {purpose}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode()[:16]
