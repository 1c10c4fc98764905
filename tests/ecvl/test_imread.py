from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from deephealth.ecvl import ColorType, DataType, EcvlError, Image, ImRead, ImReadMode, ImReadMulti, ImWrite
from deephealth.ecvl.strictness import strict_mode

RNG = np.random.default_rng(0)


def picture(height: int = 24, width: int = 31, channels: int = 3, kind: type = np.uint8) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return RNG.integers(0, np.iinfo(kind).max, shape, endpoint=True).astype(kind)


def written(path: Path, matrix: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), matrix)
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp", ".ppm", ".jp2"])
@pytest.mark.parametrize("flags", [None, *ImReadMode])
def test_pixels_are_opencvs(tmp_path: Path, suffix: str, flags: ImReadMode | None) -> None:
    path = written(tmp_path / f"a{suffix}", picture(48, 62))  # a JPEG 2000 can't be much smaller
    expected = cv2.imread(str(path), 4 if flags is None else int(flags))
    for source in (path, str(path), path.read_bytes(), np.fromfile(path, np.uint8)):
        image = ImRead(source) if flags is None else ImRead(source, flags)
        assert image.channels_ == "xyc"
        assert image.colortype_ == (ColorType.GRAY if expected.ndim == 2 else ColorType.BGR)
        assert image.dims_ == [62, 48, 1 if expected.ndim == 2 else 3]
        assert (image.spacings_, image.meta_, image.elemtype_) == ([], {}, DataType.uint8)
        np.testing.assert_array_equal(np.array(image).transpose(1, 0, 2).reshape(expected.shape), expected)


