from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.slide import open_slide
from tests.io.slide.make import colours, jpeg_tile, pyramid

SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
SIDE = 32


def tiles_of(picture: np.ndarray, *, columns_first: bool = False) -> list[np.ndarray]:
    height, width = picture.shape[:2]
    down, across = -(-height // SIDE), -(-width // SIDE)
    padded = np.pad(picture, ((0, down * SIDE - height), (0, across * SIDE - width), (0, 0)))
    places = [(r, c) for r in range(down) for c in range(across)]
    if columns_first:
        places.sort(key=lambda at: (at[1], at[0]))
    return [padded[r * SIDE : (r + 1) * SIDE, c * SIDE : (c + 1) * SIDE] for r, c in places]


def instance(path: Path, picture: np.ndarray, *, series: str, jpeg: bool = True, **tags: object) -> None:
    columns_first = bool(tags.pop("columns_first", False))
    keep = tags.pop("keep", None)
    frames = tiles_of(picture, columns_first=columns_first)
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SLIDE
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.SeriesInstanceUID, data.Modality = series, "SM"
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.Rows = data.Columns = SIDE
    data.TotalPixelMatrixRows, data.TotalPixelMatrixColumns = picture.shape[:2]
    data.SamplesPerPixel, data.PlanarConfiguration = 3, 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PhotometricInterpretation = "YBR_FULL_422" if jpeg else "RGB"
    measures = Dataset()
    measures.PixelSpacing = [0.002, 0.001]
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    data.SharedFunctionalGroupsSequence = [shared]
    data.DimensionOrganizationType = "TILED_FULL"
    if keep is not None:  # TILED_SPARSE: some frames, in an order of their own
        across = -(-picture.shape[1] // SIDE)
        data.DimensionOrganizationType = "TILED_SPARSE"
        data.PerFrameFunctionalGroupsSequence = [position(number, across) for number in keep]
        frames = [frames[number] for number in keep]
    data.NumberOfFrames = len(frames)
    for name, value in tags.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    if jpeg:
        data.PixelData = encapsulate([jpeg_tile(frame) for frame in frames])
        data["PixelData"].VR = "OB"
    else:
        data.PixelData = b"".join(frame.tobytes() for frame in frames)
    pydicom.dcmwrite(path, data, enforce_file_format=True)


def position(number: int, across: int) -> Dataset:
    place = Dataset()
    place.ColumnPositionInTotalImagePixelMatrix = number % across * SIDE + 1
    place.RowPositionInTotalImagePixelMatrix = number // across * SIDE + 1
    group = Dataset()
    group.PlanePositionSlideSequence = [place]
    return group


def test_a_folder_of_levels_is_one_slide(tmp_path: Path) -> None:
    pages, series = pyramid(colours(120, 200), 3), generate_uid()
    for number, page in enumerate(pages):
        instance(tmp_path / f"{number}.dcm", page, series=series, jpeg=False)
    instance(
        tmp_path / "label.dcm", colours(40, 30, 1), series=series, jpeg=False, ImageType=["O", "P", "LABEL", "NONE"]
    )
    instance(tmp_path / "other.dcm", colours(300, 300), series=generate_uid())
    (tmp_path / "readme.txt").write_text("not DICOM")
    for path in (tmp_path / "0.dcm", tmp_path / "2.dcm"):
        with open_slide(path) as slide:
            assert [(level.width, level.height, level.downsample) for level in slide.levels] == [
                (200, 120, 1.0),
                (100, 60, 2.0),
                (50, 30, 4.0),
            ]
            assert slide.mpp == pytest.approx((1.0, 2.0))
            for level, page in enumerate(pages):
                np.testing.assert_array_equal(slide.read_region(level, 0, 0, page.shape[1], page.shape[0]), page)
            assert list(slide.associated) == ["label"]
            np.testing.assert_array_equal(slide.associated_image("label"), colours(40, 30, 1))


def test_jpeg_frames(tmp_path: Path) -> None:
    page = colours(100, 150)
    instance(tmp_path / "a.dcm", page, series=generate_uid())
    with open_slide(tmp_path) as slide:
        found = slide.read_region(0, 0, 0, 150, 100)
    assert np.abs(found.astype(int) - page).mean() < 6
    assert type(slide.reader).__name__ == "DicomSlide"


def test_frames_that_are_not_stored_are_background(tmp_path: Path) -> None:
    page = colours(64, 96)
    instance(tmp_path / "a.dcm", page, series=generate_uid(), jpeg=False, keep=[5, 0, 2])
    with open_slide(tmp_path / "a.dcm", background=3) as slide:
        found = slide.read_region(0, 0, 0, 96, 64)
    expected = np.full_like(page, 3)
    for number in (5, 0, 2):
        y, x = number // 3 * SIDE, number % 3 * SIDE
        expected[y : y + SIDE, x : x + SIDE] = page[y : y + SIDE, x : x + SIDE]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("columns_first", [False, True])
def test_the_order_of_frames_is_seen_where_it_is_not_said(tmp_path: Path, columns_first: bool) -> None:
    page = colours(150, 220)
    options = {"columns_first": columns_first, "DimensionOrganizationType": None}
    instance(tmp_path / "a.dcm", page, series=generate_uid(), jpeg=False, **options)
    with open_slide(tmp_path / "a.dcm") as slide:
        np.testing.assert_array_equal(slide.read_region(0, 0, 0, 220, 150), page)


def test_damaged_dicom(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    instance(path, colours(100, 150), series=generate_uid())
    data = path.read_bytes()
    for cut in (140, 300, len(data) // 2, len(data) - 30):
        path.write_bytes(data[:cut])
        with pytest.raises(DataError), open_slide(path, backend="dicom") as slide:
            slide.read_region(0, 0, 0, 150, 100)
    instance(path, colours(10, 10), series=generate_uid(), BitsAllocated=16)
    with pytest.raises(UnreadableFileError, match="16 bits"):
        open_slide(path, backend="dicom")


@pytest.mark.parametrize("organisation", ["TILED_FULL", None])
def test_a_matrix_of_which_next_to_nothing_is_stored(tmp_path: Path, organisation: str | None) -> None:
    path = tmp_path / "a.dcm"
    tags = {"TotalPixelMatrixColumns": 2_000_000_000, "DimensionOrganizationType": organisation}
    instance(path, colours(64, 96), series=generate_uid(), jpeg=False, **tags)
    with pytest.raises(LimitError, match="stores 6"):
        open_slide(path)
    tags["TotalPixelMatrixColumns"] = 2000 * SIDE  # 4,000 tiles are not many
    instance(path, colours(64, 96), series=generate_uid(), jpeg=False, **tags)
    with open_slide(path, background=5) as slide:
        found = slide.thumbnail(1000)
        assert slide.reader.stored(0).sum() == 6
    assert found.shape == (1, 1000, 3)
    assert (found[0, 4:] == 5).all()
    assert (found[0, :3] > 5).all()


def test_places_beyond_the_matrix_are_not_looked_at(tmp_path: Path) -> None:
    page = colours(64, 96)
    tags = {"TotalPixelMatrixColumns": 64, "jpeg": False, "keep": [0, 2, 5, 3]}
    instance(tmp_path / "a.dcm", page, series=generate_uid(), **tags)
    with open_slide(tmp_path / "a.dcm", background=0) as slide:
        np.testing.assert_array_equal(slide.read_region(0, 0, 0, 32, 64), page[:, :32])
        assert not slide.read_region(0, 32, 0, 64, 64).any()


def test_a_jpeg_2000_frame_of_another_size_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    path = tmp_path / "a.dcm"
    instance(path, colours(SIDE, SIDE), series=generate_uid())
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = JPEG2000
    for height in (SIDE, 2 * SIDE):
        stream = imagecodecs.jpeg2k_encode(colours(height, SIDE), codecformat="j2k")
        data.PixelData = encapsulate([stream])
        pydicom.dcmwrite(path, data)
        with open_slide(path) as slide:
            if height == SIDE:
                assert slide.read_region(0, 0, 0, SIDE, SIDE).shape == (SIDE, SIDE, 3)
                monkeypatch.setattr(imagecodecs, "jpeg2k_decode", lambda *_, **__: pytest.fail("it was decoded"))
            else:
                with pytest.raises(UnreadableFileError, match="32 x 64"):
                    slide.read_region(0, 0, 0, SIDE, SIDE)
