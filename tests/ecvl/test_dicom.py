"""DICOM files into ECVL images and back."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian

from deephealth.ecvl.codecs.dicom import DicomRead, DicomWrite
from deephealth.ecvl.codecs.imread import ImRead
from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import strict_mode

GRAY_TYPES = ["uint8", "int8", "uint16", "int16", "int32", "float32", "float64"]


def sample(name: str) -> str:
    path = get_testdata_file(name, download=False)
    assert path is not None
    return path


def edited(tmp_path, **elements: object) -> str:
    """Return a copy of CT_small with other elements."""
    dataset = pydicom.dcmread(sample("CT_small.dcm"))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(tmp_path / "edited.dcm")
    return str(tmp_path / "edited.dcm")


def picture(dtype: str = "uint8", shape: tuple[int, ...] = (7, 5, 3)) -> np.ndarray:
    """Return small random whole numbers."""
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


class TestRead:
    def test_ct(self) -> None:
        image = DicomRead(sample("CT_small.dcm"))
        dataset = pydicom.dcmread(sample("CT_small.dcm"))
        assert (image.channels_, image.dims_, image.colortype_) == ("xyc", [128, 128, 1], ColorType.GRAY)
        assert image.elemtype_ is DataType.int16
        expected = dataset.pixel_array * int(dataset.RescaleSlope) + int(dataset.RescaleIntercept)
        assert np.array_equal(np.array(image)[:, :, 0].T, expected)
        assert image.spacings_ == [0.661468, 0.661468, 1.0]

    def test_columns_are_x(self, tmp_path) -> None:
        assert DicomRead(edited(tmp_path, PixelSpacing=[3, 2])).spacings_ == [2.0, 3.0, 1.0]

    def test_meta_by_keyword(self, tmp_path) -> None:
        item = pydicom.Dataset()
        item.CodeValue, item.CodingSchemeDesignator = "T-1", "SRT"
        meta = DicomRead(edited(tmp_path, AnatomicRegionSequence=[item], PatientName="Doe^Jane")).meta_
        assert meta["PatientName"].Get() == "Doe^Jane"
        assert meta["Rows"].Get() == 128
        assert meta["PixelSpacing"].Get() == "0.661468\\0.661468"
        assert meta["ImageType"].GetStr() == "ORIGINAL\\PRIMARY\\AXIAL"
        assert meta["PixelData"].Get() == ""
        assert meta["AnatomicRegionSequence"].Get() == [{"CodeValue": "T-1", "CodingSchemeDesignator": "SRT"}]

    def test_lengths_of_groups_have_one_key(self) -> None:
        meta = DicomRead(sample("ExplVR_BigEnd.dcm")).meta_
        assert meta["GenericGroupLength"].Get() == 308
        assert not [key for key in meta if key.startswith("(")]

    def test_names_that_are_not_ascii(self, tmp_path) -> None:
        path = edited(tmp_path, SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Zoë")
        assert DicomRead(path).GetMeta("PatientName").GetStr() == "Müller^Zoë"

    def test_large_files_are_read_frame_by_frame(self, monkeypatch) -> None:
        expected = DicomRead(sample("rtdose.dcm"))
        monkeypatch.setattr("deephealth.ecvl.codecs.dicom._IN_ONE_PIECE", 0)
        image = DicomRead(sample("rtdose.dcm"))
        assert np.array_equal(np.array(image), np.array(expected))
        assert image.meta_ == expected.meta_

    @pytest.mark.parametrize(
        ("slope", "intercept", "bits", "elemtype"),
        [
            (1, 0, 12, DataType.uint16),
            (1, -1024, 12, DataType.int16),
            (2, 0, 15, DataType.uint16),
            (-1, 0, 12, DataType.int16),
            (0.5, 0, 12, DataType.float32),
            (1, 0.25, 12, DataType.float32),
            (20, 0, 12, DataType.int32),
            (1, 0, 8, DataType.uint8),
        ],
    )
    def test_the_smallest_type_that_holds_the_values(self, tmp_path, slope, intercept, bits, elemtype) -> None:
        stored = np.arange(128 * 128, dtype=np.uint16) % (1 << bits)
        path = edited(
            tmp_path,
            RescaleSlope=slope,
            RescaleIntercept=intercept,
            BitsStored=bits,
            HighBit=bits - 1,
            PixelRepresentation=0,
            PixelData=stored.tobytes(),
        )
        image = DicomRead(path)
        assert image.elemtype_ is elemtype
        assert np.array_equal(np.array(image)[:, :, 0].T.ravel(), stored.astype(float) * slope + intercept)

    @pytest.mark.parametrize(
        ("low", "high", "elemtype"),
        [
            (0, 255, "uint8"),
            (3, 256, "uint16"),
            (-128, 127, "int8"),
            (-1, 128, "int16"),
            (0, 65535, "uint16"),
            (-1, 65535, "int32"),
            (0, 65536, "int32"),
            (-32768, 0, "int16"),
        ],
    )
    def test_the_type_follows_the_values_not_the_bits(self, tmp_path, low, high, elemtype) -> None:
        pixels = np.array([[low, high, low, high]], np.int32).reshape(2, 2, 1)
        DicomWrite(tmp_path / "a.dcm", Image.fromarray(pixels, "yxc", ColorType.GRAY))
        for mode in (False, True):
            with strict_mode(mode):
                image = DicomRead(tmp_path / "a.dcm")
            assert image.elemtype_ is DataType[elemtype]
            assert (np.array(image).min(), np.array(image).max()) == (low, high)

    def test_strict_mode_cuts_fractions_off_after_choosing_the_type(self, tmp_path) -> None:
        path = edited(tmp_path, RescaleSlope="0.5", RescaleIntercept="-0.5")
        dataset = pydicom.dcmread(path)
        for element in [element for element in dataset if element.VR == "SQ"]:
            del dataset[element.tag]
        dataset.save_as(path)
        exact = np.array(DicomRead(path))
        assert exact.dtype == np.float32
        with strict_mode():
            found = np.array(DicomRead(path))
        assert found.dtype == np.uint16
        np.testing.assert_array_equal(found, np.trunc(exact))

    def test_monochrome1_is_turned_on_request(self, tmp_path) -> None:
        path = edited(tmp_path, PhotometricInterpretation="MONOCHROME1")
        plain, turned = np.array(DicomRead(path)), np.array(DicomRead(path, invert=True))
        assert np.array_equal(plain, np.array(DicomRead(sample("CT_small.dcm"))))
        assert (np.diff(turned.astype(int) + plain, axis=0) == 0).all()

    def test_window_on_request(self) -> None:
        image = np.array(DicomRead(sample("CT_small.dcm"), window=(0, 100)))
        plain = np.array(DicomRead(sample("CT_small.dcm")))
        assert np.unique(image[plain < -51]).size == 1
        assert np.unique(image[plain > 51]).size == 1

    @pytest.mark.parametrize("name", ["examples_rgb_color.dcm", "SC_rgb_jpeg_dcmtk.dcm", "examples_palette.dcm"])
    def test_colours_become_rgb(self, name: str) -> None:
        image = DicomRead(sample(name))
        assert (image.channels_, image.colortype_, image.Channels()) == ("xyc", ColorType.RGB, 3)

    def test_several_frames(self) -> None:
        grey, colour = DicomRead(sample("rtdose.dcm")), DicomRead(sample("SC_rgb_rle_2frame.dcm"))
        assert (grey.channels_, grey.colortype_, grey.dims_) == ("xyz", ColorType.GRAY, [10, 10, 15])
        assert (colour.channels_, colour.colortype_, colour.dims_) == ("xyzc", ColorType.RGB, [100, 100, 2, 3])
        first = DicomRead(sample("SC_rgb_rle_2frame.dcm"), frames="first")
        assert (first.channels_, first.dims_) == ("xyc", [100, 100, 3])
        assert np.array_equal(np.array(first), np.array(colour)[:, :, 0])

    def test_strict_reads_the_first_frame_and_no_spacings(self) -> None:
        with strict_mode():
            image = DicomRead(sample("SC_rgb_rle_2frame.dcm"))
            assert (image.channels_, image.spacings_) == ("xyc", [])
            assert DicomRead(sample("CT_small.dcm")).spacings_ == []

    def test_imread_reads_it_too(self) -> None:
        assert ImRead(sample("CT_small.dcm")).dims_ == [128, 128, 1]

    def test_errors_are_runtime_errors(self, tmp_path) -> None:
        (tmp_path / "a.dcm").write_bytes(b"nothing")
        for name in (tmp_path / "a.dcm", tmp_path / "missing.dcm", sample("rtplan.dcm")):
            with pytest.raises(RuntimeError, match="Can't read"):
                DicomRead(name)


class TestWrite:
    @pytest.mark.parametrize(("dtype", "more"), [("int8", 128), ("int16", 32768)])
    def test_signed_colours_become_unsigned(self, tmp_path, dtype: str, more: int) -> None:
        info = np.iinfo(dtype)
        pixels = np.linspace(info.min, info.max, 105).astype(dtype).reshape(7, 5, 3)
        DicomWrite(tmp_path / "a.dcm", Image.fromarray(pixels.transpose(1, 0, 2), "xyc", ColorType.RGB))
        assert pydicom.dcmread(tmp_path / "a.dcm").PixelRepresentation == 0
        back = DicomRead(tmp_path / "a.dcm")
        assert back.elemtype_ is DataType[f"u{dtype}"]
        np.testing.assert_array_equal(np.array(back).astype(int), pixels.transpose(1, 0, 2).astype(int) + more)

    def test_colours_of_32_bits(self, tmp_path) -> None:
        pixels = np.array([-70000, -1, 0, 1, 69185, 2**31 - 1]).astype(np.int32).reshape(1, 2, 3)
        for strict, wanted in ((False, pixels), (True, pixels ^ 0x7FFFFFFF)):
            with strict_mode(strict):
                DicomWrite(tmp_path / "a.dcm", Image.fromarray(pixels, "xyc", ColorType.RGB))
                np.testing.assert_array_equal(np.array(DicomRead(tmp_path / "a.dcm")), wanted)

    def test_strict_mode_writes_the_first_plane_of_grey(self, tmp_path) -> None:
        image = Image.fromarray(picture(), "xyc", ColorType.GRAY)
        with pytest.raises(RuntimeError, match="GRAY"):
            DicomWrite(tmp_path / "a.dcm", image)
        with strict_mode():
            DicomWrite(tmp_path / "a.dcm", image)
            np.testing.assert_array_equal(np.array(DicomRead(tmp_path / "a.dcm")), picture()[..., :1])

    @pytest.mark.parametrize("dtype", GRAY_TYPES)
    @pytest.mark.parametrize("layout", ["xyc", "cxy"])
    def test_grey(self, tmp_path, dtype: str, layout: str) -> None:
        pixels = picture(dtype, (7, 5, 1))
        pixels.ravel()[:2] = [-9, 120] if dtype[0] != "u" else [9, 120]
        order = ["yxc".index(letter) for letter in layout]
        image = Image.fromarray(pixels.transpose(order), layout, ColorType.GRAY, [1.0, 1.0, 1.0])
        DicomWrite(tmp_path / "a.dcm", image)
        back = DicomRead(tmp_path / "a.dcm")
        smallest = {"u": DataType.uint8, "i": DataType.int8}.get(dtype[0], DataType[dtype])  # that holds the values
        assert (back.channels_, back.elemtype_, back.colortype_) == ("xyc", smallest, ColorType.GRAY)
        assert np.array_equal(np.array(back).transpose(1, 0, 2), pixels)

    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    @pytest.mark.parametrize("colour", [ColorType.RGB, ColorType.BGR])
    def test_colours(self, tmp_path, dtype: str, colour: ColorType) -> None:
        pixels = picture(dtype)
        DicomWrite(tmp_path / "a.dcm", Image.fromarray(pixels, "yxc", colour))
        back = DicomRead(tmp_path / "a.dcm")
        assert back.colortype_ is ColorType.RGB
        expected = pixels if colour is ColorType.RGB else pixels[..., ::-1]
        assert np.array_equal(np.array(back).transpose(1, 0, 2), expected)

    @pytest.mark.parametrize(("layout", "shape"), [("xyz", (5, 7, 4)), ("xyzc", (5, 7, 4, 3))])
    def test_several_frames(self, tmp_path, layout: str, shape: tuple[int, ...]) -> None:
        pixels = picture("uint8", shape)
        colour = ColorType.RGB if "c" in layout else ColorType.GRAY
        spacings = [0.5, 0.25, 3.0, 1.0][: len(shape)]
        DicomWrite(tmp_path / "a.dcm", Image.fromarray(pixels, layout, colour, spacings))
        back = DicomRead(tmp_path / "a.dcm")
        assert (back.channels_, back.spacings_) == (layout, spacings)
        assert np.array_equal(np.array(back), pixels)

    def test_it_is_a_secondary_capture_of_nobody(self, tmp_path) -> None:
        DicomWrite(tmp_path / "a.dcm", Image.fromarray(picture(), "yxc", ColorType.RGB))
        DicomWrite(tmp_path / "b.dcm", Image.fromarray(picture(), "yxc", ColorType.RGB))
        one, other = pydicom.dcmread(tmp_path / "a.dcm"), pydicom.dcmread(tmp_path / "b.dcm")
        assert (one.Modality, one.PatientName, one.PatientID) == ("OT", "", "")
        assert one.SOPClassUID.name == "Secondary Capture Image Storage"
        assert one.SOPInstanceUID != other.SOPInstanceUID
        assert one.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian

    def test_meta_goes_back(self, tmp_path) -> None:
        image = DicomRead(sample("CT_small.dcm"))
        image.SetMeta("PatientAge", "not an age")
        image.SetMeta("NoSuchKeyword", "x")
        DicomWrite(tmp_path / "a.dcm", image)
        written, original = pydicom.dcmread(tmp_path / "a.dcm"), pydicom.dcmread(sample("CT_small.dcm"))
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "StudyDate", "KVP"):
            assert written[keyword].value == original[keyword].value
        assert written.PixelSpacing == original.PixelSpacing
        assert "PatientAge" not in written
        assert "ImagePositionPatient" not in written
        assert written.SOPInstanceUID != original.SOPInstanceUID
        assert np.array_equal(np.array(DicomRead(tmp_path / "a.dcm")), np.array(image))
        DicomWrite(tmp_path / "b.dcm", image, meta="all")
        everything = pydicom.dcmread(tmp_path / "b.dcm")
        assert everything.ImagePositionPatient == original.ImagePositionPatient
        assert np.array_equal(np.array(DicomRead(tmp_path / "b.dcm")), np.array(image))

    def test_overlay(self, tmp_path) -> None:
        image = Image.fromarray(picture("uint8", (7, 5, 1)), "yxc", ColorType.GRAY)
        mask = np.random.default_rng(1).random((7, 5, 1)) > 0.5
        image.SetMeta("overlay", Image.fromarray(mask.astype(np.uint8) * 255, "yxc", ColorType.GRAY))
        DicomWrite(tmp_path / "a.dcm", image)
        assert np.array_equal(pydicom.dcmread(tmp_path / "a.dcm").overlay_array(0x6000), mask[:, :, 0])
        image.SetMeta("overlay", Image.fromarray(np.zeros((3, 3, 1), np.uint8), "yxc", ColorType.GRAY))
        with pytest.raises(RuntimeError, match="overlay"):
            DicomWrite(tmp_path / "b.dcm", image)

    def test_strict_writes_what_the_original_wrote(self, tmp_path) -> None:
        with strict_mode():
            image = DicomRead(sample("CT_small.dcm"))
            DicomWrite(tmp_path / "a.dcm", image)
            with pytest.raises(RuntimeError, match="BGR"):
                DicomWrite(tmp_path / "b.dcm", Image.fromarray(picture(), "xyc", ColorType.BGR))
            with pytest.raises(RuntimeError, match="xyz"):
                DicomWrite(tmp_path / "b.dcm", Image.fromarray(picture(), "xyz", ColorType.GRAY))
        written = pydicom.dcmread(tmp_path / "a.dcm")
        assert (written.Modality, written.PatientID) == ("RTIMAGE", "")
        assert "PixelSpacing" not in written

    def test_what_is_refused(self, tmp_path) -> None:
        refused = [
            Image(),
            Image.fromarray(picture("int64", (7, 5, 1)), "yxc", ColorType.GRAY),
            Image.fromarray(picture("float32"), "yxc", ColorType.RGB),
            Image.fromarray(picture(), "yxc", ColorType.HSV),
            Image.fromarray(picture(), "yxc", ColorType.GRAY),
            Image.fromarray(picture(), "yxo", ColorType.RGB),
        ]
        for image in refused:
            with pytest.raises(RuntimeError, match="Can't write"):
                DicomWrite(tmp_path / "a.dcm", image)
        (tmp_path / "file").touch()
        with pytest.raises(RuntimeError, match="Can't write"):
            DicomWrite(tmp_path / "file" / "a.dcm", Image.fromarray(picture(), "yxc", ColorType.RGB))
        assert not (tmp_path / "a.dcm").exists()


@given(seed=st.integers(0, 10**6))
@pytest.mark.filterwarnings("ignore:::pydicom")
def test_damaged_files_are_runtime_errors(tmp_path_factory, seed: int) -> None:
    with open(sample("CT_small.dcm"), "rb") as stream:
        content = bytearray(stream.read())
    draw = np.random.default_rng(seed)
    for at in draw.integers(132, 3000, 8):
        content[at] = draw.integers(256)
    path = tmp_path_factory.mktemp("bad") / "a.dcm"
    path.write_bytes(content)
    try:
        image = DicomRead(path)
    except RuntimeError:
        return
    assert not image.IsEmpty()
