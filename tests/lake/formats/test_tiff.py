"""TIFF and slides: pixels equal for tifffile and OpenSlide; label and macro images gone from the bytes."""

import io
import struct
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deephealth.core.errors import QuarantineError
from deephealth.io.limits import Limits
from deephealth.lake.formats import tiff
from deephealth.lake.formats.tiff_chunks import strip_j2k
from deephealth.lake.formats.tiff_description import clean_description
from tests.lake.formats.conftest import JUNK

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(4)
RGB = RNG.integers(0, 256, (300, 260, 3), dtype=np.uint8)
LABEL = RNG.integers(0, 256, (90, 120, 3), dtype=np.uint8)
TAGS = [
    (315, "s", 0, JUNK, False),
    (316, "s", 0, "Quillfeather", False),
    (33432, "s", 0, JUNK, False),
    (700, "B", 0, JUNK.encode(), False),
]
TAGS += [(65000, "s", 0, JUNK, False), (33723, "B", 0, JUNK.encode("utf-16-le"), False), (269, "s", 0, JUNK, False)]


def cleaned(tmp_path, who, data: bytes):
    (tmp_path / "a.tif").write_bytes(data)
    outcome = tiff.clean(tmp_path / "a.tif", tmp_path / "b.tif", who)
    return (tmp_path / "b.tif").read_bytes(), outcome


def written(*pages, **common) -> bytes:
    out = io.BytesIO()
    common = {"extratags": TAGS, "datetime": "1951:07:23 01:01:01", "software": JUNK, **common}
    options = {key: common.pop(key) for key in ("bigtiff", "byteorder", "ome", "imagej") if key in common}
    with tifffile.TiffWriter(out, **options) as writer:
        for array, own in pages:
            writer.write(array, **{**common, **own})
    return out.getvalue()


@pytest.mark.parametrize("compression", [None, "jpeg", "deflate", "lzw", "jpeg2000", "zstd", "webp", "packbits"])
@pytest.mark.parametrize("layout", [{"tile": (64, 48)}, {"rowsperstrip": 17}])
@pytest.mark.parametrize("form", [{"bigtiff": True}, {"byteorder": ">"}])
def test_planted(tmp_path, who, junk, scan, compression, layout, form):
    pytest.importorskip("imagecodecs")
    if compression in ("jpeg", "webp", "jpeg2000") and "tile" in layout:
        layout = {"tile": (64, 48)}
    data = written(
        (RGB, {"description": JUNK, "metadata": None}), compression=compression, photometric="rgb", **layout, **form
    )
    assert scan(data)
    fresh, outcome = cleaned(tmp_path, who, data + junk)
    assert not scan(fresh)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(fresh)), tifffile.imread(io.BytesIO(data)))
    with tifffile.TiffFile(io.BytesIO(fresh)) as file:
        assert file.is_bigtiff == ("bigtiff" in form)
        assert not {270, 315, 316, 305, 306, 700, 33723, 65000, 269} & set(file.pages[0].tags.keys())
    assert (outcome.facts["rows"], outcome.facts["columns"], outcome.modality) == (300, 260, "OT")
    assert cleaned(tmp_path, who, fresh)[0] == fresh


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_kinds_of_pixels(tmp_path, who, dtype, order):
    array = (RNG.normal(size=(3, 40, 50)) * 100).astype(dtype)
    data = written((array, {"photometric": "minisblack"}), byteorder=order, predictor=None)
    fresh, outcome = cleaned(tmp_path, who, data)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(fresh)), tifffile.imread(io.BytesIO(data)))
    assert outcome.facts["frames"] == 3


def test_gaps_exif_and_gps(tmp_path, who, junk, scan):
    out = io.BytesIO()
    tags = Image.Exif()
    tags[0x010E], tags[0x013B] = JUNK, "Zyxwhurst"
    tags.get_ifd(0x8769)[0x9286] = JUNK.encode()
    tags.get_ifd(0x8825)[29] = "1951-07-23"
    Image.fromarray(RGB).save(out, "TIFF", exif=tags, compression="tiff_deflate", icc_profile=None)
    data = bytearray(out.getvalue()) + junk  # and a strip that says it is longer than it is, in a gap
    fresh, _ = cleaned(tmp_path, who, bytes(data))
    assert not scan(fresh)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(fresh))), RGB)


def handmade(entries: dict[int, tuple[int, int, int]], tail: bytes, *, link=0) -> bytes:
    """A little-endian TIFF of one directory: tag -> (type, count, value or offset)."""
    rows = b"".join(struct.pack("<HHII", tag, *entries[tag]) for tag in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + struct.pack("<I", link) + tail


BASE = {256: (4, 1, 4), 257: (4, 1, 4), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1), 278: (4, 1, 4)}


def test_text_behind_the_pixels_of_a_strip(tmp_path, who, scan):
    at = 8 + 2 + 9 * 12 + 4
    pixels = bytes(range(16))
    for compression, body in ((1, pixels), (8, zlib.compress(pixels))):
        strip = body + JUNK.encode()
        entries = BASE | {259: (3, 1, compression), 273: (4, 1, at), 279: (4, 1, len(strip))}
        fresh, _ = cleaned(tmp_path, who, handmade(entries, strip))
        assert not scan(fresh)
        assert tifffile.imread(io.BytesIO(fresh)).tobytes() == pixels


