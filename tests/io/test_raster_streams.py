from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.jpeg import check_jpeg, decode_jpeg, jpeg_size
from deephealth.io.png import check_png
from deephealth.io.raster_read import decode_raster
from deephealth.io.raster_write import encode_raster


def smooth(height: int = 40, width: int = 56) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], axis=-1).astype(np.uint8)


def jpeg(picture: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 2, "optimize": True}]
)
@pytest.mark.parametrize("grey", [False, True])
def test_jpeg_size_and_pixels_are_pillows(options: dict[str, object], grey: bool) -> None:
    picture = smooth()[..., 0] if grey else smooth()
    data = jpeg(picture, **options)
    assert jpeg_size(data) == (40, 56, 1 if grey else 3)
    found = decode_jpeg(data, at_most=(40, 56), grey=grey)
    np.testing.assert_array_equal(found[..., 0] if grey else found, np.array(Image.open(io.BytesIO(data))))


def test_tables_may_stand_elsewhere() -> None:
    data = jpeg(smooth())
    at, tables, rest = 2, b"", b""
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] in (0xDB, 0xC4):
            tables += data[at:end]
        else:
            rest += data[at:end]
        at = end
    alone = b"\xff\xd8" + rest + data[at:]
    tables = b"\xff\xd8" + tables + b"\xff\xd9"
    np.testing.assert_array_equal(
        decode_jpeg(alone, tables=tables, at_most=(40, 56)), decode_jpeg(data, at_most=(40, 56))
    )


def test_channels_that_are_stored_as_red_green_blue() -> None:
    """Scanners store RGB without a word in the stream: undoing a YCbCr that was never made would turn it green."""
    picture = smooth()
    ycc = Image.merge("YCbCr", [Image.fromarray(picture[..., at]) for at in range(3)])
    stream = io.BytesIO()
    ycc.save(stream, "JPEG", quality=98, subsampling=0)
    data = stream.getvalue()
    assert data[2:4] == b"\xff\xe0"
    bare = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]  # without the JFIF header, which promises YCbCr
    found = decode_jpeg(bare, colour="rgb", at_most=(40, 56))
    assert np.abs(found.astype(int) - picture).max() < 12


def test_other_kinds_and_larger_ones_are_refused() -> None:
    data = bytearray(jpeg(smooth()))
    at = bytes(data).index(b"\xff\xc0")
    with pytest.raises(LimitError, match="56 x 40"):
        decode_jpeg(bytes(data), at_most=(39, 56))
    for offset, value, message in ((1, 0xC3, "SOF3"), (1, 0xC9, "SOF9"), (4, 12, "12 bits")):
        other = bytearray(data)
        other[at + offset] = value
        with pytest.raises(UnreadableFileError, match=message):
            jpeg_size(bytes(other))
    for broken in (b"", b"\xff\xd8", b"\xff\xd8\xff", bytes(data[: at + 6]), b"\xff\xd8\xff\xd9", b"hello"):
        with pytest.raises(UnreadableFileError):
            jpeg_size(broken)


def test_fill_bytes_may_stand_before_a_marker() -> None:
    data = jpeg(smooth())
    assert jpeg_size(data[:2] + b"\xff\xff\xff" + data[2:]) == (40, 56, 3)


def test_a_png_chunk_that_claims_more_than_there_is() -> None:
    """OpenCV 5 would allocate, and clear, 4 GB for it."""
    data = bytearray(encode_raster(smooth().astype(np.uint16), ".png"))
    assert check_png(bytes(data), "x") == (40, 56, 16)
    at = bytes(data).index(b"IDAT") - 4
    data[at : at + 4] = b"\xfe\xff\xff\xff"
    with pytest.raises(LimitError, match="4,278,190,079"):
        check_png(bytes(data), "x")
    with pytest.raises(DataError):
        decode_raster(bytes(data))
    with pytest.raises(UnreadableFileError, match="no end"):
        check_png(encode_raster(smooth(), ".png")[:-12], "x")


def test_a_png_of_nothing_but_chunks_does_not_take_for_ever() -> None:
    chunk = b"\0\0\0\0teXt\0\0\0\0"
    data = encode_raster(smooth(), ".png")
    with pytest.raises(UnreadableFileError, match="no end"):
        check_png(data[:33] + chunk * 300_000 + data[33:], "x")


def test_opencv_is_what_decodes_a_whole_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg(smooth())
    calls = []
    real = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *arguments: calls.append(1) or real(*arguments))
    decode_raster(data)
    assert calls
    calls.clear()
    decode_raster(data + b"more behind the end")
    assert not calls


def test_a_header_may_not_claim_more_than_the_bytes_can_hold() -> None:
    data = bytearray(jpeg(smooth()))
    at = bytes(data).index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\x23\x00\x23\x00"
    with pytest.raises(LimitError, match="8,960 x 8,960"):
        decode_raster(bytes(data))
    data = bytearray(encode_raster(smooth(), ".png"))
    data[16:24] = b"\x00\x00\x23\x00" * 2
    with pytest.raises(LimitError, match="8,960 x 8,960"):
        check_png(bytes(data), "x")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_blank_pictures_are_no_bombs(kind: str, mode: str) -> None:
    """What compresses best is still read: pages of one colour."""
    image = Image.new(mode, (2000, 1500), 255 if mode != "RGB" else (255, 255, 255))
    kinds: list[dict[str, object]] = [{}]
    if kind == "JPEG":
        image, kinds = (
            image.convert("L" if mode != "RGB" else "RGB"),
            [{"optimize": True, "quality": 5}, {"progressive": True}],
        )
    if kind == "TIFF":
        kinds = [{"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits")]
        kinds += [{"compression": "group4"}] if mode == "1" else [{"compression": "jpeg"}]
    for options in kinds:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        assert (decode_raster(stream.getvalue()) >= 240).all()


def test_a_progressive_stream_of_very_many_scans() -> None:
    data = jpeg(smooth(1500, 1500), progressive=True)
    check_jpeg(data)
    with pytest.raises(LimitError, match="scans"):
        check_jpeg(data[:-2] + b"\xff\xda\0\x08\x01\x01\0\x01\x3f\0" * 2000 + data[-2:])
