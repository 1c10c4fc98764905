"""How much memory a set of volumes takes in our loaders of ``cases/patches.py``, whatever the number of workers.

The figure is PSS (a page that n processes share counts a n-th in each), summed over all processes of a loader in the
middle of an epoch, in a process of its own for each line. Growth is what eleven further volumes add to the first,
divided by their bytes (int16 image and uint8 label, decoded): what belongs to the data, without the libraries and the
batches on their way.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from cases import patches
from peers import print_table

RAW = (patches.CASES - 1) * patches.SIZE**3 * 3


def main() -> None:
    """Print the table, or (with arguments) the bytes of one loader."""
    if len(sys.argv) > 1:
        print(measure(*map(int, sys.argv[1:])))
        return
    patches.dataset()  # fills the store, so that no measured process decodes
    rows = []
    for workers in (0, 2, 4):
        one, all_of_them = (ask(cases, workers) for cases in (1, patches.CASES))
        mib = [round(size / 2**20) for size in (one, all_of_them)]
        rows.append([workers or "2 threads", *mib, (all_of_them - one) / RAW])
    print_table(rows, ["workers", "1 volume, MiB", f"{patches.CASES} volumes, MiB", "growth / raw bytes"])


def ask(cases: int, workers: int) -> int:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, str(cases), str(workers)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def measure(cases: int, workers: int) -> int:
    """Return the median PSS of all processes in two epochs, after one."""
    loader = patches.our_loader(patches.dataset(cases), threads=2, workers=workers)
    count = patches.PATCHES // 2
    return int(median(sum(map(pss, family())) for _ in islice(batches(loader), count, 3 * count)))


def batches(loader: Any) -> Iterator[Any]:
    """Go through epoch after epoch."""
    while True:
        yield from loader


def family() -> list[str]:
    """Return this process and all below it."""
    found = ["self"]
    for process in found:
        for listed in Path(f"/proc/{process}/task").glob("*/children"):
            found += listed.read_text().split()
    return found


def pss(process: str) -> int:
    """Return a process' share of memory, bytes."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


if __name__ == "__main__":
    main()
