"""The full run: ``python -m tests.fuzz [--count 2000] [--seed 0] [--keep FOLDER] [format ...]``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from random import Random

from tests.fuzz.harness import Finding, Fuzzer
from tests.fuzz.seeds import FORMATS


def _fuzz(name: str, count: int, seed: int, keep: Path | None) -> list[Finding]:
    findings, start = [], time.monotonic()
    with Fuzzer(name, keep) as fuzzer:
        for number in range(count):
            found = fuzzer.check(*fuzzer.damaged(Random(f"{name} {seed} {number}")))
            if found is not None:
                findings.append(found)
                print(f"{name} --seed {seed}, number {number}: {found}", flush=True)
        counts = ", ".join(f"{value} {outcome}" for outcome, value in sorted(fuzzer.counts.items()))
        print(
            f"{name}: {count} files, {counts}; {fuzzer.readable} of {len(fuzzer.seeds)} seeds readable; "
            f"{len(findings)} findings; {time.monotonic() - start:.0f} s",
            flush=True,
        )
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Damaged files for every reader.")
    parser.add_argument("formats", nargs="*", metavar="format", help=f"of {', '.join(FORMATS)}; all by default")
    parser.add_argument("--count", type=int, default=2000, help="files per format")
    parser.add_argument("--seed", type=int, default=0, help="other seeds make other files")
    parser.add_argument("--keep", type=Path, help="folder for the files that did something")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.formats) - set(FORMATS))
    if unknown:
        parser.error(f"unknown formats: {', '.join(unknown)}")
    found = [_fuzz(name, chosen.count, chosen.seed, chosen.keep) for name in chosen.formats or FORMATS]
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())
