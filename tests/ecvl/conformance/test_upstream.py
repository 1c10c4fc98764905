"""Upstream's own tests, unchanged; they run where PyECVL's sources are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = "DEEPHEALTH_PYECVL_SOURCES"
REPOSITORY = Path(__file__).resolve().parents[3]
CASES = 228


@pytest.fixture(scope="module")
def sources() -> Path:
    folder = os.environ.get(SOURCES, "")
    if not (Path(folder) / "tests" / "test_imgproc.py").is_file():
        pytest.skip(f"PyECVL's sources are not here: set {SOURCES} to the folder with its examples and tests")
    return Path(folder)


@pytest.mark.parametrize("strict", ["0", "1"], ids=["default", "strict"])
def test_upstreams_tests_pass(sources, tmp_path, strict):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "DEEPHEALTH_ECVL_STRICT": strict}
    command = ["-m", "pytest", "-p", "deephealth.compat", "-q", "-p", "no:cacheprovider", str(sources / "tests")]
    result = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-3000:]
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed is not None
    assert int(passed[1]) == CASES
