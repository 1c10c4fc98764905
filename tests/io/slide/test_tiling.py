from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError, UnreadableFileError
from deephealth.io.slide import Level, Slide, open_slide, tile_positions, tissue_mask
from deephealth.io.slide.plain import PlainSlide
from deephealth.io.slide.tile_cache import TileCache
from tests.io.slide.make import colours, tiff_bytes, write_slide


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    edge=st.sampled_from(["pad", "drop"]),
)
def test_tiles_without_overlap_cover_each_pixel_once(width: int, height: int, size: tuple[int, int], edge: str) -> None:
    count = np.zeros((height, width), int)
    for x, y in tile_positions([Level(width, height, 1.0)], size, edge=edge):
        count[y : y + size[1], x : x + size[0]] += 1
        assert edge == "pad" or (x + size[0] <= width and y + size[1] <= height)
    wide, high = (width, height) if edge == "pad" else (width // size[0] * size[0], height // size[1] * size[1])
    assert (count[:high, :wide] == 1).all()
    assert count.sum() == wide * high


def test_positions_of_a_coarse_level_are_in_pixels_of_level_0() -> None:
    levels = [Level(400, 400, 1.0), Level(100, 100, 4.0)]
    assert list(tile_positions(levels, 50, level=1)) == [(0, 0), (200, 0), (0, 200), (200, 200)]
    assert len(list(tile_positions(levels, 50, level=1, stride=25, edge="drop"))) == 9


def test_a_mask_chooses_tiles_by_their_share_of_tissue() -> None:
    levels = [Level(400, 400, 1.0)]
    mask = np.zeros((40, 40), bool)
    mask[:10, :10] = True
    mask[10:20, 10:13] = True
    assert list(tile_positions(levels, 100, mask=mask)) == [(0, 0), (100, 100)]
    assert list(tile_positions(levels, 100, mask=mask, least=0.5)) == [(0, 0)]


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": 8, "stride": 0}, {"size": 8, "edge": "wrap"}, {"size": 8, "level": 1}]
)
def test_wrong_tilings_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(DataError):
        list(tile_positions([Level(40, 40, 1.0)], **wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_tiles_come_in_order_whatever_the_threads(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "a.tif"
    write_slide(path)
    with open_slide(path) as slide:
        for tile, (x, y) in zip(
            slide.tiles(50, stride=30, threads=threads), tile_positions(slide.levels, 50, stride=30), strict=True
        ):
            assert (tile.x, tile.y, tile.level) == (x, y, 0)
            np.testing.assert_array_equal(tile.pixels, slide.read_region(0, x, y, 50, 50))


def test_one_slide_serves_many_threads_with_different_regions(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_slide(path)
    rng = np.random.default_rng(0)
    places = [tuple(map(int, rng.integers(-20, 380, 2))) for _ in range(200)]
    with open_slide(path, cache_bytes=64 * 64 * 3 * 4) as slide, ThreadPoolExecutor(8) as pool:
        alone = [slide.read_region(0, x, y, 70, 70) for x, y in places]
        for found, expected in zip(pool.map(lambda at: slide.read_region(0, *at, 70, 70), places), alone, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_damaged_tile_is_raised_in_its_turn(tmp_path: Path, threads: int) -> None:
    def damage(number: int, tags: dict[int, tuple[int, list[int]]]) -> None:
        tags[324][1][5] = tags[324][1][5] + 40  # no longer the start of a JPEG

    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes([colours(128, 512)], change=damage))
    seen = []
    with open_slide(path) as slide, pytest.raises(UnreadableFileError):  # noqa: PT012 - the loop is what raises
        for tile in slide.tiles(64, threads=threads):
            seen.append((tile.x, tile.y))
    assert seen == [(x, 0) for x in range(0, 320, 64)]


def test_stopping_early_leaves_no_thread_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_slide(path)
    with open_slide(path) as slide:
        tiles = slide.tiles(16, threads=4)
        next(tiles)
        tiles.close()  # type: ignore[attr-defined]
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("slide")]


def test_a_slide_survives_pickling(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_slide(path)
    with open_slide(path, background=3) as slide, pickle.loads(pickle.dumps(slide)) as again:
        np.testing.assert_array_equal(again.read_region(0, -5, 0, 50, 50), slide.read_region(0, -5, 0, 50, 50))


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache = TileCache(30)
    made: list[int] = []

    def make(key: int) -> np.ndarray:
        made.append(key)
        return np.full(10, key, np.uint8)

    for key in (1, 2, 3, 1, 4, 1, 2):
        assert cache.get(key, lambda key=key: make(key))[0] == key  # type: ignore[misc]
    assert made == [1, 2, 3, 4, 2]
    assert cache.held == 30


def test_a_tile_that_fails_can_be_asked_for_again() -> None:
    cache = TileCache(30)

    def fail() -> np.ndarray:
        raise UnreadableFileError("damaged")

    for _ in range(2):
        with pytest.raises(UnreadableFileError):
            cache.get(1, fail)
    assert cache.get(1, lambda: np.zeros(1, np.uint8)).size == 1


def test_the_thumbnail_is_the_mean_of_what_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    base = colours(256, 512)
    path.write_bytes(tiff_bytes([base], packing="stored"))
    with open_slide(path) as slide:
        small = slide.thumbnail(128)
        assert small.shape == (64, 128, 3)
        expected = base.reshape(64, 4, 128, 4, 3).mean((1, 3))
        assert np.abs(small - expected).max() <= 0.51
        np.testing.assert_array_equal(slide.thumbnail(512), base)


def picture(height: int = 200, width: int = 300) -> np.ndarray:
    rng = np.random.default_rng(0)
    glass = rng.integers(236, 244, (height, width, 1)).repeat(3, 2)
    return glass.astype(np.uint8)


def test_tissue_is_found_and_glass_pen_and_dust_are_not() -> None:
    shown = picture()
    truth = np.zeros(shown.shape[:2], bool)
    truth[40:140, 50:150] = True
    shown[truth] = (205, 120, 170)
    shown[20:30, 200:280] = (20, 160, 110)  # green pen
    shown[150:160, 200:280] = (20, 30, 150)  # blue pen
    shown[180:183, 20:23] = (205, 120, 170)  # dust
    shown[80:84, 90:94] = 240  # a hole
    shown[:10] = 5  # the scanner's border
    found = tissue_mask(shown, mpp=20)
    assert (found & truth).sum() / (found | truth).sum() > 0.93
    assert found[82, 92]
    assert not found[181, 21]
    assert tissue_mask(shown, mpp=20, pen=False)[20:30, 210:270].all()


@pytest.mark.parametrize("empty", [np.full((50, 60, 3), 240, np.uint8), np.zeros((50, 60, 3), np.uint8), picture()])
def test_glass_alone_holds_no_tissue(empty: np.ndarray) -> None:
    assert not tissue_mask(empty).any()


def test_tissue_of_a_slide_has_the_resolution_asked_for(tmp_path: Path) -> None:
    shown = picture(512, 768)
    shown[100:300, 100:400] = (205, 120, 170)
    path = tmp_path / "a.svs"
    text = b"Aperio Image Library\n|MPP = 10.0"
    path.write_bytes(tiff_bytes([shown], packing="deflate", description=text))
    with open_slide(path) as slide:
        mask = slide.tissue_mask(mpp=40)
        assert mask.shape == (128, 192)
        assert 0.9 < mask[25:75, 25:100].mean() <= 1
        chosen = {(tile.x, tile.y) for tile in slide.tiles(64, mask=mask, least=0.5, threads=1)}
    assert (128, 128) in chosen
    assert (640, 448) not in chosen


def test_an_ordinary_picture_is_a_slide_of_one_level(tmp_path: Path) -> None:
    import cv2

    pixels = colours(40, 60)
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), pixels[..., ::-1])
    with open_slide(path, background=9) as slide:
        assert isinstance(slide, Slide)
        assert isinstance(slide.reader, PlainSlide)
        padded = np.pad(pixels, ((5, 5), (5, 5), (0, 0)), constant_values=9)
        np.testing.assert_array_equal(slide.read_region(0, -5, -5, 70, 50), padded)
        assert (slide.read_region(0, 100, 100, 4, 4) == 9).all()