def test_jpeg_tiles_lose_their_comments(tmp_path, who, scan):
    out = io.BytesIO()
    Image.fromarray(RGB[:64, :64, 0]).save(out, "JPEG", comment=JUNK.encode())
    strip = out.getvalue() + JUNK.encode()
    at = 8 + 2 + 9 * 12 + 4
    entries = BASE | {
        256: (4, 1, 64),
        257: (4, 1, 64),
        259: (3, 1, 7),
        278: (4, 1, 64),
        273: (4, 1, at),
        279: (4, 1, len(strip)),
    }
    fresh, _ = cleaned(tmp_path, who, handmade(entries, strip))
    assert not scan(fresh)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(fresh)), np.asarray(Image.open(out)))


def svs(tmp_path) -> tuple[bytes, list[np.ndarray]]:
    """A slide as Aperio's scanners write it: level, thumbnail, smaller level, label, macro."""
    base = RNG.integers(0, 256, (2400, 3000, 3), dtype=np.uint8)
    small = np.ascontiguousarray(base[::4, ::4])
    text = (
        "Aperio Image Library v11.2.1\r\n3000x2400 [0,0 3000x2400] (240x240) JPEG/RGB Q=30|AppMag = 20|"
        f"User = Quillfeather|MPP = 0.4990|Date = 07/23/51|Filename = {JUNK}|ScanScope ID = Zyxwhurst|"
        "Barcode = MRN7712345"
    )
    tiles = {"tile": (240, 240), "compression": "jpeg", "photometric": "rgb", "metadata": None, "extratags": []}
    strips = {"compression": "lzw", "photometric": "rgb", "metadata": None, "rowsperstrip": 30, "extratags": []}
    data = written(
        (base, {"description": text, **tiles}),
        (np.ascontiguousarray(base[::8, ::8]), {"description": text, **strips}),
        (small, {"description": text, **tiles}),
        (LABEL, {"description": "Aperio Image Library v11.2.1\r\nlabel 120x90", "subfiletype": 1, **strips}),
        (LABEL[::2], {"description": "Aperio Image Library v11.2.1\r\nmacro 120x45", "subfiletype": 9, **strips}),
    )
    return data, [base, small]


def raw_strips(data: bytes, page: int) -> list[bytes]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = file.pages[page].tags
        return [data[o : o + n] for o, n in zip(tags[273].value, tags[279].value, strict=True)]


def test_slide(tmp_path, who, scan):
    openslide = pytest.importorskip("openslide")
    pytest.importorskip("imagecodecs")
    data, _ = svs(tmp_path)
    fresh, outcome = cleaned(tmp_path, who, data)
    assert not scan(fresh)
    for page in (3, 4):  # not one strip of the label or the macro image is left
        assert all(strip in data and strip not in fresh for strip in raw_strips(data, page))
    (tmp_path / "a.svs").write_bytes(data)
    (tmp_path / "b.svs").write_bytes(fresh)
    old, new = openslide.OpenSlide(tmp_path / "a.svs"), openslide.OpenSlide(tmp_path / "b.svs")
    assert set(old.associated_images) == {"thumbnail", "label", "macro"}
    assert not new.associated_images
    assert new.level_dimensions == old.level_dimensions
    assert (new.properties["openslide.mpp-x"], new.properties["openslide.objective-power"]) == ("0.499", "20")
    for level, size in enumerate(old.level_dimensions):
        a, b = (np.asarray(slide.read_region((0, 0), level, size)) for slide in (old, new))
        np.testing.assert_array_equal(a, b)
    assert (outcome.modality, outcome.facts["frames"], outcome.facts["rows"]) == ("SM", 2, 2400)


@pytest.mark.real
def test_real_slide(tmp_path, who, shared_data):
    openslide = pytest.importorskip("openslide")
    source = shared_data / "wsi-samples" / "CMU-1-Small-Region.svs"
    tiff.clean(source, tmp_path / "b.svs", who)
    old, new = openslide.OpenSlide(source), openslide.OpenSlide(tmp_path / "b.svs")
    assert old.associated_images
    assert not new.associated_images
    a, b = (np.asarray(slide.read_region((0, 0), 0, slide.dimensions)) for slide in (old, new))
    np.testing.assert_array_equal(a, b)
    assert new.properties["openslide.mpp-x"] == "0.499"
    fresh = (tmp_path / "b.svs").read_bytes()
    with tifffile.TiffFile(source) as file:
        gone = [page for page in file.pages if not page.is_tiled]
        assert len(gone) == 3
        stream = source.read_bytes()
        for page in gone:
            for at, size in zip(page.dataoffsets, page.databytecounts, strict=True):
                assert stream[at : at + size] not in fresh


