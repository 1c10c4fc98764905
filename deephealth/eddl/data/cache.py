"""The folder where fetched data sets and weights are kept between programs."""

from __future__ import annotations

import shutil
from pathlib import Path

from deephealth.core.files import storage_errors, user_cache_folder

__all__ = ["cache_folder", "place"]


def cache_folder(kind: str) -> Path:
    """Return the cache folder for ``kind``: in ``DEEPHEALTH_CACHE``, else where the platform keeps caches.

    Args:
        kind: a subfolder, such as ``"datasets"``.
    """
    return user_cache_folder() / kind


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
