"""The folder where fetched data sets and weights are kept between programs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from deephealth.core.files import storage_errors

__all__ = ["cache_folder", "place"]

VARIABLE = "DEEPHEALTH_CACHE"


def cache_folder(kind: str) -> Path:
    """Return the cache folder for ``kind``: in ``DEEPHEALTH_CACHE``, else where the platform keeps caches.

    Args:
        kind: a subfolder, such as ``"datasets"``.
    """
    return _root() / kind


def _root() -> Path:
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "deephealth"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "deephealth" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deephealth"


def place(cached: Path, folder: Path) -> Path:
    """Put a cached file into ``folder`` under its own name: a link, or a copy where links are not possible.

    The cached file is made read-only first, so that a program that writes to the name does not change the cache.
    """
    target = folder / cached.name
    with storage_errors(target, "placing a cached file"):
        cached.chmod(0o444)
        try:
            target.symlink_to(cached.resolve())
        except (OSError, NotImplementedError):
            shutil.copyfile(cached, target)
    return target
