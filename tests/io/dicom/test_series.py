"""Series to volumes: geometry, irregular slices, channels, and what must be refused."""

from __future__ import annotations

import math
import shutil
import warnings

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEGLSLossless

from deephealth.core.errors import DataError, LimitError, MissingDataError
from deephealth.io.dicom.series import list_series, read_series
from deephealth.io.dicom.writing import write_series
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume

sitk = pytest.importorskip("SimpleITK")


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def itk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), np.diag([-1, -1, 1, 1]) @ affine


def test_sorted_rescaled_and_placed_as_simpleitk_does(write_series):
    folder, values = write_series(7)
    volume = read_series(folder)
    voxels, affine = itk(folder)
    np.testing.assert_array_equal(volume.data, voxels)
    np.testing.assert_array_equal(volume.data, values.astype(int) - 1024)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-9)
    assert volume.data.dtype == np.int16
    assert volume.unit == "HU"
    assert volume.spacing == pytest.approx((0.25, 0.5, 2.5))  # not SliceThickness, which says 5
    assert volume.meta["SeriesInstanceUID"] == "1.2.3.4"
    assert len(volume.meta["files"]) == 7


def test_oblique(write_series):
    a, b = math.radians(20), math.radians(-35)
    row = np.array([math.cos(a), math.sin(a), 0])
    column = np.array([-math.sin(a) * math.cos(b), math.cos(a) * math.cos(b), math.sin(b)])
    step = tuple(3.1 * np.cross(row, column))
    folder, values = write_series(6, step=step, ImageOrientationPatient=[round(float(x), 8) for x in (*row, *column)])
    volume = read_series(folder, rescale=False)
    voxels, affine = itk(folder)
    np.testing.assert_array_equal(volume.data, values)
    np.testing.assert_array_equal(volume.data, voxels + 1024)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)


def test_a_tilted_gantry_is_told_and_kept(write_series):
    tilt = math.radians(15)
    folder, _ = write_series(5, step=(0, 3 * math.sin(tilt), 3 * math.cos(tilt)))
    volume = read_series(folder)
    assert volume.meta["slices"]["tilt"] == pytest.approx(15, abs=1e-3)
    np.testing.assert_allclose(volume.affine[:3, 2], [0, -3 * math.sin(tilt), 3 * math.cos(tilt)], atol=1e-5)


def test_a_missing_slice_is_an_error_or_reported(write_series):
    folder, values = write_series(8, skip=(3,))
    with pytest.raises(DataError, match=r"misses 1 of 8 slices: 3 at \[-10.0, -20.0, -22.5\]"):
        read_series(folder)
    volume = read_series(folder, on_missing="report")
    assert volume.meta["slices"]["missing"] == [3]
    assert volume.meta["files"][3] is None
    there = [0, 1, 2, 4, 5, 6, 7]
    np.testing.assert_array_equal(volume.data[there], values[there].astype(int) - 1024)
    assert (volume.data[3] == volume.data[there].min()).all()


def test_a_copy_of_a_slice_is_an_error_or_dropped(write_series):
    folder, values = write_series(4)
    shutil.copy(folder / "001.dcm", folder / "copy.dcm")
    with pytest.raises(DataError, match="duplicate"):
        read_series(folder)
    volume = read_series(folder, on_missing="report")
    np.testing.assert_array_equal(volume.data, values.astype(int) - 1024)
    assert len(volume.meta["slices"]["duplicates"]) == 1


def test_uneven_spacing(write_series):
    def move(at: int, dataset: Dataset) -> None:
        if at == 2:
            dataset.ImagePositionPatient[2] += 1.2

    folder, _ = write_series(6, change=move)
    with pytest.raises(DataError, match="unevenly"):
        read_series(folder)
    assert read_series(folder, on_missing="report").meta["slices"]["uneven"]


def test_two_series_are_listed_and_one_is_chosen(write_series, tmp_path):
    (tmp_path / "both").mkdir()
    write_series(3, folder="both/a", SeriesDescription="arterial")
    write_series(4, folder="both/b", SeriesDescription="venous", SeriesInstanceUID="1.2.3.5", SeriesNumber=7)
    with pytest.raises(DataError, match=r"holds 2 series(.|\n)*'arterial' CT, 3 files(.|\n)*'venous' CT, 4 files"):
        read_series(tmp_path / "both")
    for name in ("1.2.3.5", "venous", "7"):
        assert read_series(tmp_path / "both", series=name).shape == (4, 6, 8)
    with pytest.raises(DataError, match="did you mean 'venous'"):
        read_series(tmp_path / "both", series="venos")
    assert [info.images for info in list_series(tmp_path / "both")] == [3, 4]
    assert read_series(list_series(tmp_path / "both")[0]).shape == (3, 6, 8)


