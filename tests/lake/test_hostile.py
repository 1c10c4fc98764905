"""A hundred and fifty hostile files; scripts/bench/deid/hostile.py takes two thousand in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cryptography")


def test_hostile_files_end_in_one_state_and_nothing_around_the_lake_changes(repository: Path):
    script = repository / "scripts" / "bench" / "deid" / "hostile.py"
    command = [sys.executable, str(script), "--files", "57", "--part", "100", "--sparse", "0.02", "--no-arrange"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["problems"] == []
    assert result["files"] >= 150
    assert sum(result["states"].values()) >= result["files"]
    assert {"unreadable", "unknown-format", "hostile"} <= set(result["reasons"])
    assert done.returncode == 0
