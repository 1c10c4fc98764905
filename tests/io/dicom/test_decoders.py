"""Decoders: all give the same samples, a missing one is named, and offset tables are believed only if true."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels import convert_color_space, pixel_array

from deephealth.core.errors import DeepHealthError, LimitError, OptionalDependencyError, UnreadableFileError
from deephealth.io.backend import Backend, BackendTable
from deephealth.io.dicom import decoders
from deephealth.io.dicom.bounded import Bytes
from deephealth.io.dicom.codestream import check_segments, probe
from deephealth.io.dicom.colour import rgb_to_ybr, ybr_to_rgb
from deephealth.io.dicom.decoders import DECODERS, decode_frame
from deephealth.io.dicom.fragments import find_frames
from deephealth.io.dicom.layout import PixelLayout
from deephealth.io.dicom.palette import expand_segments
from deephealth.io.dicom.pixels import read_pixels

imagecodecs = pytest.importorskip("imagecodecs")

ROWS, COLUMNS = np.mgrid[:48, :64]
GREY = (1000 + 500 * np.sin(COLUMNS / 5) + 300 * np.cos(ROWS / 7)).astype("u2")
COLOUR = np.stack([GREY >> 3, GREY >> 4, 255 - (GREY >> 3)], -1).astype("u1")
SYNTAX = "1.2.840.10008.1.2."


def rle(values: np.ndarray) -> bytes:
    from pydicom.pixels.encoders.base import RLELosslessEncoder

    bits = values.dtype.itemsize * 8
    return RLELosslessEncoder.encode(
        values,
        rows=values.shape[0],
        columns=values.shape[1],
        number_of_frames=1,
        samples_per_pixel=1 if values.ndim == 2 else 3,
        bits_allocated=bits,
        bits_stored=bits,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2" if values.ndim == 2 else "RGB",
        planar_configuration=0,
        encoding_plugin="pydicom",
    )


LOSSLESS = {
    "jpeg-lossless": ("4.70", lambda v: imagecodecs.ljpeg_encode(v, bitspersample=12)),
    "jpeg-ls": ("4.80", imagecodecs.jpegls_encode),
    "jpeg2000": ("4.90", lambda v: imagecodecs.jpeg2k_encode(v, level=0, codecformat="j2k", reversible=True)),
    "htj2k-lossless": ("4.201", lambda v: imagecodecs.htj2k_encode(v, reversible=True)),
    "htj2k": ("4.203", lambda v: imagecodecs.htj2k_encode(v, reversible=True)),
    "rle": ("5", rle),
}


def layout(values: np.ndarray, syntax: str, **more) -> PixelLayout:
    bits = values.dtype.itemsize * 8
    facts = {
        "rows": values.shape[0],
        "columns": values.shape[1],
        "samples": 1 if values.ndim == 2 else 3,
        "allocated": bits,
        "stored": 12 if bits == 16 else bits,
        "photometric": "MONOCHROME2" if values.ndim == 2 else "RGB",
        "syntax": SYNTAX + syntax,
    }
    return PixelLayout(**{**facts, **more})


@pytest.mark.parametrize("family", LOSSLESS)
def test_every_decoder_of_a_family_is_exact(family):
    syntax, encode = LOSSLESS[family]
    data, shape = encode(GREY), layout(GREY, syntax)
    info = probe(data, "a") if family != "rle" else None
    tried = 0
    for row in DECODERS[family].rows:
        if row.missing() or not row.can((shape, info)):
            continue
        np.testing.assert_array_equal(row.run(data, shape, info), GREY, err_msg=row.name)
        tried += 1
    assert tried >= (1 if family == "htj2k-lossless" else 2)
    np.testing.assert_array_equal(decode_frame(data, shape, family, "a")[0], GREY)


@pytest.mark.parametrize("family", ["jpeg-ls", "rle"])
def test_colour_frames(family):
    syntax, encode = LOSSLESS[family]
    frame, colour = decode_frame(encode(COLOUR), layout(COLOUR, syntax), family, "a")
    np.testing.assert_array_equal(frame, COLOUR)
    assert colour == "RGB"


def test_jpeg_keeps_ybr_and_all_decoders_agree():
    data = imagecodecs.jpeg8_encode(COLOUR, level=90)
    shape = layout(COLOUR, "4.50", photometric="YBR_FULL_422")
    info = probe(data, "a")
    frames = [row.run(data, shape, info) for row in DECODERS["jpeg"].rows if not row.missing() and row.name != "gdcm"]
    assert len(frames) == 2
    np.testing.assert_array_equal(*frames)
    rgb = ybr_to_rgb(frames[0])
    assert np.abs(rgb.astype(int) - COLOUR).mean() < 4
    assert decode_frame(data, shape, "jpeg", "a")[1] == "YBR_FULL_422"


def test_a_missing_decoder_is_named(monkeypatch):
    table = BackendTable("decode JPEG-LS", [Backend("imagecodecs", decoders._jpegls, ("no_such_package_",))])
    monkeypatch.setitem(DECODERS, "jpeg-ls", table)
    decoders._installed.cache_clear()
    try:
        with pytest.raises(OptionalDependencyError, match=r"decode JPEG-LS(.|\n)*imagecodecs"):
            decode_frame(imagecodecs.jpegls_encode(GREY), layout(GREY, "4.80"), "jpeg-ls", "a")
    finally:
        decoders._installed.cache_clear()


@pytest.mark.parametrize("family", LOSSLESS)
def test_cut_and_foreign_streams_are_typed_errors(family):
    syntax, encode = LOSSLESS[family]
    data, shape = encode(GREY), layout(GREY, syntax)
    for bad in (b"", data[:3], data[:30], data[:70], b"\0" * 200, data[len(data) // 2 :]):
        with pytest.raises(DeepHealthError):
            decode_frame(bad, shape, family, "a")
    if family != "rle":  # whose streams do not know their size, and may be padded
        with pytest.raises(UnreadableFileError):
            decode_frame(data, layout(GREY, syntax, columns=63), family, "a")


def test_bombs_are_refused_before_they_are_decoded():
    with pytest.raises(LimitError, match="claims"):
        decode_frame(b"\xff\xd8" * 50, layout(GREY, "4.80", rows=30_000, columns=30_000), "jpeg-ls", "a")


def test_an_rle_header_that_points_outside_is_refused():
    data = bytearray(rle(GREY))
    struct.pack_into("<I", data, 8, 0x00FFFFFF)
    with pytest.raises(UnreadableFileError, match="places in order"):
        check_segments(bytes(data), 2, "a")


def test_wrong_signs_of_jpeg2000_are_undone(make_image):
    values = (GREY.astype("i2") - 2000).astype("i2")
    wrong = (values & 0x1FFF).astype("u2")  # what a careless encoder makes of 13-bit signed values
    stream = imagecodecs.jpeg2k_encode(wrong, level=0, codecformat="j2k", reversible=True, bitspersample=13)
    dataset = make_image(values, BitsStored=13, HighBit=12, PixelData=encapsulate([stream]), syntax=SYNTAX + "4.90")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(pixel_array(dataset), values)
    np.testing.assert_array_equal(read_pixels(dataset), values)


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=6), st.booleans(), st.integers(1, 3))
def test_frames_are_found_by_any_table(frames, table, parts):
    ended = [frame + b"\xff\xd9" for frame in frames]
    data = encapsulate(ended, has_bot=table, fragments_per_frame=1 if not table else min(parts, 1))
    found = find_frames(Bytes(data), len(frames), "a")
    joined = [b"".join(data[start : start + length] for start, length in where) for where in found]
    assert [text.rstrip(b"\0") for text in joined] == [text.rstrip(b"\0") for text in ended]
    data, offsets, lengths = encapsulate_extended(ended)
    found = find_frames(Bytes(data), len(frames), "a", extended=(offsets, lengths))
    joined = [b"".join(data[start : start + length] for start, length in where) for where in found]
    assert [text.rstrip(b"\0") for text in joined] == [text.rstrip(b"\0") for text in ended]


def test_several_fragments_per_frame_without_a_table():
    frames = [bytes([at]) * 20 + b"\xff\xd9" for at in range(3)]
    data = encapsulate(frames, has_bot=False, fragments_per_frame=3)
    found = find_frames(Bytes(data), 3, "a")
    assert [b"".join(data[start : start + length] for start, length in where) for where in found] == frames
    with pytest.raises(UnreadableFileError, match="claims 7 frames"):
        find_frames(Bytes(data), 7, "a")


@given(st.binary(max_size=200), st.integers(1, 5))
def test_any_bytes_for_frames(data, frames):
    try:
        found = find_frames(Bytes(data), frames, "a")
    except DeepHealthError:
        return
    assert len(found) == frames
    assert all(start + length <= len(data) for where in found for start, length in where)


@given(st.binary(max_size=120))
def test_any_bytes_for_a_codestream(data):
    for start in (b"\xff\xd8", b"\xff\x4f\xff\x51", b""):
        try:
            probe(start + data, "a")
        except UnreadableFileError:
            continue


def test_colours_are_the_rounded_formulas():
    some = np.random.default_rng(0).integers(0, 256, (300, 1000, 3)).astype("u1")
    for ours, pair in ((ybr_to_rgb, ("YBR_FULL", "RGB")), (rgb_to_ybr, ("RGB", "YBR_FULL"))):
        reference = convert_color_space(some, *pair)
        off = np.abs(ours(some).astype(int) - reference)
        assert off.max() <= 1
        assert (off > 0).any(-1).sum() <= 30  # halves that 32-bit arithmetic rounds either way


@given(st.lists(st.integers(0, 65_535), max_size=60), st.integers(1, 300), st.booleans())
def test_segmented_palettes_never_grow_beyond_their_size(codes, entries, wide):
    if not wide:
        codes = [code & 255 for code in codes]
    try:
        assert len(expand_segments(codes, entries, wide=wide)) <= entries
    except UnreadableFileError:
        return


def test_indirect_segments_repeat_earlier_ones():
    codes = [0, 2, 5, 6, 1, 2, 10, 2, 1, 4, 0]
    assert expand_segments(codes, 8, wide=True) == [5, 6, 8, 10, 10, 10]


@pytest.mark.parametrize("interleave", [0, 1, 2])
def test_jpeg_ls_colours_in_any_order(interleave):
    jpeg_ls = pytest.importorskip("jpeg_ls")
    source = np.ascontiguousarray(COLOUR.transpose(2, 0, 1)) if interleave == 0 else COLOUR
    data = bytes(jpeg_ls.encode_array(source, interleave_mode=interleave))
    np.testing.assert_array_equal(decode_frame(data, layout(COLOUR, "4.80"), "jpeg-ls", "a")[0], COLOUR)


@pytest.mark.parametrize("predictor", range(1, 8))
def test_jpeg_lossless_predictors(predictor):
    data = imagecodecs.jpeg8_encode(GREY, lossless=True, predictor=predictor, bitspersample=16)
    np.testing.assert_array_equal(decode_frame(data, layout(GREY, "4.57"), "jpeg-lossless", "a")[0], GREY)


@pytest.mark.parametrize("family", ["jpeg2000", "htj2k-lossless", "htj2k", "jpeg-ls", "jpeg-lossless"])
def test_signed_values_and_results_that_are_given(family):
    signed = (GREY.astype("i4") - 1000).astype("i2")
    syntax, encode = LOSSLESS[family]
    if family == "jpeg-lossless":
        data = imagecodecs.ljpeg_encode(signed.view("u2"), bitspersample=16)
    else:
        data = encode(signed.view("u2") if family == "jpeg-ls" else signed)
    out = np.full(signed.shape, 7, "i2")
    shape = layout(signed, syntax, signed=True, stored=16)
    frame, _ = decode_frame(data, shape, family, "a", out=out)
    assert frame is out
    np.testing.assert_array_equal(out, signed)


@pytest.mark.parametrize("family", ["jpeg2000", "htj2k-lossless"])
def test_a_colour_transform_is_undone_by_the_decoder(family):
    syntax, encode = LOSSLESS[family]
    frame, colour = decode_frame(encode(COLOUR), layout(COLOUR, syntax, photometric="YBR_RCT"), family, "a")
    np.testing.assert_array_equal(frame, COLOUR)
    assert colour == "RGB"


def test_jpeg_xl_and_deflated_frames():
    import zlib

    data = imagecodecs.jpegxl_encode(COLOUR, lossless=True)
    np.testing.assert_array_equal(decode_frame(data, layout(COLOUR, "4.110"), "jpeg-xl", "a")[0], COLOUR)
    with pytest.raises(UnreadableFileError):
        decode_frame(data, layout(COLOUR, "4.110", rows=20), "jpeg-xl", "a")
    packer = zlib.compressobj(wbits=-15)
    data = packer.compress(GREY.tobytes()) + packer.flush()
    np.testing.assert_array_equal(decode_frame(data, layout(GREY, "8.1"), "deflated-frames", "a")[0], GREY)
