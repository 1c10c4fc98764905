"""Every golden case, strict and default: strict differs nowhere, default only where a fixed bug is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.eddl.goldens import FOLDER, run_case

EXCEPTIONS: dict[str, str] = json.loads((Path(__file__).parent / "default_exceptions.json").read_text(encoding="utf-8"))
CASES = sorted(FOLDER.glob("*.npz"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_strict_mode_computes_what_the_original_computed(path):
    assert run_case(path, "strict") == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_default_mode_differs_only_where_a_bug_is_fixed(path):
    mismatches = run_case(path, "default")
    if path.stem in EXCEPTIONS:
        assert mismatches, f"{path.stem} is listed as an exception ({EXCEPTIONS[path.stem]}) but does not differ"
    else:
        assert mismatches == []


def test_an_exception_names_a_difference_that_exists():
    from deephealth.eddl.differences import DIFFERENCES

    known = {difference.name for difference in DIFFERENCES if difference.stance == "FIX"}
    assert {reason for reason in EXCEPTIONS.values() if reason not in known} == set()
    assert set(EXCEPTIONS) <= {path.stem for path in CASES}
