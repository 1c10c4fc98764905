from __future__ import annotations

import importlib
import importlib.machinery
import subprocess
import sys
from pathlib import Path

import pytest

from deephealth import compat, eddl
from deephealth.compat.aliases import AliasFinder
from deephealth.eddl import core_api

MODULES = [name for package in compat.LEGACY for name in package.modules]


@pytest.fixture
def aliases(monkeypatch):
    monkeypatch.delenv("DEEPHEALTH_COMPAT_FORCE", raising=False)
    taken = compat.install()
    yield taken
    compat.uninstall()


def test_every_original_module_can_be_imported(aliases):
    assert aliases == ["pyeddl", "pyecvl"]
    for name in MODULES:
        assert importlib.import_module(name).__name__ == name


def test_the_names_are_those_of_the_face(aliases):
    import pyeddl
    import pyeddl._core.eddl as core
    import pyeddl.eddl as py
    from pyeddl._core import Loss, RMSProp, Tensor
    from pyeddl.tensor import DEV_CPU, DEV_GPU
    from pyeddl.tensor import Tensor as PyTensor
    from pyeddl.utils import TransformationMode, WrappingMode

    assert pyeddl.__version__ == pyeddl.version.VERSION == "1.3.1"
    assert pyeddl._core.eddl is core
    assert PyTensor is Tensor is eddl.Tensor
    assert (Loss, RMSProp) == (eddl.Loss, eddl.RMSProp)
    assert (DEV_CPU, DEV_GPU) == (0, 1000)
    assert TransformationMode is eddl.TransformationMode
    assert WrappingMode is eddl.WrappingMode
    assert py.Dense is eddl.Dense
    assert core.build is core_api.build
    assert issubclass(core.LConv, eddl.Layer)


def test_star_imports_bring_the_public_names(aliases):
    names: dict = {}
    exec("from pyeddl.eddl import *", names)
    assert names["Conv2D"] is eddl.Conv2D
    assert names["LOG_LEVEL"] is eddl.LOG_LEVEL


def test_the_stand_in_keeps_its_own_identity(aliases):
    importlib.import_module("pyeddl.eddl")
    assert eddl.__name__ == eddl.__spec__.name == "deephealth.eddl"


def test_an_unknown_name_tells_where_it_was_looked_for(aliases):
    import pyeddl.eddl as py

    with pytest.raises(AttributeError, match=r"'pyeddl\.eddl' has no attribute 'Densee' \(it is deephealth\.eddl"):
        _ = py.Densee
    with pytest.raises(ImportError):
        importlib.import_module("pyeddl.api")


def test_installing_twice_changes_nothing(aliases):
    import pyeddl.eddl as before

    compat.install()
    import pyeddl.eddl as after

    assert before is after
    assert sum(isinstance(finder, AliasFinder) for finder in sys.meta_path) == len(compat.LEGACY)


def test_uninstalling_takes_the_names_away(aliases):
    importlib.import_module("pyeddl.eddl")
    compat.uninstall()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("pyeddl.eddl")


def original(folder: Path, *, compiled: bool) -> None:
    """Something that looks like the original library."""
    package = folder / "pyeddl"
    package.mkdir()
    (package / "__init__.py").write_text("WHO = 'the original'\n", encoding="utf-8")
    if compiled:
        (package / f"_core{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_bytes(b"")


def test_an_installed_original_wins_unless_forced(tmp_path, monkeypatch):
    original(tmp_path, compiled=True)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert compat.original_of(compat.LEGACY[0]).parent == tmp_path / "pyeddl"
        assert compat.install() == ["pyecvl"]
        assert importlib.import_module("pyeddl").WHO == "the original"
        assert compat.install(force=True) == ["pyeddl", "pyecvl"]
        assert importlib.import_module("pyeddl").VERSION == "1.3.1"
        compat.uninstall()
        monkeypatch.setenv("DEEPHEALTH_COMPAT_FORCE", "1")
        assert compat.install() == ["pyeddl", "pyecvl"]
    finally:
        compat.uninstall()


def test_sources_without_the_compiled_part_are_no_installation(tmp_path, monkeypatch):
    original(tmp_path, compiled=False)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert compat.install() == ["pyeddl", "pyecvl"]
        assert importlib.import_module("pyeddl").VERSION == "1.3.1"
    finally:
        compat.uninstall()


def test_a_package_is_added_by_data_alone(monkeypatch, tmp_path):
    package = compat.LegacyPackage("old_library", "_core", {"old_library": "deephealth.eddl.version"})
    monkeypatch.setattr("deephealth.compat.aliases.LEGACY", (package,))
    try:
        assert compat.install() == ["old_library"]
        assert importlib.import_module("old_library").VERSION == "1.3.1"
    finally:
        compat.uninstall()


def test_importing_the_package_is_cheap():
    code = "import sys, deephealth.compat; print(sorted({'torch', 'numpy', 'deephealth.eddl'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
