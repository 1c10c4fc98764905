"""SIGKILL at random moments, half of them inside a save. More kills: ``scripts/bench/kill_resume.py --kills 100``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench" / "kill_resume.py"


def test_twenty_kills_change_no_bit() -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPT.parents[2])}
    command = [sys.executable, str(SCRIPT), "--kills", "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert (result["kills"], result["inside_a_save"], result["problems"]) == (20, 10, [])
