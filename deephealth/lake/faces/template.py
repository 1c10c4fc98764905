"""A head drawn by formulas, of an adult's mean size, with a mask of its brain; and which places are its face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from deephealth.lake.faces.grid import STEP, BoolArray

__all__ = ["HeadTemplate", "drawn_template", "in_face"]

Field = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False, slots=True)
class HeadTemplate:
    """A head on the grid; its origin is the middle of the brain.

    Args:
        head: with scalp, face and neck.
        brain: with cerebellum and brain stem.
        affine: 4 x 4, index to RAS+ millimetres.
    """

    head: BoolArray
    brain: BoolArray
    affine: npt.NDArray[np.float64]


@cache
def drawn_template() -> HeadTemplate:
    """Return the drawn head. Its measures were read off a rendering of pydeface's mean head (MIT), an average of many.

    Example:
        >>> drawn_template().head.shape
        (89, 105, 109)
    """
    low, high = np.array((-110.0, -120.0, -180.0)), np.array((110.0, 140.0, 90.0))
    axes = [np.arange(a, b + STEP / 2, STEP) for a, b in zip(low, high, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    affine = np.diag([STEP, STEP, STEP, 1.0])
    affine[:3, 3] = low
    return HeadTemplate(_head(x, y, z), _brain(x, y, z), affine)


def in_face(x: Field, y: Field, z: Field) -> BoolArray:
    """Return which places, in millimetres from the middle of the brain, are the face.

    Below the roof of the orbits and before the poles of the temporal lobes; at the brow the plane rises; at the mouth
    it goes further back. Flat planes: a cut along the skin would keep the shape of the face.
    """
    roof = -10 + 0.9 * np.maximum(y - 82, 0)
    back = np.where(z < -75, 34.0, 44.0)
    return np.asarray((z < roof) & (y > back) & (np.abs(x) < 200), bool)


def _brain(x: Field, y: Field, z: Field) -> BoolArray:
    cerebrum = _ellipsoid(x, y, z, (0, 0, 2), (67, 85, 56)) & (z > np.where(y > 40, -13, -38))
    cerebellum = _ellipsoid(x, y, z, (0, -42, -40), (50, 34, 26))
    stem = (np.hypot(x, y + 12) < 15) & (z < 0) & (z > -75)
    return np.asarray(cerebrum | cerebellum | stem, bool)


def _head(x: Field, y: Field, z: Field) -> BoolArray:
    cranium = _ellipsoid(x, y, z, (0, 0, 0), (78, 98, 72))
    skull_base = _ellipsoid(x, y, z, (0, -8, -30), (72, 84, 62))
    face = _ellipsoid(x, y, z, (0, 38, -68), (64, 58, 76))
    nose = (np.abs(x) < 6 + 0.22 * (-25 - z)) & (z < -25) & (z > -62) & (y > 60) & (y < 90 + 0.7 * (-25 - z))
    neck = (np.hypot(x, (y + 18) / 1.1) < 58) & (z < -50)
    ears = _ellipsoid(x, y, z, (-80, -8, -45), (8, 16, 30)) | _ellipsoid(x, y, z, (80, -8, -45), (8, 16, 30))
    return np.asarray(cranium | skull_base | face | nose | neck | ears, bool)


def _ellipsoid(
    x: Field, y: Field, z: Field, middle: tuple[float, float, float], radii: tuple[float, float, float]
) -> BoolArray:
    parts = [((v - m) / r) ** 2 for v, m, r in zip((x, y, z), middle, radii, strict=True)]
    return np.asarray(sum(parts) < 1, bool)
