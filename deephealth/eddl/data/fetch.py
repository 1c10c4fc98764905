"""Fetching one file: with a size limit, a timeout, a checksum, and never a half-written result."""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deephealth.core.errors import DataError, LimitError
from deephealth.core.files import storage_errors

__all__ = ["OFFLINE_VARIABLE", "FetchError", "fetch"]

OFFLINE_VARIABLE = "DEEPHEALTH_OFFLINE"
TIMEOUT_S = 30
CHUNK = 2**18


class FetchError(DataError, ConnectionError):
    """A file could not be fetched, or what came is not what was published."""


def fetch(
    url: str,
    path: Path,
    *,
    limit: int,
    digest: tuple[str, str] | None = None,
    schemes: tuple[str, ...] = ("https",),
) -> Path:
    """Fetch ``url`` into ``path``, which appears only when it is whole and right.

    Args:
        url: a web address.
        path: where it goes; its folder is made if missing.
        limit: largest number of bytes that is accepted.
        schemes: kinds of address that are allowed, also after a redirect.
        digest: name of a hash and the beginning of its hexadecimal value, such as ``("sha256", "f37072fd")``.

    Raises:
        FetchError: no network, ``DEEPHEALTH_OFFLINE=1``, another scheme than https, or a wrong checksum.
        LimitError: it is larger than ``limit``.
        StorageError: the disk is full or may not be written.
    """
    if urlsplit(url).scheme not in schemes:
        raise FetchError(f"{url} is not fetched", allowed=_allowed(schemes))
    if os.environ.get(OFFLINE_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}:
        raise FetchError(f"{url} is not fetched: {OFFLINE_VARIABLE} is set")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with storage_errors(path, "storing a download"):
            path.parent.mkdir(parents=True, exist_ok=True)
        found = _stream(url, temporary, limit, digest[0] if digest else "sha256", schemes)
        if digest and not found.startswith(digest[1]):
            raise FetchError(f"{url} came with {digest[0]} {found}", allowed=f"{digest[0]} {digest[1]}…")
        with storage_errors(path, "storing a download"):
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _allowed(schemes: tuple[str, ...]) -> str:
    return " and ".join(schemes) + " addresses"


def _stream(url: str, temporary: Path, limit: int, algorithm: str, schemes: tuple[str, ...]) -> str:
    """Copy the answer to ``temporary`` and return its digest."""
    digest, size = hashlib.new(algorithm, usedforsecurity=False), 0
    request = urllib.request.Request(url, headers={"User-Agent": "deephealth"})  # noqa: S310 - checked by the caller
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer, temporary.open("wb") as stream:  # noqa: S310
            if urlsplit(answer.geturl()).scheme not in schemes:
                raise FetchError(f"{url} was redirected to {answer.geturl()}", allowed=_allowed(schemes))
            length = int(answer.headers.get("Content-Length") or 0)
            _check_size(url, length, limit)
            with _progress(url.rpartition("/")[2], length) as advance:
                while chunk := answer.read(CHUNK):
                    size += len(chunk)
                    _check_size(url, size, limit)
                    digest.update(chunk)
                    stream.write(chunk)
                    advance(len(chunk))
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        if isinstance(error, FetchError):
            raise
        reason = error if isinstance(error, urllib.error.HTTPError) else getattr(error, "reason", error)
        raise FetchError(f"{url} could not be fetched: {reason}") from error
    if size < length:
        raise FetchError(f"{url} broke off after {size} of {length} bytes")
    return digest.hexdigest()


def _check_size(url: str, size: int, limit: int) -> None:
    if size > limit:
        raise LimitError(f"{url} has {size} bytes or more", allowed=f"up to {limit} bytes")


@contextmanager
def _progress(name: str, total: int) -> Iterator[Callable[[int], Any]]:
    """Show a bar on stderr while the block runs, where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(name.partition("?")[0], total=total or None)
        yield lambda count: bar.advance(task, count)
