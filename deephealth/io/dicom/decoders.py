"""Decoders of compressed frames: one table per family of transfer syntaxes, the fastest exact decoder first.

Figures in the notes are MB/s of decoded 12-bit CT on one core. Every decoder gives what pydicom's own plugins give, bit
for bit; tests compare them. Decoders that release the interpreter's lock stand before others of the same speed, because
frames are decoded in threads, and those that have had holes on hostile files stand last.
"""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np

from deephealth.core.errors import DeepHealthError, LimitError, UnreadableFileError
from deephealth.core.units import format_bytes
from deephealth.io.backend import Backend, BackendTable
from deephealth.io.dicom.codestream import Codestream, check_segments, probe
from deephealth.io.dicom.layout import PixelLayout
from deephealth.io.dicom.native import clear_unused_bits, interleaved

__all__ = ["DECODERS", "MAX_RATIO", "RATIO_FROM_BYTES", "decode_frame", "decoded_colour"]

MAX_RATIO, RATIO_FROM_BYTES = 1000, 64 * 1024**2  # a large frame that is packed better is a bomb
_ADOBE_YCC = 1
_PROGRESSIVE, _MAX_SCANS = 0xC2, 64
_J2K = ("jpeg2000", "htj2k", "htj2k-lossless")
_JPEG = ("jpeg", "jpeg-lossless")
_END, _END_WITHIN = b"\xff\xd9", 4  # a byte of padding may follow
_GREYS = ("MONOCHROME1", "MONOCHROME2")

Decoded = np.ndarray
Out = np.ndarray | None


