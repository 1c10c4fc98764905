"""Is the face gone and the brain whole? Looked up in the skin and the voxels, whatever took the face out.

No template and no registration is used here, so that a fit that went wrong is not judged by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deephealth.lake.faces.anatomy import depth_of, has_skull, tissue_of
from deephealth.lake.faces.grid import STEP, BoolArray, sample, to_grid
from deephealth.lake.faces.profile import Field, Profile
from deephealth.lake.faces.scene import Scene

__all__ = ["FaceCheck", "Verdict", "check_face"]

Verdict = Literal["ok", "face-left", "brain-cut", "doubtful", "not-a-head"]

_LOST = 0.001  # of the brain's voxels may have changed
_LEFT = 0.01  # of the skin of the face may have tissue within _NEAR
_NEAR = 8.0  # mm: three steps of the grid
_SHALLOW = 0.02  # of the columns may be less deep than _DEEP: noise
_DEEP = 20.0  # mm: the depth of an eye
_ALIKE = 0.75  # correlation of the relief: the face shows through a shell that was taken off evenly
_SETBACK = 25.0  # mm: with more than that gone, what is left are vertebrae and throat
_STEP = 30.0  # mm behind the brow: no face is that hollow all over
_SIDE = 45.0  # mm to each side: both eyes
_BROW, _EYES, _CHIN = 8.0, 4.0, -105.0  # mm above the root of the nose
_BEHIND = 22.0  # mm behind the root of the nose lies the outer corner of the eye; further back temples and throat
_LEAST = 30  # columns, two square centimetres: less than an eye is no face
_TOP = 70.0  # mm below the crown: what ends there shows no eyes
_LITRES = 0.35  # less was found of the brain: the check is not sure of it
_INSIDE = 12.5  # mm: skin and bone are thinner
_BASE = 18.0  # mm above the root of the nose: the brain over the eye sockets is higher
_POLE = 12.0  # mm behind the root of the nose: so is the front of the brain
_SOCKET = 55.0  # mm behind the root of the nose: the eye socket ends before

Relief = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FaceCheck:
    """What the check found.

    Args:
        verdict: ``ok``; ``face-left``; ``brain-cut``; ``doubtful`` where no brow, nose or brain can be made out;
            ``not-a-head``.
        lost: share of the brain's voxels that changed, 0 to 1.
        left: share of the skin of the face that has tissue within 8 mm, 0 to 1.
        shallow: share of the face's columns in which less than 20 mm are gone, 0 to 1.
        alike: correlation of the relief of the face before and after.
        face: whether there was a face in the image at all.
    """

    verdict: Verdict
    lost: float = 0.0
    left: float = 0.0
    shallow: float = 0.0
    alike: float = 0.0
    face: bool = True


def check_face(scene: Scene, after: np.ndarray) -> FaceCheck:
    """Compare an image before and after its face was taken out.

    The face is the skin below the brow, found from the root of the nose in the outline of the image before. Its place
    must be empty, 20 mm deep, and no relief like it may show. The brain is what a threshold finds inside the skull,
    with all that is 10 mm inside the head above the brow; its voxels must be the same.

    Args:
        scene: the image before.
        after: (i, j, k) the voxels after.
    """
    if scene.head.sum() * STEP**3 < 4e5 or not has_skull(scene.grid, scene.head):  # 0.4 l: less than any head
        return FaceCheck("not-a-head")
    if scene.stripped.sum() * STEP**3 < _LITRES * 1e6:
        return FaceCheck("doubtful")
    profile = scene.profile
    if profile is None:
        return FaceCheck("ok" if _only_the_top(scene.head) else "doubtful", face=False)
    if profile.cut:
        return FaceCheck("ok" if _nothing_before_the_cut(scene, profile) else "doubtful", face=False)
    side, front, up = profile.frame(scene.head.shape)
    brain = _brain(scene, front, up)
    lost = _changed(scene, after, brain)
    now = tissue_of(to_grid(after, scene.affine, scene.modality), scene.threshold)
    left = _near(scene.head, now, (np.abs(side) < _SIDE) & (up < _BROW) & (up > _CHIN) & (front > -_BEHIND))
    before, later = _relief(scene.tissue & scene.head, side, front, up), _relief(now, side, front, up)
    columns = before > -_BEHIND
    shallow = float((later[columns] > before[columns] - _DEEP).mean()) if columns.sum() >= _LEAST else 1.0
    alike = _alike(before[columns], later[columns])
    verdict: Verdict = "ok" if lost <= _LOST else "brain-cut"
    if left > _LEFT or shallow > _SHALLOW or alike > _ALIKE:
        verdict = "face-left"
    return FaceCheck(verdict, lost, left, shallow, alike)


def _brain(scene: Scene, front: Field, up: Field) -> BoolArray:
    """Return what is surely brain, without throat and eye sockets."""
    surely = ((up > _BASE) | (front < -_SOCKET)) & (front < -_POLE) & (up > -60)
    cap = (depth_of(scene.head) * STEP > _INSIDE) & (up > 28) & (front < -_POLE)
    return np.asarray((scene.stripped & surely) | cap, bool)


def _changed(scene: Scene, after: np.ndarray, brain: BoolArray) -> float:
    """Return the share of the brain's voxels, of the image and not of the grid, that are not what they were."""
    where = sample(brain, scene.grid.affine, scene.affine, scene.voxels.shape)
    return float((scene.voxels[where] != after[where]).mean()) if where.any() else 0.0


def _near(head: BoolArray, now: BoolArray, face: BoolArray) -> float:
    """Return the share of the old skin of the face that has tissue within 8 mm."""
    from scipy import ndimage

    skin = head & ~ndimage.binary_erosion(head, border_value=1) & face
    if not skin.any() or not now.any():
        return 0.0
    return float((ndimage.distance_transform_edt(~now)[skin] * STEP < _NEAR).mean())


def _relief(tissue: BoolArray, side: Field, front: Field, up: Field) -> Relief:
    """Return the face's relief: how far the tissue reaches to the front, per column of one step; -inf where none is."""
    seen = tissue & (np.abs(side) < _SIDE) & (up < _EYES) & (up > _CHIN)
    across, along = ((side[seen] + _SIDE) / STEP).astype(int), ((up[seen] - _CHIN) / STEP).astype(int)
    relief = np.full((int(2 * _SIDE / STEP) + 1, int((_EYES - _CHIN) / STEP) + 1), -np.inf)
    at: Any = (across, along)
    np.maximum.at(relief, at, front[seen])
    return relief


def _alike(before: Relief, after: Relief) -> float:
    """Correlate the reliefs where something is left within reach of the old skin."""
    there = np.isfinite(after) & (before - after < _SETBACK)
    if there.sum() < max(_LEAST, 0.25 * there.size):
        return 0.0
    one, two = before[there], after[there]
    if one.std() < STEP / 2 or two.std() < STEP / 2:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])


def _only_the_top(head: BoolArray) -> bool:
    levels = np.nonzero(head.any((0, 1)))[0]
    return bool(STEP * (levels[-1] - levels[0]) < _TOP)


def _nothing_before_the_cut(scene: Scene, profile: Profile) -> bool:
    """Return whether all that is below the brow lies far behind it, as a cut leaves it."""
    side, front, up = profile.frame(scene.head.shape)
    relief = _relief(scene.tissue & scene.head, side, front, up + 12)
    there = np.isfinite(relief)
    return bool(there.any() and (relief[there] > -_STEP).mean() <= _LEFT)
