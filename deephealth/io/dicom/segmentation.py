"""DICOM segmentations (SEG), in and out: masks that lie on the images they were drawn on, in any viewer.

Source: DICOM PS3.3 A.51 (Segmentation IOD) and C.8.20. Writing needs highdicom, reading does not.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydicom import Dataset

from deephealth.core.errors import DataError, DeepHealthError
from deephealth.core.files import atomic_write
from deephealth.core.optional import require
from deephealth.io.dicom.frame_geometry import check_orientation, orientation_of, pixel_spacing_of, positions_of
from deephealth.io.dicom.guard import guarded
from deephealth.io.dicom.object_file import items, open_object
from deephealth.io.dicom.segment import Segment, Segmentation
from deephealth.io.dicom.segmentation_frames import frames_of, grid_of, segments_of
from deephealth.io.dicom.segmentation_pixels import fill
from deephealth.io.dicom.writing.codes import Code
from deephealth.io.dicom.writing.identity import complete_header, new_uid, software_version
from deephealth.io.dicom.writing.source_images import Sources, read_source_images
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.volume import Volume

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["read_segmentation", "write_segmentation"]

Storage = Literal["binary", "fractional", "labelmap"]


def write_segmentation(
    path: Path | str,
    masks: Volume,
    source: Sources,
    segments: Sequence[Segment],
    *,
    storage: Storage | None = None,
    description: str = "",
    number: int = 3001,
) -> None:
    """Write masks as a DICOM segmentation, atomically.

    Args:
        path: the file.
        masks: where the segments are. (D, H, W) integers are a label map: 0, or the number of a segment; (D, H, W) bool
            is a single segment; (C, D, H, W) holds one channel per segment: bool or 0 and 1 (they may overlap), or
            floating point from 0 to 1 (probabilities).
        source: the images that were segmented (files, their folder, headers, or the volume read from them): patient,
            study and frame of reference are theirs, and each frame refers to the image at its place.
        segments: what the segments are, at least one.
        storage: ``"binary"``, ``"fractional"`` (probabilities) or ``"labelmap"`` (one number per voxel; standardised in
            2024, so older viewers do not show it); by default what the element type calls for. Binary and fractional
            segments are numbered from 1 in the order given, as the standard demands.
        description: series description.
        number: series number.

    Raises:
        DataError: values that no segment describes, another number of channels, or a source that is no image.
        OptionalDependencyError: highdicom is not installed.
        StorageError: it can't be written.
    """
    highdicom = require("highdicom", purpose="writing DICOM segmentations")
    images = [complete_header(image) for image in read_source_images(source)]
    numbered = _numbered(segments)
    pixels, storage = _pixels(masks.data, numbered, storage)
    if storage != "labelmap":
        numbered = [_with_number(segment, index) for index, segment in enumerate(numbered, 1)]
    try:
        dataset = highdicom.seg.Segmentation(
            source_images=images,
            pixel_array=pixels,
            segmentation_type=storage.upper(),
            segment_descriptions=[_description(highdicom, segment) for segment in numbered],
            series_instance_uid=new_uid(),
            series_number=number,
            sop_instance_uid=new_uid(),
            instance_number=1,
            manufacturer="deephealth",
            manufacturer_model_name="deephealth",
            software_versions=software_version(),
            device_serial_number="0",
            content_label="SEGMENTATION",
            series_description=description[:64] or None,
            specific_character_set="ISO_IR 192",
            **_place(highdicom, masks, images[0]),
        )
        stream = io.BytesIO()
        dataset.save_as(stream)
    except DeepHealthError:
        raise
    except Exception as error:  # highdicom checks with the built-in errors
        raise DataError(f"the segmentation can't be made: {error}", hint="check the source images' headers") from error
    atomic_write(path, stream.getvalue())


def read_segmentation(path: Path | str, *, like: Volume | None = None, limits: Limits = DEFAULT_LIMITS) -> Segmentation:
    """Read a DICOM segmentation of a stack of slices.

    Frames that the file leaves out are empty. Nothing is resampled.

    Args:
        path: the file: binary, fractional, or label map.
        like: the volume that was segmented: the result lies on its grid. Without it the grid spans the slices that the
            file holds, sorted along their normal.
        limits: largest file, largest volume.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: it is damaged, or no segmentation.
        LimitError: more frames or voxels than allowed, or than the file could hold.
        DataError: it does not lie on the grid of ``like``, or on no even grid at all, or is of a slide.
    """
    name = str(path)
    dataset = open_object(Path(path), "SEG", "segmentation", limits)
    with guarded(name):
        frames = frames_of(dataset, name, limits)
        segments = segments_of(dataset, name)
        grid = grid_of(frames, dataset, name) if like is None else (like.affine, like.shape[-3:])
        volume, kind = fill(dataset, frames, segments, grid, name, limits)
        referenced = items(dataset, "ReferencedSeriesSequence") or [Dataset()]
        return Segmentation(volume, tuple(segments), kind, str(referenced[0].get("SeriesInstanceUID") or ""))


def _numbered(segments: Sequence[Segment]) -> list[Segment]:
    numbered = [_with_number(segment, segment.number or place) for place, segment in enumerate(segments, 1)]
    found = [segment.number for segment in numbered]
    if not numbered or len(set(found)) < len(found):
        raise DataError(f"segments with the numbers {found}", allowed="at least one segment, each number once")
    return numbered


def _with_number(segment: Segment, number: int) -> Segment:
    return replace(segment, number=number)


def _pixels(data: np.ndarray, segments: Sequence[Segment], storage: Storage | None) -> tuple[np.ndarray, Storage]:
    """Return the masks as highdicom takes them, and how they are stored."""
    if data.ndim == 3 and data.dtype != bool:
        return _label_map(data, segments, storage or "binary")
    channels = data[None] if data.ndim == 3 else data
    if len(channels) != len(segments):
        raise DataError(f"{len(channels)} masks and {len(segments)} segments", allowed="one segment per mask")
    if storage == "labelmap":
        raise DataError("masks of several channels can't be stored as a label map", allowed="one (D, H, W) label map")
    fractional = data.dtype.kind == "f"
    low, high = (channels.min(), channels.max()) if channels.size else (1, 0)
    if not 0 <= low <= high <= 1:
        raise DataError(f"masks with values from {low} to {high}", allowed="0 to 1")
    if fractional and storage == "binary":
        raise DataError("probabilities can't be stored as binary", allowed="bool", hint="compare them with a threshold")
    stacked = np.moveaxis(channels, 0, -1)
    chosen: Storage = storage or ("fractional" if fractional else "binary")
    return (stacked.astype(np.float32) if fractional else stacked.astype(np.uint8)), chosen


def _label_map(data: np.ndarray, segments: Sequence[Segment], storage: Storage) -> tuple[np.ndarray, Storage]:
    if data.dtype.kind not in "iu":
        raise DataError(
            f"a label map of {data.dtype}", allowed="integers", hint="probabilities have a channel axis: (C, D, H, W)"
        )
    numbers = [segment.number for segment in segments]
    unknown = np.setdiff1d(np.unique(data), [0, *numbers])
    if unknown.size:
        raise DataError(
            f"the label map holds {', '.join(map(str, unknown[:5]))}, which no segment describes",
            allowed=f"0 and {', '.join(map(str, numbers[:20]))}",
            hint="pass one Segment per value, with that number",
        )
    if storage == "labelmap":
        return data.astype(np.uint16 if max(numbers) > 255 else np.uint8), storage
    table = np.zeros(max(numbers) + 1, np.uint16 if len(numbers) > 255 else np.uint8)
    table[numbers] = np.arange(1, len(numbers) + 1)
    return table[data], storage


def _description(highdicom: ModuleType, segment: Segment) -> Any:
    named = segment.algorithm != "MANUAL" and segment.algorithm_name
    identification = highdicom.AlgorithmIdentificationSequence(
        name=segment.algorithm_name[:64],
        family=highdicom.sr.CodedConcept("123109", "DCM", "Artificial Intelligence"),
        version=software_version(),
    )
    return highdicom.seg.SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.label,
        segmented_property_category=highdicom.sr.CodedConcept(*Code.of(segment.category)),
        segmented_property_type=highdicom.sr.CodedConcept(*Code.of(segment.type or Code.private(segment.label))),
        algorithm_type=segment.algorithm,
        algorithm_identification=identification if named else None,
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.tracking_id,
        display_color=None if segment.colour is None else highdicom.color.CIELabColor.from_rgb(*segment.colour),
    )


def _place(highdicom: ModuleType, masks: Volume, image: Dataset) -> dict[str, Any]:
    """Return where the frames lie, slice by slice, so that a tilted gantry keeps its tilt."""
    if not image.get("FrameOfReferenceUID"):
        if masks.shape[-3:] != (1, image.Rows, image.Columns):
            raise DataError(
                f"masks of {masks.shape} for a picture without a place", allowed=f"1 x {image.Rows} x {image.Columns}"
            )
        return {}
    orientation = orientation_of(masks.affine)
    row, column = check_orientation(orientation, "the masks")
    positions = positions_of(masks.affine, masks.shape[-3])
    between = abs(float((positions_of(masks.affine, 2)[1] - positions[0]) @ np.cross(row, column)))
    return {
        "plane_positions": [highdicom.PlanePositionSequence("PATIENT", place.tolist()) for place in positions],
        "plane_orientation": highdicom.PlaneOrientationSequence("PATIENT", orientation),
        "pixel_measures": highdicom.PixelMeasuresSequence(pixel_spacing_of(masks.affine), between, between),
    }
