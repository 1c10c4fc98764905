"""The frames of a DICOM segmentation: which segment each shows, where it lies, and the grid they span together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.dicom.frame_geometry import check_orientation
from deephealth.io.dicom.object_file import items, numbers, whole
from deephealth.io.dicom.segment import TISSUE, Segment
from deephealth.io.dicom.writing.codes import Code
from deephealth.io.geometry import check_affine, lps_to_ras
from deephealth.io.limits import Limits

__all__ = ["Frames", "Grid", "frames_of", "grid_of", "segments_of"]

Vector = npt.NDArray[np.float64]
Grid = tuple[Vector, tuple[int, ...]]
_OFF_GRID = 0.05  # of the slice spacing
_SAME_PLACE = 1e-3  # millimetres
_MIN_SLICES = 512  # a grid of so many slices is accepted however few of them the file holds
_LABELMAP = "LABELMAP"


@dataclass(frozen=True, slots=True)
class Frames:
    """All frames of a file.

    Args:
        count: how many.
        rows: pixels down.
        columns: pixels across.
        segments: segment number of each frame; 0 in a label map, whose pixels hold the numbers.
        positions: N x 3, LPS millimetres of the first pixel's centre; ``None`` for images without a place.
        step_i: LPS millimetres from column to column.
        step_j: LPS millimetres from row to row.
        between: millimetres between slices along the normal, if the file says it.
        thickness: of a slice, millimetres, if the file says it.
    """

    count: int
    rows: int
    columns: int
    segments: tuple[int, ...]
    positions: Vector | None
    step_i: Vector
    step_j: Vector
    between: float | None
    thickness: float | None


def frames_of(dataset: Dataset, name: str, limits: Limits) -> Frames:
    """Return the frames.

    Raises:
        UnreadableFileError: elements are missing or wrong.
        LimitError: more frames than allowed.
        DataError: tiles of a slide, or frames that are turned against each other.
    """
    rows, columns = whole(dataset, "Rows", name, low=1), whole(dataset, "Columns", name, low=1)
    count = whole(dataset, "NumberOfFrames", name, low=1, default=1)
    if count > limits.max_frames:
        raise LimitError(f"{name} claims {count} frames", allowed=f"at most {limits.max_frames}")
    shared = (items(dataset, "SharedFunctionalGroupsSequence") or [Dataset()])[0]
    each = items(dataset, "PerFrameFunctionalGroupsSequence")
    if len(each) < count:
        raise UnreadableFileError(f"{name} claims {count} frames and describes {len(each)}", allowed="the same number")
    each = each[:count]  # frames were cut off, as some archives do for previews
    if any("PlanePositionSlideSequence" in frame for frame in (shared, *each[:1])):
        raise DataError(f"{name} is the segmentation of a slide", allowed="segmentations of a stack of slices")
    numbered = _segment_numbers(dataset, shared, each, name)
    row, column, spacing = _plane(shared, each, name)
    return Frames(
        count,
        rows,
        columns,
        numbered,
        _positions(shared, each, name),
        row * spacing[1],
        column * spacing[0],
        _measure(shared, each[0], "SpacingBetweenSlices", name),
        _measure(shared, each[0], "SliceThickness", name),
    )


def segments_of(dataset: Dataset, name: str) -> list[Segment]:
    """Return the descriptions of the segments, in the order of their numbers.

    Raises:
        UnreadableFileError: there is none, or two have the same number.
    """
    found: dict[int, Segment] = {}
    for item in items(dataset, "SegmentSequence"):
        number = whole(item, "SegmentNumber", name)
        if number in found:
            raise UnreadableFileError(f"{name} describes segment {number} twice", allowed="one description each")
        if number:  # 0 is the background of a label map
            found[number] = _segment(item, number)
    if not found:
        raise UnreadableFileError(f"{name} describes no segment", allowed="at least one")
    return [found[number] for number in sorted(found)]


def grid_of(frames: Frames, dataset: Dataset, name: str) -> Grid:
    """Return the affine and the (D, H, W) of the smallest grid that holds all frames, slices sorted along the normal.

    Raises:
        DataError: the frames lie on no even grid.
        LimitError: the grid has many more slices than the file could be about.
    """
    normal = np.cross(frames.step_i, frames.step_j)
    normal /= np.linalg.norm(normal)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (
        frames.step_i,
        frames.step_j,
        normal * (frames.between or frames.thickness or 1.0),
    )
    if frames.positions is None:
        return lps_to_ras(affine), (1, frames.rows, frames.columns)
    order = np.argsort(frames.positions @ normal, kind="stable")
    places = frames.positions[order]
    along = (places - places[0]) @ normal
    fresh = np.concatenate([[True], np.diff(along) > _SAME_PLACE])
    places, along = places[fresh], along[fresh]
    affine[:3, 3] = places[0]
    depth = 1
    if len(places) > 1:
        slots = _slots(along, frames, name)
        depth = int(slots[-1]) + 1
        _check_depth(depth, frames.count, dataset, name)
        affine[:3, 2] = (places[-1] - places[0]) / slots[-1]
        off = np.abs(places - places[0] - slots[:, None] * affine[:3, 2]).max()
        if off > max(_OFF_GRID * along[-1] / slots[-1], 2 * _SAME_PLACE):
            raise _uneven(name, f"a frame is {off:.3g} mm off")
    return check_affine(lps_to_ras(affine), f"the affine of {name}"), (depth, frames.rows, frames.columns)


def _slots(along: Vector, frames: Frames, name: str) -> Vector:
    """Return the slice number of each sorted position, by the spacing that the file names.

    A file that names none is given the thickness of its slices or, if they overlap, the smallest gap.
    """
    guesses = (frames.between,) if frames.between else (frames.thickness, float(np.diff(along).min()))
    for base in guesses:
        if not base:
            continue
        slots = np.rint(along / base)
        if slots[-1] < 1 or (np.diff(slots) < 1).any():
            continue
        if np.abs(along - slots * along[-1] / slots[-1]).max() <= max(_OFF_GRID * base, 2 * _SAME_PLACE):
            return slots
    raise _uneven(name, f"gaps of {', '.join(f'{gap:.4g}' for gap in np.unique(np.diff(along).round(3))[:4])} mm")


def _uneven(name: str, what: str) -> DataError:
    return DataError(
        f"the frames of {name} lie on no even grid: {what}",
        allowed="slices at even distances",
        hint="pass the segmented volume as `like`",
    )


def _check_depth(depth: int, count: int, dataset: Dataset, name: str) -> None:
    referenced = [
        len(items(series, "ReferencedInstanceSequence")) for series in items(dataset, "ReferencedSeriesSequence")
    ]
    most = max(_MIN_SLICES, 4 * count, 2 * sum(referenced))
    if depth > most:
        raise LimitError(
            f"the {count} frames of {name} span {depth} slices",
            allowed=f"at most {most}",
            hint="pass the segmented volume as `like`",
        )


def _segment_numbers(dataset: Dataset, shared: Dataset, each: list[Dataset], name: str) -> tuple[int, ...]:
    if str(dataset.get("SegmentationType")) == _LABELMAP:
        return (0,) * len(each)
    found = []
    for frame in each:
        identified = items(frame, "SegmentIdentificationSequence") or items(shared, "SegmentIdentificationSequence")
        found.append(whole(identified[0] if identified else Dataset(), "ReferencedSegmentNumber", name, low=1))
    return tuple(found)


def _plane(shared: Dataset, each: list[Dataset], name: str) -> tuple[Vector, Vector, Vector]:
    """Return the directions of growing columns and rows, and (between rows, between columns); all frames agree."""
    turned = _agreed(shared, each, "PlaneOrientationSequence", "ImageOrientationPatient", 6, name)
    row, column = check_orientation([1, 0, 0, 0, 1, 0] if turned is None else turned, name)
    spacing = _agreed(shared, each, "PixelMeasuresSequence", "PixelSpacing", 2, name)
    spacing = np.ones(2) if spacing is None else spacing
    if (spacing <= 0).any():
        raise DataError(f"the pixel spacing of {name} is {spacing.tolist()}", allowed="two numbers above 0")
    return row, column, spacing


def _agreed(shared: Dataset, each: list[Dataset], sequence: str, keyword: str, count: int, name: str) -> Vector | None:
    """Return what the file says once for all frames, or equally for each."""
    if items(shared, sequence):
        return numbers(items(shared, sequence)[0], keyword, count, name)
    found = [numbers(items(frame, sequence)[0], keyword, count, name) for frame in each if items(frame, sequence)]
    given = [value for value in found if value is not None]
    if given and np.abs(np.asarray(given) - given[0]).max() > 1e-4:
        raise DataError(f"{keyword} of {name} differs between frames", allowed="frames of one stack")
    return given[0] if given else None


def _positions(shared: Dataset, each: list[Dataset], name: str) -> Vector | None:
    found = []
    for frame in each:
        place = items(frame, "PlanePositionSequence") or items(shared, "PlanePositionSequence")
        found.append(numbers(place[0], "ImagePositionPatient", 3, name) if place else None)
    given = [place for place in found if place is not None]
    if given and len(given) != len(found):
        raise UnreadableFileError(f"{len(found) - len(given)} frames of {name} have no position", allowed="none or all")
    if not given and len(found) > 1:
        raise UnreadableFileError(f"the {len(found)} frames of {name} have no position", allowed="a position for each")
    return np.asarray(given) if given else None


def _measure(shared: Dataset, first: Dataset, keyword: str, name: str) -> float | None:
    for group in (shared, first):
        for measures in items(group, "PixelMeasuresSequence")[:1]:
            found = numbers(measures, keyword, 1, name)
            if found is not None and found[0] > 0:
                return float(found[0])
    return None


def _segment(item: Dataset, number: int) -> Segment:
    """Return a description; what a writer left out or made too long is replaced, so that the mask is still readable."""
    label = str(item.get("SegmentLabel") or f"segment {number}").replace("\\", "/")[:64]
    category = _code(item, "SegmentedPropertyCategoryCodeSequence") or TISSUE
    kind = _code(item, "SegmentedPropertyTypeCodeSequence") or Code.private(label)
    algorithm = str(item.get("SegmentAlgorithmType") or "AUTOMATIC")
    tracking = item.get("TrackingID"), item.get("TrackingUID")
    both = all(tracking)
    return Segment(
        label,
        category,
        kind,
        number,
        algorithm if algorithm in ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL") else "AUTOMATIC",
        str(item.get("SegmentAlgorithmName") or ""),
        _colour(item),
        str(tracking[0]) if both else None,
        str(tracking[1]) if both else None,
    )


def _code(item: Dataset, keyword: str) -> Code | None:
    for entry in items(item, keyword)[:1]:
        try:
            return Code.of(Code.from_item(entry))
        except DataError:
            return None
    return None


def _colour(item: Dataset) -> tuple[int, int, int] | None:
    """Return the recommended colour as sRGB."""
    try:
        lightness, a, b = (int(part) for part in item.get("RecommendedDisplayCIELabValue") or ())
    except (TypeError, ValueError):
        return None
    import cv2

    lab = np.array([[[lightness / 65535 * 100, a / 257 - 128, b / 257 - 128]]], dtype=np.float32)
    red, green, blue = np.rint(np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)[0, 0], 0, 1) * 255).astype(int).tolist()
    return red, green, blue
