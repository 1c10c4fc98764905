"""Slide tiles against OpenSlide and tiffslide: in sequence, at random, not aligned to the stored tiles (P10).

The tiles are compared first: with OpenSlide they must be equal, tiffslide may differ by what JPEG decoders differ by
(two grey levels). Each round opens the slide anew, so that every peer starts with an empty cache.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from peers import interleave, machine, print_table, speedup, write_json

from deephealth.io.slide import open_slide

Positions = list[tuple[int, int]]
Reader = Callable[[Positions, int], list[np.ndarray]]


def ours(path: Path, threads: int) -> Reader:
    """Return our reader of many tiles."""

    def read(positions: Positions, size: int) -> list[np.ndarray]:
        with open_slide(path) as slide:
            return [tile.pixels for tile in slide.read_tiles(positions, size, threads=threads)]

    return read


def by_openslide(path: Path) -> Reader:
    """Return OpenSlide's, as its users write it."""
    import openslide

    def read(positions: Positions, size: int) -> list[np.ndarray]:
        with openslide.OpenSlide(path) as slide:
            return [
                cv2.cvtColor(np.asarray(slide.read_region(place, 0, (size, size))), cv2.COLOR_RGBA2RGB)
                for place in positions
            ]

    return read


def by_tiffslide(path: Path) -> Reader:
    """Return tiffslide's, straight to arrays."""
    import tiffslide

    def read(positions: Positions, size: int) -> list[np.ndarray]:
        with tiffslide.TiffSlide(path) as slide:
            return [slide.read_region(place, 0, (size, size), as_array=True) for place in positions]

    return read


def workloads(width: int, height: int, stored: int) -> dict[str, tuple[Positions, int]]:
    """Return the positions and the tile size of each workload."""
    rng = np.random.default_rng(0)
    grid = [(x, y) for y in range(0, height - stored + 1, stored) for x in range(0, width - stored + 1, stored)]
    shuffled = [grid[at] for at in rng.permutation(len(grid))]
    size = 256
    free = [(int(rng.integers(0, width - size)), int(rng.integers(0, height - size))) for _ in range(len(grid))]
    rows = [(x, y) for y in range(0, height - size + 1, size) for x in range(0, width - size + 1, size)]
    return {
        "sequential, aligned": (grid, stored),
        "random, aligned": (shuffled, stored),
        "sequential, unaligned": (rows, size),
        "random, unaligned": (free, size),
    }


def largest_difference(some: list[np.ndarray], others: list[np.ndarray]) -> int:
    """Return the largest difference in grey levels."""
    return max(
        int(cv2.absdiff(one, np.ascontiguousarray(other)).max()) for one, other in zip(some, others, strict=True)
    )


def sample(folder: Path) -> Path:
    """Write a tiled TIFF as scanners do: smooth colour with grain, 4096 x 4096, JPEG tiles."""
    import tifffile

    rng = np.random.default_rng(0)
    grain = cv2.GaussianBlur(rng.normal(0, 60, (4096, 4096, 3)), (0, 0), 2)
    slow = cv2.resize(rng.normal(180, 40, (64, 64, 3)), (4096, 4096), interpolation=cv2.INTER_CUBIC)
    path = folder / "slide.tif"
    pixels = np.clip(slow + grain * 4, 0, 255).astype(np.uint8)
    tifffile.imwrite(
        path, pixels, tile=(256, 256), photometric="rgb", compression="jpeg", compressionargs={"level": 85}
    )
    return path


def measure(path: Path, threads: list[int], rounds: int) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """Return the rows of the table and the raw figures."""
    peers = {"openslide": (by_openslide(path), 0)}
    if importlib.util.find_spec("tiffslide"):
        peers["tiffslide"] = (by_tiffslide(path), 2)
    else:
        print("tiffslide is not installed: skipped")
    with open_slide(path) as slide:
        (width, height), stored = slide.dimensions, (slide.levels[0].tile or (256, 256))[0]
        print(f"{path.name}: {type(slide.reader).__name__}, {width} x {height}, stored tiles of {stored}")
    rows, raw = [], []
    for name, (positions, size) in workloads(width, height, stored).items():
        mine = {f"ours, {count} thread{'s' if count > 1 else ''}": ours(path, count) for count in threads}
        reference = next(iter(mine.values()))(positions, size)
        for peer, (read, allowed) in peers.items():
            found = largest_difference(reference, read(positions, size))
            if found > allowed:
                msg = f"{name}: {peer} differs by {found} grey levels"
                raise SystemExit(msg)
        calls = mine | {key: read for key, (read, _) in peers.items()}
        times = interleave({key: partial(read, positions, size) for key, read in calls.items()}, rounds=rounds)
        raw.append({"workload": name, "tiles": len(positions), "size": size, "seconds": times})
        first = next(iter(mine))
        for key, seconds in times.items():
            ratio = speedup(times[first], seconds) if key != first else None
            rows.append(
                [
                    name,
                    key,
                    round(len(positions) / float(np.median(seconds))),
                    "" if ratio is None else f"{ratio['times']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})",
                ]
            )
    return rows, raw


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slide", type=Path, help="a slide that all peers read; a generated TIFF by default")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = options.slide or sample(Path(folder))
        rows, raw = measure(path, options.threads, options.rounds)
    print_table(rows, ["workload", "reader", "tiles/s", "ours on the first thread count is faster by"])
    write_json(options.json, {"machine": machine(["openslide-python", "openslide-bin", "numpy"]), "results": raw})


if __name__ == "__main__":
    main()
