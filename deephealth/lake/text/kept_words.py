"""Sets of words that are slow to build, kept in this user's cache folder for the next process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deephealth.core.errors import StorageError
from deephealth.core.files import atomic_write, user_cache_folder

__all__ = ["kept_words"]

_EDITION = 1  # of what is built from a package; another number makes the kept files old


def kept_words(name: str, package: str, build: Callable[[], Sequence[frozenset[str]]]) -> list[frozenset[str]]:
    """Return sets of words built from an installed package; they are built again for each of its versions.

    The file holds a check sum, and one that is damaged is not used. Where nothing can be written, each process builds
    them anew.

    Args:
        name: what the words are, for the file's name.
        package: the installed package.
        build: makes the sets.
    """
    try:
        path = user_cache_folder() / "words" / f"{name}-{package.lower()}-{version(package)}-{_EDITION}.txt"
    except (PackageNotFoundError, RuntimeError):  # not installed: ``build`` says so; no home folder
        return list(build())
    found = _read(path)
    if found is None:
        found = list(build())
        text = "\n".join(" ".join(sorted(words)) for words in found)
        try:
            atomic_write(path, f"{_digest(text)}\n{text}")
        except (OSError, StorageError):
            return found
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> list[frozenset[str]] | None:
    """Return the sets of a kept file; nothing if there is none or it is not what was written."""
    try:
        digest, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, ValueError):
        return None
    return [frozenset(line.split()) for line in text.split("\n")] if digest == _digest(text) else None
