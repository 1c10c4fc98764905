"""Images that a data set names by a web address: fetched once into a folder, without a shell, and only when allowed."""

from __future__ import annotations

import hashlib
import posixpath
import re
import urllib.parse
from pathlib import Path

from deephealth.core.errors import LimitError
from deephealth.ecvl.errors import EcvlDataError
from deephealth.eddl.data.fetch import FetchError
from deephealth.eddl.data.fetch import fetch as download

__all__ = ["fetch"]

_SCHEMES = ("http", "https")
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
    try:
        return download(address, target, limit=_MOST_BYTES, schemes=_SCHEMES)
    except LimitError as error:
        raise EcvlDataError(f"'{address}' is larger than {_MOST_BYTES} bytes", hint="download it yourself") from error
    except FetchError as error:
        raise EcvlDataError(f"'{address}' can't be downloaded: {error.what}", hint="check the address") from error


def _check(address: str) -> str:
    """Return the path of a web address."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in _SCHEMES:
        raise EcvlDataError(f"the address '{address}' is refused", allowed="http:// and https://")
    return urllib.parse.unquote(parts.path)
