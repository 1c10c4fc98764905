"""DICOM files into ECVL images and back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deephealth.core.errors import DeepHealthError, OptionalDependencyError
from deephealth.core.files import atomic_write
from deephealth.ecvl.codecs.dicom_meta import SAFE, meta_of, put_meta, put_overlay
from deephealth.ecvl.enums import ColorType, DataType
from deephealth.ecvl.errors import EcvlDataError, EcvlError
from deephealth.ecvl.image import Image
from deephealth.ecvl.strictness import is_strict

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["DicomRead", "DicomWrite"]

_OVERLAY = "overlay"
_STRICT_LAYOUTS = ("xyc", "cxy")
_SAMPLES = 3
_GREY_RANK = 2
_ALL_BUT_SIGN = 0x7FFFFFFF  # what DCMTK turns over in signed colours of 32 bits
_UNSIGNED, _SIGNED = (np.uint8, np.uint16, np.int32), (np.int8, np.int16, np.int32)
_IN_ONE_PIECE = 32 * 1024**2  # bytes; of larger files the frames are read one after the other


def DicomRead(
    filename: str | os.PathLike[str],
    *,
    window: tuple[float, float] | bool = False,
    invert: bool = False,
    frames: Literal["all", "first"] | None = None,
) -> Image:
    """Read a DICOM file.

    The values are what the file means (modality look-up table, or slope and intercept), in the smallest integer type
    that holds the values that are there, or float32 where slope or intercept are not whole. YBR and palette colours
    become RGB. Positions and several files of a series: :func:`deephealth.io.dicom.read_series`.

    Args:
        filename: the file.
        window: ``True`` applies the file's own window, (centre, width) that one. Nothing is windowed by default.
        invert: whether MONOCHROME1, whose large values are dark, is turned over.
        frames: ``"first"`` for one frame, or ``"all"`` (the default, except in strict mode).

    Returns:
        ``"xyc"``, GRAY or RGB; several frames are ``"xyz"``, or ``"xyzc"`` with colours. ``spacings_`` are the
        distances of columns, rows and slices, as far as the file names them; ``meta_`` holds every top-level element by
        keyword.

    Raises:
        EcvlDataError: no such file, not DICOM, damaged, or too large; a ``RuntimeError``.
        OptionalDependencyError: the decoder that it needs is not installed.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> DicomRead(get_testdata_file("CT_small.dcm", download=False))
        <Image xyc 128 x 128 x 1 int16 GRAY>
    """
    path = Path(filename)
    strict = is_strict()
    try:
        return _read(path, window, invert, (frames or ("first" if strict else "all")) == "first", strict)
    except OptionalDependencyError:
        raise
    except DeepHealthError as error:
        raise EcvlDataError(f"Can't read {path}: {error.what}", allowed=error.allowed, hint=error.hint) from error


def DicomWrite(
    filename: str | os.PathLike[str], src: Image, *, meta: Literal["safe", "all", "none"] | None = None
) -> None:
    """Write an image as a DICOM secondary capture, atomically.

    float32 and float64 images keep their type. Colours of int8 and int16 are stored as unsigned numbers, 128 and 32,768
    higher, and read back so: DICOM has no signed colours. An ``Image`` in the metadata under ``"overlay"`` becomes an
    overlay plane.

    Args:
        filename: the file.
        src: GRAY, RGB or BGR (written as RGB), ``"xyc"`` or ``"cxy"``; also ``"xy"``, and ``"xyz"`` or ``"xyzc"`` as
            several frames. An image of one channel may be without colour type.
        meta: which metadata go back under their DICOM keywords: ``"safe"`` (the default) those that are true of the
            image whatever was done to its pixels, such as patient and study; ``"all"`` also the others, except for what
            describes the pixels. Strict mode writes none, like the original.

    Raises:
        EcvlError: another layout, colour type or element type, or it can't be written; a ``RuntimeError``.
    """
    path = Path(filename)
    what = f"Can't write {path}"
    strict = is_strict()
    pixels, several = _frames_of(src, what, strict)
    try:
        from deephealth.io.dicom.writing.identity import identity_of, stamp
        from deephealth.io.dicom.writing.series import encode

        dataset = _capture(pixels, several, strict)
        dataset.update(identity_of(None))
        dataset.Modality = "RTIMAGE" if strict else "OT"
        stamp(dataset, number=1, description="")
        chosen = meta or ("none" if strict else "safe")
        if chosen != "none":
            put_meta(dataset, src.meta_, SAFE if chosen == "safe" else None)
        if not strict:
            _put_spacings(dataset, src)
        _put_overlay(dataset, src, pixels, what)
        atomic_write(path, encode(dataset))
    except EcvlError:
        raise
    except DeepHealthError as error:
        raise EcvlError(f"{what}: {error.what}", allowed=error.allowed, hint=error.hint) from error


def _read(path: Path, window: tuple[float, float] | bool, invert: bool, first: bool, strict: bool) -> Image:
    from deephealth.io.dicom.dataset import read_dataset
    from deephealth.io.dicom.guard import guarded
    from deephealth.io.dicom.pixels import read_pixels

    large = path.is_file() and path.stat().st_size > _IN_ONE_PIECE
    dataset = read_dataset(path, pixels=not large)
    pixels = read_pixels(
        path if large else dataset,
        frames=0 if first else None,
        window="default" if window is True else window or None,
        invert_monochrome1=invert,
        colour="rgb",
    )
    with guarded(str(path)):
        pixels = _compatible(pixels, dataset, strict)
        coloured = pixels.ndim > 2 and _is_colour(dataset)
    several = pixels.ndim > 2 + coloured
    array = pixels.swapaxes(-3, -2) if coloured else pixels.swapaxes(-2, -1)[..., None]  # ([z,] x, y, c)
    channels = "xyc"
    if several:
        array = np.moveaxis(array, 0, 2)
        channels = "xyzc" if coloured else "xyz"
    image = Image()
    image.rebind(
        array[..., 0] if channels == "xyz" else array,
        channels=channels,
        colortype=ColorType.RGB if coloured else ColorType.GRAY,
        spacings=() if strict else _spacings(dataset, channels),
        meta=meta_of(dataset),
    )
    return image


def _is_colour(dataset: Dataset) -> bool:
    return dataset.get("SamplesPerPixel") == _SAMPLES or dataset.get("PhotometricInterpretation") == "PALETTE COLOR"


def _compatible(pixels: np.ndarray, dataset: Dataset, strict: bool) -> np.ndarray:
    """Return the values in the type that the original chooses: the smallest that holds those that are there.

    Without negative values that is the first of uint8, uint16 and int32 that is wide enough, with them the first of
    int8, int16 and int32. Colours keep their type. In strict mode fractions are cut off, as the original does.
    """
    if _is_colour(dataset) or not pixels.size or (pixels.dtype.kind == "f" and not strict):
        return pixels
    low, high = pixels.min(), pixels.max()
    for dtype in _UNSIGNED if low >= 0 else _SIGNED:
        limits = np.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return pixels.astype(dtype, copy=False)
    return pixels.astype(np.int32 if strict else np.int64)


def _spacings(dataset: Dataset, channels: str) -> list[float]:
    """Return millimetres per axis, 1 along c; nothing if the file does not say it or says nonsense."""
    measures: Any = dataset
    try:
        for group in dataset.get("SharedFunctionalGroupsSequence") or ():
            for item in group.get("PixelMeasuresSequence") or ():
                measures = item
        rows, columns = (float(step) for step in measures.get("PixelSpacing") or ())
        between = float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1.0)
    except Exception:  # pydicom raises nearly anything on damaged elements, and the pixels are good
        return []
    steps = {"x": columns, "y": rows, "z": abs(between), "c": 1.0}
    found = [steps[letter] for letter in channels]
    return found if all(0 < step < np.inf for step in found) else []


def _capture(pixels: np.ndarray, several: bool, strict: bool) -> Dataset:
    """Return a data set of the pixels alone; of signed colours what the original's reader makes of them."""
    from deephealth.io.dicom.writing.capture import capture_dataset

    if pixels.ndim - several <= _GREY_RANK or pixels.dtype.kind != "i":
        return capture_dataset(pixels, frames=several)
    if pixels.dtype != np.int32:
        bits = np.dtype(f"u{pixels.dtype.itemsize}")
        flipped = np.ascontiguousarray(pixels).view(bits) ^ bits.type(1 << (8 * bits.itemsize - 1))
        return capture_dataset(flipped, frames=several)
    dataset = capture_dataset(np.zeros(pixels.shape, np.uint16), frames=several)
    stored = pixels ^ np.int32(_ALL_BUT_SIGN) if strict else pixels
    dataset.BitsAllocated = dataset.BitsStored = 32
    dataset.HighBit, dataset.PixelRepresentation = 31, 1
    dataset.PixelData = np.ascontiguousarray(stored, dtype="<i4").tobytes()
    return dataset


