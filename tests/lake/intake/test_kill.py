"""A few kills; scripts/bench/deid/kill_intake.py does fifty."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_a_killed_intake_ends_as_an_unbroken_one(repository: Path) -> None:
    script = repository / "scripts" / "bench" / "deid" / "kill_intake.py"
    done = subprocess.run([sys.executable, str(script), "--kills", "6"], capture_output=True, text=True, timeout=200)
    result = json.loads(done.stdout)
    assert result["problems"] == []
    assert result["kills"] == 6
    assert done.returncode == 0
