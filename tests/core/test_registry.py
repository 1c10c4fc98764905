from __future__ import annotations

import sys

import pytest

from deephealth.core.errors import UnknownNameError
from deephealth.core.registry import Registry


def function(counts, *, gamma: float = 2.0, alpha: float | None = None):
    return counts, gamma, alpha


def test_a_thing_is_imported_on_first_use_only():
    registry = Registry[object]("module")
    sys.modules.pop("this_is_not_there", None)
    registry.add("absent", "this_is_not_there:thing")
    assert registry.names() == ["absent"]
    with pytest.raises(ModuleNotFoundError):
        registry.get("absent")


def test_a_wrong_name_suggests_the_right_one():
    registry = Registry[object]("loss")
    registry.add("focal", function)
    with pytest.raises(UnknownNameError, match="unknown loss 'focl'\n  do next: did you mean 'focal'"):
        registry.get("focl")


def test_a_name_is_given_once():
    registry = Registry[object]("loss")
    registry.add("focal", function)
    with pytest.raises(ValueError, match="registered already"):
        registry.add("focal", function)


def test_parameters_are_the_keyword_only_ones():
    registry = Registry[object]("loss")
    registry.register("focal", summary="hard cases first")(function)
    assert list(registry.parameters("focal")) == ["gamma", "alpha"]
    assert registry.entry("focal").summary == "hard cases first"
    assert "focal" in registry
    assert [entry.name for entry in registry] == ["focal"]
