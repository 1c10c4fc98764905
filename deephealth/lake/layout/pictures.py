"""A DICOM photograph or radiograph to PNG, without loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, pixel_array

from deephealth.core.errors import DataError, UnreadableFileError
from deephealth.io.raster_write import encode_raster

__all__ = ["picture_png"]

_KEPT = (
    "BodyPartExamined",
    "Laterality",
    "ImageLaterality",
    "Manufacturer",
    "Modality",
    "PatientPosition",
    "ViewPosition",
)
_NUMBERS = ("KVP", "ExposureTime", "XRayTubeCurrent", "Exposure", "DistanceSourceToDetector", "WindowCenter")


def picture_png(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the PNG of a single-frame DICOM image, and the side-car that says how its values came about.

    Colour is 8-bit RGB. Grey values are the stored ones, moved to start at 0 and shifted to fill 8 or 16 bits, so that
    ordinary viewers show them and ``value >> Shift`` gives them back; MONOCHROME1 is inverted, so that higher is
    brighter in every file.

    Args:
        path: a de-identified DICOM object.

    Raises:
        UnreadableFileError: the pixels can't be decoded.
        DataError: several frames, or a kind of pixel that PNG doesn't hold.
    """
    try:
        dataset = pydicom.dcmread(path)
        pixels = np.asarray(pixel_array(dataset))
    except Exception as error:  # a codec may raise anything, and so may a header
        raise UnreadableFileError(f"the pixels of {path.name} can't be decoded") from error
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        pixels = (apply_color_lut(pixels, dataset) >> 8).astype(np.uint8)
    side_car: dict[str, Any] = {key: str(dataset.get(key)) for key in _KEPT if dataset.get(key)}
    side_car |= {key: _number(dataset.get(key)) for key in _NUMBERS if _number(dataset.get(key)) is not None}
    spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    if spacing is not None and len(spacing) == 2:
        side_car["PixelSpacing"] = [float(part) for part in spacing]
    if pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8:
        return encode_raster(pixels, ".png"), {**side_car, "PhotometricInterpretation": "RGB"}
    if pixels.ndim != 2 or pixels.dtype.kind not in "iu":
        raise DataError(f"{path.name} holds {pixels.dtype} of shape {pixels.shape}", allowed="one frame, grey or RGB")
    grey, how = _grey(pixels, dataset)
    return encode_raster(grey, ".png"), {**side_car, **how}


def _grey(pixels: np.ndarray, dataset: pydicom.Dataset) -> tuple[np.ndarray, dict[str, Any]]:
    stored = int(dataset.get("BitsStored", 0) or 0)
    signed = int(dataset.get("PixelRepresentation", 0) or 0) == 1
    offset = -(1 << (stored - 1)) if signed else 0
    values = pixels.astype(np.int64) - offset
    top = max((1 << stored) - 1, int(values.max(initial=0)))
    bits = top.bit_length()
    if bits > 16 or values.min(initial=0) < 0:
        raise DataError(f"grey values of {bits} bits", allowed="at most 16 bits")
    inverted = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
    if inverted:
        values = top - values
    width = 8 if bits <= 8 else 16
    grey = (values << (width - bits)).astype(np.uint8 if width == 8 else np.uint16)
    how = {
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsStored": bits,
        "Shift": width - bits,
        "Offset": offset,
        "Inverted": inverted,
    }
    slope, intercept = _number(dataset.get("RescaleSlope")), _number(dataset.get("RescaleIntercept"))
    if slope is not None and intercept is not None:
        how |= {"RescaleSlope": slope, "RescaleIntercept": intercept}
    return grey, how


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
