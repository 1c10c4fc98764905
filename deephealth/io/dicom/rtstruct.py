"""Structure sets of radiotherapy (RTSTRUCT), in: contours become masks on the grid of a volume.

Source: DICOM PS3.3 C.8.8.5 (Structure Set) and C.8.8.6 (ROI Contour).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from deephealth.core.errors import DataError, UnknownNameError, UnreadableFileError
from deephealth.io.dicom.contours import toggle_polygon
from deephealth.io.dicom.guard import guarded
from deephealth.io.dicom.object_file import items, open_object, whole
from deephealth.io.geometry import lps_to_ras
from deephealth.io.limits import DEFAULT_LIMITS, Limits
from deephealth.io.volume import Volume

__all__ = ["read_rtstruct", "rtstruct_names"]

_AREAS = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")  # the other kinds (POINT, OPEN_PLANAR, ...) enclose nothing
_EDGE = 0.5  # voxels: a contour may follow the outer border of the outermost voxels
_ROUNDED = 0.05  # voxels: and be a little outside of it, because its numbers are rounded


@dataclass(frozen=True, slots=True)
class _Roi:
    number: int
    name: str
    frame: str
    contours: tuple[Dataset, ...]


def read_rtstruct(
    path: Path | str,
    volume: Volume,
    *,
    names: Iterable[str] | None = None,
    tolerance: float = 0.5,
    outside: Literal["error", "cut"] = "error",
    limits: Limits = DEFAULT_LIMITS,
) -> dict[str, np.ndarray]:
    """Read the regions of a structure set as masks on the grid of a volume.

    A voxel belongs to a region if its centre lies inside the region's contours by the even-odd rule: an inner contour
    and a keyhole are holes. Points and open lines enclose nothing and are passed over; a region without contours gives
    an empty mask.

    Args:
        path: the file.
        volume: the images that were contoured; the slices may be oblique or sheared.
        names: the regions wanted; all by default.
        tolerance: how far a contour may lie from the plane of a slice, in millimetres; never more than half the
            distance between slices.
        outside: what to do with contours that leave the volume: refuse them, or cut them off.
        limits: largest file, and memory of all masks together.

    Returns:
        Name of each region -> (D, H, W) bool, in the order of the file. A second region of the same name has its number
        behind it: ``"nodule #7"``.

    Raises:
        MissingDataError: no such file.
        UnreadableFileError: it is damaged, or no structure set.
        LimitError: the masks together are larger than allowed.
        DataError: the structure set is about another frame of reference, a contour lies between slices or is not
            planar, or it leaves the volume.
        UnknownNameError: a name that is not in the file.
    """
    name = str(path)
    dataset = open_object(Path(path), "RTSTRUCT", "structure set", limits)
    with guarded(name):
        rois = _chosen(_rois(dataset, name), names)
    _check_frames(rois, volume, name)
    shape = volume.shape[-3:]
    limits.check_array((len(rois), *shape), 1, name)
    raster = _Raster(volume, name, tolerance, cut=outside == "cut")
    masks = {}
    for label, roi in rois.items():
        mask = np.zeros(shape, bool)
        with guarded(name):
            for contour in roi.contours:
                raster.draw(mask, contour, label)
        masks[label] = mask
    return masks


def rtstruct_names(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """Return the names of the regions, as :func:`read_rtstruct` calls them.

    Raises:
        MissingDataError, UnreadableFileError: as :func:`read_rtstruct`.
    """
    dataset = open_object(Path(path), "RTSTRUCT", "structure set", limits)
    with guarded(str(path)):
        return list(_rois(dataset, str(path)))


def _rois(dataset: Dataset, name: str) -> dict[str, _Roi]:
    drawn: dict[int, list[Dataset]] = {}
    for item in items(dataset, "ROIContourSequence"):
        drawn.setdefault(whole(item, "ReferencedROINumber", name), []).extend(items(item, "ContourSequence"))
    found: dict[str, _Roi] = {}
    for item in items(dataset, "StructureSetROISequence"):
        number = whole(item, "ROINumber", name)
        label = str(item.get("ROIName") or "").strip() or f"#{number}"
        if label in found:
            label = f"{label} #{number}"
        if label in found:
            raise UnreadableFileError(f"{name} lists region {number} twice", allowed="each number once")
        frame = str(item.get("ReferencedFrameOfReferenceUID") or "")
        found[label] = _Roi(number, label, frame, tuple(drawn.pop(number, ())))
    if drawn:
        raise UnreadableFileError(f"{name} draws region {min(drawn)} and does not list it", allowed="listed regions")
    return found


def _chosen(rois: dict[str, _Roi], names: Iterable[str] | None) -> dict[str, _Roi]:
    if names is None:
        return rois
    chosen = {}
    for name in names:
        if name not in rois:
            raise UnknownNameError("region", name, rois)
        chosen[name] = rois[name]
    return chosen


def _check_frames(rois: dict[str, _Roi], volume: Volume, name: str) -> None:
    ours = str(volume.meta.get("FrameOfReferenceUID") or "")
    for roi in rois.values():
        if ours and roi.frame and roi.frame != ours and roi.contours:
            raise DataError(
                f"region '{roi.name}' of {name} is drawn in the frame of reference {roi.frame}",
                allowed=f"that of the volume, {ours}",
                hint="read the series that the structure set refers to",
            )


class _Raster:
    """Draws contours into masks on one volume's grid.

    Args:
        volume: the grid.
        name: what errors call the file.
        tolerance: millimetres between a contour and its slice.
        cut: whether what leaves the grid is cut off.
    """

    def __init__(self, volume: Volume, name: str, tolerance: float, *, cut: bool) -> None:
        lps = lps_to_ras(volume.affine)
        self._to_voxels = np.linalg.inv(lps)
        self._sizes = np.array(volume.shape[:-4:-1])  # i, j, k
        self._name, self._cut = name, cut
        normal = np.cross(lps[:3, 0], lps[:3, 1])
        self._between = abs(float(lps[:3, 2] @ normal)) / float(np.linalg.norm(normal))
        self._tolerance = min(tolerance / self._between, 0.5)  # slices

    def draw(self, mask: npt.NDArray[np.bool_], contour: Dataset, label: str) -> None:
        """Toggle what a contour encloses.

        Raises:
            DataError: it is not on a slice of the grid.
            UnreadableFileError: its numbers are damaged.
        """
        if str(contour.get("ContourGeometricType") or "CLOSED_PLANAR") not in _AREAS:
            return
        points = _points(contour, label, self._name)
        if len(points) < 3:
            return
        voxels = points @ self._to_voxels[:3, :3].T + self._to_voxels[:3, 3]
        slot = self._slice(voxels[:, 2], label)
        if not 0 <= slot < len(mask):
            self._leaves(label, f"it lies on slice {slot}")
            return
        low, high = voxels[:, :2].min(axis=0), voxels[:, :2].max(axis=0)
        reach = _EDGE + _ROUNDED
        if (low < -reach).any() or (high > self._sizes[:2] - 1 + reach).any():
            self._leaves(label, f"it reaches from voxel {low.round(1).tolist()} to {high.round(1).tolist()}")
        toggle_polygon(mask[slot], voxels[:, :2])

    def _slice(self, heights: npt.NDArray[np.float64], label: str) -> int:
        middle = float(heights.mean())
        if float(np.ptp(heights)) > 2 * self._tolerance:
            raise DataError(
                f"a contour of '{label}' in {self._name} spans {float(np.ptp(heights)) * self._between:.3g} mm across "
                "the slices",
                allowed=f"contours in the plane of a slice, within {self._tolerance * self._between:.3g} mm",
                hint="pass the series that was contoured: contours drawn on other planes are not interpolated",
            )
        slot = round(min(max(middle, -1e9), 1e9))
        if abs(middle - slot) > self._tolerance + 1e-9:
            raise DataError(
                f"a contour of '{label}' in {self._name} lies {abs(middle - slot) * self._between:.3g} mm from the "
                "nearest slice",
                allowed=f"at most {self._tolerance * self._between:.3g} mm",
                hint="pass the series that was contoured, or a larger `tolerance`",
            )
        return slot

    def _leaves(self, label: str, how: str) -> None:
        if not self._cut:
            raise DataError(
                f"a contour of '{label}' in {self._name} leaves the volume: {how}",
                allowed=f"slices 0 to {self._sizes[2] - 1} of {self._sizes[0]} x {self._sizes[1]} voxels",
                hint="pass the series that was contoured, or outside='cut'",
            )


def _points(contour: Dataset, label: str, name: str) -> npt.NDArray[np.float64]:
    """Return the corners, N x 3 LPS millimetres; parsed at once: pydicom makes an object of each number."""
    points = np.array(_raw_numbers(contour), dtype=np.float64)
    if points.size % 3 or not np.isfinite(points).all() or (points.size and np.abs(points).max() > 1e9):
        raise UnreadableFileError(
            f"a contour of '{label}' in {name} has {points.size} numbers, or some that are not finite",
            allowed="x, y, z of each corner in millimetres",
        )
    return points.reshape(-1, 3)


def _raw_numbers(contour: Dataset) -> list[float]:
    if "ContourData" not in contour:
        return []
    raw = contour.get_item("ContourData").value
    if isinstance(raw, bytes):
        stripped = raw.strip(b" \0")
        return list(map(float, stripped.split(b"\\"))) if stripped else []
    return list(map(float, [raw] if isinstance(raw, str | float | int) else raw or ()))
