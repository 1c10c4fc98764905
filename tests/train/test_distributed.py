from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WORKER = Path(__file__).with_name("ddp_worker.py")


def launch(mode: str, folder: Path) -> list[dict[str, Any]]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(WORKER.parents[2])}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(WORKER)]
    done = subprocess.run([*command, mode, str(folder)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    decoder, text, found = json.JSONDecoder(), done.stdout.strip(), []
    while text:  # the lines of two processes may run into each other
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


@pytest.mark.slow
def test_two_processes_stop_together_and_resume_bit_identically(tmp_path: Path) -> None:
    whole = launch("whole", tmp_path / "whole")
    assert whole[0] == whole[1]
    assert launch("stop", tmp_path / "parts") == [{"mode": "stop", "interrupted": True}] * 2
    resumed = launch("resume", tmp_path / "parts")
    assert resumed[0] == resumed[1] == whole[0] | {"mode": "resume"}
