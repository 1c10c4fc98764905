"""A volume written as a series of single slices, one file each: CT, MR, PET, or secondary captures of any modality."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    SecondaryCaptureImageStorage,
)

from deephealth.core.errors import DataError
from deephealth.io.dicom.frame_geometry import check_orientation, orientation_of, pixel_spacing_of, positions_of
from deephealth.io.dicom.writing.folders import whole_folder, write_synced
from deephealth.io.dicom.writing.identity import identity_of, kept, new_uid, stamp
from deephealth.io.dicom.writing.source_images import Sources, read_source_images
from deephealth.io.dicom.writing.stored import StoredValues, decimal, stored_values
from deephealth.io.volume import Volume

__all__ = ["encode", "write_series"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a modality's slices need beside pixels and place."""

    sop_class: UID
    image_type: str
    fixed: dict[str, Any]
    kept: tuple[str, ...]


_PLACE = ("PatientPosition", "BodyPartExamined", "Laterality", "PositionReferenceIndicator")
_KINDS = {
    "CT": _Kind(
        CTImageStorage, "AXIAL", {"KVP": None, "AcquisitionNumber": None}, ("KVP", "GantryDetectorTilt", "FilterType")
    ),
    "MR": _Kind(
        MRImageStorage,
        "OTHER",
        {
            "ScanningSequence": "RM",
            "SequenceVariant": "NONE",
            "ScanOptions": None,
            "MRAcquisitionType": None,
            "RepetitionTime": None,
            "EchoTime": None,
            "EchoTrainLength": None,
        },
        (
            "ScanningSequence",
            "SequenceVariant",
            "ScanOptions",
            "MRAcquisitionType",
            "RepetitionTime",
            "EchoTime",
            "EchoTrainLength",
            "InversionTime",
            "FlipAngle",
            "MagneticFieldStrength",
        ),
    ),
}
_OTHER = _Kind(SecondaryCaptureImageStorage, "", {"ConversionType": "WSD"}, ())
_RESCALE_TYPES = {"HU": "HU", "": "US"}


def write_series(
    folder: Path | str,
    volume: Volume,
    *,
    like: Sources | None = None,
    modality: str | None = None,
    description: str = "",
    number: int = 1001,
) -> list[Path]:
    """Write a volume as a series, one file per slice; the folder is there complete or not at all.

    Values that fit 16 bits are stored as they are, and come back exactly; others are stored in 65,535 steps with a
    slope and an intercept. The slices keep the volume's affine: a sheared volume (tilted gantry) gives each slice its
    own position. A reader sorts slices along their normal, so a left-handed volume comes back with its slices reversed
    and the same places.

    Args:
        folder: a new folder; its files are ``0001.dcm`` and so on, from slice 0 up.
        volume: (D, H, W) or (1, D, H, W).
        like: images (or their folder) whose patient, study and frame of reference the series joins; without them it is
            a new study of a patient without a name.
        modality: ``"CT"``, ``"MR"``, or any other DICOM modality, which is written as secondary captures; by default
            that of ``like``, else ``"CT"``.
        description: series description.
        number: series number.

    Returns:
        The files, in the order of the slices.

    Raises:
        DataError: several channels, rows and columns that are not at a right angle, values that are not finite, or a
            folder with files in it.
        StorageError: it can't be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "ct"
        >>> volume = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([-1.0, -1.0, 5.0, 1.0]), unit="HU")
        >>> [file.name for file in write_series(folder, volume)]
        ['0001.dcm', '0002.dcm']
    """
    sources = None if like is None else read_source_images(like)
    data = _slices_of(volume)
    stored = stored_values(data)
    chosen = modality or (str(sources[0].get("Modality") or "CT") if sources else "CT")
    template = _template(volume, stored, chosen, sources)
    stamp(template, number=number, description=description)
    orientation = orientation_of(volume.affine)
    check_orientation(orientation, "the volume")
    normal = np.cross(orientation[:3], orientation[3:])
    positions = positions_of(volume.affine, len(data))
    digits = max(4, len(str(len(data))))
    names = [f"{index:0{digits}d}.dcm" for index in range(1, len(data) + 1)]
    with whole_folder(folder) as part:
        for index, name in enumerate(names):
            template.SOPInstanceUID = new_uid()
            template.InstanceNumber = index + 1
            template.ImagePositionPatient = [decimal(value) for value in positions[index]]
            template.SliceLocation = decimal(float(positions[index] @ normal))
            template.PixelData = _bytes(stored.pixels[index])
            write_synced(part / name, encode(template))
    return [Path(folder) / name for name in names]


