"""Images that a data set names by a web address: fetched once into a folder, without a shell, and only when allowed."""

from __future__ import annotations

import hashlib
import posixpath
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from deephealth.core.files import atomic_write
from deephealth.ecvl.errors import EcvlDataError

__all__ = ["fetch"]

_TIMEOUT_S = 30
_MOST_BYTES = 512 * 1024**2
_UNSAFE = re.compile(r"[^\w.-]")


def fetch(address: str, folder: Path) -> Path:
    """Return the local copy of a file on the web, downloading it if it is not there yet.

    Args:
        address: ``http://`` or ``https://``.
        folder: where copies live; their names begin with a hash of the address.

    Raises:
        EcvlDataError: another kind of address, the download fails, or the file is larger than 512 MB.
        StorageError: the folder can't be written.
    """
    path = _check(address)
    name = _UNSAFE.sub("_", posixpath.basename(path))[-80:]
    target = folder.resolve() / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}-{name or 'image'}"
    if target.exists():
        return target
    try:  # redirects to local files are refused by urllib itself
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked above
            data = answer.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise EcvlDataError(f"'{address}' can't be downloaded: {error}", hint="check the address") from error
    if len(data) > _MOST_BYTES:
        raise EcvlDataError(f"'{address}' is larger than {_MOST_BYTES} bytes", hint="download it yourself")
    atomic_write(target, data)
    return target


def _check(address: str) -> str:
    """Return the path of a web address."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise EcvlDataError(f"the address '{address}' is refused", allowed="http:// and https://")
    return urllib.parse.unquote(parts.path)
