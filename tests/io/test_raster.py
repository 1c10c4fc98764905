from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io.limits import Limits
from deephealth.io.raster import decode_mask, decode_rgb, read_mask, read_rgb, read_size, write_png
from deephealth.io.source import Source

RNG = np.random.default_rng(0)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def png16(array: np.ndarray) -> bytes:
    height, width = array.shape[:2]
    colour = 0 if array.ndim == 2 else {2: 4, 3: 2, 4: 6}[array.shape[2]]
    return png(width, height, 16, colour, b"".join(b"\0" + row.astype(">u2").tobytes() for row in array))


def encode(image: Image.Image, format_: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_, **options)
    return stream.getvalue()


def smooth(height: int = 24, width: int = 32) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], axis=-1).astype(np.uint8)


def without_adobe_marker(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0] :]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 2**32 - 1))
def test_png_round_trip(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, grey: bool, seed: int
) -> None:
    shape = (height, width) if grey else (height, width, 3)
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path_factory.mktemp("png") / "x.png"
    write_png(path, array)
    expected = np.repeat(array[..., None], 3, axis=2) if grey else array
    np.testing.assert_array_equal(read_rgb(path), expected)
    assert read_size(path) == (height, width)


@pytest.mark.parametrize("channels", [None, 2, 3, 4])
def test_sixteen_bits_keep_the_high_byte(channels: int | None) -> None:
    shape = (5, 7) if channels is None else (5, 7, channels)
    array = RNG.integers(0, 65536, shape, dtype=np.uint16)
    high = (array >> 8).astype(np.uint8)
    grey = high if channels is None else high[..., 0]
    expected = high[..., :3] if channels in (3, 4) else np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_array_equal(decode_rgb(png16(array), "x"), expected)


@pytest.mark.parametrize("marker", [True, False])
def test_cmyk_jpeg_with_and_without_adobe_inversion(marker: bool) -> None:
    rgb = smooth()
    inks = np.dstack([255 - rgb, np.zeros(rgb.shape[:2], np.uint8)])
    # Pillow writes inverted inks and Adobe's marker. Plain inks without the marker are the same bytes, inverted.
    stored = inks if marker else 255 - inks
    jpeg = encode(Image.fromarray(stored, "CMYK"), "JPEG", quality=100, subsampling=0)
    jpeg = jpeg if marker else without_adobe_marker(jpeg)
    assert np.abs(decode_rgb(jpeg, "x").astype(int) - rgb).max() <= 6


def test_cmyk_with_black_ink_and_tiff() -> None:
    image = Image.new("CMYK", (8, 8), (10, 200, 30, 40))
    expected = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(decode_rgb(encode(image, "TIFF"), "x"), expected)
    assert np.abs(decode_rgb(encode(image, "JPEG", quality=100), "x").astype(int) - expected).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_modes_of_png(mode: str) -> None:
    rgb = smooth()
    image = Image.fromarray(rgb).convert(mode)
    if "A" in mode:
        image.putalpha(0)  # fully transparent: the colours are still what was stored
    result = decode_rgb(encode(image, "PNG"), "x")
    assert result.shape == rgb.shape
    assert result.dtype == np.uint8
    assert result.flags.writeable
    expected = rgb if mode.startswith("RGB") else np.array(Image.fromarray(rgb).convert(mode.strip("A")).convert("RGB"))
    np.testing.assert_array_equal(result, expected)


def test_transparent_palette() -> None:
    image = Image.fromarray(smooth()).quantize(16)
    expected = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(decode_rgb(encode(image, "PNG", transparency=0), "x"), expected)


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, format_: str, orientation: int) -> None:
    upright = Image.fromarray(smooth())
    back = [None, 0, 3, 1, 5, 2, 6, 4][orientation - 1]  # Pillow's inverse transposes
    stored = upright if back is None else upright.transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "x"
    path.write_bytes(encode(stored, format_, exif=exif, lossless=True, quality=100, subsampling=0))
    assert np.abs(read_rgb(path).astype(int) - np.array(upright)).max() <= (4 if format_ == "JPEG" else 0)
    assert read_size(path) == (24, 32)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_hide_the_pixels() -> None:
    jpeg = encode(Image.fromarray(smooth()), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert decode_rgb(jpeg, "x").shape == (24, 32, 3)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "TIFF", "WEBP"])
def test_first_frame_of_animations(format_: str) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], format_, save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(decode_rgb(data, "x")[0, 0], [255, 0, 0])


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_truncated_files(format_: str, part: float) -> None:
    data = encode(Image.fromarray(RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8)), format_)
    with pytest.raises(UnreadableFileError, match=r"x\.img") as caught:
        decode_rgb(data[: int(len(data) * part)], "x.img")
    assert caught.value.hint


