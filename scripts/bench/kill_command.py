"""Kill the real command with SIGKILL: `deephealth train`, then `deephealth resume` to the end; half of them in a save.

    python scripts/bench/kill_command.py --kills 20

On generated images. The trained model must be the same bytes as that of the unbroken run, and nothing half-written may
be left in the run's folder; a run that ends before all kills are done is followed by another. Prints one JSON object;
exit status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deephealth.core.files import sha256
from deephealth.usecases.datasets import generate_data

POINTS = ("before-weights", "after-weights", "before-fsync:3", "before-rename", "after-rename", "before-prune")
COMMAND = [sys.executable, "-m", "deephealth"]


def start(run: Path, data: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Train, or go on if there is a run already."""
    arguments = ["resume", str(run)]
    if not (run / "config.yaml").exists():
        settings = "data.image_size=[48,64] data.batch_size=8 trainer.max_epochs=8 trainer.checkpoint.every_n_steps=2"
        places = [f"data.root={data}", f"data.cache_dir={data.parent / 'cache'}", f"run.dir={run}"]
        arguments = ["train", "uc12-skin/smoke", *settings.split(), *places, "trainer.threads=1", "--quiet"]
    return subprocess.Popen([*COMMAND, *arguments], env={**os.environ, **environment}, stdout=subprocess.DEVNULL)


def kill(process: subprocess.Popen[bytes], after: float | None) -> int:
    """Kill a process after some seconds, unless it ended or killed itself; return its exit status."""
    try:
        return process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def main() -> int:
    """Compare runs that are killed again and again with one that is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    kills = {"in a save": 0, "at a random time": 0}
    finished, problems = 0, []
    with tempfile.TemporaryDirectory() as folder:
        data, whole, run = (Path(folder) / name for name in ("data", "whole", "run"))
        generate_data("uc12-skin", data, 64, seed=1)
        began = time.perf_counter()
        start(whole, data, {}).wait()
        seconds = time.perf_counter() - began
        expected = sha256(whole / "model" / "model.safetensors")
        while sum(kills.values()) < options.kills or run.exists():
            last = sum(kills.values()) >= options.kills
            kind = min(kills, key=lambda name: kills[name])
            in_save = kind == "in a save" and not last
            process = start(run, data, {"DEEPHEALTH_FAILPOINT": draw.choice(POINTS)} if in_save else {})
            code = kill(process, None if in_save or last else draw.uniform(0.3, 0.9) * seconds)
            kills[kind] += code == -9
            if code == 0:
                finished += 1
                problems += compare(run, expected)
                shutil.rmtree(run)
            elif code != -9:
                problems.append(f"a resume ended with {code}")
                break
    print(json.dumps({"kills": kills, "runs": finished, "sha256": expected, "problems": problems}, indent=2))
    return 1 if problems else 0


def compare(run: Path, expected: str) -> list[str]:
    """Return what differs from the unbroken run, and what was left half-written."""
    left = [f"left over: {path.name}" for path in run.rglob(".*")]
    return left + ([] if sha256(run / "model" / "model.safetensors") == expected else ["the weights differ"])


if __name__ == "__main__":
    sys.exit(main())
