"""What is taken out of a head, on the grid: by the fitted template, or by a command that is not ours."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.core.errors import DataError
from deephealth.lake.faces.anatomy import dilated
from deephealth.lake.faces.grid import BoolArray, to_grid
from deephealth.lake.faces.scene import Scene
from deephealth.lake.faces.template import in_face

__all__ = ["by_command", "by_template"]

_SPARED = 1  # step around the brain: the roof of the orbit is this thin
_TRIED = ((0.0, 2), (0.0, 4), (-6.0, 3), (-12.0, 4), (8.0, 2), (12.0, 1))
"""Millimetres the brow is raised, and steps the brain may be off from the template's."""
_SECONDS = 900
_SAME = 1e-3  # of the range of values: what a command may change by writing another type


def by_template(scene: Scene) -> Iterator[BoolArray]:
    """Give the template's face, less the brain and 2.5 mm around it: first as it is, then with other brows and brains.

    Raises:
        DataError: the template does not fit.
    """
    fit = scene.require_head()
    x, y, z = fit.places[..., 0], fit.places[..., 1], fit.places[..., 2]
    for raised, slack in _TRIED:
        yield np.asarray(in_face(x, y, z - raised) & ~dilated(scene.brain(slack), _SPARED), bool)


def by_command(scene: Scene, command: Sequence[str]) -> Iterator[BoolArray]:
    """Give what a command took out of the image: the voxels it changed.

    Args:
        scene: the image; the command is given its voxels and its places, and nothing that was in a header.
        command: program and arguments; ``{in}`` and ``{out}`` stand for the NIfTI files.

    Raises:
        DataError: the command failed, took longer than 15 minutes, or wrote no image of the same shape.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    with tempfile.TemporaryDirectory(prefix="deephealth-face-") as folder:
        source, target = Path(folder) / "head.nii", Path(folder) / "defaced.nii"
        voxels = scene.voxels.astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, scene.affine), source)  # type: ignore[attr-defined, no-untyped-call]
        words = [word.replace("{in}", str(source)).replace("{out}", str(target)) for word in command]
        try:
            subprocess.run(words, capture_output=True, timeout=_SECONDS, check=True)  # noqa: S603 - set by the operator
            image: Any = nibabel.load(target)  # type: ignore[attr-defined]
            defaced = np.asarray(image.dataobj, np.float32)
        except (OSError, ValueError, subprocess.SubprocessError, ImageFileError) as error:
            raise DataError("the defacing command failed", hint="run it on a NIfTI file by hand") from error
    if defaced.shape != voxels.shape:
        raise DataError("the defacing command wrote another shape", allowed="the shape of its input")
    changed = np.abs(defaced - voxels) > _SAME * max(float(np.ptp(voxels)), 1e-6)
    yield np.asarray(to_grid(changed.astype(np.float32), scene.affine, "MR").values > 0.25, bool)
