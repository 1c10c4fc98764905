"""A volume on a coarse grid of even spacing along the axes of the body: all geometry of the face is done there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import LimitError

__all__ = ["STEP", "BoolArray", "Grid", "sample", "to_grid"]

STEP = 2.5  # mm; a nose is 20 mm deep and an eye 24 mm wide, and a head fits in a million voxels
_MOST = 40_000_000

BoolArray = npt.NDArray[np.bool_]
Affine = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """Values on axes that point right, anterior, superior.

    Args:
        values: (x, y, z).
        inside: where the image has values at all.
        affine: 4 x 4, index to RAS+ millimetres: spacing and origin only.
        air: what stands for nothing: -1000 HU, or the background of an MR image.
        modality: ``CT``, or anything else for intensities without a unit.
    """

    values: npt.NDArray[np.float32]
    inside: BoolArray
    affine: Affine
    air: float
    modality: str


def to_grid(voxels: np.ndarray, affine: Affine, modality: str, *, step: float = STEP) -> Grid:
    """Resample a volume, by means of blocks and linear interpolation.

    Args:
        voxels: (i, j, k).
        affine: 4 x 4, index to RAS+ millimetres; any orientation, mirrored or sheared.
        modality: DICOM modality.
        step: millimetres.

    Raises:
        LimitError: the image is metres wide.

    Example:
        >>> grid = to_grid(np.ones((10, 10, 10)), np.diag([-5.0, 5.0, 5.0, 1.0]), "MR")
        >>> grid.values.shape, bool(grid.inside.all())
        ((19, 19, 19), True)
    """
    from scipy import ndimage

    voxels, affine = _block_means(voxels, np.asarray(affine, np.float64), step)
    low, high = _bounds(voxels.shape, affine)
    shape = tuple(int(n) for n in np.floor((high - low) / step + 1e-6) + 1)
    if np.prod(shape, dtype=float) > _MOST:
        raise LimitError("the head image is metres wide", allowed="an image of one body")
    place = np.diag([step, step, step, 1.0])
    place[:3, 3] = low
    index = np.linalg.inv(affine) @ place
    air = _air(voxels, modality)
    values = ndimage.affine_transform(
        voxels, index[:3, :3], index[:3, 3], shape, np.float32, order=1, mode="constant", cval=air
    )
    whole = np.ones(voxels.shape, np.uint8)
    inside = ndimage.affine_transform(whole, index[:3, :3], index[:3, 3], shape, order=0, mode="grid-constant")
    return Grid(values, inside.astype(bool), place, air, modality)


def sample(mask: BoolArray, place: Affine, affine: Affine, shape: tuple[int, ...]) -> BoolArray:
    """Look up a mask of the grid at the voxels of an image.

    Args:
        mask: on the grid.
        place: the grid's affine.
        affine: of the image.
        shape: (i, j, k) of the image.
    """
    from scipy import ndimage

    index = np.linalg.inv(place) @ affine
    found = ndimage.affine_transform(mask.astype(np.uint8), index[:3, :3], index[:3, 3], shape, order=0, mode="nearest")
    return np.asarray(found, bool)


def _block_means(voxels: np.ndarray, affine: Affine, step: float) -> tuple[npt.NDArray[np.float32], Affine]:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    factor = [max(1, min(int(step / d), n)) for d, n in zip(spacing, voxels.shape, strict=True)]
    cut = voxels[tuple(slice(0, n // f * f) for n, f in zip(voxels.shape, factor, strict=True))]
    parts = [side for n, f in zip(cut.shape, factor, strict=True) for side in (n // f, f)]
    means = cut.reshape(parts).mean(axis=(1, 3, 5), dtype=np.float32)
    placed = affine.copy()
    placed[:3, 3] += affine[:3, :3] @ ((np.array(factor) - 1) / 2)
    placed[:3, :3] = affine[:3, :3] * np.array(factor)
    return np.nan_to_num(means), placed


def _bounds(shape: tuple[int, ...], affine: Affine) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    places = affine[:3, :3] @ corners + affine[:3, 3:]
    return places.min(1), places.max(1)


def _air(voxels: np.ndarray, modality: str) -> float:
    if modality == "CT":
        return max(-1000.0, float(voxels.min()))
    return float(np.percentile(voxels, 1))
