"""How fast ``.nii.gz`` files are read, next to nibabel and SimpleITK, on four kinds of stream.

The streams are made by zlib, as nibabel's are: noisy 16-bit voxels at levels 1 and 6, smooth ones at level 6, a label
map at level 1. Last, the noisy volume as ``write_nifti`` compresses it, which all readers take too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from row import Row, made_once

from deephealth.core.optional import is_installed
from deephealth.io.nifti import read_nifti, write_nifti
from deephealth.io.volume import Volume

SIZE = (160, 256, 256)  # D, H, W: 21 MB of 16-bit voxels
OWN = "noisy, our blocks"
TITLES = ("noisy, level 1", "noisy, level 6", "smooth, level 6", "label map", OWN)


def volumes() -> dict[str, tuple[np.ndarray, int | None]]:
    """Return the voxels and the zlib level of each stream; no level: written by ourselves."""
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[-1 : 1 : SIZE[0] * 1j, -1 : 1 : SIZE[1] * 1j, -1 : 1 : SIZE[2] * 1j]
    radius = x**2 + y**2 + z**2
    smooth = 1000 * np.exp(-2 * radius)
    noisy = (smooth + rng.normal(0, 30, SIZE)).astype(np.int16)
    labels = ((radius < 0.8) + 1 * (radius < 0.3) + 3 * ((x - 0.5) ** 2 + y**2 + z**2 < 0.05)).astype(np.uint8)
    streams = [(noisy, 1), (noisy, 6), (smooth.astype(np.int16), 6), (labels, 1), (noisy, None)]
    return dict(zip(TITLES, streams, strict=True))


def write_stream(path: Path, voxels: np.ndarray, level: int | None) -> None:
    """Write ``voxels`` as one gzip member of zlib, or in our blocks."""
    volume = Volume(voxels, np.diag([0.8, 0.8, 1.5, 1.0]))
    if level is None:
        write_nifti(path, volume)
        return
    raw = path.with_name("raw.nii")
    write_nifti(raw, volume)
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    path.write_bytes(packer.compress(raw.read_bytes()) + packer.flush())
    raw.unlink()


def readers(path: Path) -> dict[str, Callable[[], np.ndarray]]:
    """Return what reads ``path`` to (D, H, W), by name."""
    found: dict[str, Callable[[], np.ndarray]] = {"deephealth": lambda: read_nifti(path).data}
    if is_installed("nibabel"):
        import nibabel

        found["nibabel"] = lambda: np.asanyarray(nibabel.load(path).dataobj).T
    if is_installed("SimpleITK"):
        import SimpleITK

        kept: list[Any] = [None]  # the view does not keep the image alive

        def read_itk() -> np.ndarray:
            kept[0] = SimpleITK.ReadImage(str(path))
            return SimpleITK.GetArrayViewFromImage(kept[0])

        found["SimpleITK"] = read_itk
    return found


def peers_of(title: str, voxels: np.ndarray, level: int | None) -> dict[str, Callable[[], np.ndarray]]:
    """Write a stream and return what reads it."""
    folder = made_once(title.replace(" ", "-"), lambda folder: write_stream(folder / "stream.nii.gz", voxels, level))
    return readers(folder / "stream.nii.gz")


def check(found: Mapping[str, np.ndarray]) -> str:
    """Compare what was read."""
    for name, voxels in found.items():
        assert np.array_equal(voxels, found["deephealth"]), f"{name} reads other values"
    return "equal"


def row(title: str) -> Row:
    """Return the row of one stream; what we write ourselves is not part of the goal."""
    return Row(
        name=f"nifti-{title.replace(', ', '-').replace(' ', '-')}",
        title=f"read .nii.gz, 21 MB of voxels, {title}",
        peers=lambda: peers_of(title, *volumes()[title]),
        check=check,
        goals={"nibabel": 2.3} if title != OWN else {},
        group="read .nii.gz" if title != OWN else "",
        threads=(1,),
        packages=("nibabel", "SimpleITK", "deflate", "isal"),
    )


ROWS = [row(title) for title in TITLES]
