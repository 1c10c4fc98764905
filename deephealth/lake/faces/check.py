"""Is the face gone and the brain whole? Looked up in the image as it is now, whatever took the face out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.lake.faces.anatomy import tissue_of
from deephealth.lake.faces.grid import STEP, to_grid
from deephealth.lake.faces.scene import Scene

__all__ = ["FaceCheck", "Verdict", "check_face", "front"]

Verdict = Literal["ok", "face-left", "brain-cut", "not-a-head"]

_DICE = 0.999  # of the brain before and after
_FACE = 50.0  # mm before the middle of the brain: a skin that is further in front is a face
_GONE = 62.0  # mm: eyes, nose and lips are further in front, the depth of the orbits and the throat is not
_LEFT = 0.03  # of the face's columns may stand out, by noise and partial volumes
_WIDE = 45.0  # mm to each side: both eyes
_HIGH, _LOW = -28.0, -130.0  # mm: from the pupils to the chin
_CELL = 3.0  # mm
_LEAST = 30  # columns, 3 square centimetres: less than an eye is no face
_ALIKE = 0.75  # correlation of the relief: the face shows through a shell that was taken off evenly
_SETBACK = 25.0  # mm: with more than that gone, what is left are vertebrae and throat

Relief = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FaceCheck:
    """What the check found.

    Args:
        verdict: ``ok``, ``face-left``, ``brain-cut`` or ``not-a-head``.
        dice: of the brain before and after.
        left: share of the face's columns that still stand out, 0 to 1.
        alike: correlation of the relief of the face before and after.
        face: whether there was a face in the image at all.
        overlap: how well the outline fits a head, Dice.
    """

    verdict: Verdict
    dice: float = 1.0
    left: float = 0.0
    alike: float = 0.0
    face: bool = True
    overlap: float = 0.0


def check_face(scene: Scene, after: np.ndarray) -> FaceCheck:
    """Compare an image before and after its face was taken out.

    The brain is the simple skull strip's, within the fitted head: the same that the back-end ``registration`` spares.
    For that one the Dice says that the cut kept to it, and not that the strip was right. The face is the relief of the
    skin seen from the front, in the frame of the fitted head, so that a head that nods is looked in the face.

    Args:
        scene: the image before.
        after: (i, j, k) the voxels after.
    """
    try:
        fit, brain = scene.require_head(), scene.brain
    except DataError:
        return FaceCheck("not-a-head")
    now = to_grid(after, scene.affine, scene.modality)
    changed = np.abs(now.values - scene.grid.values) > 1e-3 * (abs(scene.threshold - scene.grid.air) + 1e-9)
    lost = float((changed & brain).sum())
    whole = float(brain.sum())
    dice = 2 * (whole - lost) / (2 * whole - lost)
    before = front(scene.tissue & scene.head, fit.places)
    later = front(tissue_of(now, scene.threshold) & scene.head, fit.places)
    columns = before > _FACE
    if columns.sum() < _LEAST:
        return FaceCheck("ok" if dice >= _DICE else "brain-cut", dice, face=False, overlap=fit.overlap)
    left = float((later[columns] > _GONE).mean())
    alike = _alike(before[columns], later[columns])
    verdict: Verdict = "ok" if dice >= _DICE else "brain-cut"
    if left > _LEFT or alike > _ALIKE:
        verdict = "face-left"
    return FaceCheck(verdict, dice, left, alike, overlap=fit.overlap)


def front(tissue: npt.NDArray[np.bool_], places: npt.NDArray[np.float32]) -> Relief:
    """Return the relief of a face: millimetres before the middle of the brain, per column; -inf where nothing is.

    Args:
        tissue: on the grid.
        places: of the grid's voxels in the frame of the head.

    Returns:
        (across, up), cells of 3 mm, from right to left and from chin to eyes.
    """
    x, y, z = places[tissue].T
    seen = (np.abs(x) < _WIDE) & (z < _HIGH) & (z > _LOW)
    cells = (int(2 * _WIDE / _CELL) + 1, int((_HIGH - _LOW) / _CELL) + 1)
    relief = np.full(cells, -np.inf)
    at: Any = (((x[seen] + _WIDE) / _CELL).astype(int), ((z[seen] - _LOW) / _CELL).astype(int))
    np.maximum.at(relief, at, y[seen].astype(np.float64))
    return relief


def _alike(before: Relief, after: Relief) -> float:
    """Correlate the reliefs where something is left within reach of the old skin."""
    there = np.isfinite(after) & (before - after < _SETBACK)
    if there.sum() < _LEAST or not there.any():
        return 0.0
    one, two = before[there], after[there]
    if one.std() < STEP / 2 or two.std() < STEP / 2:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1]) * float(there.mean() > 0.25)
