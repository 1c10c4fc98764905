from __future__ import annotations

from pathlib import Path

import numpy as np
import openslide
import pytest

from deephealth.ecvl import ColorType, DataType, Image, OpenSlideGetLevels, OpenSlideImage, OpenSlideRead
from tests.io.slide.make import colours, tiff_bytes, write_slide


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "a.tif"
    write_slide(found)
    return found


def expected(path: Path, level: int, dims: list[int]) -> np.ndarray:
    """The original's arithmetic: colours are divided by alpha, and what has none is black."""
    x, y, width, height = dims
    with openslide.OpenSlide(path) as slide:
        rgba = np.array(slide.read_region((x, y), level, (width, height)))
    return np.where(rgba[..., 3:] == 0, 0, rgba[..., :3]).transpose(2, 1, 0)


def test_levels(path: Path) -> None:
    with OpenSlideImage(path) as slide:
        assert slide.GetLevelCount() == 3
        assert slide.GetLevelsDimensions() == [[420, 300], [210, 150], [105, 75]]
        assert slide.GetLevelDownsamples() == [1.0, 2.0, 4.0]
        assert [slide.GetBestLevelForDownsample(value) for value in (0.1, 1, 3.9, 4, 1000)] == [0, 0, 1, 2, 2]
        assert not slide.closed
    assert slide.closed


@pytest.mark.parametrize(
    ("level", "dims"),
    [
        (0, [0, 0, 64, 64]),
        (0, [17, 33, 100, 50]),
        (0, [-20, -10, 100, 50]),
        (0, [400, 290, 100, 50]),
        (1, [34, 66, 100, 50]),
        (1, [35, 67, 100, 50]),  # between two pixels of the level
        (2, [0, 0, 105, 75]),
        (2, [2, 2, 300, 300]),
    ],
)
def test_regions_are_openslides(path: Path, level: int, dims: list[int]) -> None:
    with OpenSlideImage(str(path)) as slide:
        image = slide.ReadRegion(level, dims)
    assert (image.channels_, image.colortype_, image.elemtype_) == ("cxy", ColorType.RGB, DataType.uint8)
    assert image.dims_ == [3, dims[2], dims[3]]
    assert image.spacings_ == []
    np.testing.assert_array_equal(np.array(image), expected(path, level, dims))


def test_background(path: Path) -> None:
    with OpenSlideImage(path, background=255) as slide:
        assert (np.array(slide.ReadRegion(0, [-10, 0, 10, 10])) == 255).all()
        assert (np.array(slide.ReadRegion(1, [-21, 1, 10, 10]))[:, :8] == 255).all()


def test_properties_are_added_as_text_and_replace_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.svs"
    text = b"Aperio Image Library v11\n|AppMag = 20|MPP = 0.4990"
    path.write_bytes(tiff_bytes([colours(100, 100)], description=text))
    image = Image([2, 2, 1], DataType.uint8, "xyc", ColorType.GRAY)
    image.SetMeta("aperio.AppMag", "mine")
    with OpenSlideImage(path) as slide:
        slide.GetProperties(image)
    with openslide.OpenSlide(path) as slide:
        wanted = dict(slide.properties)
    assert set(image.meta_) == set(wanted)
    assert image.GetMeta("aperio.AppMag").Get() == "mine"
    assert image.GetMeta("aperio.MPP").GetStr() == wanted["aperio.MPP"]


def test_the_older_functions(path: Path) -> None:
    assert OpenSlideGetLevels(path) == [[420, 300], [210, 150], [105, 75]]
    np.testing.assert_array_equal(np.array(OpenSlideRead(path, 1, [0, 0, 9, 8])), expected(path, 1, [0, 0, 9, 8]))


def test_errors_are_runtime_errors(path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.svs").write_text("hello")
    for name in ("none.svs", "text.svs"):
        with pytest.raises(RuntimeError, match="Can't read"):
            OpenSlideImage(tmp_path / name)
    slide = OpenSlideImage(path)
    for level, dims in (
        (3, [0, 0, 1, 1]),
        (-1, [0, 0, 1, 1]),
        (0, [0, 0, -1, 1]),
        (0, [0, 0, 1]),
        (0, [0, 0, 9**5, 9**5]),
    ):
        with pytest.raises(RuntimeError):
            slide.ReadRegion(level, dims)
    slide.Close()
    slide.Close()
    assert slide.closed
    for call in (slide.GetLevelCount, slide.GetLevelsDimensions, lambda: slide.ReadRegion(0, [0, 0, 1, 1])):
        with pytest.raises(RuntimeError, match="closed"):
            call()
