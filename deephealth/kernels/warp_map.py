"""The map of a warp: affine plus a cubic B-spline of displacements, from output voxels to source voxels and back.

A map takes the output voxel o = (D, H, W index) to the source position ``matrix @ (o, 1) + u(o)``. The displacement u,
in source voxels, is a uniform cubic B-spline over the output volume; its control points are a coarse grid with, per
axis, three points more than cells, and the cells divide the way from the first voxel's centre to the last one's (the
layout of ITK's ``BSplineTransform``). Outside the volume u keeps the value of the nearest border.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deephealth.core.errors import DataError

__all__ = ["coordinates", "inverse_points", "spline_matrix", "spline_place", "source_points"]

_STEPS = 30  # Newton needs 3 to 6; a map that folds does not get there at all
_NEAR = 1e-6  # voxel


def spline_place(where: torch.Tensor, size: int, points: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the first of the four control points of each position on an axis, their weights and slopes.

    Args:
        where: positions in voxels, any shape, float64.
        size: voxels of the axis.
        points: control points of the axis, at least 4.

    Returns:
        First point (whole numbers), weights and derivatives of the weights by the position (a last axis of 4).

    Example:
        >>> spline_place(torch.tensor([0.0], dtype=torch.float64), 9, 4)[1][0].mul(6).round().tolist()
        [1.0, 4.0, 1.0, 0.0]
    """
    cells = points - 3
    rate = cells / max(size - 1, 1)
    held = where.clamp(0, size - 1)
    first = (held * rate).floor().clamp(max=cells - 1)
    f = held * rate - first
    g = 1 - f
    weights = torch.stack([g**3, 3 * f**3 - 6 * f**2 + 4, 3 * g**3 - 6 * g**2 + 4, f**3], -1) / 6
    slopes = torch.stack([-(g**2), 3 * f**2 - 4 * f, 4 * g - 3 * g**2, f**2], -1) / 2
    moves = (where == held).to(where.dtype) * rate  # beyond the border the displacement does not change
    return first.long(), weights, slopes * moves[..., None]


def spline_matrix(size: int, points: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return the size×points matrix, float64, that takes control points of an axis to its voxels."""
    where = torch.arange(size, dtype=torch.float64, device=device)
    first, weights, _ = spline_place(where, size, points)
    taps = first[:, None] + torch.arange(4, device=device)
    return where.new_zeros(size, points).scatter_(1, taps, weights)


def coordinates(
    matrix: torch.Tensor, control: torch.Tensor | None, shape: Sequence[int], slab: tuple[int, int] | None = None
) -> torch.Tensor:
    """Return the source position of each output voxel.

    Args:
        matrix: B×3×4, float64.
        control: B×3×d×h×w or ``None``.
        shape: D, H, W of the output.
        slab: first and one past the last index along D; all of them when not given.

    Returns:
        B×3×(slab)×H×W, float64.
    """
    first, last = slab or (0, shape[0])
    axes = [torch.arange(size, dtype=torch.float64, device=matrix.device) for size in shape]
    axes[0] = axes[0][first:last]
    column = matrix[:, :, :, None, None, None]
    found = column[:, :, 0] * axes[0].view(-1, 1, 1) + column[:, :, 1] * axes[1].view(-1, 1) + column[:, :, 2] * axes[2]
    found = found + column[:, :, 3]
    if control is not None:
        d, h, w = (
            spline_matrix(size, points, matrix.device) for size, points in zip(shape, control.shape[2:], strict=True)
        )
        found = found + torch.einsum("bcijk,zi,yj,xk->bczyx", control.double(), d[first:last], h, w)
    return found


def source_points(
    points: torch.Tensor, matrix: torch.Tensor, control: torch.Tensor | None, shape: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where output points lie in the source, and the map's Jacobian there.

    Args:
        points: B×N×3 output positions in voxels (D, H, W), whole or not, float64.
        matrix: B×3×4, float64.
        control: B×3×d×h×w or ``None``.
        shape: D, H, W of the output.

    Returns:
        Source positions B×N×3 and Jacobians B×N×3×3 (row: source axis, column: output axis), float64.
    """
    linear = matrix[:, None, :, :3]
    found = (linear @ points[..., None])[..., 0] + matrix[:, None, :, 3]
    jacobian = linear.expand(*points.shape[:2], 3, 3)
    if control is None:
        return found, jacobian
    field = control.double().permute(0, 2, 3, 4, 1)  # B×d×h×w×3
    places = [spline_place(points[..., axis], shape[axis], field.shape[axis + 1]) for axis in range(3)]
    sample = torch.arange(len(field), device=points.device)[:, None]
    moved = torch.zeros_like(found)
    slope = torch.zeros_like(jacobian)
    for at in range(64):
        tap = (at // 16, at // 4 % 4, at % 4)
        near = field[(sample, *(places[axis][0] + tap[axis] for axis in range(3)))]  # B×N×3
        z, y, x = (places[axis][1][..., tap[axis]] for axis in range(3))
        dz, dy, dx = (places[axis][2][..., tap[axis]] for axis in range(3))
        moved = moved + near * (z * y * x)[..., None]
        slope = slope + near[..., None] * torch.stack([dz * y * x, z * dy * x, z * y * dx], -1)[..., None, :]
    return found + moved, jacobian + slope


def inverse_points(
    points: torch.Tensor, matrix: torch.Tensor, control: torch.Tensor | None, shape: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where source points come to lie in the output, by Newton's method, and how far off each one is.

    Args:
        points: B×N×3 source positions in voxels (D, H, W), float64.
        matrix: B×3×4, float64, invertible.
        control: B×3×d×h×w or ``None``.
        shape: D, H, W of the output.

    Returns:
        Output positions B×N×3, and B×N distances (source voxels) of their images from the points asked for.

    Raises:
        DataError: a matrix that can't be inverted.
    """
    inverse, bad = torch.linalg.inv_ex(matrix[:, :, :3])
    if bool(bad.any()):
        raise DataError(
            f"the matrices of samples {bad.nonzero().flatten().tolist()} can't be inverted",
            allowed="maps that keep three dimensions",
        )
    found = (inverse[:, None] @ (points - matrix[:, None, :, 3])[..., None])[..., 0]
    off = torch.zeros_like(found[..., 0])
    for _ in range(_STEPS if control is not None else 1):
        image, jacobian = source_points(found, matrix, control, shape)
        rest = image - points
        off = rest.norm(dim=-1)
        if not bool((off > _NEAR).any()):
            break
        step, _ = torch.linalg.solve_ex(jacobian, rest)
        length = step.norm(dim=-1, keepdim=True)
        reach = max(shape) / 4  # a step from a bad start must not leave for good
        found = found - step * (reach / length.clamp(min=reach))
    return found, off
