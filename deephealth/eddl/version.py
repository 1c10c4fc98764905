"""The PyEDDL release whose names and behaviour this package offers."""

from __future__ import annotations

__all__ = ["VERSION", "__version__"]

VERSION = __version__ = "1.3.1"
