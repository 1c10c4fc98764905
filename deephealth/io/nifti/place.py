"""Where a NIfTI image is: sform, qform or voxel sizes, as nibabel chooses among them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError

__all__ = ["base_affine", "best_affine", "has_code", "qform_affine", "qform_fields", "rotation_from", "sform_affine"]

Affine = npt.NDArray[np.float64]


def sform_affine(header: np.void) -> Affine:
    """Return the matrix of the three ``srow`` fields, in the file's unit."""
    affine = np.eye(4)
    for row, name in enumerate(("srow_x", "srow_y", "srow_z")):
        affine[row] = header[name]
    return affine


def qform_affine(header: np.void) -> Affine:
    """Return the matrix of the quaternion, the offsets and the voxel sizes, in the file's unit.

    Raises:
        DataError: numbers that are no rotation.
    """
    vector = np.array([header[name] for name in ("quatern_b", "quatern_c", "quatern_d")], np.float64)
    sizes = np.array(header["pixdim"][:4], np.float64)
    affine = np.eye(4)
    affine[:3, :3] = rotation_from(vector) * _positive(sizes[1:])
    if sizes[0] == -1:  # any other value counts as 1
        affine[:3, 2] *= -1
    affine[:3, 3] = [header[name] for name in ("qoffset_x", "qoffset_y", "qoffset_z")]
    return affine


def base_affine(header: np.void) -> Affine:
    """Return what is left without sform and qform: voxel sizes, x to the left, the middle of the volume at 0."""
    sizes = _positive(np.array(header["pixdim"][1:4], np.float64)) * (-1, 1, 1)
    rank = int(header["dim"][0])
    shape = np.array([int(size) if axis < rank else 1 for axis, size in enumerate(header["dim"][1:4])], np.float64)
    affine = np.diag([*sizes, 1.0])
    affine[:3, 3] = -(shape - 1) / 2 * sizes
    return affine


def best_affine(header: np.void) -> Affine:
    """Return sform if it has a code, else qform if it has one, else the voxel sizes; in the file's unit."""
    if has_code(header, "sform_code"):
        return sform_affine(header)
    if has_code(header, "qform_code"):
        return qform_affine(header)
    return base_affine(header)


def has_code(header: np.void, name: str) -> bool:
    """Return whether a transform is there; codes that the standard does not know count as 0."""
    return 1 <= int(header[name]) <= 5


def rotation_from(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the rotation matrix of a unit quaternion whose last three numbers are given.

    Raises:
        DataError: they are not finite, or longer than 1 beyond rounding.
    """
    length = float(vector @ vector)
    if not np.isfinite(length) or length > 1 + 1e-3:
        raise DataError(f"the quaternion {vector.tolist()} is no rotation", allowed="a vector no longer than 1")
    if length > 1:  # half a turn, but for rounding
        vector, length = vector / np.sqrt(length), 1.0
    b, c, d = vector
    a = np.sqrt(1 - length)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def qform_fields(affine: Affine) -> tuple[npt.NDArray[np.float64], float, npt.NDArray[np.float64], bool]:
    """Return how a qform says ``affine``, as near as it can: it has no shear.

    Returns:
        Voxel sizes, qfac (1 or -1), the quaternion's last three numbers, and whether that is the whole truth.
    """
    matrix = np.array(affine[:3, :3], np.float64)
    sizes = np.linalg.norm(matrix, axis=0)
    left, _, right = np.linalg.svd(matrix / sizes)
    rotation = left @ right  # the nearest orthogonal matrix
    exact = bool(np.allclose(rotation * sizes, matrix, rtol=0, atol=1e-5 * float(sizes.max())))
    qfac = 1.0
    if np.linalg.det(rotation) < 0:
        qfac = -1.0
        rotation[:, 2] *= -1
    return sizes, qfac, _quaternion(rotation), exact


def _quaternion(rotation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return b, c, d of the quaternion with a >= 0: the eigenvector of Bar-Itzhack's matrix (2000)."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    symmetric = np.array(
        [
            [xx + yy + zz, zy - yz, xz - zx, yx - xy],
            [zy - yz, xx - yy - zz, xy + yx, xz + zx],
            [xz - zx, xy + yx, yy - xx - zz, yz + zy],
            [yx - xy, xz + zx, yz + zy, zz - xx - yy],
        ]
    )
    _, vectors = np.linalg.eigh(symmetric)
    found = vectors[:, -1]
    return found[1:] * (1.0 if found[0] >= 0 else -1.0)


def _positive(sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return voxel sizes as nibabel mends them: without sign, and 1 where the file has 0."""
    sizes = np.abs(sizes)
    return np.where(sizes == 0, 1.0, sizes)
