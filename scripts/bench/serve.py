"""One peer of one row in a process of its own: prepares the work once, then runs it whenever it is told to.

``run.py`` starts it and speaks with it in lines of JSON. Nothing of a peer (threads that wait, memory that is kept,
global settings) touches another.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from row import Row

_PAGE_KIB = 1024


def rows() -> dict[str, tuple[str, Row]]:
    """Return every row of every module of ``cases`` whose packages are installed, with its module, by name."""
    import cases

    found: dict[str, tuple[str, Row]] = {}
    for module in pkgutil.iter_modules(cases.__path__):
        try:
            listed = rows_of(module.name)
        except ImportError as error:
            print(f"the rows of cases/{module.name}.py are left out: {error}", file=sys.stderr)
            continue
        for row in listed:
            if row.name in found:
                raise ValueError(f"two rows are called {row.name}")
            found[row.name] = module.name, row
    return found


def rows_of(module: str) -> list[Row]:
    """Return the rows of one module."""
    return list(importlib.import_module(f"cases.{module}").ROWS)


def settle(threads: int) -> None:
    """Keep this process to so many cores, and every library to as many threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def seconds(call: Callable[[], Any], least_s: float, device: str) -> float:
    """Return the seconds of one call, the mean of as many as fill ``least_s``."""
    if device == "cuda":
        return _seconds_on_accelerator(call, least_s)
    count, start = 0, time.perf_counter()
    while True:
        call()
        count += 1
        passed = time.perf_counter() - start
        if passed >= least_s:
            return passed / count


def _seconds_on_accelerator(call: Callable[[], Any], least_s: float) -> float:
    import torch

    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    count = max(1, int(least_s / max(time.perf_counter() - start, 1e-6)))
    first.record()
    for _ in range(count):
        call()
    last.record()
    torch.cuda.synchronize()
    return first.elapsed_time(last) / 1000 / count


def peak(call: Callable[[], Any], device: str) -> int:
    """Return by how many bytes the memory rose at most during a call, over what was there before it."""
    if device == "cuda":
        import torch

        call()
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    call()  # what is compiled or imported at the first call is not what it needs
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    before = _status("VmRSS")
    call()
    return (_status("VmHWM") - before) * _PAGE_KIB


def copy_bandwidth(device: str) -> float:
    """Return the bytes per second that a copy of 1 GiB reads and writes."""
    import torch

    source = torch.zeros(2**30, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    target.copy_(source)
    return 2 * source.numel() / seconds(lambda: target.copy_(source), 0.5, device)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _answer(row: Row, peers: Mapping[str, Callable[[], Any]], order: dict[str, Any]) -> Any:
    if order["do"] == "names":
        return list(peers)
    if order["do"] == "check":
        return row.check({name: call() for name, call in peers.items()})
    call = peers[order["peer"]]
    if order["do"] == "peak":
        return peak(call, row.device)
    if order["do"] == "bandwidth":
        return copy_bandwidth(row.device)
    return seconds(call, order["least_s"], row.device)


def main() -> None:
    """Answer one line after the other; what the peers print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    start = json.loads(sys.argv[1])
    settle(start["threads"])
    row = next(row for row in rows_of(start["module"]) if row.name == start["row"])
    peers = row.peers()
    for line in sys.stdin:
        try:
            answer = {"value": _answer(row, peers, json.loads(line))}
        except Exception as error:  # whatever a peer raises is told, and the run goes on with others
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
