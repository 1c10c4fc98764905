"""Speed of the ECVL face's picture operations against OpenCV, torchvision v2, kornia and albumentations, on one thread.

    python scripts/bench/image_ops.py --rounds 9 --json image_ops.json

Each peer does the same operation on the same 512 x 512 x 3 picture of bytes, in the form it works on: H x W x C for
OpenCV, albumentations and the ECVL face (as a codec leaves an image), C x H x W bytes for torchvision, and floats for
kornia (made beforehand: it can't work on bytes). Outputs are compared first: the mean difference in grey levels, away
from the border, must stay below the case's tolerance, or the peer is named and left out. Random operations differ by
nature; only sizes are compared there. The goal: geometric mean at least 1.0 times the fastest peer, no operation below
0.7, and at least 3 times torchvision.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import torch
from image_ops_cases import Case, cases
from peers import interleave, machine, print_table, speedup, write_json

GOAL, FLOOR, TORCHVISION_GOAL = 1.0, 0.7, 3.0
FRAME = 8  # pixels at the border that are not compared: peers disagree about what lies outside


def main() -> int:
    """Compare outputs, time the cases that were asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", help="names; all if left out")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.threads)
    torch.set_num_threads(arguments.threads)
    results = {
        case.name: measured(case, arguments.rounds)
        for case in cases(arguments.size)
        if not arguments.cases or case.name in arguments.cases
    }
    report(results)
    packages = ["opencv-python-headless", "torchvision", "torch", "numpy"]
    write_json(arguments.json, {"cases": results, "machine": machine(packages), "threads": arguments.threads})
    return 0


def measured(case: Case, rounds: int) -> dict[str, Any]:
    """Return seconds per call, speed-ups, and how far each peer's output is from ours."""
    wanted = np.asarray(case.ours())
    peers: dict[str, Callable[[], Any]] = {"ours": case.ours_timed}
    far: dict[str, float] = {}
    for name, peer in case.peers.items():
        far[name] = distance(wanted, case.picture(name, peer()), sizes_only=case.tolerance is None)
        if far[name] <= (case.tolerance if case.tolerance is not None else math.inf):
            peers[name] = peer
        else:
            print(f"{case.name}: {name} is {far[name]:.3g} grey levels away and is left out")
    seconds = interleave(peers, rounds=rounds)
    ratios = {name: speedup(seconds["ours"], seconds[name]) for name in peers if name != "ours"}
    return {"seconds": seconds, "speedup": ratios, "distance": far}


def distance(ours: np.ndarray, theirs: np.ndarray, *, sizes_only: bool) -> float:
    """Return the mean difference in grey levels, infinite for other sizes."""
    if ours.size != theirs.size:
        return math.inf
    if sizes_only:
        return 0.0
    difference = np.abs(ours.astype(np.float64) - theirs.reshape(ours.shape))
    inner = difference[FRAME:-FRAME, FRAME:-FRAME] if min(difference.shape[:2], default=0) > 2 * FRAME else difference
    return float(inner.mean())


def report(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print one row per case, and the geometric means."""
    names = ["opencv", "torchvision", "kornia", "albumentations"]
    rows, fastest, vision = [], [], []
    for case, result in results.items():
        times = {name: result["speedup"][name]["times"] for name in names if name in result["speedup"]}
        if not times:
            continue
        fastest.append(min(times.values()))
        vision += [times["torchvision"]] if "torchvision" in times else []
        ours = float(np.median(result["seconds"]["ours"])) * 1e3
        rows.append([case, ours, *(times.get(name, "-") for name in names), fastest[-1]])
    print_table(rows, ["operation", "ours, ms", *(f"x {name}" for name in names), "x fastest"])
    below = [row[0] for row, ratio in zip(rows, fastest, strict=True) if ratio < FLOOR]
    print(f"\ngeometric mean: {mean(fastest):.2f} x the fastest peer (goal {GOAL}), {len(rows)} operations")
    print(f"below {FLOOR}: {', '.join(below) or 'none'}")
    print(f"geometric mean: {mean(vision):.2f} x torchvision (goal {TORCHVISION_GOAL}), {len(vision)} operations")


def mean(ratios: list[float]) -> float:
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / max(1, len(ratios)))


if __name__ == "__main__":
    raise SystemExit(main())