def test_bits_and_alpha(tmp_path: Path) -> None:
    deep = written(tmp_path / "a.png", picture(kind=np.uint16))
    assert ImRead(deep).elemtype_ == DataType.uint8
    kept = ImRead(deep, ImReadMode.UNCHANGED)
    assert (kept.elemtype_, kept.colortype_, kept.channels_) == (DataType.uint16, ColorType.BGR, "xyc")

    matrix = picture(channels=4)
    path = written(tmp_path / "b.png", matrix)
    dropped = ImRead(path)
    assert (dropped.dims_, dropped.colortype_) == ([31, 24, 3], ColorType.BGR)
    kept = ImRead(path, ImReadMode.UNCHANGED)
    assert (kept.dims_, kept.colortype_, kept.channels_) == ([31, 24, 4], ColorType.none, "xyo")
    np.testing.assert_array_equal(np.array(kept).transpose(1, 0, 2), matrix)
    colours = ImRead(path, ImReadMode.UNCHANGED, rgba=True)
    assert (colours.colortype_, colours.channels_) == (ColorType.RGBA, "xyc")
    np.testing.assert_array_equal(np.array(colours).transpose(1, 0, 2), matrix[..., [2, 1, 0, 3]])

    grey = ImRead(written(tmp_path / "c.png", picture(channels=1, kind=np.uint16)), ImReadMode.UNCHANGED)
    assert (grey.dims_, grey.colortype_, grey.elemtype_) == ([31, 24, 1], ColorType.GRAY, DataType.uint16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_unless_unchanged(tmp_path: Path, orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Pillow.fromarray(picture()).save(path, exif=exif)
    assert ImRead(path).dims_[:2] == ([31, 24] if orientation < 5 else [24, 31])
    assert ImRead(path, ImReadMode.UNCHANGED).dims_[:2] == [31, 24]


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "picture.dcm"
    path.write_bytes(written(tmp_path / "a.png", picture()).read_bytes())
    assert ImRead(path).dims_ == [31, 24, 3]


def test_nifti_and_dicom_are_known_by_their_content(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    pydicom_data = pytest.importorskip("pydicom.data")
    pytest.importorskip("deephealth.ecvl.codecs.nifti")
    pytest.importorskip("deephealth.ecvl.codecs.dicom")
    volume = RNG.integers(0, 99, (5, 6, 7)).astype(np.int16)
    for suffix in (".nii", ".nii.gz"):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / f"a{suffix}")
        named = tmp_path / f"b{suffix}.jpg"
        named.write_bytes((tmp_path / f"a{suffix}").read_bytes())
        for path in (tmp_path / f"a{suffix}", named):
            image = ImRead(path)
            assert (image.channels_, image.dims_) == ("xyz", [5, 6, 7])
            np.testing.assert_array_equal(np.array(image), volume)
    named = tmp_path / "c.png"
    named.write_bytes(Path(pydicom_data.get_testdata_file("CT_small.dcm", download=False)).read_bytes())
    image = ImRead(named)
    assert (image.channels_, image.dims_) == ("xyc", [128, 128, 1])


@given(data=st.binary(max_size=700))
def test_any_bytes_are_a_picture_or_a_runtime_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "a.png"
    for head in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"BM", b"P6 ", b"P7\n", b"#?RADIANCE\n"):
        path.write_bytes(head + data)
        with pytest.raises(RuntimeError, match="Can't read"):
            ImRead(path)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 60_000, 60_000, 8, 2, 0, 0, 0) + bytes(99),
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x11\0\x02\x11\0\x03\x11\0" + bytes(99),
        b"P6\n60000 60000\n255\n" + bytes(99),
        b"P7\nWIDTH 60000\nHEIGHT 60000\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" + bytes(99),
        b"PF\n60000 60000\n-1.0\n" + bytes(99),
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n" + bytes(99),
        b"\x59\xa6\x6a\x95" + struct.pack(">7I", 60_000, 60_000, 24, 60_000 * 180_000 % 2**32, 1, 0, 0) + bytes(99),
    ],
)
def test_bombs_are_refused_by_their_header(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(RuntimeError, match=r"60,000|65,535|3600000000"):
        ImRead(path)


def test_what_can_not_be_read_is_a_runtime_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello")
    os.mkfifo(tmp_path / "pipe")
    for name in ("none.png", "empty.png", "text.png", "pipe", "."):
        with pytest.raises(RuntimeError, match="Can't read"):
            ImRead(tmp_path / name)
    with pytest.raises(RuntimeError, match="buffer"):
        ImRead(b"hello")
    with pytest.raises(RuntimeError):
        ImRead("a\0b")


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("colour", [ColorType.BGR, ColorType.RGB, ColorType.GRAY, ColorType.none])
@pytest.mark.parametrize("channels", ["xyc", "cxy", "yxc", "xyz", "oxy"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str, colour: ColorType, channels: str) -> None:
    planes = 1 if colour is ColorType.GRAY else 3
    sizes = {"x": 31, "y": 24, "c": planes, "z": planes, "o": planes}
    content = RNG.integers(0, 256, [sizes[letter] for letter in channels]).astype(np.uint8)
    ImWrite(tmp_path / f"a{suffix}", Image.fromarray(content, channels, colour))
    found = np.array(ImRead(str(tmp_path / f"a{suffix}")))
    third = next(letter for letter in channels if letter in "czo")
    expected = content.transpose([channels.index(letter) for letter in "xy" + third])
    np.testing.assert_array_equal(found, expected[..., ::-1] if colour is ColorType.RGB else expected)


def test_colours_with_alpha(tmp_path: Path) -> None:
    content = picture(channels=4).transpose(1, 0, 2)
    image = Image.fromarray(content, "xyc", ColorType.RGBA)
    ImWrite(tmp_path / "a.png", image)
    np.testing.assert_array_equal(np.array(ImRead(tmp_path / "a.png", ImReadMode.UNCHANGED, rgba=True)), content)
    with pytest.raises(RuntimeError, match="RGBA"):
        ImWrite(tmp_path / "a.jpg", image)
    with strict_mode(), pytest.raises(RuntimeError, match="RGBA"):
        ImWrite(tmp_path / "a.png", image)


@pytest.mark.parametrize("kind", ["float32", "float64", "int16", "int32", "int8"])
def test_numbers_that_png_does_not_hold_are_rounded_and_cut(tmp_path: Path, kind: str) -> None:
    content = np.array([[[-7.4], [0], [1.6], [120.4]]]).astype(kind)
    if kind != "int8":
        content[0, 3] = 999
    ImWrite(tmp_path / "a.png", Image.fromarray(content, "xyc", ColorType.GRAY))
    found = np.array(ImRead(tmp_path / "a.png")).ravel().tolist()
    assert found == [0, 0, round(float(content[0, 2, 0])), 120 if kind == "int8" else 255]


def test_what_can_not_be_written_is_a_runtime_error(tmp_path: Path) -> None:
    def image(colour: ColorType = ColorType.BGR, kind: str = "uint8", channels: str = "xyc") -> Image:
        return Image.fromarray(np.zeros((4, 5, 3, 2)[: len(channels)], kind), channels, colour)

    for name, wrong in (
        ("a.png", image(kind="int64")),
        ("a.png", image(ColorType.HSV)),
        ("a.png", image(ColorType.YCbCr)),
        ("a.png", image(channels="xyzc")),
        ("a.png", image(channels="xy")),
        ("a.png", Image.empty()),
        ("a.txt", image()),
        ("a", image()),
        ("none/a.png", image()),
    ):
        with pytest.raises(EcvlError):
            ImWrite(tmp_path / name, wrong)
    assert list(tmp_path.iterdir()) == []


def test_writing_keeps_the_image_and_replaces_the_file_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.fromarray(picture(), "yxc", ColorType.RGB, [1, 2, 3])
    before = np.array(image, copy=True)
    for _ in range(2):
        ImWrite(path, image)
    np.testing.assert_array_equal(np.array(image), before)
    assert (image.channels_, image.colortype_, image.spacings_) == ("yxc", ColorType.RGB, [1, 2, 3])
    assert list(tmp_path.iterdir()) == [path]


def test_pages_become_the_third_axis(tmp_path: Path) -> None:
    colours = [picture() for _ in range(4)]
    assert cv2.imwritemulti(str(tmp_path / "a.tif"), colours)
    image = ImReadMulti(tmp_path / "a.tif")
    assert (image.channels_, image.dims_, image.colortype_) == ("xyzc", [31, 24, 4, 3], ColorType.BGR)
    np.testing.assert_array_equal(np.array(image), np.stack(colours).transpose(2, 1, 0, 3))
    greys = [picture(channels=1) for _ in range(3)]
    assert cv2.imwritemulti(str(tmp_path / "b.tif"), greys)
    image = ImReadMulti(str(tmp_path / "b.tif"))
    assert (image.channels_, image.dims_, image.colortype_) == ("xyzc", [31, 24, 3, 1], ColorType.GRAY)
    assert cv2.imwritemulti(str(tmp_path / "c.tif"), [picture(), picture(9, 9)])
    with pytest.raises(RuntimeError, match="different sizes"):
        ImReadMulti(tmp_path / "c.tif")
    with pytest.raises(RuntimeError, match="Can't read"):
        ImReadMulti(tmp_path / "none.tif")


def test_a_damaged_png_is_an_error(tmp_path: Path) -> None:
    data = written(tmp_path / "a.png", picture(200, 200)).read_bytes()
    assert zlib.crc32(data)
    (tmp_path / "b.png").write_bytes(data[:60])
    with pytest.raises(RuntimeError, match="Can't read"):
        ImRead(tmp_path / "b.png")


def test_floats_in_tiff(tmp_path: Path) -> None:
    """Bytes as the original's library showed them: square roots of linear colours."""
    values = RNG.normal(0.5, 0.4, (9, 7, 3)).astype(np.float32)
    image = Image.fromarray(values, "yxc", ColorType.RGB)
    ImWrite(tmp_path / "a.tif", image)
    back = ImRead(tmp_path / "a.tif", ImReadMode.UNCHANGED)
    assert (back.elemtype_, back.colortype_) == (DataType.float32, ColorType.BGR)
    np.testing.assert_array_equal(back.to_hwc(), values)
    shown, grey = ImRead(tmp_path / "a.tif"), ImRead(tmp_path / "a.tif", ImReadMode.GRAYSCALE)
    assert (shown.elemtype_, shown.colortype_, grey.Channels()) == (DataType.uint8, ColorType.BGR, 1)
    near = np.clip(256 * np.sqrt(np.clip(values, 0, 1)), 0, 255)
    assert np.abs(shown.to_hwc().astype(float) - near).mean() < 40
    np.testing.assert_array_equal(np.array(ImRead(tmp_path / "a.tif", ImReadMode.COLOR)), np.array(shown))
    np.testing.assert_array_equal(grey.to_hwc(), cv2.cvtColor(shown.to_hwc(), cv2.COLOR_RGB2GRAY))


def test_strict_mode_stores_floats_in_tiff_as_coarsely_as_the_original(tmp_path: Path) -> None:
    values = np.array([[[0.9424694, 0.8262779, 0.24180536], [0.58000714, 2.6301744, -0.13959436]]], np.float32)
    wanted = np.array([[[0.9379412, 0.82355607, 0.2507166], [0.5808022, 2.6316066, -0.15010023]]], np.float32)
    with strict_mode():
        ImWrite(tmp_path / "a.tif", Image.fromarray(values, "yxc", ColorType.BGR))
    back = np.array(ImRead(tmp_path / "a.tif", ImReadMode.UNCHANGED)).transpose(1, 0, 2)
    np.testing.assert_allclose(back, wanted, rtol=1e-5, atol=1e-5)