def test_two_patients_are_named_by_hashes(write_series):
    def other(at: int, dataset: Dataset) -> None:
        if at == 1:
            dataset.PatientID = "somebody else"

    folder, _ = write_series(4, change=other)
    with pytest.raises(DataError, match="2 patients: 3 files of patient #") as caught:
        read_series(folder)
    assert "somebody" not in str(caught.value)


@pytest.mark.parametrize(
    ("keyword", "value", "says"),
    [
        ("PixelSpacing", [0, 0.5], "spacing"),
        ("ImageOrientationPatient", [1, 0, 0, 0.5, 1, 0], "orthonormal"),
        ("ImagePositionPatient", None, "no position"),
        ("Rows", 3, "differ in Rows"),
        ("ImageOrientationPatient", [0, 1, 0, 0, 0, -1], "differ in ImageOrientationPatient"),
        ("RescaleSlope", "NaN", "RescaleSlope"),
    ],
)
def test_what_is_no_stack_is_refused(write_series, keyword, value, says):
    every = keyword in ("PixelSpacing",) or (keyword == "ImageOrientationPatient" and value[0] == 1)

    def change(at: int, dataset: Dataset) -> None:
        if every or at == 1:
            if value is None:
                del dataset[keyword]
            elif value == "NaN":
                dataset.add_new(keyword, "DS", "NaN")
            else:
                setattr(dataset, keyword, value)

    folder, _ = write_series(3, change=change)
    with pytest.raises(DataError, match=says):
        read_series(folder)


def test_time_points_become_channels(write_series, tmp_path):
    folder, first = write_series(4, TemporalPositionIdentifier=1, SeriesDescription="perfusion")

    def later(at: int, dataset: Dataset) -> None:
        dataset.InstanceNumber = 100 + at

    write_series(4, folder="series2", TemporalPositionIdentifier=2, change=later, RescaleIntercept=-1000)
    for path in (tmp_path / "series2").iterdir():
        shutil.copy(path, folder / f"later{path.name}")
    volume = read_series(folder)
    assert volume.shape == (2, 4, 6, 8)
    assert volume.meta["channels"] == {"by": "TemporalPositionIdentifier", "values": ["1", "2"]}
    np.testing.assert_array_equal(volume.data[0], first.astype(int) - 1024)
    np.testing.assert_array_equal(volume.data[1], first.astype(int) - 1000)
    (folder / "later000.dcm").unlink()
    with pytest.raises(DataError, match="more at"):
        read_series(folder)


def test_slopes_of_each_slice(write_series):
    def pet(at: int, dataset: Dataset) -> None:
        dataset.RescaleSlope = 0.5 + at
        dataset.RescaleIntercept = 0

    folder, values = write_series(4, change=pet, Modality="PT")
    volume = read_series(folder)
    assert volume.data.dtype == np.float32
    assert volume.unit == ""
    np.testing.assert_allclose(volume.data, values * (0.5 + np.arange(4))[:, None, None], rtol=1e-6)


@pytest.mark.parametrize(("dtype", "stored", "signed"), [("i2", 16, True), ("u2", 16, False), ("i2", 12, True)])
@pytest.mark.parametrize("extreme", [False, True])
def test_the_type_holds_every_value(write_series, dtype, stored, signed, extreme):
    def fill(at: int, dataset: Dataset) -> None:
        if at == 0 and extreme and stored == 16:
            info = np.iinfo(dtype)
            pixels = np.full((6, 8), info.min, dtype)
            pixels[0] = info.max
            dataset.PixelData = pixels.tobytes()

    folder, _ = write_series(3, dtype=dtype, BitsStored=stored, HighBit=stored - 1, change=fill)
    raw = read_series(folder, rescale=False).data
    volume = read_series(folder)
    np.testing.assert_array_equal(volume.data, raw.astype(np.int64) - 1024)
    assert volume.data.dtype == (np.int32 if extreme and stored == 16 else np.int16)


def test_compressed_slices_and_threads(write_series):
    folder, values = write_series(
        5, change=lambda at, dataset: dataset.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    )
    for threads in (1, 3):
        np.testing.assert_array_equal(read_series(folder, threads=threads).data, values.astype(int) - 1024)


def test_colour_slices_have_channels_first(write_series, make_image, tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3)).astype("u1")
    for at in range(3):
        dataset = make_image(
            rgb[at],
            Modality="OT",
            ImagePositionPatient=[0, 0, at],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[1, 1],
        )
        dataset.save_as(tmp_path / f"{at}.dcm", enforce_file_format=True)
    volume = read_series(tmp_path)
    np.testing.assert_array_equal(volume.data, rgb.transpose(3, 0, 1, 2))


def test_images_without_a_place(write_series):
    def strip(at: int, dataset: Dataset) -> None:
        del dataset.ImagePositionPatient
        del dataset.ImageOrientationPatient

    folder, values = write_series(3, change=strip)
    volume = read_series(folder, rescale=False)
    np.testing.assert_array_equal(volume.data, values)
    assert volume.spacing == pytest.approx((0.25, 0.5, 5))
    assert "none" in volume.meta["slices"]["positions"]


