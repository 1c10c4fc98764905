"""Multi-frame files as volumes: enhanced CT, MR and PET, segmentations of frames, dose grids, cine loops.

Source: DICOM PS3.3 C.7.6.16 (multi-frame functional groups), C.8.8.3 (RT dose).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deephealth.core.errors import DataError, UnreadableFileError
from deephealth.io.dicom.access import PixelAccess, open_pixels
from deephealth.io.dicom.frame_geometry import SliceReport, affine_of_slices, check_orientation
from deephealth.io.dicom.frames import Colour, read_frames
from deephealth.io.dicom.groups import group_value, rescale_of_frames
from deephealth.io.dicom.guard import guarded
from deephealth.io.dicom.header import Header
from deephealth.io.dicom.values import rescaled_frames, stored_range
from deephealth.io.dicom.volume_facts import KEPT, plain_affine, refuse_irregular, slice_facts, unit_of
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["frame_positions", "read_multiframe"]

_SAME_DIRECTION = 1e-3


def read_multiframe(header: Header, *, rescale: bool, report: bool, threads: int | None, limits: Limits) -> Volume:
    """Read one multi-frame file as a volume; see :func:`deephealth.io.dicom.series.read_series`."""
    name = header.path
    with guarded(name), open_pixels(name, limits=limits) as access:
        dataset, layout = access.dataset, access.layout
        layout.check(limits, name, layout.frames)
        places = frame_positions(dataset, layout.frames, name)
        facts: dict[str, Any]
        if places is None:
            grid = [[frame] for frame in range(layout.frames)]
            spacing = _first(dataset, "PixelMeasuresSequence", "PixelSpacing")
            affine = plain_affine(spacing or (), _depth(dataset))
            facts = {"positions": "none: in the order of the frames"}
        else:
            affine, report_ = _affine(dataset, places, name)
            grid, facts = _grid(dataset, report_, places, name, report=report)
        data = _data(access, grid, rescale=rescale, threads=threads, limits=limits)
        return Volume(data, affine, _meta(dataset, header, facts), _unit(dataset, header) if rescale else "")


def frame_positions(dataset: Dataset, frames: int, name: str) -> np.ndarray | None:
    """Return ImagePositionPatient of each frame, N x 3; ``None`` if the file does not place its frames.

    Raises:
        UnreadableFileError: some frames have a position and others none.
    """
    own = dataset.get("ImagePositionPatient")
    offsets = dataset.get("GridFrameOffsetVector")
    if own is not None and offsets is not None:
        return _dose_positions(dataset, np.asarray(own, float), np.atleast_1d(np.asarray(offsets, float)), frames, name)
    found = [group_value(dataset, frame, "PlanePositionSequence", "ImagePositionPatient") for frame in range(frames)]
    there = [place for place in found if place is not None]
    if not there:
        return np.asarray(own, float).reshape(1, 3) if own is not None and frames == 1 else None
    if len(there) < frames:
        raise UnreadableFileError(f"{frames - len(there)} of {frames} frames of {name} have no position", allowed="all")
    return np.asarray([[float(value) for value in place] for place in there]).reshape(frames, 3)


def _dose_positions(dataset: Dataset, origin: np.ndarray, offsets: np.ndarray, frames: int, name: str) -> np.ndarray:
    if len(offsets) != frames:
        raise UnreadableFileError(f"{name} has {frames} frames and {len(offsets)} offsets", allowed="one per frame")
    row, column = check_orientation(dataset.get("ImageOrientationPatient") or (), name)
    if offsets[0] != 0:  # the older way: positions along z themselves
        offsets = offsets - offsets[0]
    return origin + offsets[:, None] * np.cross(row, column)


def _first(dataset: Dataset, sequence: str, keyword: str) -> Any:
    own = dataset.get(keyword)
    return own if own is not None else group_value(dataset, 0, sequence, keyword)


def _depth(dataset: Dataset) -> float:
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = _first(dataset, "PixelMeasuresSequence", keyword)
        if value not in (None, ""):
            return float(value)
    return 0.0


def _affine(dataset: Dataset, places: np.ndarray, name: str) -> tuple[np.ndarray, SliceReport]:
    """Return the affine of a stack of frames, which must all look the same way."""
    key = ("PlaneOrientationSequence", "ImageOrientationPatient")
    direction = _first(dataset, *key)
    for frame in range(len(places)):
        other = group_value(dataset, frame, *key)
        if other is None or other is direction:
            continue
        if np.abs(np.asarray(other, float) - np.asarray(direction, float)).max() > _SAME_DIRECTION:
            raise DataError(f"the frames of {name} have different orientations", allowed="one stack of parallel frames")
    spacing = _first(dataset, "PixelMeasuresSequence", "PixelSpacing")
    return affine_of_slices(
        places,
        np.asarray(direction if direction is not None else (), float),
        np.asarray(spacing if spacing is not None else (), float),
        thickness=_depth(dataset),
        name=name,
    )


def _grid(
    dataset: Dataset, found: SliceReport, places: np.ndarray, name: str, *, report: bool
) -> tuple[list[list[int]], dict[str, Any]]:
    """Return per slice the frames at it (-1 where one is missing), channels in the order of the dimension index."""
    members: dict[int, list[int]] = {}
    for index, slot in zip(found.order, found.slots, strict=True):
        members.setdefault(slot, []).append(index)
    many = {len(frames) for frames in members.values()}
    dropped: list[str] = []
    if len(many) > 1:
        dropped = [f"frame {frame}" for frames in members.values() for frame in sorted(frames)[1:]]
        members = {slot: sorted(frames)[:1] for slot, frames in members.items()}
    for frames in members.values():
        frames.sort(key=lambda frame: (_index_values(dataset, frame), frame))
    refuse_irregular(found, dropped, places.tolist(), name, report=report)
    channels = len(next(iter(members.values())))
    grid = [members.get(slot, [-1] * channels) for slot in range(found.count)]
    return grid, slice_facts(found, dropped)


def _index_values(dataset: Dataset, frame: int) -> tuple[int, ...]:
    found = group_value(dataset, frame, "FrameContentSequence", "TemporalPositionIndex")
    if found is not None:
        return (int(found),)
    found = group_value(dataset, frame, "FrameContentSequence", "DimensionIndexValues")
    return tuple(int(value) for value in np.atleast_1d(found)) if found is not None else ()


def _data(
    access: PixelAccess, grid: Sequence[Sequence[int]], *, rescale: bool, threads: int | None, limits: Limits
) -> np.ndarray:
    """Return ([C,] D, H, W) for a grid of frames."""
    layout, name = access.layout, access.name
    order = [frames[channel] for channel in range(len(grid[0])) for frames in grid]
    picked = [frame for frame in order if frame >= 0]
    colour: Colour = "rgb" if layout.samples > 1 else "stored"
    stack = read_frames(access, picked, colour=colour, threads=threads, limits=limits)
    if rescale and layout.samples == 1:
        pairs = _pairs(access.dataset, picked, name)
        stack = rescaled_frames(stack, pairs, stored_range(layout.stored, signed=layout.signed))
    if len(picked) < len(order):
        full = np.full((len(order), *stack.shape[1:]), stack.min(), stack.dtype)
        full[[at for at, frame in enumerate(order) if frame >= 0]] = stack
        stack = full
    if layout.samples > 1:
        if len(grid[0]) > 1:
            raise DataError(f"{name} has several colour frames at one position", allowed="one")
        return np.moveaxis(stack, -1, 0)
    return stack if len(grid[0]) == 1 else stack.reshape(len(grid[0]), len(grid), *stack.shape[1:])


def _pairs(dataset: Dataset, picked: Sequence[int], name: str) -> list[tuple[float, float]]:
    scaling = dataset.get("DoseGridScaling")
    if scaling not in (None, ""):
        return [(float(scaling), 0.0)] * len(picked)
    return rescale_of_frames(dataset, picked, name)


def _unit(dataset: Dataset, header: Header) -> str:
    if dataset.get("DoseGridScaling") not in (None, ""):
        return str(dataset.get("DoseUnits", "") or "")
    kind = group_value(dataset, 0, "PixelValueTransformationSequence", "RescaleType")
    return str(kind) if kind not in (None, "", "US") else unit_of(header)


def _meta(dataset: Dataset, header: Header, facts: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = {key: header.text(key) for key in KEPT if key in header}
    meta["files"] = [header.path]
    meta["slices"] = facts
    return meta