def encode(dataset: Dataset) -> bytes:
    """Return the bytes of a DICOM file that holds ``dataset``, explicit little endian, with a preamble of zeros.

    Raises:
        DataError: an element can't be encoded, such as text that is too long for its type.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    stream = io.BytesIO()
    try:
        dataset.save_as(stream, enforce_file_format=True)
    except Exception as error:  # pydicom raises nearly anything on values it can't encode
        raise DataError(
            f"an element taken over from the source can't be written: {error}", hint="correct the source's header"
        ) from error
    return stream.getvalue()


def _slices_of(volume: Volume) -> np.ndarray:
    data = volume.data[0] if volume.data.ndim > 3 and len(volume.data) == 1 else volume.data
    if data.ndim > 3:
        raise DataError(
            f"a volume of {len(data)} channels", allowed="one channel per series", hint="write each channel on its own"
        )
    if max(data.shape[1:]) > 65535:
        raise DataError(f"slices of {data.shape[1]} x {data.shape[2]}", allowed="at most 65,535 rows and columns")
    return data


def _bytes(pixels: np.ndarray) -> bytes:
    data = pixels.astype(pixels.dtype.newbyteorder("<"), order="C", copy=False).tobytes()
    return data + b"\0" * (len(data) % 2)


def _template(volume: Volume, stored: StoredValues, modality: str, sources: Sequence[Dataset] | None) -> Dataset:
    """Return all elements that the slices share."""
    kind = _KINDS.get(modality, _OTHER)
    dataset = identity_of(sources)
    for keyword, value in kind.fixed.items():
        setattr(dataset, keyword, value)
    dataset.Modality = modality
    dataset.PatientPosition = None
    dataset.PositionReferenceIndicator = None
    if sources:
        kept(sources[0], dataset, (*_PLACE, "FrameOfReferenceUID"))
        if sources[0].get("Modality") == modality:
            kept(sources[0], dataset, kind.kept)
    if not dataset.get("FrameOfReferenceUID"):
        dataset.FrameOfReferenceUID = new_uid()
    dataset.SOPClassUID = kind.sop_class
    dataset.SeriesInstanceUID = new_uid()
    dataset.ImageType = ["DERIVED", "SECONDARY", *([kind.image_type] if kind.image_type else [])]
    _add_plane(dataset, volume)
    _add_pixels(dataset, stored, volume.unit, plain=kind.sop_class != CTImageStorage)
    return dataset


def _add_plane(dataset: Dataset, volume: Volume) -> None:
    orientation = orientation_of(volume.affine)
    normal = np.cross(orientation[:3], orientation[3:])
    places = positions_of(volume.affine, 2)
    between = decimal(abs(float((places[1] - places[0]) @ normal)))  # along the normal, as the standard wants
    dataset.ImageOrientationPatient = [decimal(value) for value in orientation]
    dataset.PixelSpacing = [decimal(value) for value in pixel_spacing_of(volume.affine)]
    dataset.SliceThickness = between
    dataset.SpacingBetweenSlices = between


def _add_pixels(dataset: Dataset, stored: StoredValues, unit: str, *, plain: bool) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.pixels.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(stored.pixels.dtype.kind == "i")
    if plain and (stored.slope, stored.intercept) == (1.0, 0.0):
        return  # only CT demands a rescale that changes nothing
    dataset.RescaleSlope = decimal(stored.slope)
    dataset.RescaleIntercept = decimal(stored.intercept)
    dataset.RescaleType = _RESCALE_TYPES.get(unit, "US")
