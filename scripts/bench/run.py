"""The benchmarks of the hot spots: one protocol for all rows, one table out, the raw figures and a plot per row kept.

Each peer lives in a process of its own, held to one core, then to two. First all outputs are checked equal. Then the
peers take turns, round after round, in an order that moves on, while nothing else runs on the machine; the ratio is
that of the medians, with a 95 % bootstrap interval. Memory is the rise of the resident set during one call.

    python scripts/bench/run.py                       every row
    python scripts/bench/run.py dice-ce warp          two of them
    python scripts/bench/run.py --list
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from peers import machine, speedup, write_json
from report import draw, table
from row import FOLDER, Row
from serve import rows

_SERVE = Path(__file__).with_name("serve.py")
_LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
_LEAST_S, _SHORT_S, _WARM_S = 0.2, 0.05, 0.5
_BUSY = 0.15  # share of the cores that other work may use when a row begins
_PATIENCE_S = 60
_PACKAGES = ("numpy", "torch", "numba", "deephealth")


class Work(NamedTuple):
    """What the processes of one measurement are told: the row, the module it is in, and the number of threads."""

    module: str
    row: Row
    threads: int


class Peer:
    """A process that prepares the work of one row and does it in one way or another when asked."""

    def __init__(self, work: Work, *, exact_memory: bool = False) -> None:
        threads = work.threads
        environment = os.environ | {f"{library}_NUM_THREADS": str(threads) for library in _LIBRARIES}
        environment |= {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads)}
        if exact_memory:  # large blocks go back to the system as they are freed: a second call shows its whole peak
            environment |= {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "131072"}
        order = json.dumps({"module": work.module, "row": work.row.name, "threads": threads})
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVE), order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **order: Any) -> Any:
        """Give an order and return the answer.

        Raises:
            RuntimeError: the work failed, with what was said.
        """
        try:
            print(json.dumps(order), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise RuntimeError(f"the process ended with {self._process.wait()}") from None
        line = self._process.stdout.readline() if self._process.stdout else ""
        answer = json.loads(line) if line else {"error": f"the process ended with {self._process.wait()}"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()  # at the end of its orders it goes by itself


def main() -> None:
    """Run the rows that were named, and print and keep what was found."""
    options = _options()
    known = rows()
    if options.list:
        print("\n".join(f"{row.name:24} {row.title}" for _, row in known.values()))
        return
    unknown = set(options.rows) - set(known)
    if unknown:
        sys.exit(f"no such row: {', '.join(sorted(unknown))}; --list names them")
    chosen = [found for name, found in known.items() if name in options.rows or not options.rows]
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    found = [figures for module, row in chosen for figures in measured(module, row, options, folder)]
    text = table(found)
    (folder / "table.md").write_text(text)
    print(text)


def measured(module: str, row: Row, options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Check and time one row for each number of threads; a row that fails is reported and passed over."""
    if row.device == "cuda" and not _accelerator():
        yield {"row": row.name, "title": row.title, "skipped": "not measured: no accelerator here"}
        return
    for threads in options.threads or (row.threads if row.device == "cpu" else (os.cpu_count() or 1,)):
        try:
            _wait_for_quiet(force=options.busy)
            with tempfile.TemporaryDirectory() as common:
                os.environ[FOLDER] = common
                figures = _figures(Work(module, row, threads), options.rounds or row.rounds)
        except RuntimeError as problem:
            yield {"row": row.name, "title": row.title, "threads": threads, "skipped": str(problem)}
            continue
        write_json(str(folder / f"{row.name}-{threads}.json"), figures)
        draw(figures, folder / f"{row.name}-{threads}.png")
        print(table([figures]), file=sys.stderr, flush=True)
        yield figures


def _figures(work: Work, rounds: int) -> dict[str, Any]:
    row, threads = work.row, work.threads
    with closing(Peer(work)) as one:
        names = one.ask(do="names")
        equal = one.ask(do="check")
        bandwidth = one.ask(do="bandwidth", peer=names[0]) if row.bytes_moved else None
    seconds = {
        name: [row.scale.get(name, 1) * span for span in spans] for name, spans in _times(work, names, rounds).items()
    }
    figures: dict[str, Any] = {
        "row": row.name,
        "title": row.title,
        "group": row.group,
        "threads": threads,
        "equal": equal,
        "seconds": seconds,
        "ratios": {name: speedup(seconds[names[0]], seconds[name]) for name in names[1:]},
        "goals": dict(row.goals),
        "machine": machine([*_PACKAGES, *row.packages]),
    }
    if row.memory_goals:
        peaks = {name: _peak(work, name) for name in (names[0], *row.memory_goals)}
        figures |= {"peaks": peaks, "memory_goals": dict(row.memory_goals)}
    if bandwidth:
        figures["share_of_copy"] = row.bytes_moved / sorted(seconds[names[0]])[rounds // 2] / bandwidth
    return figures


def _times(work: Work, names: Sequence[str], rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in names}
    with ExitStack() as stack:
        first = stack.enter_context(closing(Peer(work)))
        peers = dict.fromkeys(names, first)
        if work.row.apart:
            peers |= {name: stack.enter_context(closing(Peer(work))) for name in names[1:]}
        least_s = _LEAST_S if work.row.apart else _SHORT_S
        for name, peer in peers.items():
            peer.ask(do="time", peer=name, least_s=_WARM_S)
        for at in range(rounds):
            turn = at % len(names)
            for name in [*names[turn:], *names[:turn]]:
                found[name].append(peers[name].ask(do="time", peer=name, least_s=least_s))
    return found


def _peak(work: Work, name: str) -> int:
    with closing(Peer(work, exact_memory=True)) as peer:
        return int(peer.ask(do="peak", peer=name))


def _wait_for_quiet(*, force: bool) -> None:
    """Wait until other work leaves the cores alone.

    Raises:
        RuntimeError: it does not.
    """
    if force or not Path("/proc/stat").exists():
        return
    end = time.monotonic() + _PATIENCE_S
    while (busy := _busy_share(1.0)) > _BUSY:
        if time.monotonic() > end:
            raise RuntimeError(f"other work uses {busy:.0%} of the cores; --busy measures all the same")


def _busy_share(span_s: float) -> float:
    def read() -> tuple[int, int]:
        numbers = [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return sum(numbers), numbers[3] + numbers[4]

    before = read()
    time.sleep(span_s)
    total, idle = (after - first for after, first in zip(read(), before, strict=True))
    return 1 - idle / max(total, 1)


def _accelerator() -> bool:
    import torch

    return torch.cuda.is_available()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="names of rows; all if left out")
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--threads", type=int, nargs="+", help="instead of each row's own numbers of threads")
    parser.add_argument("--rounds", type=int, help="instead of each row's own number of rounds")
    parser.add_argument("--busy", action="store_true", help="measure although other work runs on this machine")
    parser.add_argument("--out", default="build/bench", help="folder for table.md, the raw figures and the plots")
    return parser.parse_args()


if __name__ == "__main__":
    main()
