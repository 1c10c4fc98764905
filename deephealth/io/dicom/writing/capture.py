"""Secondary captures: a picture that belongs to a study, such as an overlay or a figure of a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.uid import (
    UID,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from deephealth.core.errors import DataError
from deephealth.core.files import atomic_write
from deephealth.io.dicom.writing.identity import identity_of, new_uid, stamp
from deephealth.io.dicom.writing.series import encode
from deephealth.io.dicom.writing.source_images import Sources, read_source_images
from deephealth.io.dicom.writing.stored import decimal

__all__ = ["capture_dataset", "write_secondary_capture"]

_GREY, _COLOUR = 2, 3
_RGB = (3,)
_COLOURS = ("uint8", "uint16")
_FLOATS = {
    "float32": ("FloatPixelData", 32),
    "float64": ("DoubleFloatPixelData", 64),
}


def write_secondary_capture(
    path: Path | str,
    image: np.ndarray,
    *,
    source: Sources | None = None,
    modality: str = "OT",
    spacing: tuple[float, float] | None = None,
    description: str = "",
    number: int = 2001,
) -> None:
    """Write a picture as a DICOM secondary capture, atomically.

    Args:
        path: the file.
        image: H x W grey (integers of 8, 16 or 32 bits, float32 or float64) or H x W x 3 RGB (8 or 16
            bits, unsigned).
        source: images whose patient and study it joins; without them it is a new study of a patient without a name.
        modality: DICOM modality.
        spacing: millimetres between rows and between columns, if the picture has a scale.
        description: series description.
        number: series number.

    Raises:
        DataError: another shape or element type.
        StorageError: it can't be written.

    Example:
        >>> import pydicom, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "figure.dcm"
        >>> write_secondary_capture(path, np.zeros((4, 6, 3), np.uint8), description="overlay")
        >>> pydicom.dcmread(path).pixel_array.shape
        (4, 6, 3)
    """
    dataset = capture_dataset(image)
    identity = identity_of(None if source is None else read_source_images(source))
    dataset.update(identity)
    dataset.Modality = modality
    if spacing is not None:
        dataset.PixelSpacing = [decimal(step) for step in spacing]
    stamp(dataset, number=number, description=description)
    atomic_write(path, encode(dataset))


def capture_dataset(image: np.ndarray, *, frames: bool = False) -> Dataset:
    """Return a secondary capture of ``image`` that lacks only patient, study and equipment.

    Args:
        image: as in :func:`write_secondary_capture`.
        frames: whether it has a leading axis of frames.

    Raises:
        DataError: another shape or element type.
    """
    pixels = image.astype(np.uint8) if image.dtype == bool else image
    shape = pixels.shape[1:] if frames else pixels.shape
    _check_shape(shape, pixels.size)
    colour = len(shape) == _COLOUR
    keyword, bits, data = _pixel_data(pixels, colour=colour)
    dataset = Dataset()
    dataset.SOPClassUID = _sop_class(keyword, bits, frames=frames, colour=colour)
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = new_uid(), new_uid()
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.ConversionType = "WSD"
    dataset.InstanceNumber = 1
    dataset.PatientOrientation = None
    dataset.Rows, dataset.Columns = shape[:2]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    if frames:
        dataset.NumberOfFrames = len(pixels)
        dataset.PageNumberVector = list(range(1, len(pixels) + 1))
        dataset.BurnedInAnnotation = "YES"  # has to be said, and nobody looked: the careful answer
        dataset.FrameIncrementPointer = tag_for_keyword("PageNumberVector")
    dataset.BitsAllocated = bits
    setattr(dataset, keyword, data)
    if keyword == "PixelData":
        dataset.BitsStored, dataset.HighBit = bits, bits - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset["PixelData"].VR = "OB" if bits <= 8 else "OW"
    return dataset


def _check_shape(shape: tuple[int, ...], size: int) -> None:
    if not (len(shape) == _GREY or (len(shape) == _COLOUR and shape[2:] == _RGB)) or not size:
        raise DataError(f"a picture of shape {shape}", allowed="H x W, or H x W x 3")
    if max(shape[:2]) > 65535:
        raise DataError(f"a picture of {shape[0]} x {shape[1]}", allowed="at most 65,535 rows and columns")


def _sop_class(keyword: str, bits: int, *, frames: bool, colour: bool) -> UID:
    if not frames or keyword != "PixelData" or bits > 16:
        return SecondaryCaptureImageStorage
    if colour:
        return MultiFrameTrueColorSecondaryCaptureImageStorage
    if bits == 8:
        return MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    return MultiFrameGrayscaleWordSecondaryCaptureImageStorage


def _pixel_data(pixels: np.ndarray, *, colour: bool) -> tuple[str, int, bytes]:
    """Return the element that holds the pixels, the bits of each, and its bytes."""
    dtype = pixels.dtype
    if dtype.name in _FLOATS and not colour:
        keyword, bits = _FLOATS[dtype.name]
    elif dtype.name in _COLOURS if colour else (dtype.kind in "iu" and dtype.itemsize <= 4):
        keyword, bits = "PixelData", dtype.itemsize * 8
    else:
        raise DataError(
            f"a picture of {dtype}{', with colours' if colour else ''}",
            allowed=", ".join(_COLOURS) if colour else "integers of 8, 16 or 32 bits, float32, float64",
        )
    data = pixels.astype(dtype.newbyteorder("<"), order="C", copy=False).tobytes()
    return keyword, bits, data + b"\0" * (len(data) % 2)
