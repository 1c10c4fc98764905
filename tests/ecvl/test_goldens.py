"""Every golden case, strict and default: strict differs nowhere, default only where a fixed bug is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deephealth.ecvl import strict_mode
from deephealth.ecvl.differences import DIFFERENCES
from tests.ecvl.goldens import FOLDER, Case, compare, run

EXCEPTIONS: dict[str, str] = json.loads((Path(__file__).parent / "default_exceptions.json").read_text(encoding="utf-8"))
CASES = sorted(FOLDER.glob("*.npz"))


def problems(path: Path, *, strict: bool) -> list[str]:
    case = Case(path)
    with strict_mode(strict):
        return compare(case, run(case))


def test_the_cases_are_there():
    assert len(CASES) > 500


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_strict_mode_computes_what_the_original_computed(path):
    assert problems(path, strict=True) == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_default_mode_differs_only_where_a_bug_is_fixed(path):
    found = problems(path, strict=False)
    if path.stem in EXCEPTIONS:
        assert found, f"{path.stem} is listed as an exception ({EXCEPTIONS[path.stem]}) but does not differ"
    else:
        assert found == []


def test_an_exception_names_a_difference_that_exists():
    known = {difference.name for difference in DIFFERENCES if difference.stance == "FIX"}
    assert set(EXCEPTIONS.values()) <= known
    assert set(EXCEPTIONS) <= {path.stem for path in CASES}
