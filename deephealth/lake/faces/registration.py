"""Fitting the drawn head to an image: twelve numbers, from the outline of the head alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError
from deephealth.core.optional import require
from deephealth.lake.faces.grid import STEP, BoolArray, Grid
from deephealth.lake.faces.template import HeadTemplate, drawn_template

__all__ = ["Fit", "fit_template"]

_SMOOTH = 2.0  # steps: the cost then has no flat parts within a centimetre
_STARTS = (0.0, -18.0, 18.0)  # degrees of nodding
_SAMPLED = 0.04  # of the voxels: forty thousand points for twelve numbers
_CROWN = 71.0  # mm of the template above the middle of its brain


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """The template in the image's place.

    Args:
        places: for each voxel of the grid its place in the template, (x, y, z, 3) millimetres.
        brain: the template's brain on the grid.
        overlap: Dice of both heads, 0 to 1, where the image has values.
    """

    places: npt.NDArray[np.float32]
    brain: BoolArray
    overlap: float


def fit_template(grid: Grid, head: BoolArray) -> Fit:
    """Fit the drawn head to the outline of a head: the same for CT and every MR contrast.

    Args:
        grid: the image.
        head: its head.

    Raises:
        DataError: there is no head.
        OptionalDependencyError: SimpleITK is not installed.

    Source: Lowekamp et al., The design of SimpleITK, Front. Neuroinform. 7:45 (2013).
    """
    if head.sum() * STEP**3 < 4e5:  # 0.4 l: less than any head
        raise DataError("there is no head in the image", allowed="a body of at least 0.4 l")
    sitk = require("SimpleITK", purpose="fitting a head template")
    template = drawn_template()
    fixed, moving = _image(sitk, head, grid.affine), _image(sitk, template.head, template.affine)
    field = sitk.GetImageFromArray(grid.inside.T.astype(np.uint8))
    field.CopyInformation(fixed)
    start = _start(grid, head)
    nods = [_optimised(sitk, fixed, moving, field, _posed(sitk, start, pitch)) for pitch in _STARTS]
    best = min(nods, key=lambda one: one[0])[1]
    return _applied(grid, head, template, _optimised(sitk, fixed, moving, field, _as_affine(sitk, best))[1])


def _image(sitk: Any, mask: BoolArray, affine: npt.NDArray[np.float64]) -> Any:
    from scipy import ndimage

    image = sitk.GetImageFromArray(ndimage.gaussian_filter(mask.T.astype(np.float32), _SMOOTH, mode="nearest"))
    image.SetSpacing([STEP] * 3)
    image.SetOrigin(affine[:3, 3].tolist())  # RAS on both sides: what ITK calls the axes does not matter
    return image


def _start(grid: Grid, head: BoolArray) -> npt.NDArray[np.float64]:
    """Return where the middle of the brain should be: below the crown, in the middle of the upper head."""
    levels = np.nonzero(head.sum((0, 1)) > 40)[0]
    top = int(levels[-1])
    upper = head[:, :, max(0, top - int(90 / STEP)) : top + 1]
    x, y = (np.mean(np.nonzero(upper.any(tuple(a for a in range(3) if a != axis)))[0][[0, -1]]) for axis in (0, 1))
    middle = grid.affine[:3, 3] + STEP * np.array((x, y, top))
    middle[2] -= _CROWN
    return np.asarray(middle)


def _posed(sitk: Any, start: npt.NDArray[np.float64], pitch: float) -> Any:
    rigid = sitk.Similarity3DTransform()
    rigid.SetCenter(start.tolist())
    rigid.SetTranslation((-start).tolist())
    rigid.SetRotation([1.0, 0.0, 0.0], float(np.radians(pitch)))
    return rigid


def _as_affine(sitk: Any, rigid: Any) -> Any:
    affine = sitk.AffineTransform(3)
    affine.SetCenter(rigid.GetCenter())
    affine.SetMatrix(rigid.GetMatrix())
    affine.SetTranslation(rigid.GetTranslation())
    return affine


def _optimised(sitk: Any, fixed: Any, moving: Any, field: Any, transform: Any) -> tuple[float, Any]:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMeanSquares()
    method.SetMetricFixedMask(field)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(_SAMPLED, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.02, 120, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    method.SetNumberOfThreads(1)
    try:
        method.Execute(fixed, moving)
    except RuntimeError as error:  # the heads lost sight of each other
        raise DataError("the head template can't be fitted", hint="is this a head?") from error
    return float(method.GetMetricValue()), transform


def _applied(grid: Grid, head: BoolArray, template: HeadTemplate, transform: Any) -> Fit:
    from scipy import ndimage

    matrix = np.array(transform.GetMatrix()).reshape(3, 3)
    centre, shift = np.array(transform.GetCenter()), np.array(transform.GetTranslation())
    index = np.stack(np.meshgrid(*[np.arange(n) for n in head.shape], indexing="ij"), -1)
    world = grid.affine[:3, 3] + STEP * index
    places = ((world - centre) @ matrix.T + centre + shift).astype(np.float32)
    at = np.moveaxis((places - template.affine[:3, 3].astype(np.float32)) / STEP, -1, 0)
    found = ndimage.map_coordinates(template.head.astype(np.uint8), at, order=0, mode="nearest").astype(bool)
    brain = ndimage.map_coordinates(template.brain.astype(np.uint8), at, order=0, mode="constant").astype(bool)
    found &= grid.inside
    overlap = 2 * float((found & head).sum()) / float(found.sum() + head.sum())
    return Fit(places, brain, overlap)
