"""Pixels of single files: pydicom's own files against pydicom, and what they do not cover."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io.dicom.pixels import read_pixels
from deephealth.io.limits import Limits

DATA = Path(pydicom.__file__).parent / "data" / "test_files"
# pydicom can't give these either: damaged on purpose, or no pixels behind the header
BROKEN = {"badVR.dcm", "MR_truncated.dcm", "JPEG2000-embedded-sequence-delimiter.dcm", "nested_priv_SQ.dcm"}
BROKEN |= {"meta_missing_tsyntax.dcm"}
BEYOND = {"JPGExtended.dcm", "JPEG-lossy.dcm"}  # 12-bit JPEG, for which pydicom has no permissive decoder


def _with_pixels() -> list[Path]:
    found = []
    for path in sorted(DATA.rglob("*")):
        if path.is_file() and path.suffix in ("", ".dcm") and path.name not in ("DICOMDIR", "README"):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    if "PixelData" in pydicom.dcmread(path):
                        found.append(path)
            except Exception:
                continue
    return found


PLUGINS = {RLELossless: "pydicom", JPEGLSLossless: "pyjpegls", JPEG2000Lossless: "pylibjpeg"}

FILES = [path for path in _with_pixels() if path.name not in BROKEN | BEYOND]


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def shipped(name: str) -> Path:
    return Path(get_testdata_file(name, download=False))


def test_there_are_many_files():
    assert len(FILES) > 70


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_stored_and_rgb_pixels_equal_pydicoms(path):
    dataset = pydicom.dcmread(path)
    np.testing.assert_array_equal(read_pixels(path, rescale=False), pixel_array(dataset, raw=True))
    reference = pixel_array(dataset)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        reference = apply_color_lut(reference, dataset)
    ours = read_pixels(path, rescale=False, colour="rgb")
    np.testing.assert_array_equal(ours, reference)
    assert ours.dtype == reference.dtype.newbyteorder("=")
    np.testing.assert_array_equal(read_pixels(dataset, rescale=False, colour="rgb"), reference)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_values_and_windows_equal_pydicoms(path):
    dataset = pydicom.dcmread(path)
    if dataset.SamplesPerPixel != 1 or dataset.PhotometricInterpretation == "PALETTE COLOR":
        pytest.skip("a colour image")
    meaning = apply_modality_lut(pixel_array(dataset), dataset)
    np.testing.assert_allclose(read_pixels(path), meaning, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        read_pixels(path, window="default"), apply_voi_lut(meaning, dataset), rtol=1e-5, atol=2e-3
    )


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_damaged_files_are_typed_errors(name):
    with pytest.raises((UnreadableFileError, LimitError)):
        read_pixels(shipped(name))


@pytest.mark.parametrize("name", sorted(BEYOND))
def test_twelve_bit_jpeg(name):
    pytest.importorskip("imagecodecs")
    pixels = read_pixels(shipped(name))
    assert pixels.shape == (1024, 256)
    assert pixels.dtype == np.uint16
    assert 255 < pixels.max() < 4096


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2"])
def test_every_lossless_syntax_gives_the_same_frames(tmp_path, make_image, syntax, dtype):
    values = np.random.default_rng(0).integers(0, 100, (3, 33, 35)).astype(dtype)
    if dtype == "i2":
        values -= 50
    dataset = make_image(values, NumberOfFrames=3)
    if syntax.is_encapsulated:
        dataset.compress(syntax, encoding_plugin=PLUGINS[syntax])
    else:
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = values.astype(values.dtype.newbyteorder(">")).tobytes() + b"\0" * (values.nbytes % 2)
            dataset["PixelData"].VR = "OB" if dtype == "u1" else "OW"
        dataset.file_meta.TransferSyntaxUID = syntax
    path = tmp_path / "a.dcm"
    dataset.save_as(
        path, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian, enforce_file_format=True
    )
    for threads in (1, 3):
        np.testing.assert_array_equal(read_pixels(path, threads=threads), values)
    np.testing.assert_array_equal(read_pixels(path, frames=1), values[1])
    np.testing.assert_array_equal(read_pixels(path, frames=[2, 0]), values[[2, 0]])
    np.testing.assert_array_equal(read_pixels(path, frames=-1), values[2])


@pytest.mark.parametrize(("syntax", "encoder"), [(JPEGLosslessSV1, "ljpeg_encode"), (HTJ2KLossless, "htj2k_encode")])
def test_syntaxes_that_pydicom_does_not_write(tmp_path, make_image, syntax, encoder):
    imagecodecs = pytest.importorskip("imagecodecs")
    from pydicom.encaps import encapsulate

    values = np.random.default_rng(0).integers(0, 4096, (2, 33, 21)).astype("u2")
    more = {"bitspersample": 12} if encoder == "ljpeg_encode" else {"reversible": True}
    frames = [getattr(imagecodecs, encoder)(value, **more) for value in values]
    dataset = make_image(values, NumberOfFrames=2, BitsStored=12, HighBit=11, PixelData=encapsulate(frames))
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.dcm"), values)


def test_one_bit_frames_that_do_not_end_at_bytes(tmp_path, make_image):
    bits = np.random.default_rng(1).integers(0, 2, (4, 3, 5)).astype("u1")
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset = make_image(bits, NumberOfFrames=4, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.dcm"), bits)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.dcm", frames=3), bits[3])


def test_planar_colours_and_ybr(tmp_path, make_image):
    rgb = np.random.default_rng(2).integers(0, 256, (5, 6, 3)).astype("u1")
    planar = make_image(rgb, PlanarConfiguration=1, PixelData=rgb.transpose(2, 0, 1).tobytes())
    planar["PixelData"].VR = "OB"
    planar.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.dcm"), rgb)
    ybr = read_pixels(tmp_path / "a.dcm", colour="ybr")
    grey = 0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]
    assert np.abs(ybr[..., 0] - grey).max() <= 0.5


def test_float_pixels(tmp_path, make_image):
    values = np.random.default_rng(3).normal(size=(4, 5)).astype("f4")
    dataset = make_image(values, BitsStored=None, HighBit=None, PixelRepresentation=None)
    del dataset.PixelData
    dataset.FloatPixelData = values.tobytes()
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.dcm"), values)


def test_bits_above_the_stored_ones_are_ignored(tmp_path, make_image):
    values = np.arange(12, dtype="u2").reshape(3, 4)
    dataset = make_image(values | 0x5000, BitsStored=12, HighBit=11)
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.dcm"), values)
    signed = make_image(np.array([[0x0FFF, 0x7001]], "i2"), BitsStored=12, HighBit=11)
    signed.save_as(tmp_path / "b.dcm", enforce_file_format=True)
    assert read_pixels(tmp_path / "b.dcm").tolist() == [[-1, 1]]


@pytest.mark.parametrize(
    ("slope", "intercept", "stored", "dtype"),
    [
        (1, -1024, 12, "i2"),
        (1, 0, 12, "u2"),
        (2, 0, 12, "u2"),
        (0.5, 1, 12, "f4"),
        (1, -1000, 16, "i2"),
        (-1, 0, 12, "i2"),
    ],
)
def test_rescaled_values_take_the_smallest_type(make_image, slope, intercept, stored, dtype):
    values = np.random.default_rng(4).integers(0, 4096, (6, 6)).astype("u2")
    pixels = read_pixels(
        make_image(values, BitsStored=stored, HighBit=stored - 1, RescaleSlope=slope, RescaleIntercept=intercept)
    )
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, values * float(slope) + intercept)


def test_monochrome1_is_turned_only_when_asked(make_image):
    values = np.array([[0, 100, 4095]], "u2")
    dataset = make_image(values, BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1")
    assert read_pixels(dataset).tolist() == values.tolist()
    assert read_pixels(dataset, invert_monochrome1=True).tolist() == [[4095, 3995, 0]]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows(make_image, function):
    values = np.arange(0, 4096, 5, dtype="u2").reshape(-1, 4)[:200]
    dataset = make_image(values, BitsStored=12, HighBit=11, WindowCenter=400, WindowWidth=300, VOILUTFunction=function)
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -100
    expected = apply_voi_lut(apply_modality_lut(values, dataset), dataset)
    np.testing.assert_allclose(read_pixels(dataset, window="default"), expected, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(read_pixels(dataset, window=(400, 300)), expected, rtol=1e-6, atol=1e-3)
    with pytest.raises(DataError, match="width"):
        read_pixels(dataset, window=(400, 0))


def test_limits_and_lies(tmp_path, make_image):
    dataset = make_image(np.zeros((8, 8), "u2"))
    dataset.Rows = dataset.Columns = 60_000
    dataset.save_as(tmp_path / "big.dcm", enforce_file_format=True)
    with pytest.raises(LimitError):
        read_pixels(tmp_path / "big.dcm")
    with pytest.raises(LimitError, match="holds"):
        read_pixels(tmp_path / "big.dcm", limits=Limits(max_pixels=2**40, max_decoded_bytes=2**40))
    few = make_image(np.zeros((3, 8, 8), "u2"), NumberOfFrames=3)
    with pytest.raises(LimitError, match="frames"):
        read_pixels(few, limits=Limits(max_frames=2))
    with pytest.raises(MissingDataError):
        read_pixels(tmp_path / "nothing.dcm")
    (tmp_path / "text.dcm").write_text("not an image" * 50)
    with pytest.raises(UnreadableFileError, match="not a DICOM"):
        read_pixels(tmp_path / "text.dcm")
    with pytest.raises(DataError, match="frame 7"):
        read_pixels(few, frames=7)


def test_videos_are_named(make_image):
    dataset = make_image(np.zeros((8, 8), "u1"))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    with pytest.raises(UnreadableFileError, match="video"):
        read_pixels(dataset)


def test_a_compressed_frame_of_another_size_is_refused_before_it_is_decoded(make_image):
    dataset = make_image(np.zeros((16, 16), "u2"))
    dataset.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    dataset.Rows = 64
    with pytest.raises(UnreadableFileError, match="16 x 16"):
        read_pixels(dataset)


def test_a_deflated_bomb_is_refused(tmp_path, make_image):
    dataset = make_image(np.zeros((8, 8), "u2"))
    dataset.add_new(0x00420011, "OB", bytes(100_000_000))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "bomb.dcm", implicit_vr=False, little_endian=True, enforce_file_format=True)
    with pytest.raises(LimitError, match="deflated"):
        read_pixels(tmp_path / "bomb.dcm")
