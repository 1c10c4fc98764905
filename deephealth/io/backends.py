"""Every table of back-ends that the readers choose from, for ``deephealth doctor``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from deephealth.io.backend import BackendTable

__all__ = ["all_tables", "matrix"]

# each reader keeps its own; a reader that is added stands here
_HOMES = (
    "deephealth.io.raster_decoders:RASTER_BACKENDS",
    "deephealth.io.volumes:VOLUME_BACKENDS",
    "deephealth.io.gzip:GZIP_BACKENDS",
    "deephealth.io.slide.opening:SLIDE_BACKENDS",
    "deephealth.io.dicom.decoders:DECODERS",
)


def all_tables() -> Iterator[BackendTable]:
    """Yield the table of every task that a reader has a choice in.

    Example:
        >>> "inflate gzip" in [table.task for table in all_tables()]
        True
    """
    for home in _HOMES:
        module, _, name = home.partition(":")
        found = getattr(importlib.import_module(module), name)
        if isinstance(found, Mapping):
            yield from found.values()
        else:
            yield found


def matrix() -> list[tuple[str, str, bool, str]]:
    """Return (task, back-end, whether it is installed, note or what to install) for every row of every table.

    Example:
        >>> all(installed for task, name, installed, note in matrix() if name == "zlib")
        True
    """
    rows = []
    for table in all_tables():
        for name, missing, note in table.matrix():
            rows.append((table.task, name, not missing, f"needs {', '.join(missing)}" if missing else note))
    return rows
