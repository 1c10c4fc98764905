"""Upstream's own tests and example programs, unchanged; they run where their sources are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ecvl.conformance.examples import EXAMPLES, PYECVL, REPOSITORY, Example, run_example

CASES = 228


@pytest.fixture(scope="module")
def sources() -> Path:
    folder = os.environ.get(PYECVL, "")
    if not (Path(folder) / "tests" / "test_imgproc.py").is_file():
        pytest.skip(f"PyECVL's sources are not here: set {PYECVL} to the folder with its examples and tests")
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


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: Path(example.path).stem)
def test_an_example_program_runs_to_its_end(tmp_path, example: Example):
    folder = Path(os.environ.get(example.sources, ""))
    if not (folder / example.path).is_file():
        pytest.skip(f"the program is not here: set {example.sources}")
    result = run_example(example, folder, tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    assert (tmp_path / example.leaves).exists()


def test_every_example_of_upstream_is_known(sources):
    found = {f"examples/{path.name}" for path in (sources / "examples").glob("*.py")}
    assert found == {example.path for example in EXAMPLES if example.sources == PYECVL}
