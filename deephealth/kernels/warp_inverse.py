"""The inverse of a warp's map, compiled for processors: Newton's method for each voxel of the source."""

from __future__ import annotations

import numpy as np

from deephealth.kernels.compilers import compiled

__all__ = ["inverse_rows"]


@compiled
def _tap(axis, where, size, points, w, s):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Write the weights and slopes of an axis's four control points, and return the first; see ``spline_place``."""
    rate = (points - 3) / max(size - 1.0, 1.0)
    held = min(where if where > 0.0 else 0.0, size - 1.0)
    first = min(int(held * rate), points - 4)
    f = held * rate - first
    g = 1.0 - f
    w[axis, 0], w[axis, 3] = g * g * g / 6.0, f * f * f / 6.0
    w[axis, 1] = (3.0 * f * f * f - 6.0 * f * f + 4.0) / 6.0
    w[axis, 2] = 1.0 - w[axis, 0] - w[axis, 1] - w[axis, 3]
    half = 0.5 * rate if held == where else 0.0  # beyond the border the displacement does not change
    s[axis, 0], s[axis, 1] = -g * g * half, (3.0 * f * f - 4.0 * f) * half
    s[axis, 2], s[axis, 3] = (4.0 * g - 3.0 * g * g) * half, f * f * half
    return first


@compiled
def _bend(z, y, x, field, lengths, w, s, u, j):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add the displacement at an output position to u, and its derivatives to j."""
    z0 = _tap(0, z, lengths[0], field.shape[0], w, s)
    y0 = _tap(1, y, lengths[1], field.shape[1], w, s)
    x0 = _tap(2, x, lengths[2], field.shape[3], w, s)
    a0, a1, a2, a3 = w[2, 0], w[2, 1], w[2, 2], w[2, 3]
    b0, b1, b2, b3 = s[2, 0], s[2, 1], s[2, 2], s[2, 3]
    for axis in range(3):
        moved = slope_z = slope_y = slope_x = 0.0
        for dz in range(4):
            for dy in range(4):
                c0, c1 = field[z0 + dz, y0 + dy, axis, x0], field[z0 + dz, y0 + dy, axis, x0 + 1]
                c2, c3 = field[z0 + dz, y0 + dy, axis, x0 + 2], field[z0 + dz, y0 + dy, axis, x0 + 3]
                flat = c0 * a0 + c1 * a1 + c2 * a2 + c3 * a3
                weight = w[0, dz] * w[1, dy]
                moved += weight * flat
                slope_z += s[0, dz] * w[1, dy] * flat
                slope_y += w[0, dz] * s[1, dy] * flat
                slope_x += weight * (c0 * b0 + c1 * b1 + c2 * b2 + c3 * b3)
        u[axis] += moved
        j[axis, 0] += slope_z
        j[axis, 1] += slope_y
        j[axis, 2] += slope_x


@compiled
def _solve(j, r, step):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Solve a 3×3 system by cofactors."""
    a, b, c = j[0, 0], j[0, 1], j[0, 2]
    d, e, f = j[1, 0], j[1, 1], j[1, 2]
    g, h, i = j[2, 0], j[2, 1], j[2, 2]
    whole = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    step[0] = ((e * i - f * h) * r[0] + (c * h - b * i) * r[1] + (b * f - c * e) * r[2]) / whole
    step[1] = ((f * g - d * i) * r[0] + (a * i - c * g) * r[1] + (c * d - a * f) * r[2]) / whole
    step[2] = ((d * h - e * g) * r[0] + (b * g - a * h) * r[1] + (a * e - b * d) * r[2]) / whole


@compiled
def _settle(goal, o, matrix, field, lengths, reach, w, s, j, rest, step):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    """Move o by Newton's method to where the map takes it to the goal; where the map folds, o may stay anywhere."""
    for _ in range(30):
        for axis in range(3):
            image = matrix[axis, 0] * o[0] + matrix[axis, 1] * o[1] + matrix[axis, 2] * o[2] + matrix[axis, 3]
            rest[axis] = image - goal[axis]
            for other in range(3):
                j[axis, other] = matrix[axis, other]
        _bend(o[0], o[1], o[2], field, lengths, w, s, rest, j)
        _solve(j, rest, step)
        length = max(max(abs(step[0]), abs(step[1])), abs(step[2]))
        if not length < 1e9:  # NaN too
            break
        part = min(1.0, reach / max(length, 1e-300))
        for axis in range(3):
            o[axis] -= step[axis] * part
        if length < 1e-2:  # voxel; what is left is of the order of its square
            break


@compiled
def inverse_rows(first, last, height, width, matrix, back, field, lengths, where):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write where source voxels come to lie in the output, each found from its neighbour's answer."""
    w, s, j = np.empty((3, 4)), np.empty((3, 4)), np.empty((3, 3))
    goal, o, rest, step = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    reach = max(lengths[0], lengths[1], lengths[2]) / 4.0
    for row in range(first, last):
        goal[0], goal[1] = row // height, row % height
        for axis in range(3):
            o[axis] = back[axis, 0] * goal[0] + back[axis, 1] * goal[1] + back[axis, 3]
        for x in range(width):
            goal[2] = x
            _settle(goal, o, matrix, field, lengths, reach, w, s, j, rest, step)
            for axis in range(3):
                where[axis, (row - first) * width + x] = o[axis]
                o[axis] += back[axis, 2]  # a good start for the next voxel
