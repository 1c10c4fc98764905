r"""Files per second of the lake's de-identification against dicom-anonymizer and deid, over the same files.

    python scripts/bench/deid/speed.py SET --rounds 5 --processes 2 \
        --ours "deephealth lake deidentify {source} {out} --key {key} --workers {processes}"

Every contestant starts as a fresh process that uses as many processes as the others, start-up included; the order turns
from round to round, and the first round warms up and is left out. Outputs are counted and opened: what is missing of
ours lies in its quarantine. Ours does all it does by default, pixels included.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

OURS = "deephealth lake deidentify {source} {out} --key {key} --workers {processes}"
PEERS = ("dicom-anonymizer", "dicom-anonymizer-rules", "deid")


def _peer(name: str, out: Path, task: tuple[int, Path]) -> bool:
    """Run a peer over one file, in a worker."""
    warnings.filterwarnings("ignore")
    index, path = task
    target = out / f"{index:06d}.dcm"
    try:
        if name == "deid":
            from deid.logger import bot
            from peers_deid import deid_with_recipe

            bot.level = 0
            deid_with_recipe(path, target, out.parent / f"recipe-{multiprocessing.current_process().pid}.txt")
        else:
            from peers_rules import dicom_anonymizer, dicom_anonymizer_with_rules

            (dicom_anonymizer if name == "dicom-anonymizer" else dicom_anonymizer_with_rules)(path, target)
    except Exception:  # a peer's failure is counted by its missing output
        return False
    return True


def run_peer(name: str, source: Path, out: Path, processes: int) -> None:
    """Run a peer over all files with a pool of processes."""
    files = sorted(path for path in source.rglob("*.dcm"))
    out.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(processes) as pool:
        done = pool.map(functools.partial(_peer, name, out), list(enumerate(files)), chunksize=16)
    print(f"{sum(done)} of {len(done)}")


def _command(name: str, source: Path, out: Path, processes: int, ours: str) -> list[str]:
    if name == "deephealth":
        key = out.parent / "speed.key"
        return shlex.split(ours.format(source=source, out=out, key=key, processes=processes))
    return [sys.executable, __file__, str(source), "--peer", name, "--out", str(out), "--processes", str(processes)]


def _readable(out: Path) -> int:
    """Return how many outputs are DICOM objects that can be read."""
    import pydicom

    found = 0
    for path in out.rglob("*.dcm"):
        found += "SOPInstanceUID" in pydicom.dcmread(path, stop_before_pixels=True)
    return found


def measure(source: Path, contestants: list[str], rounds: int, processes: int, ours: str) -> dict[str, dict[str, Any]]:
    """Return per contestant the seconds of each round and the outputs of the last."""
    results: dict[str, dict[str, Any]] = {name: {"seconds": [], "outputs": 0} for name in contestants}
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        for turn in range(rounds + 1):
            for name in contestants[turn % len(contestants) :] + contestants[: turn % len(contestants)]:
                out = Path(folder) / name
                shutil.rmtree(out, ignore_errors=True)
                begin = time.perf_counter()
                command = _command(name, source, out, processes, ours)
                made = subprocess.run(command, capture_output=True, text=True, check=False)
                seconds = time.perf_counter() - begin
                if made.returncode:
                    raise SystemExit(f"{name} ended with {made.returncode}: {made.stderr[-800:]}")
                if turn:
                    results[name]["seconds"].append(seconds)
                results[name]["outputs"] = _readable(out)
                print(f"round {turn} {name:24} {seconds:8.2f} s, {results[name]['outputs']} outputs", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path, help="a set of generate.py, or any folder of .dcm files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--ours", default=OURS)
    parser.add_argument("--only", default=",".join(("deephealth", *PEERS)))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    source = asked.set / "data" if (asked.set / "key").is_dir() else asked.set
    if asked.peer:
        run_peer(asked.peer, source, asked.out, asked.processes)
        return
    files = sum(1 for _ in source.rglob("*.dcm"))
    results = measure(source, asked.only.split(","), asked.rounds, asked.processes, asked.ours)
    for one in results.values():
        one["files_per_s"] = files / statistics.median(one["seconds"])
    base = results.get("deephealth", {}).get("files_per_s")
    for name, one in results.items():
        times = f"{base / one['files_per_s']:6.2f} x" if base and name != "deephealth" else ""
        print(f"{name:24} {one['files_per_s']:9.1f} files/s  {one['outputs']:6} of {files} outputs  {times}")
    if asked.json:
        asked.json.write_text(json.dumps({"files": files, "processes": asked.processes, "results": results}, indent=1))


if __name__ == "__main__":
    main()
