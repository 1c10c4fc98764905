"""The root of the nose, found in the outline of the skin seen from the side; no brain and no template is needed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from deephealth.lake.faces.grid import STEP, BoolArray

__all__ = ["Profile", "find_profile"]

_WIDE = 10  # steps to each side of the middle: the bridge of the nose, also of a head that is turned
_START = 8  # steps below the crown
_HIGHEST, _LOWEST = 35.0, 160.0  # mm below the crown: where a root of the nose may be, of a child or a head that nods
_LONG = 20.0  # mm from the forehead to the tip of the nose, at least
_HOLLOW = 4.5  # mm: how far the root lies behind the line from the forehead to the tip
_CUT = 25.0  # mm: no root is that hollow; here a face was taken out before
_NOSE = np.radians(8.0)  # the line from the forehead to the tip of the nose against the axis of the head
_MOST = np.radians(30.0)  # of nodding

Curve = npt.NDArray[np.float64]
Field = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the face begins.

    Args:
        root: (x, y, z) index on the grid: root of the nose, or the brow over the cut where a face was taken out.
        nod: radians; more than 0 where the chin is in front.
        cut: whether there is a step where the face should be.
    """

    root: tuple[float, float, float]
    nod: float
    cut: bool

    def frame(self, shape: tuple[int, ...]) -> tuple[Field, Field, Field]:
        """Return millimetres to the side, before and above the root, along the head's own axes.

        Args:
            shape: of the grid.
        """
        index = np.indices(shape, np.float32)
        x, y, z = (STEP * (index[axis] - np.float32(self.root[axis])) for axis in range(3))
        cos, sin = np.float32(np.cos(self.nod)), np.float32(np.sin(self.nod))
        return x, cos * y + sin * z, cos * z - sin * y


def find_profile(head: BoolArray) -> Profile | None:
    """Find the root of the nose: the hollow below the line that touches the forehead and the tip of the nose.

    Args:
        head: filled, on the grid.

    Returns:
        ``None`` where the outline has no such hollow: no face, no head, or only the top of one.
    """
    levels = np.nonzero(head.sum((0, 1)) > 40)[0]
    if len(levels) < 2 * _START:
        return None
    top = int(levels[-1])
    sides = np.nonzero(head[:, :, max(0, top - int(90 / STEP)) : top + 1].any((1, 2)))[0]
    middle = int(sides[0] + sides[-1]) // 2
    flat = np.asarray(head[max(0, middle - _WIDE) : middle + _WIDE + 1].any(0))
    heights = np.array([z for z in range(top - _START, levels[0] - 1, -1) if flat[:, z].any()], np.float64)
    fronts = np.array([np.nonzero(flat[:, int(z)])[0][-1] for z in heights], np.float64)
    touching = _touching(fronts, heights)
    for first, last in pairwise(touching):
        reach = slice(first, last + 1)
        along, down = fronts[last] - fronts[first], heights[first] - heights[last]
        length = float(np.hypot(along, down))
        line = fronts[first] + along * (heights[first] - heights[reach]) / down
        hollow = (line - fronts[reach]) * down / length
        at = first + int(hollow.argmax())
        below = STEP * (top - heights[at])
        if length * STEP < _LONG or hollow.max() * STEP < _HOLLOW or not _HIGHEST < below < _LOWEST:
            continue
        if hollow.max() * STEP > _CUT:
            return Profile((middle, float(fronts[first]), float(heights[first])), 0.0, cut=True)
        nod = float(np.clip(np.arctan2(along, down) - _NOSE, -_MOST, _MOST))
        return Profile((middle, float(fronts[at]), float(heights[at])), nod, cut=False)
    return None


def _touching(fronts: Curve, heights: Curve) -> list[int]:
    """Return where a string laid around the front of the outline touches it: its convex hull, from top to bottom."""
    hull: list[int] = []
    for at in range(len(heights)):
        while len(hull) > 1:
            first, last = hull[-2], hull[-1]
            share = (heights[last] - heights[first]) / (heights[at] - heights[first])
            if fronts[last] > fronts[first] + share * (fronts[at] - fronts[first]):
                break
            hull.pop()
        hull.append(at)
    return hull
