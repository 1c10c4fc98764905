"""Closed planar contours turned into pixels by the even-odd rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["toggle_polygon"]

_CHUNK = 1 << 20  # crossings handled at a time: bounds the memory that a contour of many long edges takes


def toggle_polygon(plane: npt.NDArray[np.bool_], corners: npt.NDArray[np.float64]) -> None:
    """Invert the pixels of ``plane`` whose centres lie inside a closed polygon.

    A pixel is inside if a ray from its centre to the left crosses an odd number of edges. Contours drawn one after the
    other into a plane therefore follow the even-odd rule: an inner contour is a hole, and the two coincident edges of a
    keyhole cancel. Of centres that lie exactly on an edge, those on the upper and left edges count as inside, so
    polygons that share an edge share no pixel.

    Args:
        plane: H x W, changed in place.
        corners: N x 2, (column, row) of the corners in pixels; pixel (0, 0) has its centre at (0, 0). The last corner
            is joined to the first. Parts outside the plane are cut off.

    Example:
        >>> plane = np.zeros((3, 4), bool)
        >>> toggle_polygon(plane, np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]]))
        >>> plane.astype(int).tolist()
        [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]]
    """
    height, width = plane.shape
    following = np.roll(corners, -1, axis=0)
    # each edge from top to bottom, whichever way it was drawn: a keyhole's two edges cross rows at the very same place
    swap = (corners[:, 1] > following[:, 1]) | ((corners[:, 1] == following[:, 1]) & (corners[:, 0] > following[:, 0]))
    upper, lower = np.where(swap[:, None], following, corners), np.where(swap[:, None], corners, following)
    # the rows r with upper <= r < lower
    first = np.clip(np.ceil(upper[:, 1]), 0, height).astype(np.int64)
    last = np.clip(np.ceil(lower[:, 1]), 0, height).astype(np.int64)
    count = last - first
    crossing = np.flatnonzero(count)
    ends = np.cumsum(count[crossing])
    total = int(ends[-1]) if ends.size else 0
    if not total:
        return
    top, bottom = int(first[crossing].min()), int(last[crossing].max())
    sides = np.clip(np.ceil([corners[:, 0].min(), corners[:, 0].max()]), 0, width).astype(np.int64)
    left, span = int(sides[0]), int(sides[1] - sides[0]) + 1  # the last column takes what lies right of all pixels
    flips = np.zeros((bottom - top) * span, np.uint8)  # counts modulo 256 keep odd and even apart
    for low in range(0, total, _CHUNK):
        each = np.arange(low, min(low + _CHUNK, total))
        which = np.searchsorted(ends, each, side="right")
        edge = crossing[which]
        row = first[edge] + each - (ends[which] - count[edge])
        start, end = upper[edge], lower[edge]
        place = start[:, 0] + (row - start[:, 1]) / (end[:, 1] - start[:, 1]) * (end[:, 0] - start[:, 0])
        column = np.clip(np.ceil(place), left, left + span - 1).astype(np.int64)
        flips += np.bincount((row - top) * span + column - left, minlength=flips.size).astype(np.uint8)
    parity = np.bitwise_xor.accumulate(flips.reshape(-1, span)[:, :-1] & 1, axis=1)
    plane[top:bottom, left : left + span - 1] ^= parity.view(bool)
