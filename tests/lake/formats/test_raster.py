"""Pictures: pixels equal bit by bit for Pillow and OpenCV, metadata, thumbnails, gaps and appended bytes gone."""

import io
import struct
import time
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from deephealth.core.errors import QuarantineError
from deephealth.io.limits import Limits
from deephealth.lake.formats import raster
from deephealth.lake.formats.icc import clean_icc
from deephealth.lake.formats.jpeg_strip import strip_jpeg
from tests.lake.formats.conftest import JUNK

RNG = np.random.default_rng(8)
RGB = RNG.integers(0, 256, (33, 47, 3), dtype=np.uint8)


def exif(orientation=1, thumbnail=True) -> bytes:
    """EXIF with names, GPS, a maker note, and a JPEG thumbnail that has EXIF and a comment of its own."""
    tags = Image.Exif()
    tags[0x0112], tags[0x010E], tags[0x013B], tags[0x8298] = orientation, JUNK, "Quillfeather", "Zyxwhurst"
    tags.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + JUNK.encode("utf-16-le")
    tags.get_ifd(0x8769)[0x927C] = JUNK.encode()
    tags.get_ifd(0x8825)[29] = "1951:07:23"
    block = tags.tobytes()
    if thumbnail:
        small = io.BytesIO()
        Image.fromarray(RGB[:16, :16]).save(small, "JPEG", comment=JUNK.encode())
        block += small.getvalue()
    return block


