"""The pixels of a DICOM segmentation, put in their places on a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from deephealth.core.errors import DataError, LimitError, UnreadableFileError
from deephealth.io.dicom.access import open_pixels
from deephealth.io.dicom.frames import read_frames
from deephealth.io.dicom.guard import guarded
from deephealth.io.dicom.object_file import whole
from deephealth.io.dicom.segment import Kind, Segment
from deephealth.io.dicom.segmentation_frames import Frames, Grid
from deephealth.io.geometry import lps_to_ras
from deephealth.io.limits import Limits
from deephealth.io.volume import Volume

__all__ = ["fill"]

_TYPES = ("BINARY", "FRACTIONAL", "LABELMAP")
_BITS = (1, 8, 16)
_OFF_GRID = 0.1  # voxels
_BLOCK = 32  # compressed frames that are decoded at a time, on all cores
ReadFrame = Callable[[int], np.ndarray]


@dataclass(frozen=True, slots=True)
class _Placement:
    """How the pixels of frames lie among the voxels of a grid.

    Args:
        axes: voxel axes (0 to 2 for i, j, k) along which columns, rows and frames run.
        flips: whether columns and rows run against them.
        starts: N x 3, voxel (i, j, k) of the first pixel of each frame.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool]
    starts: npt.NDArray[np.int64]


def fill(
    dataset: Dataset, frames: Frames, segments: Sequence[Segment], grid: Grid, name: str, limits: Limits
) -> tuple[Volume, Kind]:
    """Return the volume on ``grid`` = (affine, (D, H, W)), and what its values mean.

    Raises:
        UnreadableFileError: pixels are missing, can't be decoded, or show segments that are not described.
        LimitError: more voxels than allowed, or than the file holds.
        DataError: a frame does not lie on the grid.
    """
    affine, shape = grid
    kind = str(dataset.get("SegmentationType") or "BINARY")
    if kind not in _TYPES:
        raise UnreadableFileError(f"{name} is a segmentation of type '{kind[:16]}'", allowed=", ".join(_TYPES))
    read = _reader(dataset, frames, name, limits)
    read(0)  # a size that the pixels do not bear out fails here, before the volume is allocated
    placement = _placement(frames, affine, shape, name)
    known = {segment.number: index for index, segment in enumerate(segments)}
    unknown = set(frames.segments) - set(known) - {0}
    if unknown:
        raise UnreadableFileError(
            f"{name} shows segment {min(unknown)} and does not describe it", allowed=f"{[*known]}"
        )
    if kind == "FRACTIONAL":
        return Volume(_fractions(dataset, frames, known, (read, placement), shape, name, limits), affine), "fractions"
    labels = _labels(frames, known, (read, placement), shape, name, limits, numbered=kind == "LABELMAP")
    if labels is not None:
        return Volume(labels, affine), "labels"
    return Volume(_masks(frames, known, (read, placement), shape, name, limits), affine), "masks"


def _labels(
    frames: Frames,
    known: dict[int, int],
    source: tuple[ReadFrame, _Placement],
    shape: tuple[int, ...],
    name: str,
    limits: Limits,
    *,
    numbered: bool,
) -> np.ndarray | None:
    """Return a label map, or ``None`` if two frames claim the same voxel."""
    read, placement = source
    dtype = np.uint8 if max(known) <= 255 else np.uint16
    limits.check_array(shape, np.dtype(dtype).itemsize, name)
    labels = np.zeros(shape, dtype)
    numbers = np.array([0, *known])
    for index, segment in enumerate(frames.segments):
        view, pixels = _meet(labels, read(index), placement, index, name)
        shown = pixels != 0
        if (view[shown] != 0).any():
            return None
        if numbered and not np.isin(pixels, numbers).all():
            raise UnreadableFileError(f"{name} shows segments that it does not describe", allowed=f"{[*known]}")
        view[shown] = pixels[shown] if numbered else segment
    return labels


def _masks(
    frames: Frames,
    known: dict[int, int],
    source: tuple[ReadFrame, _Placement],
    shape: tuple[int, ...],
    name: str,
    limits: Limits,
) -> np.ndarray:
    read, placement = source
    limits.check_array((len(known), *shape), 1, name)
    masks = np.zeros((len(known), *shape), bool)
    for index, segment in enumerate(frames.segments):
        if segment not in known:
            raise UnreadableFileError(f"{name} shows a voxel in two frames of a label map", allowed="one frame each")
        view, pixels = _meet(masks[known[segment]], read(index), placement, index, name)
        view |= pixels != 0
    return masks


def _fractions(
    dataset: Dataset,
    frames: Frames,
    known: dict[int, int],
    source: tuple[ReadFrame, _Placement],
    shape: tuple[int, ...],
    name: str,
    limits: Limits,
) -> np.ndarray:
    read, placement = source
    top = np.float32(whole(dataset, "MaximumFractionalValue", name, low=1, default=255))
    limits.check_array((len(known), *shape), 4, name)
    fractions = np.zeros((len(known), *shape), np.float32)
    for index, segment in enumerate(frames.segments):
        view, pixels = _meet(fractions[known[segment]], read(index), placement, index, name)
        np.maximum(view, np.minimum(pixels / top, np.float32(1)), out=view)
    return fractions


