from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from deephealth.io.slide import open_slide
from deephealth.io.slide.buffers import TileBuffers
from tests.io.slide.make import PACKINGS, write_slide

SHAPE = (8, 9, 3)


@pytest.mark.parametrize(
    "hold",
    [
        lambda array: array,
        lambda array: array[2:5, ::2],
        lambda array: array.transpose(2, 0, 1).reshape(-1)[:0],
        torch.from_numpy,
        memoryview,
        lambda array: np.asarray(memoryview(array)),
        lambda array: array.view(np.int8),
    ],
)
def test_memory_that_somebody_holds_is_not_used_again(hold: Callable[[np.ndarray], object]) -> None:
    buffers = TileBuffers(10**6)
    first = buffers.get(SHAPE)
    at = first.ctypes.data
    kept = hold(first)
    del first
    others = [buffers.get(SHAPE) for _ in range(5)]
    assert at not in [other.ctypes.data for other in others] or np.size(kept) == 0
    del kept, others
    assert at in {buffers.get(SHAPE).ctypes.data for _ in range(50)}


def test_what_is_kept_is_bounded() -> None:
    buffers = TileBuffers(3 * np.prod(SHAPE))
    held = [buffers.get(SHAPE) for _ in range(10)]
    assert len({array.ctypes.data for array in held}) == 10
    assert buffers.held == buffers.capacity
    buffers.clear()
    assert buffers.held == 0
    assert len({array.ctypes.data for array in held}) == 10


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("stride", [64, 50])
def test_tiles_that_are_kept_stay_as_they_are(tmp_path: Path, packing: str, threads: int, stride: int) -> None:
    path = tmp_path / "a.tif"
    write_slide(path, packing=packing)
    with open_slide(path, cache_bytes=300_000) as slide:
        kept = list(slide.tiles(64, stride=stride, threads=threads))[::3]
        for _ in range(2):
            for tile in slide.tiles(64, stride=stride, threads=threads):
                tile.pixels[:] = 0
    with open_slide(path, backend="openslide") as slide:
        for tile in kept:
            expected = slide.read_region(0, tile.x, tile.y, 64, 64)
            np.testing.assert_array_equal(tile.pixels, expected)


def test_without_imagecodecs_the_pixels_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    write_slide(path)
    with open_slide(path) as slide:
        expected = slide.read_region(0, 0, 0, 420, 300)
    monkeypatch.setattr("deephealth.io.jpeg._imagecodecs", lambda: None)
    with open_slide(path) as slide:
        np.testing.assert_array_equal(slide.read_region(0, 0, 0, 420, 300), expected)
