"""Heads drawn by the benchmark script, and DICOM series of them."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.lake.originals import original

_SCRIPT = Path(__file__).parents[3] / "scripts" / "bench" / "deid" / "defacing.py"


@cache
def bench() -> Any:
    """Return the benchmark script as a module."""
    spec = importlib.util.spec_from_file_location("bench_defacing", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def drawn(seed: int) -> Any:
    """Return a drawn head: voxels, affine, modality, and the true brain and features."""
    return bench().draw(seed)


@cache
def plain_head() -> tuple[np.ndarray, np.ndarray]:
    """Return a CT head of 2 x 2 x 4.5 mm voxels in RAS, Hounsfield units, and where its brain is."""
    i, j, k = np.meshgrid(np.arange(106), np.arange(128), np.arange(56), indexing="ij")
    places = np.stack([i * 2.0 - 105, j * 2.0 - 118, k * 4.5 - 165], -1).astype(np.float32)
    shape = {"w": 1.0, "f": 1.0, "l": 1.0, "nose": 24.0}
    rng = np.random.default_rng(3)
    parts = bench().labels(places, rng, shape)
    voxels, _ = bench()._contrast(parts, places, "CT", rng)
    return voxels, parts["brain"]


def head_series(folder: Path, *, body_part: str = "HEAD", **values: Any) -> list[Path]:
    """Write the plain head as an axial CT series."""
    voxels, _ = plain_head()
    paths = []
    for at in range(voxels.shape[2]):
        pixels = np.clip(voxels[::-1, ::-1, at].T.astype(int) + 1024, 0, 4095).astype("<u2")
        paths.append(
            original(
                folder / f"{at}.dcm", at=at, BodyPartExamined=body_part, SeriesDescription="Head 4.5 mm",
                ImagePositionPatient=[-105.0, -136.0, 4.5 * at - 165],
                PixelSpacing=[2, 2], SliceThickness=4.5, Rows=pixels.shape[0],
                Columns=pixels.shape[1], PixelData=pixels.tobytes(), **values,
            )
        )  # fmt: skip
    return paths
