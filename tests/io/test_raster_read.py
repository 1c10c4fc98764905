from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io.limits import Limits
from deephealth.io.raster import decode_rgb
from deephealth.io.raster_decoders import RASTER_BACKENDS
from deephealth.io.raster_read import count_pages, decode_raster, read_pages, read_raster
from deephealth.io.raster_write import encode_raster, write_pages, write_raster

RNG = np.random.default_rng(0)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def smooth(height: int = 40, width: int = 56) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], axis=-1).astype(np.uint8)


LOSSLESS = [
    (".png", "uint8", (1, 3, 4)),
    (".png", "uint16", (1, 3, 4)),
    (".tif", "uint8", (1, 3, 4)),
    (".tif", "uint16", (1, 3, 4)),
    (".tif", "float32", (1, 3)),
    (".tif", "float64", (1, 3)),
    (".bmp", "uint8", (1, 3)),
    (".webp", "uint8", (3, 4)),
    (".jp2", "uint8", (1, 3)),
    (".jp2", "uint16", (1, 3)),
    (".pgm", "uint8", (1,)),
    (".pgm", "uint16", (1,)),
    (".ppm", "uint16", (3,)),
]


@pytest.mark.parametrize(
    ("suffix", "kind", "channels"), [(suffix, kind, n) for suffix, kind, counts in LOSSLESS for n in counts]
)
def test_what_is_written_is_read(tmp_path: Path, suffix: str, kind: str, channels: int) -> None:
    shape = (37, 45) if channels == 1 else (37, 45, channels)
    if kind.startswith("u"):
        array = RNG.integers(0, np.iinfo(kind).max + 1, shape).astype(kind)
        array.reshape(-1)[:2] = 0, np.iinfo(kind).max
    else:
        array = RNG.normal(0, 1e3, shape).astype(kind)
    path = tmp_path / f"a{suffix}"
    write_raster(path, array)
    found = read_raster(path, alpha="keep")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    if channels == 4:
        np.testing.assert_array_equal(read_raster(path), array[..., :3])


@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from(["uint8", "uint16"]), st.integers(0, 2**32 - 1))
def test_png_round_trip_of_any_size(height: int, width: int, kind: str, seed: int) -> None:
    array = np.random.default_rng(seed).integers(0, np.iinfo(kind).max + 1, (height, width, 3)).astype(kind)
    np.testing.assert_array_equal(decode_raster(encode_raster(array, ".png")), array)


def test_eight_bits_are_the_high_byte() -> None:
    array = RNG.integers(0, 65536, (9, 7, 3)).astype(np.uint16)
    for suffix in (".png", ".tif"):
        data = encode_raster(array, suffix)
        np.testing.assert_array_equal(decode_raster(data, depth=8), array >> 8)
        np.testing.assert_array_equal(decode_raster(data, depth=8), decode_rgb(data, "x"))
    with pytest.raises(UnreadableFileError, match="float32"):
        decode_raster(encode_raster(np.ones((4, 4), np.float32), ".tif"), depth=8)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_decoded_as_by_pillow(mode: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.fromarray(smooth()).convert(mode), "JPEG", exif=exif, quality=80)
    found = decode_raster(data)
    assert found.ndim == (2 if mode == "L" else 3)
    expected = decode_rgb(data, "x")
    np.testing.assert_array_equal(found, expected[..., 0] if mode == "L" else expected)


def test_inks_palettes_and_bits() -> None:
    cmyk = encode(Image.fromarray(smooth()).convert("CMYK"), "JPEG", quality=95)
    np.testing.assert_array_equal(decode_raster(cmyk), decode_rgb(cmyk, "x"))
    palette = encode(Image.fromarray(smooth()).quantize(16), "PNG")
    np.testing.assert_array_equal(decode_raster(palette), decode_rgb(palette, "x"))
    bits = encode(Image.fromarray(smooth()[..., 0] > 90), "PNG")
    np.testing.assert_array_equal(decode_raster(bits), np.where(smooth()[..., 0] > 90, 255, 0))
    grey = Image.merge("LA", [Image.fromarray(smooth()[..., at]) for at in (0, 1)])
    np.testing.assert_array_equal(decode_raster(encode(grey, "PNG"), alpha="keep"), smooth()[..., :2])
    np.testing.assert_array_equal(decode_raster(encode(grey, "PNG")), smooth()[..., 0])


