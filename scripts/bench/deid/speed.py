r"""Files per second of the lake's de-identification against dicom-anonymizer and deid, over the same files.

    python scripts/bench/deid/speed.py SET --repeat 5 --processes 2 \
        --ours "deephealth lake deidentify {source} {out} --key {key} --workers {processes}"

Every contestant starts as a fresh process that uses as many processes as the others, start-up included; the order turns
from round to round, and the first round warms up and is left out. Outputs are counted and opened: what is missing of
ours lies in its quarantine. Ours does all it does by default, pixels included.

Two figures, both from medians: files per second of the whole folder, and at the margin, which is what a large folder
comes near to: the files that the folder has more than a quarter of it, through the seconds that they take more. With
``--memory`` memory is measured instead, see :mod:`speed_memory`. ``SET --make DATA --files 600`` fills an empty folder
with slices of 512 x 512 first.
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
Results = dict[str, dict[str, Any]]
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


def measure(sources: list[Path], contestants: list[str], rounds: int, processes: int, ours: str) -> Results:
    """Return per contestant the seconds of each round for each folder, and the outputs of the last round."""
    results: Results = {name: {"seconds": [[] for _ in sources], "outputs": []} for name in contestants}
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        for turn in range(rounds + 1):
            for name in contestants[turn % len(contestants) :] + contestants[: turn % len(contestants)]:
                results[name]["outputs"] = []
                for place, source in enumerate(sources):
                    out = Path(folder) / name
                    shutil.rmtree(out, ignore_errors=True)
                    seconds = _timed(name, _command(name, source, out, processes, ours))
                    outputs = _readable(out)
                    if turn:
                        results[name]["seconds"][place].append(seconds)
                    results[name]["outputs"].append(outputs)
                    print(f"round {turn} {name:24} {seconds:8.2f} s, {outputs} outputs", flush=True)
    return results


def _timed(name: str, command: list[str]) -> float:
    begin = time.perf_counter()
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if made.returncode:
        raise SystemExit(f"{name} ended with {made.returncode}: {made.stderr[-800:]}")
    return seconds


def _quarter(source: Path, folder: Path) -> tuple[Path, int]:
    """Make a folder of every fourth file; return it and how many files it has."""
    files = sorted(source.rglob("*.dcm"))[::4]
    for number, path in enumerate(files):
        shutil.copyfile(path, folder / f"{number:06d}.dcm")
    return folder, len(files)


def compare(asked: argparse.Namespace, source: Path) -> None:
    """Measure, print and write down."""
    files = sum(1 for _ in source.rglob("*.dcm"))
    with tempfile.TemporaryDirectory(prefix="quarter-") as folder:
        part, few = _quarter(source, Path(folder))
        sources = [source] if asked.whole_only else [source, part]
        results = measure(sources, asked.only.split(","), asked.repeat, asked.processes, asked.ours)
    for one in results.values():
        middle = [statistics.median(seconds) for seconds in one["seconds"]]
        one["files_per_s"] = files / middle[0]
        one["margin_per_s"] = (files - few) / max(middle[0] - middle[1], 1e-9) if len(middle) > 1 else None
    ours = results.get("deephealth", {})
    for name, one in results.items():
        line = f"{name:24} {one['files_per_s']:9.1f} files/s {_times(ours, one, 'files_per_s')}"
        if one["margin_per_s"]:
            line += f"   margin {one['margin_per_s']:9.1f} files/s {_times(ours, one, 'margin_per_s')}"
        print(f"{line}   {one['outputs'][0]} of {files} outputs")
    if asked.json:
        asked.json.write_text(json.dumps({"files": files, "processes": asked.processes, "results": results}, indent=1))


def _times(ours: dict[str, Any], other: dict[str, Any], figure: str) -> str:
    """How many times as fast ours is."""
    return f"({ours[figure] / other[figure]:5.2f} x)" if ours and ours is not other else " " * 9


def _say_memory(asked: argparse.Namespace) -> None:
    from speed_memory import measure_memory

    found = measure_memory(asked.files, asked.processes, asked.ours)
    for name in ("pss_by", "rss"):
        print(f"{name:7}", ", ".join(f"{role} {size:.0f} MiB" for role, size in found[name].items()))
    print(
        f"{found['files']} files, {found['outputs']} outputs, {found['seconds']:.0f} s:"
        f" {found['pss']:.0f} MiB at most, shared pages counted once"
    )
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path, nargs="?", help="a set of generate.py, or any folder of .dcm files")
    parser.add_argument("--repeat", "--rounds", type=int, default=3, help="rounds that count; medians are told")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--ours", default=OURS)
    parser.add_argument("--only", default=",".join(("deephealth", *PEERS)))
    parser.add_argument("--whole-only", action="store_true", help="without the figure at the margin")
    parser.add_argument("--memory", action="store_true", help="measure memory over made objects instead")
    parser.add_argument("--files", type=int, default=10_000, help="objects made for --memory and --make")
    parser.add_argument("--make", type=Path, help="fill the folder first, with slices of the CT volumes that lie here")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        _say_memory(asked)
        return
    if asked.set is None:
        parser.error("name a folder, or ask for --memory")
    if asked.make:
        from speed_memory import make_slices

        make_slices(asked.set, asked.files, asked.make)
    source = asked.set / "data" if (asked.set / "key").is_dir() else asked.set
    if asked.peer:
        run_peer(asked.peer, source, asked.out, asked.processes)
    else:
        compare(asked, source)


if __name__ == "__main__":
    main()
