"""Two processes with uneven shares of the cases say bit for bit what one says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import torch

WORKER = Path(__file__).with_name("ddp_worker.py")
DIVISIONS = ("5 1,0 2 3 4 6", ",6 5 4 3 2 1 0")  # in the second the first process has no case


def test_two_processes_are_one(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, str(WORKER), str(tmp_path), str(rank), *DIVISIONS],
            stderr=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for rank in range(2)
    ]
    spec = importlib.util.spec_from_file_location("ddp_worker", WORKER)
    assert spec is not None
    assert spec.loader is not None
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    alone = worker.computed(list(range(worker.CASES)))
    said = [process.communicate(timeout=250)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(said)
    for number in range(len(DIVISIONS)):
        together = torch.load(tmp_path / f"{number}.pt", weights_only=True)
        assert together.keys() == alone.keys()
        for name, wanted in alone.items():
            ours, theirs = (one if isinstance(one, dict) else {"": one} for one in (together[name], wanted))
            for key, value in theirs.items():
                torch.testing.assert_close(ours[key], value, rtol=0, atol=0, equal_nan=True, msg=f"{name} {key}")
                assert value.isfinite().any(), name