def profile() -> bytes:
    """A profile whose texts identify, of the version and size that Pillow writes."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = data.find("sRGB".encode("utf-16-be"))
    data[at : at + 20] = "Quillfeather".encode("utf-16-be")[:20]
    data[48:56], data[80:84] = b"Zyxwhurs", b"tQui"
    return bytes(data)


def xmp() -> bytes:
    return f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a>{JUNK}</a></x:xmpmeta>".encode()


def saved(kind, array=RGB, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind, **options)
    return out.getvalue()


def same_pixels(old: bytes, new: bytes) -> None:
    with Image.open(io.BytesIO(old)) as a, Image.open(io.BytesIO(new)) as b:
        assert (a.mode, a.size, a.format) == (b.mode, b.size, b.format)
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    decoded = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) for data in (old, new)]
    if decoded[0] is not None:
        np.testing.assert_array_equal(decoded[0], decoded[1])


def cleaned(tmp_path, who, data: bytes):
    (tmp_path / "a").write_bytes(data)
    outcome = raster.clean(tmp_path / "a", tmp_path / "b", who)
    return (tmp_path / "b").read_bytes(), outcome


def jpeg(**options) -> bytes:
    data = saved("JPEG", quality=85, exif=exif(6), xmp=xmp(), comment=JUNK.encode(), icc_profile=profile(), **options)
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(JUNK)) + JUNK.encode()
    iptc = b"\xff\xed" + struct.pack(">H", len(photoshop) + 2) + photoshop
    other = b"\xff\xe5" + struct.pack(">H", len(JUNK) * 2 + 2) + JUNK.encode("utf-16-le")
    return data[:2] + iptc + b"\xff\xff" + other + data[2:]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "restart_marker_rows": 1}])
def test_jpeg(tmp_path, who, junk, scan, options):
    data = jpeg(**options) + saved("JPEG", comment=JUNK.encode()) + junk
    assert scan(data)
    fresh, outcome = cleaned(tmp_path, who, data)
    assert not scan(fresh)
    same_pixels(data, fresh)
    with Image.open(io.BytesIO(fresh)) as image:
        assert dict(image.getexif()) == {0x0112: 6}
        assert "comment" not in image.info
        ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert (outcome.format, outcome.facts["rows"], outcome.facts["columns"]) == ("jpeg", 33, 47)
    assert cleaned(tmp_path, who, fresh)[0] == fresh


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpeg_modes(tmp_path, who, mode):
    out = io.BytesIO()
    Image.fromarray(RGB).convert(mode).save(out, "JPEG", exif=exif(), comment=b"Zyxwhurst")
    fresh, _ = cleaned(tmp_path, who, out.getvalue())
    same_pixels(out.getvalue(), fresh)


def test_jpeg_table_with_a_text_behind_it(tmp_path, who):
    data = saved("JPEG")
    at = data.index(b"\xff\xdb")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    longer = (
        data[: at + 2]
        + struct.pack(">H", length + 9)
        + data[at + 4 : at + 2 + length]
        + b"\0Zyxwhurs"
        + data[at + 2 + length :]
    )
    with pytest.raises(QuarantineError, match="another length"):
        cleaned(tmp_path, who, longer)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(array=RGB, **options) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", JUNK)
    info.add_text("Patient", JUNK, zip=True)
    info.add_itxt("Comment", JUNK, zip=True)
    info.add(b"prVt", JUNK.encode("utf-16-be"))
    data = saved("PNG", array, pnginfo=info, exif=exif(8), icc_profile=profile(), dpi=(300, 300), **options)
    return data[:33] + chunk(b"tIME", struct.pack(">H5B", 1951, 7, 23, 1, 1, 1)) + data[33:]


@pytest.mark.parametrize(
    "array",
    [
        RGB,
        RGB[..., 0],
        np.dstack([RGB, RGB[..., :1]]),
        RNG.integers(0, 65536, (9, 7), dtype=np.uint16),
        RGB[..., 0] > 99,
    ],
)
def test_png(tmp_path, who, junk, scan, array):
    data = png(array) + junk
    fresh, outcome = cleaned(tmp_path, who, data)
    assert not scan(fresh)
    assert not scan(b"".join(zlib_streams(fresh)))
    same_pixels(data, fresh)
    with Image.open(io.BytesIO(fresh)) as image:
        assert dict(image.getexif()) == {0x0112: 8}
        assert round(image.info["dpi"][0]) == 300
        assert set(image.info) <= {"dpi", "icc_profile", "exif"}
    assert any("after the picture" in note for note in outcome.notes)
    assert cleaned(tmp_path, who, fresh)[0] == fresh


def zlib_streams(data: bytes) -> list[bytes]:
    """Everything in the file that inflates."""
    found = []
    for at in range(len(data) - 1):
        if data[at] == 0x78 and int.from_bytes(data[at : at + 2], "big") % 31 == 0:
            try:
                found.append(zlib.decompressobj().decompress(data[at:]))
            except zlib.error:
                continue
    return found


def test_png_palette_transparency_and_interlace(tmp_path, who, scan):
    out = io.BytesIO()
    image = Image.fromarray(RGB).quantize(17)
    image.save(out, "PNG", transparency=3, bits=8)
    fresh, _ = cleaned(tmp_path, who, out.getvalue())
    same_pixels(out.getvalue(), fresh)
    rows = b"".join(b"\0" + bytes(columns) for columns in (1, 1, 2, 1, 1, 3, 2, 2, 2, 5, 5))  # Adam7 of 5 x 5, by hand
    header = struct.pack(">IIBBBBB", 5, 5, 8, 0, 0, 0, 1)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    fresh, _ = cleaned(tmp_path, who, data)
    assert fresh == data
    assert np.asarray(Image.open(io.BytesIO(fresh))).shape == (5, 5)


def test_png_text_behind_the_pixels(tmp_path, who, scan):
    """In the compressed stream after the last row, and in the chunk after the compressed stream."""
    header = struct.pack(">IIBBBBB", 47, 33, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in RGB)
    for body in (zlib.compress(rows + JUNK.encode() * 9), zlib.compress(rows) + JUNK.encode()):
        data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body[:900]) + chunk(b"IDAT", body[900:])
        fresh, _ = cleaned(tmp_path, who, data + chunk(b"IEND", b""))
        assert not scan(b"".join([fresh, *zlib_streams(fresh)]))
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(fresh))), RGB)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 70}])
@pytest.mark.parametrize("alpha", [False, True])
def test_webp(tmp_path, who, junk, scan, options, alpha):
    array = np.dstack([RGB, RGB[..., :1]]) if alpha else RGB
    data = saved("WEBP", array, exif=exif(3), xmp=xmp(), icc_profile=profile(), **options) + junk
    fresh, outcome = cleaned(tmp_path, who, data)
    assert not scan(fresh)
    same_pixels(data, fresh)
    with Image.open(io.BytesIO(fresh)) as image:
        assert dict(image.getexif()) == {0x0112: 3}
        assert "xmp" not in image.info
    assert outcome.format == "webp"
    assert cleaned(tmp_path, who, fresh)[0] == fresh


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp(tmp_path, who, junk, scan, mode):
    out = io.BytesIO()
    Image.fromarray(RGB).convert(mode).save(out, "BMP")
    plain = out.getvalue()
    offset = int.from_bytes(plain[10:14], "little")
    # a gap between palette and pixels, rows padded with letters, bytes after the end, the reserved fields
    gap = plain[:6] + b"Quil" + struct.pack("<I", offset + len(junk)) + plain[14:offset] + junk + plain[offset:] + junk
    fresh, _ = cleaned(tmp_path, who, gap)
    assert not scan(fresh)
    assert b"Quil" not in fresh
    same_pixels(plain, fresh)
    assert len(fresh) == len(plain)


def test_bmp_row_padding_and_profile_path(tmp_path, who):
    out = io.BytesIO()
    Image.fromarray(RGB[:, :45]).save(out, "BMP")  # 135 bytes a row, one of padding
    data = bytearray(out.getvalue())
    offset = int.from_bytes(data[10:14], "little")
    for row in range(33):
        data[offset + row * 136 + 135] = ord("Z")
    fresh, _ = cleaned(tmp_path, who, bytes(data))
    assert all(fresh[54 + row * 136 + 135] == 0 for row in range(33))
    same_pixels(out.getvalue(), fresh)


def test_gif(tmp_path, who, junk, scan):
    out = io.BytesIO()
    Image.fromarray(RGB).quantize(50).save(out, "GIF", comment=JUNK.encode(), transparency=2)
    data = out.getvalue() + junk
    fresh, _ = cleaned(tmp_path, who, data)
    assert not scan(fresh)
    with Image.open(io.BytesIO(data)) as a, Image.open(io.BytesIO(fresh)) as b:
        np.testing.assert_array_equal(np.asarray(a.convert("RGBA")), np.asarray(b.convert("RGBA")))


def test_icc_keeps_the_colours():
    old, new = profile(), clean_icc(profile())
    assert new is not None
    assert clean_icc(new) == new
    image, lab = Image.fromarray(RGB), ImageCms.createProfile("LAB")
    looks = []
    for data in (old, new):
        change = ImageCms.buildTransform(ImageCms.ImageCmsProfile(io.BytesIO(data)), lab, "RGB", "LAB")
        looks.append(np.asarray(ImageCms.applyTransform(image, change)))
    np.testing.assert_array_equal(*looks)


def test_bombs_and_animations(tmp_path, who):
    def header(width, height):
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))

    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    animated = {}
    for kind in ("PNG", "WEBP", "GIF"):
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=100)
        animated[kind] = out.getvalue()
    big = saved("JPEG")
    at = big.index(b"\xff\xc0")
    cases = {
        "60k": header(60_000, 60_000) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b""),
        "short": header(5_000, 5_000) + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b""),
        "jpeg 65k": big[: at + 5] + b"\xff\xff\xff\xff" + big[at + 9 :],
        "jpeg cut": big[:-2],
        "png cut": saved("PNG")[:-20],
        "png checksum": saved("PNG").replace(b"IDAT", b"IDAT\1", 1),
        "bmp cut": saved("BMP")[:-9],
        "bmp claims": saved("BMP")[:18] + struct.pack("<ii", 10**9, 10**9) + saved("BMP")[26:],
        "text": b"Zyxwhurst",
        **animated,
    }
    for name, data in cases.items():
        start = time.process_time()
        with pytest.raises(QuarantineError) as error:
            cleaned(tmp_path, who, data)
        assert time.process_time() - start < 2, name
        assert "Zyx" not in str(error.value)
        assert not (tmp_path / "b").exists()
    with pytest.raises(QuarantineError, match="claims"):
        cleaned(tmp_path, replace(who, limits=Limits(max_pixels=100)), saved("PNG"))
    with pytest.raises(QuarantineError, match="at most"):
        cleaned(tmp_path, replace(who, limits=Limits(max_bytes=100)), saved("PNG"))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 255), st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "GIF"]))
def test_damaged_pictures_never_crash(place, value, kind):
    data = bytearray(DAMAGED[kind])
    data[place % len(data)] = value
    strip = raster._STRIP["jpeg" if kind == "JPEG" else kind.lower()]
    try:
        fresh, *_ = strip(bytes(data), 10**6)
    except QuarantineError:
        return
    assert len(fresh) < len(data) + 1000


DAMAGED = {kind: saved(kind, RGB[..., 0] if kind == "GIF" else RGB) for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF")}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_refused(data):
    with pytest.raises(QuarantineError):
        strip_jpeg(b"\xff\xd8" + data.replace(b"\xff\xd9", b""))
