"""Surfaces of label maps, and how far one map's surface of a label is from the other's.

A voxel lies on the surface of its label if one of its 6 neighbours (4 in 2-D) carries another label or lies outside the
volume: mask XOR eroded mask, as MONAI has it. A distance is from voxel centre to voxel centre, to the nearest one.

Contract: maps D×H×W or H×W, uint8 or int16, values in [0, void]; spacing in mm; distances float32, exact to rounding
(relative 1e-7; 1e-5 where a transform takes over). Surfaces are one read and one write of the map. Distances read the
box of one label, and write one byte per voxel of it.

How: the first of the three passes of a distance transform (along W) is made on the box; then each surface voxel looks
at the rows around it, ring by ring, until no farther row can be nearer. Surfaces of a prediction mostly lie a few
voxels from the reference's, so this is a handful of looks. Where it would cost more than a whole transform, that is
what is made (edt).
"""

from __future__ import annotations

from typing import NamedTuple

import edt
import numpy as np
import torch

from deephealth.kernels.compilers import compiled, inlined, on_cores, version_for

__all__ = ["Gaps", "surface", "surface_gaps", "surface_gaps_reference", "surface_reference"]

_GRAIN = 1 << 20  # voxels that are worth a thread
_NONE = 255  # no surface within so many voxels along the row
_LOOKS = 8  # looks per voxel of the box that cost as much as a transform of it (measured)
_PAIRS = 1 << 25  # distances that the reference keeps at a time


class Gaps(NamedTuple):
    """Distances between the surfaces of one label in two maps, in mm.

    Args:
        outward: of each surface voxel of the prediction to the reference's surface.
        inward: of each surface voxel of the reference to the prediction's surface.
    """

    outward: np.ndarray
    inward: np.ndarray


