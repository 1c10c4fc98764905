"""Small cases on disk for the tests of the store and the patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deephealth.data.volume_case import VolumeCase
from deephealth.io.volume import Volume
from deephealth.io.volumes import write_volume

AFFINE = np.array([[1.5, 0, 0, -20], [0, 1.0, 0, 7], [0, 0, 2.5, 3], [0, 0, 0, 1.0]])


def write_case(
    folder: Path,
    name: str,
    shape: tuple[int, int, int] = (9, 12, 14),
    *,
    affine: np.ndarray = AFFINE,
    dtype: type = np.int16,
    foreground: bool = True,
) -> VolumeCase:
    """Write an image of distinct numbers, and a label with a block of 1 that holds a voxel of 3."""
    folder.mkdir(parents=True, exist_ok=True)
    seed = sum(map(ord, name))
    image = (np.arange(np.prod(shape)) % 30_000 + seed).reshape(shape).astype(dtype)
    label = np.zeros(shape, np.uint8)
    if foreground:
        label[: shape[0] // 2 + 1, 2:6, 3:9] = 1
        label[shape[0] // 3, 4, 5] = 3
    write_volume(folder / f"{name}.nii.gz", Volume(image, affine))
    write_volume(folder / f"{name}_seg.nii.gz", Volume(label, affine))
    return VolumeCase(name, folder / f"{name}.nii.gz", folder / f"{name}_seg.nii.gz")
