"""Writing changed frames back in a data set, and keeping every element that describes them true."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from deephealth.io.dicom.layout import PixelLayout

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["write_pixels"]

_J2K = ("jpeg2000", "htj2k", "htj2k-lossless")


class Source(Protocol):
    """Where the frames come from."""

    native: bool
    family: str
    colour: str


def write_pixels(dataset: Dataset, layout: PixelLayout, frames: Iterable[np.ndarray], source: Source) -> None:
    """Put frames in the pixel element of a data set.

    Args:
        dataset: changed in place.
        layout: of the pixels as they came.
        frames: (H, W) or (H, W, samples), stored values.
        source: tells whether they came native, and in which colour space they are once the first is decoded.
    """
    extremes: list[float] = []
    packed = _packed(_watched(frames, extremes, layout), layout, native=source.native)
    element = dataset[layout.keyword]
    element.value = packed + b"\0" * (len(packed) % 2)
    element.is_undefined_length = False
    _describe(dataset, extremes)
    if source.native:
        if layout.photometric == "YBR_FULL_422":
            dataset.PhotometricInterpretation = "YBR_FULL"
        return
    if layout.keyword == "PixelData":
        element.VR = "OB" if layout.allocated <= 8 else "OW"
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            delattr(dataset, keyword)
    if layout.samples > 1:
        dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = "YBR_FULL" if source.colour == "YBR_FULL_422" else source.colour
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _compress(dataset, layout, source.family)


def _watched(frames: Iterable[np.ndarray], extremes: list[float], layout: PixelLayout) -> Iterator[np.ndarray]:
    """Pass frames on and note the smallest and largest value of grey ones."""
    for frame in frames:
        if layout.samples == 1 and frame.dtype.kind in "iu":
            extremes += [int(frame.min()), int(frame.max())]
        yield frame


def _packed(frames: Iterable[np.ndarray], layout: PixelLayout, *, native: bool) -> bytes:
    if layout.allocated == 1:
        bits = np.concatenate([(frame & 1).ravel() for frame in frames])
        return np.packbits(bits.astype(np.uint8), bitorder="little").tobytes()
    parts = []
    planar = layout.planar and native and layout.photometric != "YBR_FULL_422"
    for frame in frames:
        shaped = frame.transpose(2, 0, 1) if planar and frame.ndim == 3 else frame
        parts.append(np.ascontiguousarray(shaped, layout.stored_dtype if native else None).tobytes())
    joined = b"".join(parts)
    if native and layout.swapped:
        even = joined + b"\0" * (len(joined) % 2)
        return np.frombuffer(even, np.uint16).byteswap().tobytes()
    return joined


def _describe(dataset: Dataset, extremes: list[float]) -> None:
    """Correct the attributes that say what the smallest and largest pixel values are."""
    for keyword, value in (("SmallestImagePixelValue", min), ("LargestImagePixelValue", max)):
        if extremes and keyword in dataset:
            setattr(dataset, keyword, int(value(extremes)))


def _compress(dataset: Dataset, layout: PixelLayout, family: str) -> None:
    """Compress without loss as the source's family does; leave it native where no encoder takes it."""
    wanted = _wanted(layout, family)
    if wanted is None:
        return
    before: dict[str, Any] = {
        keyword: dataset[keyword].value
        for keyword in ("PixelData", "PhotometricInterpretation", "PlanarConfiguration")
        if keyword in dataset
    }
    kind = dataset["PixelData"].VR
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.compress(wanted, generate_instance_uid=False)
    except Exception:  # an encoder may refuse a layout or be missing: native is right too
        for keyword, value in before.items():
            setattr(dataset, keyword, value)
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = kind, False
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _wanted(layout: PixelLayout, family: str) -> Any:
    if layout.keyword != "PixelData" or layout.allocated not in (8, 16):
        return None
    if family in _J2K:
        return JPEG2000Lossless
    if layout.samples == 1 and family in ("jpeg-ls", "jpeg-lossless", "jpeg"):
        return JPEGLSLossless
    return RLELossless