def _jpeg8(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import imagecodecs

    if layout.samples == 1 or (info is not None and info.adobe == _ADOBE_YCC):
        return imagecodecs.jpeg8_decode(data, out=out)
    return imagecodecs.jpeg8_decode(data, colorspace="YCBCR", outcolorspace="YCBCR", out=out)  # as stored


def _jpeg_lossless(
    data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1
) -> Decoded:
    import imagecodecs

    return imagecodecs.jpeg8_decode(data, out=out)


def _pillow(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if layout.samples > 1 and "adobe_transform" not in image.info:
            image.draft("YCbCr", image.size)  # as stored
        return np.asarray(image)


def _jpegls(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import imagecodecs

    return imagecodecs.jpegls_decode(_ended(data), out=out)


def _ended(data: bytes) -> bytes:
    """Return a JPEG-LS stream that ends with its marker: CharLS reads zeros for half a minute where it is cut off."""
    return data if _END in data[-_END_WITHIN:] else data + _END


def _pyjpegls(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import jpeg_ls

    found, facts = jpeg_ls.decode_pixel_data(_ended(data))
    samples = np.frombuffer(found, np.uint8 if facts["bits_per_sample"] <= 8 else np.uint16)
    if facts["components"] > 1 and facts["interleave_mode"] == 0:
        return samples.reshape(layout.samples, layout.rows, layout.columns).transpose(1, 2, 0)
    return samples.reshape(layout.frame_shape)


def _jpeg2k(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import imagecodecs

    return imagecodecs.jpeg2k_decode(data, numthreads=workers, out=out)


def _htj2k(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import imagecodecs

    return imagecodecs.htj2k_decode(data, out=out)


def _openjpeg(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import openjpeg

    return openjpeg.decode(data)


def _jpegxl(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import imagecodecs

    # given a result to fill, it can't be made to allocate what a damaged stream claims
    target = np.empty(layout.frame_shape, layout.dtype) if out is None else out
    return imagecodecs.jpegxl_decode(data, out=target, numthreads=1)


def _rle(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import imagecodecs

    return _planes(np.frombuffer(imagecodecs.dicomrle_decode(data, layout.dtype), layout.dtype), layout)


def _rust_rle(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    from rle.rle import decode_frame as decode

    try:
        found = decode(data, layout.rows * layout.columns, layout.allocated, "<")
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's panics pass by `except Exception`
            raise
        raise ValueError(str(error)) from error
    return _planes(np.frombuffer(found, layout.dtype), layout)


def _pydicom_rle(
    data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1
) -> Decoded:
    from pydicom.pixels.decoders.rle import _rle_decode_frame

    decoded = _rle_decode_frame(data, layout.rows, layout.columns, layout.samples, layout.allocated)
    return _planes(np.frombuffer(decoded, layout.dtype), layout)


def _planes(samples: np.ndarray, layout: PixelLayout) -> Decoded:
    shaped = samples.reshape(layout.samples, layout.rows, layout.columns)
    return shaped[0] if layout.samples == 1 else shaped.transpose(1, 2, 0)


def _gdcm(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    import gdcm

    precision = info.precision if info is not None else layout.stored
    size = 8 if precision <= 8 else 16 if precision <= 16 else 32
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((layout.columns, layout.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(layout.photometric)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    if layout.samples > 1:
        image.SetPlanarConfiguration(0)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(layout.syntax)))
    image.SetPixelFormat(gdcm.PixelFormat(layout.samples, size, precision, precision - 1, int(layout.signed)))
    found = image.GetBuffer().encode("utf-8", "surrogateescape")  # gdcm hands bytes out as text
    return np.frombuffer(found, np.dtype(f"{'i' if layout.signed else 'u'}{size // 8}")).reshape(layout.frame_shape)


def _inflate(data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1) -> Decoded:
    wanted = -(-layout.frame_bits // 8)
    found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, wanted)
    return _uncompressed(found, layout, info)


def _uncompressed(
    data: bytes, layout: PixelLayout, info: Codestream | None, out: Out = None, workers: int = 1
) -> Decoded:
    wanted = -(-layout.frame_bits // 8)
    if layout.allocated == 1:
        bits = np.unpackbits(np.frombuffer(data[:wanted], np.uint8), bitorder="little")
        return interleaved(bits[: layout.frame_bits], layout)
    return interleaved(np.frombuffer(data[:wanted], layout.stored_dtype), layout)


def _eight_bits(subject: tuple[PixelLayout, Codestream | None]) -> bool:
    return subject[1] is None or (subject[1].precision <= 8 and subject[1].process != 0xC3)


def _whole_bytes(subject: tuple[PixelLayout, Codestream | None]) -> bool:
    return subject[0].allocated in (8, 16, 32)


_IMAGECODECS = ("imagecodecs",)
_ALONE = frozenset({"gdcm", "pylibjpeg-rle"})  # not tried on what another decoder has refused
_HOLES = "had memory errors on hostile files (CVE-2026-3650): run it in a worker process"
DECODERS: dict[str, BackendTable] = {
    "jpeg": BackendTable(
        "decode JPEG",
        [
            Backend("imagecodecs", _jpeg8, _IMAGECODECS, note="libjpeg-turbo, 8 and 12 bits, releases the lock"),
            Backend("pillow", _pillow, ("PIL",), can=_eight_bits, note="libjpeg-turbo, 8 bits"),
            Backend("gdcm", _gdcm, ("gdcm",), can=_eight_bits, note=_HOLES),
        ],
    ),
    "jpeg-lossless": BackendTable(
        "decode JPEG lossless",
        [
            Backend("imagecodecs", _jpeg_lossless, _IMAGECODECS, note="libjpeg-turbo, 170 MB/s, releases the lock"),
            Backend("gdcm", _gdcm, ("gdcm",), note="51 MB/s; " + _HOLES),
        ],
    ),
    "jpeg-ls": BackendTable(
        "decode JPEG-LS",
        [
            Backend("imagecodecs", _jpegls, _IMAGECODECS, note="CharLS, 75 MB/s, releases the lock"),
            Backend("pyjpegls", _pyjpegls, ("jpeg_ls",), note="CharLS, 75 MB/s"),
            Backend("gdcm", _gdcm, ("gdcm",), note="42 MB/s; " + _HOLES),
        ],
    ),
    "jpeg2000": BackendTable(
        "decode JPEG 2000",
        [
            Backend("imagecodecs", _jpeg2k, _IMAGECODECS, note="OpenJPEG, 12 MB/s, releases the lock"),
            Backend("openjpeg", _openjpeg, ("openjpeg",), note="OpenJPEG, 12 MB/s"),
            Backend("gdcm", _gdcm, ("gdcm",), note="OpenJPEG, 12 MB/s; " + _HOLES),
        ],
    ),
    "htj2k-lossless": BackendTable(
        "decode HTJ2K",
        [
            Backend("imagecodecs", _htj2k, _IMAGECODECS, note="OpenJPH, 275 MB/s, releases the lock"),
            Backend("openjpeg", _openjpeg, ("openjpeg",), note="OpenJPEG, 110 MB/s"),
        ],
    ),
    "htj2k": BackendTable(
        "decode lossy HTJ2K",
        [
            Backend("imagecodecs", _jpeg2k, _IMAGECODECS, note="OpenJPEG, whose rounding is the reference"),
            Backend("openjpeg", _openjpeg, ("openjpeg",), note="OpenJPEG"),
        ],
    ),
    "jpeg-xl": BackendTable(
        "decode JPEG XL", [Backend("imagecodecs", _jpegxl, _IMAGECODECS, can=_whole_bytes, note="libjxl")]
    ),
    "rle": BackendTable(
        "decode RLE",
        [
            Backend("imagecodecs", _rle, _IMAGECODECS, can=_whole_bytes, note="790 MB/s, releases the lock"),
            Backend("pylibjpeg-rle", _rust_rle, ("rle",), can=_whole_bytes, note="740 MB/s"),
            Backend("pydicom", _pydicom_rle, note="75 MB/s, nothing to install"),
        ],
    ),
    "deflated-frames": BackendTable("inflate frames", [Backend("zlib", _inflate)]),
    "uncompressed": BackendTable("read encapsulated frames", [Backend("numpy", _uncompressed)]),
}
"""Family of transfer syntaxes -> its decoders, best first."""


def decode_frame(
    data: bytes, layout: PixelLayout, family: str, name: str, *, out: np.ndarray | None = None, workers: int = 1
) -> tuple[np.ndarray, str]:
    """Decode one compressed frame.

    Args:
        data: the frame, its fragments joined.
        layout: what the header claims; what the frame itself claims must agree before a decoder sees it.
        family: a key of :data:`DECODERS`.
        name: what errors call the file.
        out: where the frame is to go, of ``layout.frame_shape`` and ``layout.dtype``, contiguous. Decoders that can
            fill it do so; the result is then ``out`` itself.
        workers: threads within the frame, for decoders that can use them (JPEG 2000).

    Returns:
        (H, W) or (H, W, samples) of ``layout.dtype``, and the colour space the samples are in now.

    Raises:
        UnreadableFileError: damaged, or of another size than the header claims.
        LimitError: claims far more pixels than its bytes can hold.
        OptionalDependencyError: no decoder for it is installed; the message names them.
    """
    info = _look(data, layout, family, name)
    target = out if out is not None and _fits(layout, family, info) else None
    frame = _run(data, layout, family, info, name, target, workers)
    if frame.shape != layout.frame_shape:
        raise UnreadableFileError(
            f"a frame of {name} decodes to {frame.shape}", allowed=f"{layout.frame_shape}, as its header says"
        )
    return _conform(frame, layout, family, info), decoded_colour(layout, family, info)


def decoded_colour(layout: PixelLayout, family: str, info: Codestream | None) -> str:
    """Return the colour space of decoded samples, where the stream knows better than the header."""
    stored = layout.photometric
    if layout.samples == 1:
        return stored
    if family in _J2K:
        return "RGB" if stored in ("YBR_ICT", "YBR_RCT") else stored  # the decoder has undone the transform
    if info is None:
        return stored
    if info.rgb_ids or (family == "jpeg" and info.adobe == _ADOBE_YCC):
        return "RGB"
    return "YBR_FULL" if info.jfif and "YBR" not in stored else stored


def _look(data: bytes, layout: PixelLayout, family: str, name: str) -> Codestream | None:
    """Compare the sizes that the stream claims with those of the header, before anything is decoded."""
    decoded = layout.rows * layout.columns * layout.samples * layout.dtype.itemsize
    if decoded > RATIO_FROM_BYTES and decoded > MAX_RATIO * len(data):
        raise LimitError(
            f"a frame of {name} has {format_bytes(len(data))} and claims {format_bytes(decoded)} of pixels",
            allowed=f"at most {MAX_RATIO} times its size",
            hint="it is damaged or made to exhaust memory",
        )
    if family == "rle":
        check_segments(data, layout.samples * layout.dtype.itemsize, name)
    if family not in (*_J2K, *_JPEG, "jpeg-ls"):
        return None
    info = probe(data, name)
    claimed = (info.rows, info.columns, info.samples)
    if claimed != (layout.rows, layout.columns, layout.samples):
        raise UnreadableFileError(
            f"a compressed frame of {name} has {claimed[0]} x {claimed[1]} pixels of {claimed[2]} samples",
            allowed=f"{layout.rows} x {layout.columns} of {layout.samples}, as the header says",
        )
    if not 1 <= info.precision <= max(layout.allocated, 8):
        raise UnreadableFileError(
            f"a compressed frame of {name} has {info.precision} bits", allowed=f"at most {layout.allocated}"
        )
    if family in _JPEG and data.rfind(_END) < 0:
        raise UnreadableFileError(
            f"a JPEG frame of {name} has no end: it is cut off",  # libjpeg would fill the rest with grey
            hint="copy the file again",
        )
    if info.process == _PROGRESSIVE and data.count(b"\xff\xda") > _MAX_SCANS:
        raise LimitError(f"a progressive JPEG in {name} has too many scans", allowed=f"at most {_MAX_SCANS}")
    return info


def _fits(layout: PixelLayout, family: str, info: Codestream | None) -> bool:
    """Return whether a decoder's own element type has the size of the result's."""
    if info is None:
        return family == "jpeg-xl"
    return layout.dtype.itemsize == (1 if info.precision <= 8 else 2 if info.precision <= 16 else 4)


def _run(
    data: bytes, layout: PixelLayout, family: str, info: Codestream | None, name: str, out: Out, workers: int
) -> np.ndarray:
    """Run the best decoder; another one may know a variant that the best does not."""
    subject = (layout, info)
    failed: list[str] = []
    for row in _installed(family):
        if not row.can(subject) or (failed and row.name in _ALONE):
            continue
        try:
            return row.run(data, layout, info, out, workers)
        except MemoryError:
            raise
        except DeepHealthError:
            raise
        except Exception as error:
            failed.append(f"{row.name}: {' '.join(str(error).split())[:120]}")
    if not failed:
        DECODERS[family].choose(subject)  # names what is missing
    raise UnreadableFileError(
        f"a frame of {name} can't be decoded: {'; '.join(failed)}",
        allowed=f"what its transfer syntax {layout.syntax} says",
        hint="copy the file again: the frame is damaged or cut off",
    )


@cache
def _installed(family: str) -> tuple[Backend, ...]:
    """Return the decoders that are installed; looking for packages takes longer than a small frame."""
    return tuple(row for row in DECODERS[family].rows if not row.missing())


def _conform(frame: np.ndarray, layout: PixelLayout, family: str, info: Codestream | None) -> np.ndarray:
    """Give decoded samples the header's type; undo wrong signs and unused bits as pydicom does."""
    out = frame if frame.dtype == layout.dtype else frame.astype(layout.dtype)
    if info is not None and family in _J2K:
        if layout.photometric in _GREYS and info.signed != layout.signed:
            return clear_unused_bits(out, info.precision, signed=layout.signed)
        return out
    if info is not None and family == "jpeg-ls":
        return clear_unused_bits(out, info.precision, signed=True) if layout.signed else out
    return clear_unused_bits(out, layout.stored, signed=layout.signed) if layout.allocated > layout.stored else out
