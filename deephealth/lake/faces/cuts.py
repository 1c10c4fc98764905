"""What is taken out of a head, on the grid: by the fitted template, or by one plane along the brain."""

from __future__ import annotations

import numpy as np

from deephealth.core.errors import DataError
from deephealth.lake.faces.anatomy import dilated
from deephealth.lake.faces.grid import STEP, BoolArray
from deephealth.lake.faces.scene import Scene

__all__ = ["by_plane", "by_template"]

_SPARED = 2  # steps around the brain
_POLES = 105.0  # mm below the crown end the temporal lobes; what the strip finds below in front is no brain
_ANGLES = range(-70, -24, 3)  # degrees of the plane's normal, from anterior towards inferior


def by_template(scene: Scene) -> BoolArray:
    """Return the template's face, less the brain and 5 mm around it.

    Raises:
        DataError: the template does not fit.
    """
    fit = scene.require_head()
    return np.asarray(fit.face & ~dilated(scene.brain, _SPARED), bool)


def by_plane(scene: Scene) -> BoolArray:
    """Return everything in front of and below a plane that touches the brain's under side and front.

    Of all such planes the one that takes most of the head with it. Needs the brain only, so it does where no template
    fits; a flat plane keeps nothing of the face's shape.

    Raises:
        DataError: no brain was found.

    Source: the idea is that of Schimke and Hale, Quickshear defacing for neuroimages, HealthSec (2011).
    """
    brain = scene.stripped
    if brain.sum() * STEP**3 < 2e5:
        raise DataError("too little brain was found to lay a plane along", allowed="at least 0.2 l")
    y, z = np.nonzero(brain.any(0))
    crown = int(np.nonzero(scene.head.any((0, 1)))[0][-1])
    kept = (y < y.mean()) | (z > crown - _POLES / STEP)
    y, z = y[kept], z[kept]
    heads_y, heads_z = np.nonzero(scene.head.any(0))
    weight = scene.head.sum(0)[heads_y, heads_z]
    best = (-1.0, 0.0, 0.0)
    for angle in np.radians(list(_ANGLES)):
        a, b = float(np.cos(angle)), float(np.sin(angle))
        edge = float((a * y + b * z).max()) + _SPARED
        front = heads_y > y.mean()
        taken = float(weight[(a * heads_y + b * heads_z > edge) & front].sum())
        best = max(best, (taken, float(angle), edge))
    across, up = np.meshgrid(*[np.arange(n) for n in brain.shape[1:]], indexing="ij")
    cut = np.cos(best[1]) * across + np.sin(best[1]) * up > best[2]
    return np.broadcast_to(cut, brain.shape).copy()
