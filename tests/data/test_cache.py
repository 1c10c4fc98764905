from __future__ import annotations

import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from deephealth.core.errors import UnreadableFileError
from deephealth.data.cache import DecodedRasters, RasterCache, default_cache_folder
from deephealth.data.sample import DataIndex
from deephealth.io.raster import read_mask, read_rgb, write_png
from deephealth.io.source import Source


def every_second(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return array[::2, ::2][: size[0], : size[1]]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Source]:
    for number in range(6):
        write_png(tmp_path / f"{number}.png", np.full((8, 10, 3), number, np.uint8))
    return [Source(tmp_path / f"{number}.png") for number in range(6)]


@pytest.fixture
def cache(tmp_path: Path) -> RasterCache:
    return RasterCache(tmp_path / "cache", resize=every_second, resize_mask=every_second)


def test_decodes_once(cache: RasterCache, pictures: list[Source]) -> None:
    calls: list[tuple[int, int]] = []
    first = cache.images([*pictures, pictures[2]], (4, 5), progress=lambda done, total: calls.append((done, total)))
    assert (len(first), first.num_decoded, calls) == (7, 6, [(6, 6)])
    again = RasterCache(cache.folder, resize=every_second).images(pictures, (4, 5))
    assert again.num_decoded == 0
    for number, array in enumerate(again):
        np.testing.assert_array_equal(array, np.full((4, 5, 3), number))
        assert not array.flags.writeable
        assert not array.flags.owndata
    assert [array[0, 0, 0] for array in again[1:3]] == [1, 2]


def test_the_resize_of_the_project(tmp_path: Path, index: DataIndex) -> None:
    from deephealth.transforms.resize import resize_mask, resize_rgb

    cache = RasterCache(tmp_path)
    images = [sample.image for sample in index.samples[:3]]
    masks = [sample.mask for sample in index.samples[:3] if sample.mask is not None]
    for source, cached, plain in zip(images, cache.images(images, (6, 7)), DecodedRasters(images, (6, 7)), strict=True):
        np.testing.assert_array_equal(cached, resize_rgb(read_rgb(source), (6, 7)))
        np.testing.assert_array_equal(cached, plain)
    decoded = DecodedRasters(masks, (6, 7), "mask")
    for source, cached, plain in zip(masks, cache.masks(masks, (6, 7)), decoded[:], strict=True):
        np.testing.assert_array_equal(cached, resize_mask(read_mask(source), (6, 7)))
        np.testing.assert_array_equal(cached, plain)


def test_own_sizes(tmp_path: Path, cache: RasterCache, pictures: list[Source]) -> None:
    write_png(tmp_path / "small.png", np.zeros((2, 3, 3), np.uint8))
    rasters = cache.images([*pictures, Source(tmp_path / "small.png")], None)
    assert [array.shape for array in rasters][-2:] == [(8, 10, 3), (2, 3, 3)]


def test_a_replaced_file_invalidates_itself_alone(cache: RasterCache, pictures: list[Source]) -> None:
    cache.images(pictures, None)
    times = pictures[3].path.stat().st_mtime_ns
    write_png(pictures[3].path, np.full((8, 10, 3), 33, np.uint8))
    os.utime(pictures[3].path, ns=(times, times))
    again = cache.images(pictures, None)
    assert again.num_decoded == 1
    assert [array[0, 0, 0] for array in again] == [0, 1, 2, 33, 4, 5]


def test_sizes_kinds_and_resizers_do_not_mix(cache: RasterCache, pictures: list[Source]) -> None:
    cache.images(pictures, (4, 5))
    assert cache.images(pictures, (2, 2)).num_decoded == 6
    assert cache.masks(pictures, (4, 5)).num_decoded == 6
    assert RasterCache(cache.folder).images(pictures, (4, 5)).num_decoded == 6


def test_what_was_decoded_before_an_error_is_kept(cache: RasterCache, pictures: list[Source], tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=r"bad\.png"):
        cache.images([*pictures, Source(tmp_path / "bad.png")], None)
    assert cache.images(pictures, None).num_decoded == 0


def test_damaged_and_half_written_segments_are_passed_over(cache: RasterCache, pictures: list[Source]) -> None:
    cache.images(pictures, None)
    (segment,) = cache.folder.rglob("*.npy")
    data = segment.read_bytes()
    for damage in (data[:-1], b""):
        segment.write_bytes(damage)
        assert cache.images(pictures, None).num_decoded == 6
        for path in segment.parent.glob("*"):
            if path.stem != segment.stem:
                path.unlink()
    segment.unlink()
    assert cache.images(pictures[:1], None).num_decoded == 1
    segment.with_suffix(".json").write_text("{")
    assert cache.images(pictures[:1], None).num_decoded == 0


def test_pickles_as_paths(cache: RasterCache, pictures: list[Source]) -> None:
    rasters = cache.images(pictures, None)
    data = pickle.dumps(rasters)
    assert len(data) < 4000
    np.testing.assert_array_equal(pickle.loads(data)[5], rasters[5])


def _fill(folder: Path, sources: list[Source]) -> list[int]:
    rasters = RasterCache(folder).images(sources, None)
    return [int(array.sum()) for array in rasters]


def test_two_processes_fill_one_cache(tmp_path: Path, pictures: list[Source]) -> None:
    expected = [int(read_rgb(source).sum()) for source in pictures]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = [pool.apply_async(_fill, (tmp_path / "cache", pictures[start:])) for start in (0, 1, 0, 2)]
        assert [result.get(60) for result in results] == [expected, expected[1:], expected, expected[2:]]
    again = RasterCache(tmp_path / "cache").images(pictures, None)
    assert again.num_decoded == 0
    assert [int(array.sum()) for array in again] == expected


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / "deephealth/rasters"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_folder().parts[-3:] == (".cache", "deephealth", "rasters")