def test_bad_files(tmp_path: Path) -> None:
    empty, text = tmp_path / "empty.jpg", tmp_path / "text.jpg"
    empty.touch()
    text.write_text("%!PS-Adobe-3.0 EPSF-3.0\n")  # must not reach Ghostscript
    for read in (read_rgb, read_mask, read_size):
        with pytest.raises(UnreadableFileError, match="0 bytes"):
            read(empty)
        with pytest.raises(UnreadableFileError, match="not a picture"):
            read(text)
        with pytest.raises(MissingDataError):
            read(tmp_path / "none.jpg")


def test_floating_point_tiff_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match="floating point"):
        decode_rgb(encode(Image.new("F", (4, 4), 0.5), "TIFF"), "x")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [9_500, 12_000, 50_000])
def test_header_bomb_is_refused_before_allocation(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png(side, side, 8, 2, b""))
    tracemalloc.start()
    for read in (read_rgb, read_mask, read_size):
        with pytest.raises(LimitError, match=r"bomb\.png"):
            read(tmp_path / "bomb.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1024**2


def test_limits_can_be_set(tmp_path: Path) -> None:
    write_png(tmp_path / "x.png", smooth())
    with pytest.raises(LimitError, match="32 x 24 pixels"):
        read_rgb(tmp_path / "x.png", limits=Limits(max_pixels=700))
    with pytest.raises(LimitError, match="at most 10 B"):
        read_rgb(tmp_path / "x.png", limits=Limits(max_bytes=10))


@pytest.mark.parametrize("high", [1, 100, 255])
def test_masks_of_any_two_levels(high: int) -> None:
    mask = RNG.integers(0, 2, (6, 9), dtype=np.uint8)
    result = decode_mask(encode(Image.fromarray(mask * high), "PNG"), "x")
    np.testing.assert_array_equal(result, mask)
    assert result.dtype == np.uint8


@pytest.mark.parametrize("high", [1, 65535])
def test_masks_of_sixteen_bits(high: int) -> None:
    mask = RNG.integers(0, 2, (6, 9), dtype=np.uint16)
    np.testing.assert_array_equal(decode_mask(png16(mask * high), "x"), mask)


def test_masks_as_bits_palette_colour_and_jpeg() -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[4:12, 4:12] = 1
    grey = Image.fromarray(mask * 255)
    for mode in ("1", "P", "RGB", "RGBA"):
        np.testing.assert_array_equal(decode_mask(encode(grey.convert(mode), "PNG"), mode), mask)
    np.testing.assert_array_equal(decode_mask(encode(grey, "JPEG", quality=95), "x"), mask)
    faint = Image.fromarray(RNG.integers(0, 4, (16, 16), dtype=np.uint8))
    assert not decode_mask(encode(faint, "JPEG"), "x").any()
    assert not decode_mask(encode(Image.new("L", (4, 4)), "PNG"), "x").any()


def test_write_png(tmp_path: Path) -> None:
    mask = np.eye(4, dtype=bool)
    write_png(tmp_path / "deep/m.png", mask)
    assert set(np.unique(read_rgb(Source(tmp_path / "deep/m.png")))) == {0, 255}
    for bad in (np.zeros((3, 3)), np.zeros((3, 3, 4), np.uint8)):
        with pytest.raises(ValueError, match="uint8"):
            write_png(tmp_path / "x.png", bad)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF"]), st.data())
def test_damage_never_raises_anything_untyped(format_: str, data: st.DataObject) -> None:
    content = bytearray(encode(Image.fromarray(smooth()), format_))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode_rgb(bytes(content), "x", limits=Limits(max_pixels=10_000)).dtype == np.uint8
    except (UnreadableFileError, LimitError):
        return


def test_a_box_that_claims_4_gb_takes_no_memory_for_it(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(stream, "JPEG2000")
    data = bytearray(stream.getvalue())
    at = data.index(b"jp2h") - 4
    data[at : at + 4] = b"\xff\xff\x00\x00"
    (tmp_path / "a.jp2").write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFileError):
            read_size(tmp_path / "a.jp2")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_a_tiff_without_most_of_its_strips_is_not_filled_with_black(tmp_path: Path) -> None:
    data = bytearray(encode(Image.fromarray(np.full((48, 68, 3), 200, np.uint8)), "TIFF"))
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    assert read_rgb(path).shape == (48, 68, 3)
    at = data.index(struct.pack("<HHI", 257, 4, 1))  # ImageLength
    for height in (49, 1_000_000):
        data[at : at + 12] = struct.pack("<HHII", 257, 4, 1, height)
        path.write_bytes(data)
        with pytest.raises(DataError):
            read_rgb(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "PPM"])
def test_empty_pictures_are_no_bombs(kind: str) -> None:
    assert not decode_rgb(encode(Image.new("L", (3000, 3000)), kind), "a").any()


def test_a_picture_that_its_file_cannot_hold(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 9000 9000 255 " + bytes(1000))
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="can't hold"):
            read_rgb(tmp_path / "a.ppm")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
