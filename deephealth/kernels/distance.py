"""Euclidean distance transforms of label maps: edt in main memory, CuPy on an accelerator where installed.

Contract: labels D×H×W or H×W of whole numbers or bool; spacing in mm along the same axes; distances float32, exact to
its rounding (relative 1e-6). Every voxel's distance is to the centre of the nearest voxel of *another* label, so all
labels of a volume are measured in one pass.

Source: W. Silversmith, edt (Felzenszwalb & Huttenlocher's parabolas with labels); https://github.com/seung-lab/euclidean-distance-transform-3d
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import edt
import numpy as np
import torch
from torch.utils.dlpack import from_dlpack

from deephealth.core.errors import DataError

__all__ = ["checked_spacing", "distance_transform", "signed_distance_transform"]

Labels = TypeVar("Labels", torch.Tensor, np.ndarray)

Spacing = float | Sequence[float]


def checked_spacing(spacing: Spacing | np.ndarray | torch.Tensor | None, dims: int) -> tuple[float, ...]:
    """Return a spacing as one number per axis; none means 1.

    Raises:
        DataError: the count is wrong, or a spacing is not a finite number above 0.

    Example:
        >>> checked_spacing(2, 3)
        (2.0, 2.0, 2.0)
    """
    values = np.ravel(np.asarray(1.0 if spacing is None else spacing, dtype=np.float64)).tolist()
    values = values * dims if len(values) == 1 else values
    if len(values) != dims or not all(math.isfinite(value) and value > 0 for value in values):
        raise DataError(f"spacing {values} for {dims} axes", allowed="one number above 0, in mm, or one per axis")
    return tuple(values)


def distance_transform(
    labels: Labels, spacing: Spacing | None = None, *, outside_is_background: bool = False
) -> Labels:
    """Return the distance of each voxel to the nearest voxel of another label; 0 in the background.

    Args:
        labels: D×H×W or H×W whole numbers or bool; an array, or a tensor on any device.
        spacing: in mm, in the order of the axes.
        outside_is_background: count what lies beyond the volume's border as background.

    Returns:
        Distances in mm, float32; infinity where there is no other label.

    Raises:
        DataError: other dimensions, fractional labels, or a bad spacing.

    Example:
        >>> distance_transform(np.array([[0, 1, 1, 2]]), (1.0, 2.0)).tolist()
        [[0.0, 2.0, 2.0, 2.0]]
    """
    steps = _checked(labels, spacing)
    if not isinstance(labels, torch.Tensor):
        return _in_main_memory(labels, steps, outside_is_background)
    if labels.is_cuda and importlib.util.find_spec("cupy") is not None:
        return _on_accelerator(labels, steps, outside_is_background)
    found = _in_main_memory(labels.detach().cpu().numpy(), steps, outside_is_background)
    return torch.from_numpy(found).to(labels.device)


def signed_distance_transform(mask: Labels, spacing: Spacing | None = None) -> Labels:
    """Return the signed distance map of a mask: above 0 outside, below 0 inside.

    Outside it is the distance to the nearest voxel of the mask, inside minus the distance to the nearest voxel of
    another label (for a mask: of the background). No value is 0: the surface lies between voxels.

    Args:
        mask: D×H×W or H×W; what is not 0 is inside.
        spacing: in mm, in the order of the axes.

    Returns:
        Distances in mm, float32; infinity where the mask is empty, minus infinity where it is full.

    Raises:
        DataError: as :func:`distance_transform`.

    Example:
        >>> signed_distance_transform(np.array([[0, 0, 1, 1]])).tolist()
        [[2.0, 1.0, -1.0, -2.0]]
    """
    return distance_transform(mask == 0, spacing) - distance_transform(mask, spacing)


def _checked(labels: Any, spacing: Spacing | None) -> tuple[float, ...]:
    fractional = labels.is_floating_point() if isinstance(labels, torch.Tensor) else labels.dtype.kind not in "biu"
    if labels.ndim not in (2, 3) or fractional:
        raise DataError(
            f"distances in a label map of shape {tuple(labels.shape)} and type {labels.dtype}",
            allowed="whole numbers or bool, D×H×W or H×W",
            hint="take one case and one channel at a time; probabilities need a threshold first",
        )
    return checked_spacing(spacing, labels.ndim)


def _in_main_memory(labels: np.ndarray, steps: tuple[float, ...], border: bool) -> np.ndarray:
    if not labels.size:
        return np.zeros(labels.shape, dtype=np.float32)
    whole = np.ascontiguousarray(labels)
    return edt.edt(whole, anisotropy=steps, black_border=border, parallel=torch.get_num_threads())  # type: ignore[no-any-return]


def _on_accelerator(labels: torch.Tensor, steps: tuple[float, ...], border: bool) -> torch.Tensor:
    """CuPy knows masks alone: each label by itself; a full mask has no nearest background."""
    cupy, ndimage = importlib.import_module("cupy"), importlib.import_module("cupyx.scipy.ndimage")
    padded = torch.nn.functional.pad(labels, (1, 1) * labels.ndim) if border else labels
    found = torch.zeros(padded.shape, dtype=torch.float32, device=labels.device)
    for value in padded.unique().tolist():
        mask = padded == value
        if not value:
            continue
        if bool(mask.all()):
            return torch.full_like(found, float("inf"))
        far = ndimage.distance_transform_edt(cupy.from_dlpack(mask.to(torch.uint8)), sampling=steps)
        found += from_dlpack(far).to(torch.float32)
    return found[tuple(slice(1, -1) for _ in range(labels.ndim))] if border else found
