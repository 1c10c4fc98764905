"""Run the peers over a synthetic-PHI set, each with its best fair settings, and score them side by side.

    python scripts/bench/deid/peers.py SET OUT --only dicom-anonymizer,dicom-anonymizer-rules,deid,dicognito,orthanc

A peer's outputs go to ``OUT/<peer>`` under neutral file names; ``OUT/peers.json`` holds all scores.
"""

from __future__ import annotations

import argparse
import collections
import json
import logging
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peers_deid import deid_with_recipe
from peers_orthanc import available, run_orthanc
from peers_rules import dicognito, dicom_anonymizer, dicom_anonymizer_with_rules
from score import score
from score_actions import CLASSES

PEERS = ("orthanc", "dicognito", "dicom-anonymizer", "dicom-anonymizer-rules", "deid")


def _each(files: list[Path], out: Path, work: Callable[[Path, Path], None]) -> dict[str, Any]:
    """Run a function over all files; what it cannot do is counted by its error."""
    errors: collections.Counter[str] = collections.Counter()
    for index, path in enumerate(files):
        target = out / f"{index:06d}.dcm"
        try:
            work(path, target)
        except Exception as error:  # a peer's failure is a result
            errors[
                f"{type(error).__name__}: {str(error).splitlines()[0][:60]}" if str(error) else type(error).__name__
            ] += 1
            target.unlink(missing_ok=True)
    return {"failed": sum(errors.values()), "errors": dict(errors.most_common(5))}


def run_peer(name: str, files: list[Path], out: Path) -> dict[str, Any]:
    """Run one peer into an empty folder; return what failed."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if name == "orthanc":
        return run_orthanc(files, out, out.parent / "orthanc-work")
    if name == "dicognito":
        from dicognito.anonymizer import Anonymizer

        anonymizer = Anonymizer(seed="bench")
        return _each(files, out, lambda source, target: dicognito(anonymizer, source, target))
    if name == "deid":
        from deid.logger import bot

        bot.level = 0
        return _each(files, out, lambda source, target: deid_with_recipe(source, target, out.parent / "recipe.txt"))
    work = {"dicom-anonymizer": dicom_anonymizer, "dicom-anonymizer-rules": dicom_anonymizer_with_rules}[name]
    return _each(files, out, work)


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Print the peers' shares beside each other."""
    print(f"{'':20}" + "".join(f"{name:>24}" for name in results))
    for kind in CLASSES:
        shares = [100 * one["classes"][kind][0] / max(one["classes"][kind][1], 1) for one in results.values()]
        print(f"{kind:20}" + "".join(f"{share:23.2f}%" for share in shares))
    print(f"{'overall':20}" + "".join(f"{100 * one['overall']:23.2f}%" for one in results.values()))
    for row in ("lost", "leaked_identifiers", "leaking_files", "leaked_uids"):
        print(f"{row:20}" + "".join(f"{one[row]:24}" for one in results.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default=",".join(PEERS))
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    files = sorted((asked.set / "data").rglob("*.dcm"))
    results: dict[str, dict[str, Any]] = {}
    for name in asked.only.split(","):
        if name == "orthanc" and not available():
            print("Orthanc is not on the PATH: left out")
            continue
        start = time.perf_counter()
        run = run_peer(name, files, asked.out / name)
        seconds = time.perf_counter() - start
        results[name] = score(asked.set, asked.out / name) | run | {"seconds": seconds}
        print(f"{name}: {len(files) / seconds:.1f} files/s, failed {run['failed']} {run.get('errors', '')}", flush=True)
    print_table(results)
    (asked.out / "peers.json").write_text(json.dumps(results, indent=1, ensure_ascii=False, default=str))


if __name__ == "__main__":
    main()
