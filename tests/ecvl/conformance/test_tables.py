"""The tables of the documentation: whole, and about names that exist."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from deephealth import ecvl
from deephealth.ecvl.differences import DIFFERENCES, status_of
from deephealth.ecvl.inventory import GROUPS, entries

HERE = Path(__file__).parent
INVENTORY = json.loads((HERE / "inventory.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("face_pages", HERE.parents[2] / "docs" / "face_pages.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found  # a dataclass looks its module up
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def page(module):
    return next(page for page in module.pages() if page.path.stem == "from-pyecvl")


def test_the_names_are_pyecvls():
    assert {name for names in GROUPS.values() for name in names.split()} == {
        name for kind in INVENTORY.values() for name in kind
    }


def test_the_table_names_everything_with_a_status_and_a_summary(module, page):
    table = "\n".join(module.name_tables(page.entries))
    for entry in entries():
        assert f"| `{entry.name}" in table
        assert entry.status in {"same", "fixed", "lifted", "replaced", "extra"}
        assert entry.summary
    assert len(list(entries())) >= 124


def test_the_page_has_the_tables_of_today(page):
    text = page.path.read_text(encoding="utf-8")
    assert page.whole() == text, "run: python docs/face_pages.py"
    assert all(f"| `{name}" in text for name in INVENTORY["functions"])


def test_a_difference_is_about_names_that_exist(module):
    table = "\n".join(module.difference_tables(DIFFERENCES))
    for difference in DIFFERENCES:
        assert f"| {difference.name} |" in table
        assert all(hasattr(ecvl, name) for name in difference.names)
    assert len({difference.name for difference in DIFFERENCES}) == len(DIFFERENCES)


@pytest.mark.parametrize(("name", "status"), [("Flip2D", "same"), ("Mul", "lifted"), ("ScaleTo", "fixed")])
def test_statuses(name, status):
    assert status_of(name) == status
