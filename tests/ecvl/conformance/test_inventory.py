"""Every name of PyECVL 1.3.0 is here, with its parameters and defaults, and does something."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from deephealth import ecvl

INVENTORY = json.loads((Path(__file__).parent / "inventory.json").read_text(encoding="utf-8"))
FUNCTIONS: dict[str, Any] = INVENTORY["functions"]
CLASSES: dict[str, Any] = INVENTORY["classes"]
ENUMS: dict[str, Any] = INVENTORY["enums"]
METHODS = [(kind, name) for kind, said in CLASSES.items() for name in said["methods"]]
OLDER = ("OpenSlideGetLevels", "OpenSlideRead")
"""Names of the generation before 1.0 that no class holds."""


def test_the_inventory_is_whole():
    assert (len(FUNCTIONS), len(CLASSES), len(ENUMS)) == (69, 44, 11)


def test_every_name_is_exported():
    assert {*FUNCTIONS, *CLASSES, *ENUMS, *OLDER} <= set(ecvl.__all__)
    assert all(hasattr(ecvl, name) for name in ecvl.__all__)


def value_of(text: str) -> Any:
    """The value of a default: a literal, or a member of an enumeration."""
    head, _, member = text.partition(".")
    return getattr(getattr(ecvl, head), member) if head in ENUMS else ast.literal_eval(text)


def parameters(function) -> list[tuple]:
    """Name, and default where there is one, of every parameter that may be given by position."""
    return [
        (p.name,) if p.default is inspect.Parameter.empty else (p.name, p.default)
        for p in inspect.signature(function).parameters.values()
        if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_its_parameters_and_defaults(name):
    wanted = [(p[0],) if len(p) == 1 else (p[0], value_of(p[1])) for p in FUNCTIONS[name]["parameters"]]
    assert parameters(getattr(ecvl, name)) == wanted


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_documented_and_no_stub(name):
    function = inspect.unwrap(getattr(ecvl, name))
    assert len((function.__doc__ or "").split()) >= 3
    body = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0].body
    rest = [node for node in body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    assert rest
    assert not isinstance(rest[0], ast.Raise | ast.Pass)


@pytest.mark.parametrize("name", ENUMS)
def test_an_enumeration_has_its_members(name):
    assert [member.name for member in getattr(ecvl, name)] == ENUMS[name]["members"]


@pytest.mark.parametrize(("kind", "name"), METHODS, ids=lambda part: part)
def test_a_method_takes_what_it_took(kind, name):
    method = getattr(getattr(ecvl, kind), name)
    wanted = [(p[0],) if len(p) == 1 else (p[0], value_of(p[1])) for p in CLASSES[kind]["methods"][name]]
    if name == "__init__" and "*" not in str(inspect.signature(method)):
        found = [entry[0] for entry in parameters(method)]
        assert found[: len(wanted)] == [entry[0] for entry in wanted]
    elif "*" not in str(inspect.signature(method)):
        names = [entry for entry in wanted if entry[0] != "self"]
        found = [entry for entry in parameters(method) if entry[0] != "self"]
        assert found[: len(names)] == names


def test_the_constants():
    assert ecvl.ECVL_EDDL is ecvl.ECVL_WITH_OPENSLIDE is ecvl.ECVL_WITH_DICOM is True
