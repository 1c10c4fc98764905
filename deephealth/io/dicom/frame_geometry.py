"""Where DICOM slices lie: from ImagePositionPatient and ImageOrientationPatient to an affine, and back.

DICOM speaks LPS and names rows before columns; affines here map (i, j, k) = (column, row, slice) to RAS+ millimetres.
Source: DICOM PS3.3 C.7.6.2 (Image Plane Module).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.io.geometry import check_affine, lps_to_ras

__all__ = ["SliceReport", "affine_of_slices", "check_orientation", "orientation_of", "pixel_spacing_of", "positions_of"]

Vector = npt.NDArray[np.float64]
_OFF_UNIT = 5e-3  # what rounding to three digits leaves of length 1 and of a right angle
_OFF_GRID = 0.05  # of the slice spacing: positions are often rounded to 0.01 or 0.1 mm
_SAME_PLACE = 1e-3  # millimetres: two images nearer than this are at one position
_TILT_FROM = 0.05  # degrees: below this the slope of the slice axis is rounding
_MAX_SLOTS = 1.5  # per slice that is there: emptier grids are no series with gaps


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What the positions of a series say beside its affine.

    Args:
        order: indices into the positions given, sorted along the normal; of images at one position the first given
            comes first.
        slots: for each entry of ``order`` the slice number k that it fills.
        count: slice numbers in all, those of missing slices among them.
        missing: slice numbers that no image fills.
        duplicates: groups of indices (into the positions given) that share a position.
        spacing: millimetres between slice centres, along the slice axis; 0 for a single position.
        tilt: degrees between the slice axis and the normal of the slices (a tilted gantry); 0 if they agree.
        off_grid: largest distance of an image from its place on the even grid, in millimetres.
        uneven: whether ``off_grid`` is more than rounding: the affine is then only the best fit.
    """

    order: tuple[int, ...]
    slots: tuple[int, ...]
    count: int
    missing: tuple[int, ...]
    duplicates: tuple[tuple[int, ...], ...]
    spacing: float
    tilt: float
    off_grid: float
    uneven: bool


def affine_of_slices(
    positions: npt.ArrayLike,
    orientation: npt.ArrayLike,
    pixel_spacing: npt.ArrayLike,
    *,
    thickness: float | None = None,
    name: str = "the series",
) -> tuple[npt.NDArray[np.float64], SliceReport]:
    """Return the affine of a stack of slices, and what is irregular about it.

    Slices are sorted along the normal (row direction x column direction), so that i, j, k are right-handed in LPS. The
    slice axis goes from the first centre to the last: a tilted gantry leaves its shear in the affine.

    Args:
        positions: N x 3, ImagePositionPatient (LPS millimetres), in any order.
        orientation: 6 numbers, ImageOrientationPatient: the direction of growing columns, then that of growing rows.
        pixel_spacing: PixelSpacing in millimetres: between rows, then between columns.
        thickness: slice spacing of a single position, millimetres; 1 if it is not known.
        name: what errors call the series.

    Raises:
        DataError: numbers that are not finite, a direction that is not orthonormal, a spacing of 0 or less, or slices
            that do not lie on one line.

    Example:
        >>> affine, report = affine_of_slices([[0, 0, 5], [0, 0, 0]], [1, 0, 0, 0, 1, 0], [0.5, 0.25])
        >>> affine.diagonal().tolist(), report.order, report.spacing
        ([-0.25, -0.5, 5.0, 1.0], (1, 0), 5.0)
    """
    row, column = check_orientation(orientation, name)
    between_rows, between_columns = _check_spacing(pixel_spacing, name)
    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    if not len(places) or not np.isfinite(places).all():
        raise DataError(f"{name} has positions that are missing or not finite", allowed="three numbers, millimetres")
    normal = np.cross(row, column)
    report, step = _stack(places, normal / np.linalg.norm(normal), name)
    if step is None:
        step = normal * (thickness if thickness and math.isfinite(thickness) and thickness > 0 else 1.0)
    affine = np.eye(4)
    affine[:3, 0] = row * between_columns
    affine[:3, 1] = column * between_rows
    affine[:3, 2] = step
    affine[:3, 3] = places[report.order[0]]
    return check_affine(lps_to_ras(affine), f"the affine of {name}"), report


def positions_of(affine: npt.ArrayLike, n: int) -> Vector:
    """Return ImagePositionPatient of slices 0 to n - 1: N x 3, LPS millimetres.

    Example:
        >>> positions_of(np.diag([-1.0, -1.0, 2.5, 1.0]), 3)[:, 2].tolist()
        [0.0, 2.5, 5.0]
    """
    lps = lps_to_ras(check_affine(affine))
    return lps[:3, 3] + np.arange(n, dtype=np.float64)[:, None] * lps[:3, 2]


def orientation_of(affine: npt.ArrayLike) -> tuple[float, float, float, float, float, float]:
    """Return ImageOrientationPatient: LPS unit vectors of growing columns (i) and of growing rows (j).

    Example:
        >>> orientation_of(np.diag([-1.0, -2.0, 3.0, 1.0]))
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    """
    lps = lps_to_ras(check_affine(affine))[:3, :2]
    a, b, c, d, e, f = ((lps / np.linalg.norm(lps, axis=0)).T.ravel() + 0.0).tolist()
    return a, b, c, d, e, f


def pixel_spacing_of(affine: npt.ArrayLike) -> tuple[float, float]:
    """Return PixelSpacing in millimetres: between rows (along j), then between columns (along i).

    Example:
        >>> pixel_spacing_of(np.diag([1.0, 2.0, 3.0, 1.0]))
        (2.0, 1.0)
    """
    steps = np.linalg.norm(np.asarray(affine, dtype=np.float64)[:3, :2], axis=0)
    return float(steps[1]), float(steps[0])


