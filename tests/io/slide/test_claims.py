"""What a slide claims is compared with what its file holds, before memory is taken or OpenSlide sees it."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.limits import DEFAULT_LIMITS
from deephealth.io.slide import Level, open_slide
from deephealth.io.slide.buffers import TileBuffers
from deephealth.io.slide.claims import check_tiff_claims
from deephealth.io.slide.mosaic import read_mosaic
from deephealth.io.slide.openslide_reader import rgba_to_rgb
from deephealth.io.slide.tile_cache import TileCache
from tests.io.slide.make import PACKINGS, Tags, colours, tiff_bytes, write_slide

APERIO = b"Aperio Image Library v11\n192x128 (64x64) JPEG|AppMag = 20|MPP = 0.4990"
CLAIMS = {
    "a width of 0": {256: (4, [0])},
    "far more tiles than are listed": {256: (4, [16_711_884])},
    "tiles of height 0": {323: (3, [0])},
    "tiles without offsets": {324: (4, [8])},
    "many samples": {277: (3, [11617])},
    "a tile of 2.2 GB": {325: (4, [2_200_000_000] * 6)},
    "a tile behind the end": {324: (4, [4_000_000_000] * 6)},
    "tiles that nothing fills": {322: (3, [16384]), 323: (3, [16384])},
}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("big", [False, True])
def test_openslide_does_not_see_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claim: str, big: bool) -> None:
    openslide = pytest.importorskip("openslide")
    path = tmp_path / "a.svs"
    change = {tag: (16, value[1]) if big and tag == 324 else value for tag, value in CLAIMS[claim].items()}
    path.write_bytes(tiff_bytes([colours(128, 192)], big=big, description=APERIO, change=lambda _, t: t.update(change)))

    class Never(openslide.OpenSlide):
        def __init__(self, path: Path) -> None:
            pytest.fail("OpenSlide was given the file")

        detect_format = __init__

    monkeypatch.setattr(openslide, "OpenSlide", Never)
    for backend in (None, "openslide"):
        with pytest.raises(DataError), open_slide(path, backend=backend) as slide:
            slide.read_region(0, 0, 0, 100, 100)


@pytest.mark.parametrize("packing", PACKINGS)
def test_sound_files_pass(tmp_path: Path, packing: str) -> None:
    write_slide(tmp_path / "a.tif", packing=packing)
    (tmp_path / "other").write_bytes(b"not a TIFF")
    for path in (tmp_path / "a.tif", tmp_path / "other", tmp_path):
        check_tiff_claims(path, DEFAULT_LIMITS)


@pytest.mark.parametrize("backend", [None, "tiled-tiff", "openslide"])
def test_a_width_that_is_a_fraction(tmp_path: Path, backend: str | None) -> None:
    data = tiff_bytes([colours(128, 192)], description=APERIO)
    path = tmp_path / "a.svs"
    path.write_bytes(data.replace(struct.pack("<HHII", 256, 4, 1, 192), struct.pack("<HHII", 256, 5, 1, 8)))
    with pytest.raises(UnreadableFileError, match="tag 256 is a fraction"):
        open_slide(path, backend=backend)


def absent(across: int) -> object:
    def change(number: int, tags: Tags) -> None:
        tags.update({256: (4, [across * 64]), 324: (4, [8] * across * 2), 325: (4, [0] * across * 2)})

    return change


def test_a_wide_level_without_tiles_has_a_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes([colours(72, 64)], change=absent(50_000)))  # type: ignore[arg-type]
    with open_slide(path, background=9) as slide:
        assert slide.dimensions == (3_200_000, 72)
        found = slide.thumbnail(64)
    assert found.shape == (1, 64, 3)
    assert (found == 9).all()


@pytest.mark.parametrize(("height", "width", "size"), [(72, 6000, 64), (5000, 40, 50), (2300, 2500, 7), (90, 80, 90)])
@pytest.mark.parametrize("backend", ["tiled-tiff", "openslide", "plain"])
def test_a_thumbnail_is_the_mean_whatever_the_shape(
    tmp_path: Path, height: int, width: int, size: int, backend: str
) -> None:
    page = colours(height, width)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes([page], packing="stored"))
    with open_slide(path, backend=backend) as slide:
        found = slide.thumbnail(size)
    expected = cv2.resize(page, found.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert max(found.shape) == size
    off = np.abs(found.astype(int) - expected)
    assert off.max() <= 8
    assert off.mean() < 1


def test_tiles_that_are_not_stored_cost_nothing() -> None:
    level, stored, cache = Level(3000, 3000, 1.0, (1, 1)), np.zeros((3000, 3000), bool), TileCache(1000)
    stored[8, 7] = True

    def fetch(column: int, row: int) -> np.ndarray:
        return np.array([[[column, row, 0]]], np.uint8)

    found = read_mosaic(level, (5, 5), (2995, 2995), 255, fetch, stored, cache, 0, TileBuffers(0))
    assert found[3, 2].tolist() == [7, 8, 0]
    assert (found != 255).any(axis=2).sum() == 1
    assert cache.held == 3


def test_transparent_pixels_take_no_indices() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    rgba = np.zeros((1000, 1000, 4), np.uint8)
    tracemalloc.start()
    try:
        assert (rgba_to_rgb(rgba, 7) == 7).all()
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_large_tiles_that_the_file_fills(tmp_path: Path) -> None:
    page = np.zeros((2200, 2200, 3), np.uint8)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes([page], tile=2208))
    with open_slide(path) as slide:
        assert slide.read_region(0, 2100, 2100, 10, 10).max() < 9
    path.write_bytes(
        tiff_bytes([page[:8, :8]], tile=8, change=lambda _, t: t.update({322: (3, [8000]), 323: (3, [8000])}))
    )
    with pytest.raises(LimitError, match="8,000 x 8,000"):
        open_slide(path)
