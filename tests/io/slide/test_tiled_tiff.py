from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnknownNameError, UnreadableFileError
from deephealth.io.limits import Limits
from deephealth.io.slide import SLIDE_BACKENDS, open_slide
from tests.io.slide.make import PACKINGS, colours, tiff_bytes, write_slide

APERIO = b"Aperio Image Library v11\n420x300 (64x64) JPEG|AppMag = 20|MPP = 0.4990|User = someone"


@pytest.fixture(scope="module")
def slide_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slide") / "a.tif"
    write_slide(path)
    return path


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize(("big", "order"), [(False, "<"), (True, "<"), (False, ">"), (True, ">")])
def test_every_packing_gives_openslides_pixels(tmp_path: Path, packing: str, big: bool, order: str) -> None:
    path = tmp_path / "a.tif"
    pages = write_slide(path, packing=packing, big=big, order=order)
    peer = path
    if (big, order) == (False, ">"):  # OpenSlide 4.0.1 doesn't open classic big-endian files
        peer = tmp_path / "b.tif"
        write_slide(peer, packing=packing)
    with open_slide(path) as ours, open_slide(peer, backend="openslide") as theirs:
        assert type(ours.reader).__name__ == "TiledTiff"
        assert ours.levels == theirs.levels
        assert len(ours.levels) == 3
        for level, page in enumerate(pages):
            height, width = page.shape[:2]
            found = ours.read_region(level, 0, 0, width, height)
            np.testing.assert_array_equal(found, theirs.read_region(level, 0, 0, width, height))
            if packing != "jpeg":
                np.testing.assert_array_equal(found, page)


@given(x=st.integers(-90, 500), y=st.integers(-90, 400), width=st.integers(0, 200), height=st.integers(0, 200))
@pytest.mark.parametrize("background", [0, 255])
def test_any_region_is_openslides(slide_path: Path, x: int, y: int, width: int, height: int, background: int) -> None:
    with open_slide(slide_path) as ours, open_slide(slide_path, backend="openslide") as theirs:
        found = ours.read_region(0, x, y, width, height, background=background)
        np.testing.assert_array_equal(found, theirs.read_region(0, x, y, width, height, background=background))


def test_a_coarse_level_is_addressed_in_pixels_of_level_0(slide_path: Path) -> None:
    with open_slide(slide_path) as ours, open_slide(slide_path, backend="openslide") as theirs:
        found = ours.read_region(1, 2 * 64, 2 * 10, 80, 70)
        np.testing.assert_array_equal(found, ours.read_region(1, 0, 0, 210, 150)[10:80, 64:144])
        np.testing.assert_array_equal(found, theirs.read_region(1, 2 * 64, 2 * 10, 80, 70))


def test_regions_do_not_share_memory_with_the_cache(slide_path: Path) -> None:
    with open_slide(slide_path) as slide:
        slide.read_region(0, 10, 10, 100, 100)
        first = slide.read_region(0, 64, 64, 64, 64)
        kept = first.copy()
        first[:] = 0
        np.testing.assert_array_equal(slide.read_region(0, 64, 64, 64, 64), kept)


def test_aperio_properties_and_pixel_size(tmp_path: Path) -> None:
    path = tmp_path / "a.svs"
    write_slide(path, levels=1, description=APERIO)
    with open_slide(path) as ours, open_slide(path, backend="openslide") as theirs:
        assert ours.mpp == theirs.mpp == (0.499, 0.499)
        for key in ("openslide.vendor", "aperio.User", "openslide.objective-power", "openslide.level[0].tile-width"):
            assert ours.properties[key] == theirs.properties[key]
        assert ours.best_level_for(mpp=0.5) == 0