def check_orientation(orientation: npt.ArrayLike, name: str = "the series") -> tuple[Vector, Vector]:
    """Return the unit vectors of growing columns and of growing rows, or say what is wrong with them.

    Raises:
        DataError: not six finite numbers, or two vectors that are not of length 1 and at a right angle.
    """
    vectors = np.asarray(orientation, dtype=np.float64).ravel()
    allowed = "two vectors of length 1 at a right angle"
    if vectors.size != 6 or not np.isfinite(vectors).all():
        raise DataError(f"the image orientation of {name} is {vectors.tolist()}", allowed=allowed)
    row, column = vectors[:3], vectors[3:]
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if max(abs(length - 1) for length in lengths) > _OFF_UNIT or abs(float(row @ column)) > _OFF_UNIT:
        raise DataError(
            f"the image orientation of {name} is not orthonormal: {vectors.tolist()}",
            allowed=allowed,
            hint="the header is damaged or was edited; correct ImageOrientationPatient",
        )
    return row / lengths[0], column / lengths[1]


def _check_spacing(pixel_spacing: npt.ArrayLike, name: str) -> tuple[float, float]:
    steps = np.asarray(pixel_spacing, dtype=np.float64).ravel()
    if steps.size != 2 or not np.isfinite(steps).all() or (steps <= 0).any():
        raise DataError(f"the pixel spacing of {name} is {steps.tolist()}", allowed="two numbers above 0, millimetres")
    return float(steps[0]), float(steps[1])


def _stack(places: Vector, normal: Vector, name: str) -> tuple[SliceReport, Vector | None]:
    """Return the report, and the step from slice to slice (none if all images are at one position)."""
    along = places @ normal
    order = np.argsort(along, kind="stable")
    sorted_along = along[order]
    new = np.diff(sorted_along) > _SAME_PLACE
    group = np.concatenate([[0], np.cumsum(new)])
    first = np.concatenate([[0], np.flatnonzero(new) + 1])  # where in `order` each position starts
    centres = places[order[first]]
    slots, spacing_along, off = _slots(sorted_along[first], len(first))
    step = None if len(first) == 1 else (centres[-1] - centres[0]) / slots[-1]
    spacing, tilt = 0.0, 0.0
    if step is not None:
        _check_line(places[order], centres[0] + np.asarray(slots)[group, None] * step, normal, name)
        spacing = float(np.linalg.norm(step))
        tilt = math.degrees(math.acos(min(1.0, float(step @ normal) / spacing)))
    elif np.abs(places - centres[0]).max() > _SAME_PLACE + 1e-9:
        raise DataError(f"the images of {name} lie beside each other in one plane", allowed="slices of one stack")
    filled = set(slots)
    count = slots[-1] + 1
    report = SliceReport(
        order=tuple(order.tolist()),
        slots=tuple(slots[at] for at in group.tolist()),
        count=count,
        missing=tuple(slot for slot in range(count) if slot not in filled),
        duplicates=_duplicates(order, group),
        spacing=spacing,
        tilt=tilt if tilt > _TILT_FROM else 0.0,
        off_grid=off,
        uneven=off > max(_OFF_GRID * spacing_along, 2 * _SAME_PLACE),
    )
    return report, step


def _slots(along: Vector, count: int) -> tuple[list[int], float, float]:
    """Return the slice number of each sorted position, the even spacing, and the largest distance from the grid."""
    if count == 1:
        return [0], 0.0, 0.0
    gaps = np.diff(along)
    for base in (float(np.median(gaps)), float(gaps.min())):
        steps = np.rint(gaps / base)
        if steps.min() < 1 or steps.sum() > _MAX_SLOTS * count:
            continue  # more gaps than slices: no series with a few missing
        slots = np.concatenate([[0], np.cumsum(steps)])
        spacing = float((along[-1] - along[0]) / slots[-1])
        off = float(np.abs(along - along[0] - slots * spacing).max())
        if off <= max(_OFF_GRID * spacing, 2 * _SAME_PLACE):
            return slots.astype(int).tolist(), spacing, off
    spacing = float((along[-1] - along[0]) / (count - 1))
    off = float(np.abs(along - along[0] - np.arange(count) * spacing).max())
    return list(range(count)), spacing, off


def _check_line(places: Vector, expected: Vector, normal: Vector, name: str) -> None:
    """Refuse slices whose centres leave the line through the first and the last, sideways."""
    off = places - expected
    sideways = np.linalg.norm(off - np.outer(off @ normal, normal), axis=1)
    reach = float(np.abs((places[-1] - places[0]) @ normal)) / max(len(places) - 1, 1)
    if float(sideways.max()) > max(_OFF_GRID * reach, 0.05):
        at = int(sideways.argmax())
        raise DataError(
            f"the slices of {name} do not lie on one line: the image at {places[at].tolist()} is "
            f"{float(sideways[at]):.3g} mm beside it",
            allowed="one stack of slices",
            hint="read each stack on its own: pass its files as `paths`",
        )


def _duplicates(order: npt.NDArray[np.intp], group: npt.NDArray[np.intp]) -> tuple[tuple[int, ...], ...]:
    """Return the groups of more than one image."""
    found: dict[int, list[int]] = {}
    for index, number in zip(order.tolist(), group.tolist(), strict=True):
        found.setdefault(number, []).append(index)
    return tuple(tuple(members) for members in found.values() if len(members) > 1)
