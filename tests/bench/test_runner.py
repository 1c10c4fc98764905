"""The runner of the benchmarks: rows are well formed, unequal outputs are never timed, figures become a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "scripts" / "bench"

CASE = """
from row import Row

def work(off):
    return lambda: {"deephealth": lambda: sum(range(2000)), "slow": lambda: off + sum(list(range(20000))[:2000])}

def check(found):
    assert found["deephealth"] == found["slow"], "they differ"
    return "equal"

ROWS = [
    Row("equal", "a sum", work(0), check, goals={"slow": 1.5}, memory_goals={"slow": 2}, threads=(1,)),
    Row("unequal", "another sum", work(1), check, threads=(1,)),
    Row("far", "on an accelerator", work(0), check, device="cuda"),
]
"""


@pytest.fixture
def folder(tmp_path):
    """A copy of the runner with cases of its own."""
    for name in ("run.py", "serve.py", "row.py", "report.py", "peers.py"):
        (tmp_path / name).write_text((BENCH / name).read_text())
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "__init__.py").touch()
    (cases / "sums.py").write_text(CASE)
    (cases / "lacking.py").write_text("import a_package_that_is_not_installed\nROWS = []\n")
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, str(folder / "run.py"), "--out", str(folder / "out"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=folder)


def test_rows_are_checked_timed_and_kept(folder):
    done = run(folder, "--busy", "--rounds", "3")
    assert done.returncode == 0, done.stderr
    assert "| a sum | 1 |" in done.stdout
    assert "* unequal (another sum): AssertionError: they differ" in done.stdout
    if "no accelerator" in done.stdout:
        assert "* far (on an accelerator): not measured: no accelerator here" in done.stdout
    kept = json.loads((folder / "out" / "equal-1.json").read_text())
    assert kept["equal"] == "equal"
    assert len(kept["seconds"]["slow"]) == 3
    assert kept["ratios"]["slow"]["low"] <= kept["ratios"]["slow"]["times"] <= kept["ratios"]["slow"]["high"]
    assert kept["ratios"]["slow"]["times"] > 1
    assert set(kept["peaks"]) == {"deephealth", "slow"}
    assert kept["machine"]["packages"]["numba"]
    assert (folder / "out" / "equal-1.png").stat().st_size > 1000
    assert not (folder / "out" / "unequal-1.json").exists()
    assert (folder / "out" / "table.md").read_text() in done.stdout


def test_unknown_rows_are_refused_and_missing_packages_named(folder):
    done = run(folder, "no-such-row")
    assert done.returncode != 0
    assert "no such row: no-such-row" in done.stderr
    assert "cases/lacking.py are left out: No module named 'a_package_that_is_not_installed'" in done.stderr


def test_every_row_of_the_project_is_listed():
    done = subprocess.run(
        [sys.executable, str(BENCH / "run.py"), "--list"],
        capture_output=True, text=True, check=False, timeout=240, env=os.environ | {"TRITON_INTERPRET": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert len(names) == len(set(names)) > 0
