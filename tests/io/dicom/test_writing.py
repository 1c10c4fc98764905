"""Series and secondary captures that are written, read back by pydicom and SimpleITK."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom.uid import CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage

from deephealth.core.errors import DataError, MissingDataError, StorageError, UnknownNameError
from deephealth.io.dicom import read_series
from deephealth.io.dicom.writing import Code, read_source_images, write_secondary_capture, write_series
from deephealth.io.dicom.writing.folders import whole_folder
from deephealth.io.dicom.writing.stored import decimal, stored_values
from deephealth.io.geometry import affine_from, lps_to_ras
from deephealth.io.volume import Volume
from tests.io.dicom.phantoms import affine_for, phantom, ramp, save_series, slices_of


def read_back(files: list) -> tuple[np.ndarray, list[pydicom.Dataset]]:
    """Return real values in the order of the files, and the data sets."""
    images = [pydicom.dcmread(file) for file in files]
    slope = [float(image.get("RescaleSlope", 1)) for image in images]
    shift = [float(image.get("RescaleIntercept", 0)) for image in images]
    return np.stack([i.pixel_array * a + b for i, a, b in zip(images, slope, shift, strict=True)]), images


class TestStoredValues:
    @given(hnp.arrays(st.sampled_from([np.uint8, np.int8, np.int16, np.uint16, bool]), hnp.array_shapes(max_dims=3)))
    def test_what_fits_is_exact(self, values: np.ndarray) -> None:
        stored = stored_values(values)
        assert stored.exact
        assert np.array_equal(stored.pixels * stored.slope + stored.intercept, values.astype(float))

    @given(st.integers(-(2**40), 2**40), st.integers(1, 65535))
    def test_whole_numbers_are_shifted_into_16_bits(self, low: int, span: int) -> None:
        values = np.array([low, low + span])
        stored = stored_values(values)
        assert stored.exact
        assert stored.pixels.itemsize == 2
        assert (stored.pixels * stored.slope + float(decimal(stored.intercept))).tolist() == values.tolist()

    @given(hnp.arrays(np.float64, 7, elements=st.floats(-1e6, 1e6)))
    def test_the_rest_is_within_half_a_step(self, values: np.ndarray) -> None:
        stored = stored_values(values)
        slope, intercept = float(decimal(stored.slope)), float(decimal(stored.intercept))
        error = np.abs(stored.pixels * slope + intercept - values).max()
        assert error <= 0.500001 * slope + 1e-9

    def test_floats_that_are_whole_are_stored_as_they_are(self) -> None:
        assert stored_values(np.array([-3.0, 7.0])).pixels.tolist() == [-3, 7]

    @pytest.mark.parametrize("values", [[np.nan], [np.inf], [1j], []])
    def test_what_can_not_be_stored(self, values: list) -> None:
        with pytest.raises(DataError):
            stored_values(np.array(values))


class TestDecimal:
    @given(st.floats(-1e90, 1e90))
    def test_16_characters_hold_any_number(self, value: float) -> None:
        text = decimal(value)
        assert len(text) <= 16
        assert float(text) == pytest.approx(value, rel=1e-8, abs=1e-80)


class TestSeries:
    @pytest.mark.parametrize("codes", ["LPS", "RAS", "LAS", "ASL"])
    @pytest.mark.parametrize(
        "place", [{}, {"oblique": (12, -7, 20)}, {"tilt": 15.0}], ids=["plain", "oblique", "tilted"]
    )
    def test_each_voxel_is_where_it_was(self, tmp_path, codes: str, place: dict) -> None:
        volume = phantom(codes, **place)
        values, images = read_back(write_series(tmp_path / "out", volume))
        assert np.array_equal(values, volume.data)
        lps = lps_to_ras(volume.affine)
        for k, image in enumerate(images):
            row, column = np.array(image.ImageOrientationPatient[:3]), np.array(image.ImageOrientationPatient[3:])
            between_rows, between_columns = image.PixelSpacing
            for i, j in [(0, 0), (7, 9)]:
                there = np.array(image.ImagePositionPatient) + row * between_columns * i + column * between_rows * j
                assert np.abs(there - (lps @ [i, j, k, 1])[:3]).max() < 1e-6

    def test_simpleitk_reads_the_same_volume(self, tmp_path) -> None:
        sitk = pytest.importorskip("SimpleITK")
        volume = phantom("LPS", oblique=(12, -7, 20))
        reader = sitk.ImageSeriesReader()
        write_series(tmp_path / "out", volume)
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
        image = reader.Execute()
        assert np.array_equal(sitk.GetArrayFromImage(image), volume.data)
        affine = affine_from(np.reshape(image.GetDirection(), (3, 3)), image.GetSpacing(), image.GetOrigin())
        assert np.abs(lps_to_ras(affine) - volume.affine).max() < 1e-4

    def test_names_tell_the_order_and_uids_are_fresh(self, tmp_path) -> None:
        files = write_series(tmp_path / "a", phantom())
        again = write_series(tmp_path / "b", phantom())
        assert [file.name for file in files] == [f"000{n}.dcm" for n in range(1, 7)]
        uids = [pydicom.dcmread(file).SOPInstanceUID for file in files + again]
        assert len(set(uids)) == 12
        assert len({pydicom.dcmread(file).SeriesInstanceUID for file in files}) == 1

    def test_it_joins_the_study_of_the_source(self, tmp_path) -> None:
        volume = phantom()
        source = save_series(tmp_path / "in", volume, modality="MR")
        written = pydicom.dcmread(write_series(tmp_path / "out", volume, like=tmp_path / "in", description="mine")[0])
        original = pydicom.dcmread(source[0])
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID", "StudyID", "Modality"):
            assert written[keyword].value == original[keyword].value
        assert written.SeriesInstanceUID != original.SeriesInstanceUID
        assert (written.SeriesDescription, written.SOPClassUID) == ("mine", MRImageStorage)
        assert written.ImageType[:2] == ["DERIVED", "SECONDARY"]

    def test_names_in_latin_1_survive(self, tmp_path) -> None:
        def edit(image: pydicom.Dataset, k: int) -> None:
            image.SpecificCharacterSet = "ISO_IR 100"
            image.PatientName = "Müller^Zoë"

        save_series(tmp_path / "in", phantom(), edit=edit)
        first = write_series(tmp_path / "out", phantom(), like=tmp_path / "in")[0]
        assert str(pydicom.dcmread(first).PatientName) == "Müller^Zoë"

    @pytest.mark.parametrize(
        ("modality", "sop_class"),
        [("CT", CTImageStorage), ("MR", MRImageStorage), ("XA", SecondaryCaptureImageStorage)],
    )
    def test_class_by_modality(self, tmp_path, modality: str, sop_class: str) -> None:
        image = pydicom.dcmread(write_series(tmp_path / "out", phantom(), modality=modality)[0])
        assert (image.SOPClassUID, image.Modality) == (sop_class, modality)

    def test_a_channel_axis_of_one_is_dropped_and_more_refused(self, tmp_path) -> None:
        volume = phantom()
        values, _ = read_back(write_series(tmp_path / "a", volume.with_data(volume.data[None])))
        assert np.array_equal(values, volume.data)
        with pytest.raises(DataError, match="2 channels"):
            write_series(tmp_path / "b", volume.with_data(np.stack([volume.data] * 2)))

    def test_fractions_come_back_within_half_a_step(self, tmp_path) -> None:
        data = np.random.default_rng(0).normal(size=(3, 4, 5))
        values, images = read_back(write_series(tmp_path / "out", Volume(data, affine_for())))
        assert np.abs(values - data).max() <= 0.51 * float(images[0].RescaleSlope)

    def test_rows_and_columns_must_be_at_a_right_angle(self, tmp_path) -> None:
        affine = affine_for()
        affine[0, 1] = 0.2
        with pytest.raises(DataError, match="orthonormal"):
            write_series(tmp_path / "out", Volume(ramp(), affine))
        assert not (tmp_path / "out").exists()

    def test_a_folder_with_files_is_left_alone(self, tmp_path) -> None:
        (tmp_path / "keep").touch()
        with pytest.raises(DataError, match="there already"):
            write_series(tmp_path, phantom())
        assert [file.name for file in tmp_path.iterdir()] == ["keep"]


class TestWholeFolder:
    def test_nothing_is_left_of_a_failure(self, tmp_path) -> None:
        def fail() -> None:
            with whole_folder(tmp_path / "out") as part:
                (part / "a").touch()
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_a_storage_error(self, tmp_path) -> None:
        with pytest.raises(StorageError), whole_folder(tmp_path / "out"):
            raise OSError(28, "No space left on device")


class TestSecondaryCapture:
    @pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.float32, np.float64])
    def test_grey_comes_back(self, tmp_path, dtype: type) -> None:
        image = np.arange(35).reshape(5, 7).astype(dtype)
        write_secondary_capture(tmp_path / "a.dcm", image)
        pixels = pydicom.dcmread(tmp_path / "a.dcm").pixel_array
        assert pixels.dtype == dtype
        assert np.array_equal(pixels, image)

    def test_colour_scale_and_study(self, tmp_path) -> None:
        source = slices_of(phantom())
        image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
        write_secondary_capture(tmp_path / "a.dcm", image, source=source, spacing=(0.5, 0.25), description="figure")
        written = pydicom.dcmread(tmp_path / "a.dcm")
        assert np.array_equal(written.pixel_array, image)
        assert (written.StudyInstanceUID, written.PatientID) == (source[0].StudyInstanceUID, "P1")
        assert (list(written.PixelSpacing), written.Modality, written.PhotometricInterpretation) == (
            [0.5, 0.25],
            "OT",
            "RGB",
        )

    @pytest.mark.parametrize(
        "image", [np.zeros((2, 3, 4), np.uint8), np.zeros(3, np.uint8), np.zeros((2, 2), np.int64)]
    )
    def test_other_shapes_and_types(self, tmp_path, image: np.ndarray) -> None:
        with pytest.raises(DataError):
            write_secondary_capture(tmp_path / "a.dcm", image)


class TestSourceImages:
    def test_a_folder_a_file_and_headers(self, tmp_path) -> None:
        files = save_series(tmp_path, phantom())
        (tmp_path / "notes.txt").write_text("no image")
        assert len(read_source_images(tmp_path)) == len(read_source_images(files)) == 6
        assert len(read_source_images(files[0])) == 1
        assert len(read_source_images(slices_of(phantom()))) == 6

    def test_a_volume_knows_its_files(self, tmp_path) -> None:
        save_series(tmp_path, phantom())
        assert len(read_source_images(read_series(tmp_path))) == 6
        with pytest.raises(MissingDataError, match="folder"):
            read_source_images(phantom())

    def test_two_series_are_refused(self) -> None:
        with pytest.raises(DataError, match="2 series"):
            read_source_images(slices_of(phantom()) + slices_of(phantom()))

    def test_nothing_there(self, tmp_path) -> None:
        for place in (tmp_path, tmp_path / "missing"):
            with pytest.raises(MissingDataError):
                read_source_images(place)


class TestCode:
    def test_an_unknown_keyword_names_the_nearest(self) -> None:
        with pytest.raises(UnknownNameError, match="Liver"):
            Code.of("Livr")

    def test_parts_that_are_too_long(self) -> None:
        with pytest.raises(DataError):
            Code.of(Code("1" * 17, "SCT", "x"))
