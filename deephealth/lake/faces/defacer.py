"""Taking the face out of a head: back-ends as data, tried in order until the check is content."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from deephealth.core.errors import DataError, DeepHealthError
from deephealth.core.optional import is_installed
from deephealth.core.registry import Registry
from deephealth.lake.faces.check import FaceCheck, check_face
from deephealth.lake.faces.cuts import by_command, by_template
from deephealth.lake.faces.grid import BoolArray, sample
from deephealth.lake.faces.scene import Scene

__all__ = ["DEFACERS", "Defaced", "Defacer", "deface", "from_command"]


@dataclass(frozen=True, slots=True)
class Defacer:
    """One way to take a face out.

    Args:
        can: whether it can be used here for a modality.
        cuts: gives what may be taken out of a scene, on its grid, the best first.
        requires: what must be installed, in words.
    """

    can: Callable[[str], bool]
    cuts: Callable[[Scene], Iterator[BoolArray]]
    requires: str = ""


def from_command(command: Sequence[str]) -> Defacer:
    """Make a back-end of a program that reads a NIfTI file and writes one; the check judges it like every other.

    Args:
        command: program and arguments; ``{in}`` and ``{out}`` stand for the files.

    Example:
        >>> tool = from_command(["pydeface", "{in}", "--outfile", "{out}"])
        >>> # DEFACERS.add("pydeface", tool, summary="FSL's registration to a mean head", order=2)
        >>> tool.can("MR"), tool.requires
        (False, 'the command pydeface')
    """
    return Defacer(
        lambda modality: shutil.which(command[0]) is not None,
        partial(by_command, command=tuple(command)),
        f"the command {command[0]}",
    )


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
            for cut in defacer.cuts(scene):
                found = _taken_out(scene, volume, cut, entry.name)
                if found.check.verdict == "ok":
                    return found
                result = found if result.method == "none" else result
        except DeepHealthError:
            continue
    return result


def _taken_out(scene: Scene, volume: np.ndarray, cut: BoolArray, name: str) -> Defaced:
    mask = sample(cut, scene.grid.affine, scene.affine, scene.voxels.shape).T
    air = np.asarray(scene.grid.air).astype(volume.dtype)
    voxels = np.where(mask, air, volume)
    first = voxels if voxels.ndim == 3 else voxels[0]
    return Defaced(voxels, mask, name, check_face(scene, first.T), (cut, scene.grid.affine))


def _has_simpleitk(modality: str) -> bool:
    return is_installed("SimpleITK")


DEFACERS: Registry[Defacer] = Registry("defacer")
"""Ways to take a face out; more can be added, and the check judges them all alike."""

DEFACERS.add(
    "registration",
    Defacer(_has_simpleitk, by_template, "SimpleITK"),
    summary="a drawn head is fitted to the outline; its face is taken out, the brain is spared",
    order=1,
)
