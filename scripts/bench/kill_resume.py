"""Kill a training with SIGKILL again and again, half of the time inside a save, and compare with the unbroken run.

    python scripts/bench/kill_resume.py --kills 20

Each attempt is a forked process (the imports are done once, before any thread exists). After each kill the newest
checkpoint must be at least as far as before it; at the end weights, optimizer, average and metrics must be the same
bytes as those of the unbroken run, and nothing temporary may be left. Prints one JSON object; exit status 1 if anything
differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "train"))

from tiny import TinyData, TinyModel, tiny_config

import deephealth.train.fit as fitting
from deephealth.train.checkpoint import CheckpointStore

INSIDE = ("before-weights", "after-weights", "before-fsync", "before-rename", "after-rename", "before-prune")


def main() -> int:
    """Run the comparison and print its result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # threads of torch would not survive the fork
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = compare(Path(folder), arguments.kills, random.Random(arguments.seed))
    result |= {"seed": arguments.seed, "seconds": round(time.perf_counter() - started, 1), "torch": torch.__version__}
    print(json.dumps(result, indent=2))
    return 0 if result["passed"] else 1


def compare(folder: Path, kills: int, draw: random.Random) -> dict[str, object]:
    """Train once without and again and again with kills, and compare.

    On a fast machine a training may end before the kill that was meant for it: it is compared, and another begins.
    """
    epochs = max(4, kills)
    whole, broken = folder / "whole", folder / "broken"
    log, problems, newest, ended = [], [], -1, 0
    if attempt(whole, epochs, {}, None) != 0:
        problems.append("the unbroken run did not finish")
    while len(log) < kills and ended <= kills:
        environment, delay = (inside if len(log) % 2 else outside)(draw)
        status = attempt(broken, epochs, environment, delay)
        if status == 0:
            problems += differences(whole, broken)
            shutil.rmtree(broken)
            newest, ended = -1, ended + 1
            continue
        if status != -signal.SIGKILL:
            problems.append(f"attempt {len(log)} ended with {status}, not by its kill: {environment or delay}")
        store = CheckpointStore(broken / "checkpoints")
        steps = [path for path in store.paths() if is_valid(store, path)]
        if len(steps) != len(store.paths()):
            problems.append(f"a folder that looks like a checkpoint is not whole after kill {len(log)}")
        reached = int(steps[-1].name.split("-")[1]) if steps else -1
        if reached < newest:
            problems.append(f"kill {len(log)} lost a checkpoint: {newest} -> {reached}")
        newest = reached
        log.append(environment.get("DEEPHEALTH_FAILPOINT", "at a random time"))
    if attempt(broken, epochs, {}, None) != 0:
        problems.append("the last resume did not finish")
    problems += differences(whole, broken)
    facts = {"kills": len(log), "inside_a_save": sum("random" not in name and "batch" not in name for name in log)}
    return facts | {"passed": not problems, "problems": problems, "sha256": fingerprint(whole), "places": log}


def differences(whole: Path, broken: Path) -> list[str]:
    """Return what of a finished run differs from the unbroken one, and what was left half-written."""
    one, other = fingerprint(whole), fingerprint(broken)
    left = [f"left over: {path.name}" for path in broken.rglob(".*")]
    return [f"{name} differs" for name in one if one[name] != other[name]] + left


def inside(draw: random.Random) -> tuple[dict[str, str], float | None]:
    """Plan a kill inside one of the next saves."""
    return {"DEEPHEALTH_FAILPOINT": f"{draw.choice(INSIDE)}:{draw.randint(1, 3)}"}, None


def outside(draw: random.Random) -> tuple[dict[str, str], float | None]:
    """Plan a kill after a random batch, or at a random time after the start."""
    if draw.random() < 0.5:
        return {"DEEPHEALTH_FAILPOINT": f"batch:{draw.randint(1, 12)}"}, None
    return {}, draw.uniform(0.01, 0.25)


def attempt(folder: Path, epochs: int, environment: dict[str, str], delay: float | None) -> int:
    """Train in a forked process; return its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        os._exit(train(folder, epochs, environment))
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def train(folder: Path, epochs: int, environment: dict[str, str]) -> int:
    """Train, from the newest checkpoint where there is one; return an exit status."""
    os.environ.update(environment)
    checkpoint = {"every_n_steps": 3, "keep": 2}
    config = tiny_config(max_epochs=epochs, accumulate=2, ema_decay=0.9, checkpoint=checkpoint, mix={"name": "mixup"})
    try:
        resume = bool(CheckpointStore(folder / "checkpoints").paths())
        fitting.fit(TinyModel(), TinyData(), config, folder, resume=resume)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def is_valid(store: CheckpointStore, path: Path) -> bool:
    """Return whether a checkpoint can be loaded."""
    try:
        store.load(path)
    except fitting.CheckpointError:
        return False
    return True


def fingerprint(folder: Path) -> dict[str, str]:
    """Return hashes of the last checkpoint's tensors (weights; optimizer, average, metric sums) and of the history."""
    newest = CheckpointStore(folder / "checkpoints").paths()[-1]
    found = {name: (newest / name).read_bytes() for name in ("weights.safetensors", "state.safetensors")}
    rows = (folder / "metrics.csv").read_text().splitlines()
    found["metrics.csv"] = "\n".join(row.rpartition(",")[0] for row in rows).encode()  # all but the seconds
    return {name: hashlib.sha256(blob).hexdigest() for name, blob in found.items()}


if __name__ == "__main__":
    sys.exit(main())