def test_ome_keeps_its_axes_and_sizes(tmp_path, who, scan):
    stack = RNG.integers(0, 65536, (2, 3, 40, 50), dtype=np.uint16)
    facts = {
        "axes": "CZYX",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeXUnit": "µm",
        "Channel": {"Name": ["DAPI", "Zyxwhurst"]},
    }
    out = io.BytesIO()
    with tifffile.TiffWriter(out, ome=True) as writer:
        writer.write(
            stack, metadata={**facts, "Description": JUNK, "Name": "Quillfeather"}, software=JUNK, datetime=True
        )
    data = out.getvalue()
    fresh, _ = cleaned(tmp_path, who, data)
    assert not scan(fresh)
    with tifffile.TiffFile(io.BytesIO(fresh)) as file:
        assert file.is_ome
        assert file.series[0].axes == "CZYX"
        np.testing.assert_array_equal(file.series[0].asarray(), stack)
        assert 'PhysicalSizeX="0.25"' in file.ome_metadata
        assert "DAPI" in file.ome_metadata


def test_imagej_and_shaped_descriptions(tmp_path, who):
    stack = RNG.integers(0, 65536, (3, 40, 50), dtype=np.uint16)
    out = io.BytesIO()
    tifffile.imwrite(
        out, stack, imagej=True, metadata={"axes": "ZYX", "spacing": 2.0, "Info": JUNK, "Labels": [JUNK] * 3}
    )
    fresh, _ = cleaned(tmp_path, who, out.getvalue())
    assert JUNK.encode() not in fresh
    with tifffile.TiffFile(io.BytesIO(fresh)) as file:
        assert file.imagej_metadata["spacing"] == 2.0
        np.testing.assert_array_equal(file.series[0].asarray(), stack)
    assert clean_description('{"shape": [3, 4], "patient": "x"}', "shaped", str) == '{"shape": [3, 4]}'
    space = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><OME xmlns="{space}">&a;</OME>'
    assert clean_description(bomb, "ome", str) == ""


def test_vendors_that_need_their_texts_are_quarantined(tmp_path, who):
    for text in (
        "<?xml?><scn xmlns='http://www.leica-microsystems.com/scn/2010/10/01'/>",
        "Label Image",
        "level=0 mag=40",
    ):
        with pytest.raises(QuarantineError) as error:
            cleaned(tmp_path, who, written((RGB, {"description": text, "metadata": None, "photometric": "rgb"})))
        assert error.value.reason == "unknown-format"


def test_hostile(tmp_path, who):
    at = 8 + 2 + 9 * 12 + 4
    good = BASE | {273: (4, 1, at), 279: (4, 1, 16)}
    many = 100_000
    rows = BASE | {256: (4, 1, 16), 257: (4, 1, many), 278: (4, 1, 1)}
    rows |= {273: (4, many, at), 279: (4, many, at + 4 * many)}
    shared = handmade(rows, struct.pack("<I", 0) * many + struct.pack("<I", 16) * many)
    overlap = handmade(rows, np.arange(many, dtype="<u4").tobytes() + struct.pack("<I", 600_000) * many)
    cases = {
        "loop": handmade(good, bytes(16), link=8),
        "self child": handmade(good | {330: (4, 1, 8)}, bytes(32)),
        "beyond": handmade(good | {273: (4, 1, 10**6)}, bytes(16)),
        "count": handmade(good | {279: (4, 1, 10**9)}, bytes(16)),
        "tags": b"II*\0" + struct.pack("<IH", 8, 65535) + bytes(100),
        "huge array": handmade(good | {273: (4, 2**30, at)}, bytes(16)),
        "no pixels": handmade(BASE, bytes(16)),
        "old jpeg": handmade(good | {259: (3, 1, 6)}, bytes(16)),
        "deflate bomb": handmade(good | {259: (3, 1, 8), 279: (4, 1, len(BOMB))}, BOMB),
        "empty": b"II*\0\0\0\0\0",
        "overlap": overlap,
    }
    for name, data in cases.items():
        start = time.process_time()
        with pytest.raises(QuarantineError):
            cleaned(tmp_path, who, data)
        assert time.process_time() - start < 2, name
        assert not (tmp_path / "b.tif").exists()
    fresh, _ = cleaned(tmp_path, who, shared)  # the same bytes a hundred thousand times are stored once
    assert len(fresh) < 2 * len(shared)
    with pytest.raises(QuarantineError):
        cleaned(tmp_path, replace(who, limits=Limits(max_bytes=8)), handmade(good, bytes(16)))


BOMB = zlib.compress(bytes(50 * 1024**2))


def test_j2k_comment():
    codecs = pytest.importorskip("imagecodecs")
    data = codecs.jpeg2k_encode(RGB, level=0, codecformat="j2k")
    comment = JUNK.encode()
    at = data.index(b"\xff\x52")  # before COD
    planted = data[:at] + b"\xff\x64" + struct.pack(">HH", len(comment) + 4, 1) + comment + data[at:]
    fresh = strip_j2k(planted)
    assert comment not in fresh
    np.testing.assert_array_equal(codecs.jpeg2k_decode(fresh), RGB)