def test_truncated_slice_and_limits(write_series):
    folder, _ = write_series(4)
    with pytest.raises(LimitError):
        read_series(folder, limits=Limits(max_decoded_bytes=100))
    with pytest.raises(LimitError):
        read_series(folder, limits=Limits(max_frames=3))
    path = folder / "002.dcm"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LimitError, match=r"002\.dcm"):
        read_series(folder)


def test_empty_and_missing_folders(tmp_path):
    (tmp_path / "a.txt").write_text("nothing")
    with pytest.raises(DataError, match="no DICOM image"):
        read_series(tmp_path)
    with pytest.raises(MissingDataError):
        read_series(tmp_path / "none")


def enhanced(make_image, values, positions, *, slopes=None, spacing=(0.5, 0.25), time=None):
    dataset = make_image(values, NumberOfFrames=len(values), Modality="MR")
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = list(spacing), 3
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for at, place in enumerate(positions):
        frame, plane, content = Dataset(), Dataset(), Dataset()
        plane.ImagePositionPatient = list(place)
        frame.PlanePositionSequence = Sequence([plane])
        if time is not None:
            content.TemporalPositionIndex = time[at]
        frame.FrameContentSequence = Sequence([content])
        if slopes is not None:
            transformation = Dataset()
            transformation.RescaleSlope, transformation.RescaleIntercept = slopes[at], 0
            transformation.RescaleType = "US"
            frame.PixelValueTransformationSequence = Sequence([transformation])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dataset


def test_enhanced_frames_are_sorted_by_position(tmp_path, make_image):
    values = np.random.default_rng(0).integers(0, 4096, (5, 6, 7)).astype("u2")
    order = [3, 0, 4, 1, 2]
    dataset = enhanced(make_image, values[order], [[1, 2, 4.0 * k] for k in order], slopes=[2, 2, 2, 2, 2])
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    volume = read_series(tmp_path / "a.dcm")
    np.testing.assert_array_equal(volume.data, values.astype(int) * 2)
    assert volume.spacing == pytest.approx((0.25, 0.5, 4))
    assert volume.origin == (-1, -2, 0)


def test_enhanced_time_points_and_slopes(tmp_path, make_image):
    values = np.random.default_rng(0).integers(0, 4096, (6, 4, 5)).astype("u2")
    places = [[0, 0, 2.0 * (at % 3)] for at in range(6)]
    times = [2, 2, 2, 1, 1, 1]
    dataset = enhanced(make_image, values, places, slopes=[0.5] * 3 + [1.5] * 3, time=times)
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    volume = read_series(tmp_path)
    assert volume.shape == (2, 3, 4, 5)
    np.testing.assert_allclose(volume.data[0], values[3:] * 1.5, rtol=1e-6)
    np.testing.assert_allclose(volume.data[1], values[:3] * 0.5, rtol=1e-6)


def test_enhanced_with_a_missing_frame(tmp_path, make_image):
    values = np.ones((4, 4, 5), "u2")
    dataset = enhanced(make_image, values, [[0, 0, z] for z in (0, 2, 6, 8)])
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(DataError, match="misses 1 of 5"):
        read_series(tmp_path)
    assert read_series(tmp_path, on_missing="report").shape == (5, 4, 5)


def test_dose_grid(tmp_path):
    from pydicom.data import get_testdata_file

    volume = read_series(get_testdata_file("rtdose.dcm", download=False))
    assert volume.shape == (15, 10, 10)
    assert volume.unit == "RELATIVE"
    assert volume.data.dtype == np.float32


def test_cine_colour_loop():
    from pydicom.data import get_testdata_file

    volume = read_series(get_testdata_file("examples_ybr_color.dcm", download=False))
    assert volume.shape == (3, 30, 240, 320)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-100],
        lambda data: data[:132] + b"\xff" * 68 + data[200:],
        lambda data: data[:128] + b"XXXX" + data[132:],
        lambda data: data[:300],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
    ],
    ids=["pixels cut", "header", "mark", "meta only", "half", "empty"],
)
@pytest.mark.parametrize("at", [0, 3, 7])
def test_a_damaged_slice_is_never_lost_without_a_word(tmp_path, damage, at):
    volume = Volume(np.arange(8 * 6 * 5, dtype=np.int16).reshape(8, 6, 5), np.diag([-1.0, -1.0, 2.0, 1.0]))
    write_series(tmp_path / "s", volume)
    path = sorted((tmp_path / "s").iterdir())[at]
    path.write_bytes(damage(path.read_bytes()))
    for report in ("error", "report"):
        with pytest.raises(DataError, match=path.name):
            read_series(tmp_path / "s", on_missing=report)
