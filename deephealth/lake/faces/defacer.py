"""Taking the face out of a head: back-ends as data, tried in order until the check is content."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError, DeepHealthError
from deephealth.core.optional import is_installed
from deephealth.core.registry import Registry
from deephealth.lake.faces.check import FaceCheck, check_face
from deephealth.lake.faces.cuts import by_plane, by_template
from deephealth.lake.faces.grid import BoolArray, sample
from deephealth.lake.faces.scene import Scene

__all__ = ["DEFACERS", "Defaced", "Defacer", "deface"]

_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Defacer:
    """One way to take a face out.

    Args:
        can: whether it can be used here for a modality.
        cut: gives what is to be taken out of a scene, on its grid.
        requires: what must be installed, in words.
    """

    can: Callable[[str], bool]
    cut: Callable[[Scene], BoolArray]
    requires: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Defaced:
    """What came out.

    Args:
        voxels: as they were given, with air where the face was.
        mask: what was taken out, same shape as one volume.
        method: name of the back-end; ``none`` when there was no face in the image.
        check: the verdict of the check; only ``ok`` may be released.
        cut: what was taken out, on the grid, and the grid's affine.
    """

    voxels: np.ndarray
    mask: BoolArray
    method: str
    check: FaceCheck
    cut: tuple[BoolArray, npt.NDArray[np.float64]]


def deface(volume: np.ndarray, affine: npt.NDArray[np.float64], modality: str, *, method: str | None = None) -> Defaced:
    """Take the face out of a head image and check that it is gone and the brain is whole.

    Args:
        volume: (D, H, W), or (C, D, H, W); ``volume[..., k, j, i]`` as in :class:`deephealth.io.volume.Volume`.
        affine: 4 x 4, index (i, j, k) to RAS+ millimetres.
        modality: ``CT`` for Hounsfield units, else any intensities.
        method: only this back-end; default: each that can, until the check says ``ok``.

    Returns:
        The first result that is ``ok``, else that of the first back-end; the verdict is in ``check``.

    Raises:
        UnknownNameError: no such back-end.
        DataError: not a volume, or no back-end can be used here.
    """
    if volume.ndim not in (3, 4):
        raise DataError(f"an image of shape {volume.shape}", allowed="(D, H, W) or (C, D, H, W)")
    first = volume if volume.ndim == 3 else volume[0]
    scene = Scene(np.asarray(first).T, affine, modality)
    untouched = check_face(scene, scene.voxels)
    nothing = np.zeros(scene.grid.values.shape, bool), scene.grid.affine
    if untouched.verdict != "face-left":
        return Defaced(volume, np.zeros(first.shape, bool), "none", untouched, nothing)
    result = Defaced(volume, np.zeros(first.shape, bool), "none", untouched, nothing)
    for entry in [DEFACERS.entry(method)] if method else sorted(DEFACERS, key=lambda one: one.facts["order"]):
        defacer = entry.load()
        if not defacer.can(modality):
            continue
        try:
            cut = defacer.cut(scene)
        except DeepHealthError:
            continue
        found = _taken_out(scene, volume, cut, entry.name)
        if found.check.verdict == "ok":
            return found
        result = found if result.method == "none" else result
    return result


def _taken_out(scene: Scene, volume: np.ndarray, cut: BoolArray, name: str) -> Defaced:
    mask = sample(cut, scene.grid.affine, scene.affine, scene.voxels.shape).T
    air = np.asarray(scene.grid.air).astype(volume.dtype)
    voxels = np.where(mask, air, volume)
    first = voxels if voxels.ndim == 3 else voxels[0]
    return Defaced(voxels, mask, name, check_face(scene, first.T), (cut, scene.grid.affine))


def _by_pydeface(scene: Scene) -> BoolArray:
    """Run the external command on a copy of the grid; it registers with FSL, and its mask comes back."""
    import nibabel

    program = shutil.which("pydeface") or "pydeface"
    with tempfile.TemporaryDirectory(prefix="deephealth-face-") as folder:
        source, target = Path(folder) / "head.nii", Path(folder) / "defaced.nii"
        nibabel.save(nibabel.Nifti1Image(scene.grid.values, scene.grid.affine), source)  # type: ignore[attr-defined, no-untyped-call]
        try:
            subprocess.run(  # noqa: S603 - a fixed program and names of our own
                [program, str(source), "--outfile", str(target), "--force"],
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
            defaced: Any = nibabel.load(target)  # type: ignore[attr-defined]
        except (OSError, subprocess.SubprocessError) as error:
            raise DataError("pydeface could not deface the image") from error
        return np.asarray((np.asarray(defaced.dataobj) == 0) & (scene.grid.values != 0))


def _has_pydeface(modality: str) -> bool:
    return modality == "MR" and shutil.which("pydeface") is not None and shutil.which("flirt") is not None


def _has_simpleitk(modality: str) -> bool:
    return is_installed("SimpleITK")


def _always(modality: str) -> bool:
    return True


DEFACERS: Registry[Defacer] = Registry("defacer")
"""Ways to take a face out; more can be added, and the check judges them all alike."""

DEFACERS.add(
    "registration",
    Defacer(_has_simpleitk, by_template, "SimpleITK"),
    summary="a drawn head is fitted to the outline; its face is taken out, the brain is spared",
    order=1,
)
DEFACERS.add(
    "surface",
    Defacer(_always, by_plane, ""),
    summary="everything below and before a plane along the brain",
    order=2,
)
DEFACERS.add(
    "pydeface",
    Defacer(_has_pydeface, _by_pydeface, "the commands pydeface and flirt (FSL)"),
    summary="the external command; a mean head is fitted by FSL",
    order=3,
)