@pytest.mark.parametrize("backend", ["tiled-tiff", "openslide"])
def test_best_level(slide_path: Path, backend: str) -> None:
    with open_slide(slide_path, backend=backend) as slide:
        assert [slide.best_level_for(downsample=value) for value in (0.5, 1, 1.9, 2, 3.9, 4.1, 99)] == [
            0,
            0,
            0,
            1,
            1,
            2,
            2,
        ]
        with pytest.raises(DataError, match="how large its pixels are"):
            slide.best_level_for(mpp=1)
        with pytest.raises(DataError, match="a downsample or an mpp"):
            slide.best_level_for()


@pytest.mark.parametrize(
    "backend", [row.name for row in SLIDE_BACKENDS.rows if row.name in ("tiled-tiff", "openslide")]
)
def test_wrong_arguments_are_named(slide_path: Path, backend: str) -> None:
    with open_slide(slide_path, backend=backend, limits=Limits(max_pixels=10_000)) as slide:
        for level in (-1, 3):
            with pytest.raises(DataError, match="has no level"):
                slide.read_region(level, 0, 0, 1, 1)
        with pytest.raises(DataError, match="-1"):
            slide.read_region(0, 0, 0, -1, 1)
        with pytest.raises(LimitError, match="101"):
            slide.read_region(0, 0, 0, 101, 100)
        with pytest.raises(DataError, match="no picture 'label'"):
            slide.associated_image("label")
    with pytest.raises(DataError, match="closed"):
        slide.read_region(0, 0, 0, 1, 1)


def test_unknown_files_and_backends(tmp_path: Path, slide_path: Path) -> None:
    with pytest.raises(MissingDataError):
        open_slide(tmp_path / "none.svs")
    with pytest.raises(UnknownNameError, match="tiled-tiff"):
        open_slide(slide_path, backend="tiled-tif")
    text = tmp_path / "a.svs"
    text.write_text("not a slide")
    with pytest.raises(UnreadableFileError, match="not a slide"):
        open_slide(text)


def test_holes_are_background_in_generic_files_and_left_to_openslide_in_aperio(tmp_path: Path) -> None:
    def hole(number: int, tags: dict[int, tuple[int, list[int]]]) -> None:
        tags[325][1][1] = 0

    pages = [colours(128, 192)]
    generic, aperio = tmp_path / "a.tif", tmp_path / "a.svs"
    generic.write_bytes(tiff_bytes(pages, change=hole))
    aperio.write_bytes(tiff_bytes(pages, change=hole, description=APERIO))
    with open_slide(generic, background=7) as slide:
        assert (slide.read_region(0, 64, 0, 64, 64) == 7).all()
        assert (slide.read_region(0, 60, 0, 72, 64)[:, 4:68] == 7).all()
        assert (slide.read_region(0, 0, 0, 64, 64) != 7).any()
    with open_slide(aperio) as slide:
        assert type(slide.reader).__name__ == "OpenSlideReader"


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (256, (4, [2**31])),  # wider than its tiles
        (322, (3, [65535])),
        (324, (4, [4_000_000_000] * 6)),
        (325, (4, [4_000_000_000] * 6)),
        (277, (3, [60000])),
        (322, (3, [0])),
    ],
)
def test_claims_that_the_file_does_not_hold(tmp_path: Path, tag: int, value: tuple[int, list[int]]) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes([colours(128, 192)], change=lambda _, tags: tags.update({tag: value})))
    with pytest.raises(DataError), open_slide(path, backend="tiled-tiff") as slide:
        slide.read_region(0, 0, 0, 192, 128)


def test_a_loop_of_pages_ends(tmp_path: Path) -> None:
    data = bytearray(tiff_bytes([colours(64, 64)]))
    data[-4:] = data[4:8]
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match="loop"):
        open_slide(path, backend="tiled-tiff")


def test_a_tile_that_is_larger_than_its_page_says_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    data = tiff_bytes([colours(128, 192)])
    at = data.index(b"\xff\xc0") + 5
    path = tmp_path / "a.tif"
    path.write_bytes(data[:at] + b"\xff\xf0\xff\xf0" + data[at + 4 :])
    with open_slide(path) as slide, pytest.raises(LimitError, match="65,520"):
        slide.read_region(0, 0, 0, 192, 128)