def _frames_of(src: Image, what: str, strict: bool) -> tuple[np.ndarray, bool]:
    """Return H x W, H x W x 3, or these with a leading axis of frames, and whether there is that axis."""
    layout = src.channels_
    allowed = _STRICT_LAYOUTS if strict else (*_STRICT_LAYOUTS, "yxc", "xy", "yx", "xyz", "xyzc")
    if src.IsEmpty() or layout not in allowed:
        raise EcvlError(
            f"{what}: the image has the axes '{layout}'", allowed=", ".join(allowed), hint="use RearrangeChannels first"
        )
    if src.elemtype_ is DataType.int64:
        raise EcvlError(f"{what}: the image is {src.elemtype_}", allowed="all other types", hint="use ConvertTo first")
    order = [layout.index(letter) for letter in "zyxc" if letter in layout]
    pixels = src.pixels.transpose(order)
    samples = pixels.shape[-1] if "c" in layout else 1
    if strict and src.colortype_ is ColorType.GRAY and layout == "xyc":
        pixels, samples = pixels[..., :1], 1  # of several planes the original reads the first
    colour = _colour(src.colortype_, samples, what, strict)
    if "c" in layout and samples == 1:
        pixels = pixels[..., 0]
    return (pixels[..., ::-1] if colour is ColorType.BGR else pixels), "z" in layout


