"""Where the head and the brain are, found by threshold and shape; nothing is learned and nothing is registered."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.lake.faces.grid import STEP, BoolArray, Grid

__all__ = ["brain_of", "depth_of", "dilated", "has_skull", "head_of", "threshold_of", "tissue_of"]

_SKIN = -300.0  # HU: halfway between air and soft tissue
_BRAIN = (0.0, 90.0)  # HU: water to fresh blood
_CORTEX = 250.0  # HU
_BONE = 3  # steps: skin and bone are at least this thick over the brain
_CUT = 3  # steps: what hangs on the brain by less than 15 mm is none: eyes, veins, muscles below the skull
_REACH = 150.0  # mm below the crown: the foramen magnum is 130 to 150 mm below it


def head_of(grid: Grid) -> BoolArray:
    """Return the head, filled: the largest body of tissue, without table and head rest.

    Args:
        grid: a volume on the grid.
    """
    tissue = _largest(tissue_of(grid, threshold_of(grid)))
    padded = np.pad(tissue, 6)
    closed = _eroded(dilated(padded, 5), 5)[6:-6, 6:-6, 6:-6]
    return np.asarray(_filled(closed) | tissue, bool)


def brain_of(grid: Grid, head: BoolArray) -> BoolArray:
    """Return the brain by a simple strip of the skull; empty where there is nothing like one.

    CT: soft tissue inside the bone. MR: what is as bright as the middle of the skull, cut off from the scalp by the
    dark bone and an erosion of 7.5 mm.

    Args:
        grid: a volume on the grid.
        head: from :func:`head_of`.
    """
    from scipy import ndimage

    nothing = np.zeros_like(head)
    levels = np.nonzero(head.any((0, 1)))[0]
    if not len(levels):
        return nothing
    depth = depth_of(head)
    reach = np.arange(head.shape[2]) >= levels[-1] - _REACH / STEP
    upper = np.arange(head.shape[2]) >= levels[-1] - 90 / STEP
    core = (depth > 30 / STEP) & upper
    if core.sum() < 200:
        return nothing
    smooth = ndimage.median_filter(grid.values, 3)
    low, high = _range(grid, smooth[core])
    soft = (smooth > low) & (smooth < high) & (depth > _BONE) & reach
    seeds = _eroded(soft, _CUT)
    labels, count = ndimage.label(seeds)
    if not count:
        return nothing
    votes = np.bincount(labels[core], minlength=count + 1)
    votes[0] = 0
    seed = labels == int(votes.argmax())
    brain = dilated(seed, _CUT + 1) & soft
    padded = np.pad(brain, 3)
    closed = ndimage.binary_fill_holes(_eroded(dilated(padded, 2), 2))[3:-3, 3:-3, 3:-3]
    return np.asarray(closed & (depth > _BONE), bool)


def depth_of(head: BoolArray) -> npt.NDArray[np.float64]:
    """Return how deep inside the head each voxel lies, in steps of the grid; the edge of the image is a surface too.

    Args:
        head: from :func:`head_of`.
    """
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(np.pad(head, 1))[1:-1, 1:-1, 1:-1], np.float64)


def has_skull(grid: Grid, head: BoolArray) -> bool:
    """Return whether the upper 90 mm of a CT head hold bone; of an MR image nobody can say.

    Args:
        grid: a volume on the grid.
        head: from :func:`head_of`.
    """
    if grid.modality != "CT":
        return True
    top = int(np.nonzero(head.any((0, 1)))[0][-1])
    upper = np.s_[:, :, max(0, top - int(90 / STEP)) : top + 1]
    return bool((grid.values[upper][head[upper]] > _CORTEX).mean() > 0.03)


def tissue_of(grid: Grid, threshold: float) -> BoolArray:
    """Return what is tissue, without specks of noise.

    Args:
        grid: a volume on the grid.
        threshold: from :func:`threshold_of`.
    """
    from scipy import ndimage

    return np.asarray(ndimage.binary_opening((grid.values > threshold) & grid.inside, _ball(1)), bool)


def dilated(mask: BoolArray, steps: int) -> BoolArray:
    """Grow a mask by a ball.

    Args:
        mask: on the grid.
        steps: radius in steps of the grid.
    """
    from scipy import ndimage

    if not mask.any():
        return mask
    return np.asarray(ndimage.distance_transform_edt(~mask) <= steps, bool)


def _eroded(mask: BoolArray, steps: int) -> BoolArray:
    """Shrink a mask by a ball; the edge of the image does not shrink it."""
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(mask) > steps, bool)


def threshold_of(grid: Grid) -> float:
    """Return the value above which there is tissue: -300 HU, or from the histogram of an MR image."""
    if grid.modality == "CT":
        return _SKIN
    values = grid.values[grid.inside]
    top = float(np.percentile(values, 99))
    scaled = np.clip((values - grid.air) / max(top - grid.air, 1e-6), 0, 1)
    return grid.air + (top - grid.air) * max(0.06, 0.45 * _otsu(scaled))


def _otsu(values: npt.NDArray[Any]) -> float:
    """Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9:62 (1979)."""
    counts, edges = np.histogram(values, 128, (0, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(centres[int(np.nanargmax(between))])


def _range(grid: Grid, core: npt.NDArray[np.float32]) -> tuple[float, float]:
    if grid.modality == "CT":
        return _BRAIN
    middle = float(np.median(core)) - grid.air
    return grid.air + 0.55 * middle, grid.air + 1.9 * middle


def _largest(mask: BoolArray) -> BoolArray:
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == int(sizes.argmax()), bool)


def _filled(mask: BoolArray) -> BoolArray:
    """Fill holes in three directions, so that sinuses and mouth are inside even when the image cuts them open."""
    from scipy import ndimage

    filled = mask.copy()
    for axis in (2, 0):
        for at in range(mask.shape[axis]):
            plane: list[Any] = [slice(None)] * 3
            plane[axis] = at
            filled[tuple(plane)] = ndimage.binary_fill_holes(filled[tuple(plane)])
    return filled


@cache
def _ball(radius: int) -> BoolArray:
    span = np.arange(-radius, radius + 1)
    x, y, z = np.meshgrid(span, span, span, indexing="ij")
    return np.asarray(x * x + y * y + z * z <= radius * radius + 1, bool)