def _placement(frames: Frames, affine: npt.NDArray[np.float64], shape: tuple[int, ...], name: str) -> _Placement:
    if frames.positions is None:
        if tuple(shape) != (1, frames.rows, frames.columns):
            raise DataError(
                f"{name} is one picture of {frames.rows} x {frames.columns} without a place",
                allowed=f"a segmentation of {' x '.join(map(str, shape))} voxels",
            )
        return _Placement((0, 1, 2), (False, False), np.zeros((1, 3), np.int64))
    to_voxels = np.linalg.inv(lps_to_ras(affine))
    steps = to_voxels[:3, :3] @ np.stack([frames.step_i, frames.step_j], axis=1)
    whole_steps = np.rint(steps)
    drift = np.abs(steps - whole_steps) * [frames.columns, frames.rows]
    starts = frames.positions @ to_voxels[:3, :3].T + to_voxels[:3, 3]
    axes = [int(axis) for axis in np.abs(whole_steps).argmax(axis=0)]
    unit = np.abs(whole_steps).sum(axis=0).tolist() == [1, 1] and axes[0] != axes[1]
    if not unit or drift.max() > _OFF_GRID or not np.abs(starts).max() < 1e9:
        raise _elsewhere(name, "its pixels have another size or direction")
    off = np.abs(starts - np.rint(starts))
    if off.max() > _OFF_GRID:
        raise _elsewhere(name, f"a frame lies {off.max():.2f} voxels between the voxels")
    flips = bool(whole_steps[axes[0], 0] < 0), bool(whole_steps[axes[1], 1] < 0)
    return _Placement((axes[0], axes[1], 3 - axes[0] - axes[1]), flips, np.rint(starts).astype(np.int64))


def _elsewhere(name: str, why: str) -> DataError:
    return DataError(
        f"{name} does not lie on the grid of the volume: {why}",
        allowed="the grid of the images that were segmented",
        hint="read it without `like`, then resample it",
    )


def _meet(
    target: np.ndarray, pixels: np.ndarray, placement: _Placement, index: int, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of ``target`` that a frame covers, as rows and columns of the frame, and the frame's part."""
    across, down, through = placement.axes
    plane = target.transpose(2 - through, 2 - down, 2 - across)
    start = placement.starts[index]
    cuts_target, cuts_pixels = [], []
    for axis, flip, size, room in zip(
        (down, across), placement.flips[::-1], pixels.shape, plane.shape[1:], strict=True
    ):
        first = int(start[axis]) - (size - 1 if flip else 0)
        low, high = max(first, 0), max(min(first + size, room), 0)
        low = min(low, high)
        cuts_target.append(slice(low, high))
        cuts_pixels.append(slice(low - first, high - first))
    turned = pixels[:: -1 if placement.flips[1] else 1, :: -1 if placement.flips[0] else 1]
    inside = turned[tuple(cuts_pixels)]
    slot = int(start[through])
    there = 0 <= slot < len(plane)
    if np.count_nonzero(turned) != (np.count_nonzero(inside) if there else 0):
        raise DataError(
            f"frame {index + 1} of {name} shows voxels outside the volume",
            allowed=f"a volume of {' x '.join(map(str, target.shape))} voxels that holds the whole segmentation",
            hint="pass the volume that was segmented as `like`, or none",
        )
    return (plane[slot][tuple(cuts_target)], inside) if there else (plane[0, :0, :0], inside[:0, :0])


def _reader(dataset: Dataset, frames: Frames, name: str, limits: Limits) -> ReadFrame:
    """Return a function that decodes one frame: rows x columns, unsigned."""
    bits = whole(dataset, "BitsAllocated", name, low=1)
    area = frames.rows * frames.columns
    if bits not in _BITS or whole(dataset, "SamplesPerPixel", name, default=1) != 1:
        raise UnreadableFileError(f"{name} has pixels of {bits} bits", allowed="one sample of 1, 8 or 16 bits")
    if area > limits.max_pixels:
        raise LimitError(f"{name} claims frames of {area:,} pixels", allowed=f"at most {limits.max_pixels:,}")
    data = dataset.get("PixelData")
    if not isinstance(data, bytes) or not data:
        raise UnreadableFileError(f"{name} has no pixels", allowed="a complete file")
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return _compressed(dataset, frames, name, limits)
    limits.check_array((-(-frames.count * area * bits // 8),), 1, name, on_disk=len(data))
    if bits == 1:
        return _packed(np.frombuffer(data, np.uint8), frames)
    order = "<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
    pixels = np.frombuffer(data, f"{order}u{bits // 8}", frames.count * area)
    return lambda index: pixels[index * area : (index + 1) * area].reshape(frames.rows, frames.columns)


def _packed(data: npt.NDArray[np.uint8], frames: Frames) -> ReadFrame:
    """Frames of one bit per pixel follow each other without a gap: they may start inside a byte."""
    area = frames.rows * frames.columns

    def read(index: int) -> np.ndarray:
        first, last = index * area // 8, -(-(index + 1) * area // 8)
        skip = index * area - first * 8
        unpacked = np.unpackbits(data[first:last], bitorder="little", count=skip + area)
        return unpacked[skip:].reshape(frames.rows, frames.columns)

    return read


def _compressed(dataset: Dataset, frames: Frames, name: str, limits: Limits) -> ReadFrame:
    with open_pixels(dataset, limits=limits) as access:  # of a data set in memory: there is nothing to close
        opened = access

    @lru_cache(maxsize=1)
    def block(first: int) -> np.ndarray:
        picked = range(first, min(first + _BLOCK, frames.count))
        with guarded(name, "decoded"):
            pixels = read_frames(opened, picked, colour="stored", limits=limits)
        if pixels.shape[1:] != (frames.rows, frames.columns):
            raise UnreadableFileError(f"the frames of {name} decode to {pixels.shape[1:]}")
        return pixels

    return lambda index: block(index - index % _BLOCK)[index % _BLOCK]