def _colour(colour: ColorType, samples: int, what: str, strict: bool) -> ColorType:
    wanted = {ColorType.GRAY: 1, ColorType.RGB: _SAMPLES}
    if not strict:
        wanted[ColorType.BGR] = _SAMPLES
        if samples == 1 and colour is ColorType.none:
            return ColorType.GRAY
    if wanted.get(colour) != samples:
        names = ", ".join(f"{item.name} of {count}" for item, count in wanted.items())
        raise EcvlError(
            f"{what}: the image is {colour} of {samples} channels", allowed=names, hint="use ChangeColorSpace first"
        )
    return colour


def _put_spacings(dataset: Dataset, src: Image) -> None:
    from deephealth.io.dicom.writing.stored import decimal

    steps = dict(zip(src.channels_, src.spacings_, strict=False))
    if all(0 < steps.get(letter, 0) < np.inf for letter in "xy"):
        dataset.PixelSpacing = [decimal(steps["y"]), decimal(steps["x"])]
        if 0 < steps.get("z", 0) < np.inf:
            dataset.SpacingBetweenSlices = decimal(steps["z"])


def _put_overlay(dataset: Dataset, src: Image, pixels: np.ndarray, what: str) -> None:
    overlay = src.meta_[_OVERLAY].Get() if _OVERLAY in src.meta_ else None
    if not isinstance(overlay, Image):
        return
    mask, _ = _frames_of(overlay, what, strict=False)
    if mask.shape != pixels.shape[:2]:
        raise EcvlError(f"{what}: the overlay has the shape {mask.shape}", allowed=f"one channel of {pixels.shape[:2]}")
    put_overlay(dataset, mask)
