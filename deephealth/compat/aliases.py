"""An import hook under which the names of the original libraries resolve to this package."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from deephealth.compat.catalogue import LEGACY, LegacyPackage

__all__ = ["AliasFinder", "install", "original_of", "uninstall"]

FORCE_VARIABLE = "DEEPHEALTH_COMPAT_FORCE"


class AliasLoader(Loader):
    """Fills an original module with the names of its stand-in, each looked up when it is first used.

    Args:
        target: the stand-in's full name.
        children: last names of the modules below, imported when they are asked for as attributes.
    """

    def __init__(self, target: str, children: Sequence[str] = ()) -> None:
        self.target = target
        self.children = frozenset(children)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Leave the making of the module to the import system."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its stand-in's names."""
        target = importlib.import_module(self.target)
        names = list(getattr(target, "__all__", [name for name in dir(target) if not name.startswith("_")]))

        def look_up(name: str) -> Any:
            if name in self.children:
                return importlib.import_module(f"{module.__name__}.{name}")
            try:
                value = getattr(target, name)
            except AttributeError as error:
                msg = f"module '{module.__name__}' has no attribute '{name}' (it is {self.target} here)"
                raise AttributeError(msg) from error
            module.__dict__[name] = value
            return value

        module.__doc__ = target.__doc__
        module.__dict__.update(__all__=names, __getattr__=look_up, __dir__=lambda: sorted({*names, *self.children}))


class AliasFinder(MetaPathFinder):
    """Finds the modules of one original library.

    Args:
        modules: original module -> stand-in.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.modules = dict(modules)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of an aliased module, or ``None`` for every other module."""
        if fullname not in self.modules:
            return None
        children = [n.rpartition(".")[2] for n in self.modules if n.rpartition(".")[0] == fullname]
        loader = AliasLoader(self.modules[fullname], children)
        return importlib.machinery.ModuleSpec(fullname, loader, is_package=bool(children))


def original_of(package: LegacyPackage) -> Path | None:
    """Return where the original library is installed, or ``None``; bare sources without the compiled part don't count.

    Example:
        >>> original_of(LegacyPackage("no_such_library", "_core", {})) is None
        True
    """
    aliases, finders = [f for f in sys.meta_path if isinstance(f, AliasFinder)], sys.meta_path
    if package.name in sys.modules and isinstance(getattr(sys.modules[package.name], "__loader__", None), AliasLoader):
        return None
    sys.meta_path = [finder for finder in finders if finder not in aliases]
    try:
        spec = importlib.util.find_spec(package.name)
    finally:
        sys.meta_path = finders
    endings = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in Path(folder).glob(f"{package.extension}*"):
            if file.name.endswith(endings):
                return file
    return None


def install(*, force: bool | None = None) -> list[str]:
    """Make the names of the original libraries importable; where an original is installed it is left alone.

    Args:
        force: stand in for an installed original too; ``None`` asks ``DEEPHEALTH_COMPAT_FORCE``.

    Returns:
        The top-level names that this package stands in for now.

    Example:
        >>> install(force=True)
        ['pyeddl', 'pyecvl']
        >>> import pyeddl
        >>> pyeddl.VERSION
        '1.3.1'
        >>> uninstall()
    """
    if force is None:
        force = os.environ.get(FORCE_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}
    taken = []
    for package in LEGACY:
        if not force and original_of(package) is not None:
            continue
        taken.append(package.name)
        if not any(isinstance(f, AliasFinder) and f.modules == package.modules for f in sys.meta_path):
            _forget(package)
            sys.meta_path.insert(0, AliasFinder(package.modules))
    return taken


def uninstall() -> None:
    """Take the aliases away again; modules that already hold one keep it."""
    for finder in [f for f in sys.meta_path if isinstance(f, AliasFinder)]:
        sys.meta_path.remove(finder)
    for package in LEGACY:
        _forget(package)


def _forget(package: LegacyPackage) -> None:
    """Drop what was imported under the library's names, so that the next import asks the finders again."""
    for name in [n for n in sys.modules if n == package.name or n.startswith(f"{package.name}.")]:
        del sys.modules[name]
