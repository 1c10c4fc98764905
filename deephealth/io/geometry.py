"""Where voxels are in the patient: affines, axis codes, spacing, and turning a volume without resampling it.

Convention of the whole package: an affine maps voxel indices (i, j, k) = (column, row, slice) to RAS+ millimetres (x to
from left to right, y from back to front, z from foot to head), as NIfTI does. Arrays are stored the other way
round, ``data[k, j, i]`` = (D, H, W). DICOM and ITK speak LPS; :func:`lps_to_ras` converts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError

__all__ = ["affine_from", "axis_codes", "check_affine", "direction_of", "lps_to_ras", "reorient_axes", "spacing_of"]

Affine = npt.NDArray[np.float64]
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_LABELS = (("L", "R"), ("P", "A"), ("I", "S"))


def lps_to_ras(affine: npt.ArrayLike) -> Affine:
    """Convert an affine between LPS (DICOM, ITK) and RAS (NIfTI); its own inverse.

    Args:
        affine: 4 x 4, millimetres.

    Example:
        >>> lps_to_ras(np.diag([2.0, 3.0, 4.0, 1.0])).diagonal().tolist()
        [-2.0, -3.0, 4.0, 1.0]
    """
    return _LPS @ np.asarray(affine, dtype=np.float64)


def affine_from(direction: npt.ArrayLike, spacing: npt.ArrayLike, origin: npt.ArrayLike) -> Affine:
    """Build an affine.

    Args:
        direction: 3 x 3, one unit vector per column, for i, j, k.
        spacing: millimetres along i, j, k.
        origin: position of the centre of voxel (0, 0, 0), millimetres.

    Example:
        >>> affine_from(np.eye(3), [1, 2, 3], [4, 5, 6])[:3].tolist()
        [[1.0, 0.0, 0.0, 4.0], [0.0, 2.0, 0.0, 5.0], [0.0, 0.0, 3.0, 6.0]]
    """
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(direction, dtype=np.float64) * np.asarray(spacing, dtype=np.float64)
    affine[:3, 3] = origin
    return affine


def spacing_of(affine: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the millimetres between voxel centres along i, j, k.

    Example:
        >>> spacing_of(np.diag([-1.0, 2.0, 3.0, 1.0]))
        (1.0, 2.0, 3.0)
    """
    steps = np.linalg.norm(np.asarray(affine, dtype=np.float64)[:3, :3], axis=0)
    return float(steps[0]), float(steps[1]), float(steps[2])


def direction_of(affine: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the 3 x 3 unit vectors of i, j, k, one per column."""
    matrix = np.asarray(affine, dtype=np.float64)[:3, :3]
    return matrix / np.linalg.norm(matrix, axis=0)


def check_affine(affine: npt.ArrayLike, name: str = "the affine") -> Affine:
    """Return ``affine`` as 4 x 4 float64, or say why it places no voxels.

    Raises:
        DataError: another shape, not finite, a last row other than 0 0 0 1, zero spacing, or axes in one plane.
    """
    matrix = np.asarray(affine, dtype=np.float64)
    if matrix.shape != (4, 4):
        raise DataError(f"{name} has the shape {matrix.shape}", allowed="4 x 4")
    if not np.isfinite(matrix).all():
        raise DataError(f"{name} holds numbers that are not finite", allowed="finite numbers, millimetres")
    if not np.array_equal(matrix[3], [0, 0, 0, 1]):
        raise DataError(f"the last row of {name} is {matrix[3].tolist()}", allowed="0 0 0 1")
    with np.errstate(over="ignore"):
        steps = np.linalg.norm(matrix[:3, :3], axis=0)
    if (steps == 0).any() or not np.isfinite(steps).all():
        raise DataError(f"the spacing of {name} is {steps.tolist()} mm", allowed="numbers above 0 mm on each axis")
    if abs(np.linalg.det(matrix[:3, :3] / steps)) < 1e-4:
        raise DataError(f"the axes of {name} lie in one plane", allowed="three independent directions")
    return matrix


def axis_codes(affine: npt.ArrayLike) -> str:
    """Return where i, j and k point, such as ``"RAS"`` or ``"LPS"``: each axis takes the direction it is nearest to.

    Example:
        >>> axis_codes(np.diag([-1.0, -1.0, 1.0, 1.0]))
        'LPS'
    """
    world, sign = _nearest(affine)
    return "".join(_LABELS[axis][int(way > 0)] for axis, way in zip(world, sign, strict=True))


def reorient_axes(data: np.ndarray, affine: npt.ArrayLike, codes: str) -> tuple[np.ndarray, Affine]:
    """Flip and swap axes so that i, j, k point where ``codes`` says; no voxel value changes.

    Args:
        data: ([C,] D, H, W).
        affine: 4 x 4, (i, j, k) to RAS+ millimetres.
        codes: three letters out of R/L, A/P, S/I, for i, j, k.

    Returns:
        A view of ``data`` and the affine that belongs to it: every voxel keeps its place in the patient.

    Raises:
        DataError: ``codes`` is not an orientation.

    Example:
        >>> data, affine = reorient_axes(np.arange(2).reshape(1, 1, 2), np.eye(4), "LAS")
        >>> data.ravel().tolist(), affine[0].tolist()
        ([1, 0], [-1.0, 0.0, 0.0, 1.0])
    """
    wanted = [_parse(letter, codes) for letter in codes.upper()]
    if sorted(axis for axis, _ in wanted) != [0, 1, 2]:
        raise DataError(f"'{codes}' is not an orientation", allowed="one of R/L, one of A/P, one of S/I, such as 'RAS'")
    matrix = check_affine(affine)
    world, sign = _nearest(matrix)
    steps = np.zeros((4, 4))  # new index -> old index
    steps[3, 3] = 1
    order, flips = [], []
    sizes = data.shape[::-1]  # i, j, k first
    for new, (axis, way) in enumerate(wanted):
        old = world.index(axis)
        flip = way != sign[old]
        order.append(old)
        flips.append(flip)
        steps[old, new] = -1 if flip else 1
        if flip:
            steps[old, 3] = sizes[old] - 1
    lead = data.ndim - 3
    last = data.ndim - 1
    turned = data.transpose([*range(lead), *(last - old for old in reversed(order))])
    cut = [slice(None)] * lead + [slice(None, None, -1) if flip else slice(None) for flip in reversed(flips)]
    return turned[tuple(cut)], matrix @ steps


def _nearest(affine: npt.ArrayLike) -> tuple[list[int], list[int]]:
    """Return for i, j, k the world axis each is nearest to (each taken once, strongest first) and its sign."""
    direction = direction_of(affine)
    strength = np.abs(direction)
    world, sign = [0, 0, 0], [1, 1, 1]
    free_world, free_voxel = {0, 1, 2}, {0, 1, 2}
    while free_voxel:
        axis, voxel = max(((w, v) for w in free_world for v in free_voxel), key=lambda pair: (strength[pair], -pair[1]))
        world[voxel], sign[voxel] = axis, 1 if direction[axis, voxel] >= 0 else -1
        free_world.remove(axis)
        free_voxel.remove(voxel)
    return world, sign


def _parse(letter: str, codes: str) -> tuple[int, int]:
    for axis, pair in enumerate(_LABELS):
        if letter in pair:
            return axis, 1 if letter == pair[1] else -1
    raise DataError(f"'{letter}' in '{codes}' is not a direction", allowed="R, L, A, P, S, I")
