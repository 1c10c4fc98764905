"""Slide tiles against OpenSlide and tiffslide: in sequence, at random, not aligned to the stored tiles.

With OpenSlide the tiles must be equal, tiffslide may differ by what JPEG decoders differ by (two grey levels). Each
call opens the slide anew, so that every peer starts with an empty cache. The slide is a generated one, or that of
``DEEPHEALTH_BENCH_SLIDE``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from row import Row, made_once

from deephealth.core.optional import is_installed
from deephealth.io.slide import open_slide

Positions = list[tuple[int, int]]
Reader = Callable[[Positions, int], list[np.ndarray]]


def ours(path: Path) -> Reader:
    """Return our reader of many tiles."""

    def read(positions: Positions, size: int) -> list[np.ndarray]:
        with open_slide(path) as slide:
            return [tile.pixels for tile in slide.read_tiles(positions, size, threads=len(os.sched_getaffinity(0)))]

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


def sample(folder: Path) -> None:
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


def peers_of(workload: str) -> dict[str, Callable[[], list[np.ndarray]]]:
    """Return who reads the tiles of one workload."""
    cv2.setNumThreads(1)
    path = Path(os.environ.get("DEEPHEALTH_BENCH_SLIDE") or made_once("slide", sample) / "slide.tif")
    with open_slide(path) as slide:
        (width, height), stored = slide.dimensions, (slide.levels[0].tile or (256, 256))[0]
    positions, size = workloads(width, height, stored)[workload]
    readers = {"deephealth": ours(path), "openslide": by_openslide(path)}
    if is_installed("tiffslide"):
        readers["tiffslide"] = by_tiffslide(path)
    return {name: partial(read, positions, size) for name, read in readers.items()}


def check(found: Mapping[str, list[np.ndarray]]) -> str:
    """Compare the tiles of all readers."""
    for name, allowed in (("openslide", 0), ("tiffslide", 2)):
        if name in found:
            far = largest_difference(found["deephealth"], found[name])
            assert far <= allowed, f"{name} differs by {far} grey levels"
    return "equal to OpenSlide, within 2 levels of tiffslide"


def row(workload: str) -> Row:
    """Return the row of one order of tiles."""
    return Row(
        name=f"slide-{workload.replace(', ', '-')}",
        title=f"slide tiles, {workload}",
        peers=lambda: peers_of(workload),
        check=check,
        goals={"openslide": 0.98, "tiffslide": 2},
        packages=("openslide-python", "openslide-bin"),
    )


ROWS = [row(workload) for workload in workloads(512, 512, 256)]