def surface(labels: torch.Tensor, void: int) -> torch.Tensor:
    """Return the map with ``void`` wherever a voxel is not on the surface of its label.

    Args:
        labels: D×H×W or H×W whole numbers in [0, void].
        void: what the inside becomes.

    Example:
        >>> surface(torch.tensor([[1, 1, 1, 1, 0]] * 3), 9).tolist()
        [[1, 1, 1, 1, 0], [1, 9, 9, 1, 0], [1, 1, 1, 1, 0]]
    """
    if version_for(labels) != "compiled":
        return surface_reference(labels, void)
    whole = labels.detach().contiguous()
    found = torch.empty_like(whole)
    flat = labels.ndim == 2
    source, target = (one.numpy()[None] if flat else one.numpy() for one in (whole, found))
    height = max(1, source.shape[1] * source.shape[2])
    inside = source.dtype.type(void)
    on_cores(lambda a, b: _surface(source, inside, flat, a, b, target), source.shape[0], max(1, _GRAIN // height))
    return found


def surface_reference(labels: torch.Tensor, void: int) -> torch.Tensor:
    """Return what :func:`surface` returns, in plain torch."""
    inside = torch.ones(labels.shape, dtype=torch.bool, device=labels.device)
    for axis in range(labels.ndim):
        length = labels.shape[axis]
        if length:
            inside.select(axis, 0).fill_(False)
            inside.select(axis, length - 1).fill_(False)
        if length > 1:
            same = labels.narrow(axis, 1, length - 1) == labels.narrow(axis, 0, length - 1)
            inside.narrow(axis, 1, length - 1).logical_and_(same)
            inside.narrow(axis, 0, length - 1).logical_and_(same)
    return torch.where(inside, torch.full_like(labels, void), labels)


def surface_gaps(
    prediction: torch.Tensor, truth: torch.Tensor, value: int, box: np.ndarray, spacing: tuple[float, ...]
) -> Gaps:
    """Return the distances between the surfaces of a label in two maps.

    Args:
        prediction: what :func:`surface` gave, D×H×W or H×W.
        truth: likewise, of the same shape, type and device.
        value: the label.
        box: dims×2, the first and one past the last index along each axis; holds both surfaces.
        spacing: in mm, one number per axis.

    Returns:
        Both ways, in the order of the voxels; infinity where the other surface is empty.

    Example:
        >>> a, b = torch.tensor([[1, 0, 0]]), torch.tensor([[0, 0, 1]])
        >>> surface_gaps(a, b, 1, np.array([[0, 1], [0, 3]]), (1.0, 0.5)).outward.tolist()
        [1.0]
    """
    part = tuple(slice(int(first), int(last)) for first, last in box)
    said, true = prediction.detach()[part], truth.detach()[part]
    if version_for(said, true) != "compiled":
        return surface_gaps_reference(said, true, value, spacing)
    maps = [one.numpy()[None] if one.ndim == 2 else one.numpy() for one in (said, true)]
    steps = np.array((1.0, *spacing)[-3:])
    rows = [np.empty(maps[0].shape, dtype=np.uint8) for _ in maps]
    sizes = [_row_distances(one, value, row) for one, row in zip(maps, rows, strict=True)]
    outward = _nearest(maps[0], maps[1], value, rows[1], sizes, steps)
    return Gaps(outward, _nearest(maps[1], maps[0], value, rows[0], sizes[::-1], steps))


def surface_gaps_reference(
    prediction: torch.Tensor, truth: torch.Tensor, value: int, spacing: tuple[float, ...]
) -> Gaps:
    """Return what :func:`surface_gaps` returns for whole maps, in plain torch: every pair is measured."""
    steps = torch.tensor(spacing, dtype=torch.float32, device=prediction.device)
    said, true = ((one == value).nonzero() * steps for one in (prediction, truth))
    return Gaps(_all_pairs(said, true), _all_pairs(true, said))


def _all_pairs(points: torch.Tensor, others: torch.Tensor) -> np.ndarray:
    if not len(others) or not len(points):
        return np.full(len(points), np.inf, dtype=np.float32)
    exact = "donot_use_mm_for_euclid_dist"
    chunks = points.split(max(1, _PAIRS // len(others)))
    nearest = [torch.cdist(chunk, others, compute_mode=exact).amin(1) for chunk in chunks]
    return torch.cat(nearest).cpu().numpy()


def _nearest(
    source: np.ndarray, target: np.ndarray, value: int, rows: np.ndarray, sizes: list[int], steps: np.ndarray
) -> np.ndarray:
    found = np.full(sizes[0], np.inf, dtype=np.float32)
    if 0 in sizes:
        return found
    squares = (np.arange(_NONE + 1) * steps[2]) ** 2
    squares[_NONE] = np.inf
    # what lies farther along the row than a byte counts is not seen: an answer beyond that is no answer
    limit = np.inf if source.shape[2] < _NONE else squares[_NONE - 1]
    done = _search(source, value, rows, squares, steps, limit, _LOOKS * source.size, found)
    if done < len(found):
        mask = target != value
        far = edt.edt(mask, anisotropy=tuple(steps), parallel=1)
        found[done:] = far[source == value][done:]
    return found


@compiled
def _surface(labels, void, flat, first, last, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # numba types it
    depth, height, width = labels.shape
    for z in range(first, last):
        for y in range(height):
            at, to = labels[z, y], found[z, y]
            if y == 0 or y == height - 1 or width < 3 or (not flat and (z == 0 or z == depth - 1)):
                for x in range(width):
                    to[x] = at[x]
                continue
            over, under = (at, at) if flat else (labels[z - 1, y], labels[z + 1, y])
            before, after = labels[z, y - 1], labels[z, y + 1]
            to[0], to[width - 1] = at[0], at[width - 1]
            for x in range(1, width - 1):
                own = at[x]
                same = (at[x - 1] == own) & (at[x + 1] == own) & (before[x] == own) & (after[x] == own)
                to[x] = void if same & (over[x] == own) & (under[x] == own) else own


@compiled
def _row_distances(edges, value, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write how many voxels along its row each voxel is from the label, 255 for none; return the label's voxels."""
    depth, height, width = edges.shape
    count = 0
    for z in range(depth):
        for y in range(height):
            at, to = edges[z, y], rows[z, y]
            here = 0
            for x in range(width):
                here += at[x] == value
            count += here
            if here == 0:
                to[:] = _NONE
                continue
            away = _NONE
            for x in range(width):
                away = 0 if at[x] == value else min(away + 1, _NONE)
                to[x] = away
            away = _NONE
            for x in range(width - 1, -1, -1):
                away = min(away + 1, to[x])
                to[x] = away
    return count


@compiled
def _search(edges, value, rows, squares, steps, limit, budget, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill the distances of the label's voxels; return how many were, all of them unless the looks ran out."""
    depth, height, width = edges.shape
    zz, yy = steps[0] ** 2, steps[1] ** 2
    nearest = min(zz, yy) if depth > 1 and height > 1 else (zz if depth > 1 else yy)  # what the first ring is away
    done = looks = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if edges[z, y, x] != value:
                    continue
                best = squares[rows[z, y, x]]
                ring = 1
                while ring * ring * nearest < best and ring < max(depth, height):
                    best = _ring(rows, squares, z, y, x, ring, zz, yy, best)
                    looks += 8 * ring
                    ring += 1
                if best > limit or looks > budget:
                    return done
                found[done] = np.sqrt(best)
                done += 1
    return done


@inlined
def _ring(rows, squares, z, y, x, ring, zz, yy, best):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the least of ``best`` and the squared distances that the rows on a square ring around a row offer."""
    depth, height, _ = rows.shape
    far = ring * ring
    first, last = max(-ring, -y), min(ring, height - 1 - y)
    for other in (z - ring, z + ring):
        if 0 <= other < depth and far * zz < best:
            for dy in range(first, last + 1):
                best = min(best, far * zz + dy * dy * yy + squares[rows[other, y + dy, x]])
    first, last = max(1 - ring, -z), min(ring - 1, depth - 1 - z)
    for other in (y - ring, y + ring):
        if 0 <= other < height and far * yy < best:
            for dz in range(first, last + 1):
                best = min(best, dz * dz * zz + far * yy + squares[rows[z + dz, other, x]])
    return best