@pytest.mark.parametrize("compression", ["raw", "tiff_deflate", "tiff_adobe_deflate", "tiff_lzw", "packbits", "jpeg"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16", "F", "1", "CMYK"])
def test_tiff_of_other_writers(compression: str, mode: str) -> None:
    if compression == "jpeg" and mode not in ("L", "RGB"):
        pytest.skip("not a combination that is written")
    picture = smooth(70, 33)
    image = {
        "I;16": lambda: Image.fromarray(picture[..., 0].astype(np.uint16) * 257),
        "F": lambda: Image.fromarray(picture[..., 0].astype(np.float32) / 7),
    }.get(mode, lambda: Image.fromarray(picture).convert(mode))()
    data = encode(image, "TIFF", compression=compression)
    found = decode_raster(data, alpha="keep")
    expected = np.array(Image.open(io.BytesIO(data)))
    if mode == "CMYK":
        expected = np.array(image.convert("RGB"))
    if mode == "1":
        expected = expected.astype(np.uint8) * 255
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_is_turned_upright(orientation: int) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274] = orientation
    data = encode(Image.fromarray(smooth()), "TIFF", tiffinfo=tags)
    np.testing.assert_array_equal(decode_raster(data), decode_rgb(data, "x"))


def test_pages(tmp_path: Path) -> None:
    pages = [smooth(20 + 3 * number, 31) for number in range(4)]
    path = tmp_path / "a.tif"
    write_pages(path, pages)
    assert count_pages(path) == 4
    for found, page in zip(read_pages(path), pages, strict=True):
        np.testing.assert_array_equal(found, page)
    np.testing.assert_array_equal(read_raster(path, page=2), pages[2])
    for number in (-1, 4):
        with pytest.raises(DataError, match="no page"):
            read_raster(path, page=number)
    with pytest.raises(LimitError, match="pages"):
        read_pages(path, limits=Limits(max_frames=3))
    with pytest.raises(LimitError, match="together"):
        read_pages(path, limits=Limits(max_decoded_bytes=5000))


def test_frames_of_an_animation() -> None:
    frames = [Image.fromarray(np.full((8, 9, 3), value, np.uint8)) for value in (10, 200)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert [decode_raster(data, page=number).mean() for number in (0, 1)] == [10, 200]


@pytest.mark.parametrize("size", [(16, 16), (64, 32)])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "float32", "int32", "float16"])
def test_tiles_planes_predictors_and_numbers(size: tuple[int, int], kind: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    array = (RNG.normal(0, 200, (50, 70, 3)) + 300).astype(kind)
    for options in (
        {"tile": size},
        {"tile": size, "compression": "zlib", "predictor": True},
        {"rowsperstrip": 7, "compression": "lzw", "predictor": True},
        {"rowsperstrip": 7, "compression": "zlib"},
        {"planarconfig": "separate", "compression": "zlib"},
        {"bigtiff": True, "byteorder": ">"},
        {"byteorder": ">", "compression": "zlib", "predictor": kind != "float16"},
    ):
        shown = np.moveaxis(array, 2, 0) if "planarconfig" in options else array
        stream = io.BytesIO()
        tifffile.imwrite(stream, shown, photometric="rgb", **options)
        np.testing.assert_array_equal(decode_raster(stream.getvalue()), array, err_msg=str(options))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb_png(bits: int) -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, bits, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def bomb_tiff() -> bytes:
    data = bytearray(encode_raster(np.zeros((8, 8), np.uint8), ".tif"))
    at = struct.unpack_from("<I", data, 4)[0]
    for entry in range(struct.unpack_from("<H", data, at)[0]):
        if struct.unpack_from("<H", data, at + 2 + entry * 12)[0] in (256, 257, 278):
            struct.pack_into("<HII", data, at + 4 + entry * 12, 4, 1, 9000)
    return bytes(data)


@pytest.mark.parametrize("data", [bomb_png(8), bomb_png(16), bomb_tiff(), b"P6 60000 60000 65535 aaaa"])
def test_bombs_are_refused_by_their_header(data: bytes) -> None:
    with pytest.raises(LimitError):
        decode_raster(data)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp", ".jp2", ".ppm"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_cut_off_files_are_typed_errors(tmp_path: Path, suffix: str, kind: type) -> None:
    if kind is np.uint16 and suffix in (".jpg", ".bmp", ".webp"):
        pytest.skip("8 bits only")
    data = encode_raster(RNG.integers(0, 255, (64, 64, 3)).astype(kind), suffix)
    for share in (0.02, 0.3, 0.6, 0.9):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises((UnreadableFileError, LimitError)):
            read_raster(path)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError):
        read_raster(tmp_path / "none.png")
    data = encode_raster(smooth(), ".png")
    with pytest.raises(DataError, match="depth=16"):
        decode_raster(data, depth=16)
    with pytest.raises(DataError, match="alpha='blend'"):
        decode_raster(data, alpha="blend")
    for suffix, array in (
        (".txt", smooth()),
        (".jpg", smooth().astype(np.uint16)),
        (".png", smooth().astype(np.int32)),
        (".png", smooth()[..., :2]),
        (".png", np.zeros((0, 4), np.uint8)),
    ):
        with pytest.raises(DataError):
            encode_raster(array, suffix)
    with pytest.raises(DataError, match="pages"):
        write_pages(tmp_path / "a.png", [smooth()])
    np.testing.assert_array_equal(decode_raster(encode_raster(np.eye(3, dtype=bool), ".png")), np.eye(3) * 255)


def test_every_decoder_says_why_it_stands_where_it_stands() -> None:
    assert [(name, missing) for name, missing, note in RASTER_BACKENDS.matrix() if note] == [
        ("tiff", []),
        ("opencv", []),
        ("pillow", []),
        ("opencv-tiff", []),
    ]


def test_damaged_jpeg_with_its_end_intact_is_not_a_crash() -> None:
    data = bytearray(cv2.imencode(".jpg", smooth())[1].tobytes())
    for at in range(2, len(data) - 2, 7):
        broken = bytes(data[:at]) + bytes([data[at] ^ 0xFF]) + bytes(data[at + 1 :])
        try:
            assert decode_raster(broken).dtype == np.uint8
        except DataError:
            continue
