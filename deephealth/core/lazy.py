"""Public names of a package that are imported on first use (PEP 562), so that importing the package stays cheap."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(package: str, homes: Mapping[str, str | None]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for a package.

    Args:
        package: its ``__name__``.
        homes: public name -> submodule that holds it (or the whole name of a module, if it has a dot; ``None`` if the
            name is a submodule itself).

    Example:
        >>> get, names = lazy_exports("deephealth.core", {"format_bytes": "units"})
        >>> get("format_bytes")(2048), names()
        ('2.0 KiB', ['format_bytes'])
    """

    def get(name: str) -> Any:
        if name not in homes:
            msg = f"module '{package}' has no attribute '{name}'"
            raise AttributeError(msg)
        home = homes[name]
        if home is None:
            return importlib.import_module(f"{package}.{name}")
        value = getattr(importlib.import_module(home if "." in home else f"{package}.{home}"), name)
        # kept, also over a submodule of the same name, which its import has just bound to the package
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted(homes)
