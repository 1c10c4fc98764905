from __future__ import annotations

from pathlib import Path

import pytest

from deephealth.ecvl.strictness import strict_mode
from tests.ecvl.dataset_goldens import cases, check
from tests.ecvl.goldens import Case

CASES = cases()
FIXED = ("parse_multi",)  # the original writes several labels as a key that stands there twice


@pytest.mark.parametrize("mode", ["default", "strict"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_data_sets_are_as_the_original_read_them(path: Path, mode: str, tmp_path: Path) -> None:
    if mode == "default" and path.stem in FIXED:
        pytest.skip("fixed on purpose")
    with strict_mode(mode == "strict"):
        assert check(Case(path), tmp_path) == []
