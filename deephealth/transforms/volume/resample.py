"""Resampling to a spacing in millimetres or to a size in voxels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from deephealth.core.errors import ConfigError, DataError
from deephealth.transforms.volume.base import AFFINE, Draws, Params
from deephealth.transforms.volume.spatial import Resampling, Size, size_of, sizes

__all__ = ["Resize", "Spacing"]


class Spacing(Resampling):
    """Resample to a spacing. The first voxel keeps its place; the last one is at most half a new voxel off its own.

    Oblique axes stay oblique: only their steps change. (No filter is applied before an axis becomes coarser.)

    Args:
        spacing: millimetres along D, H, W.
        padding: beyond the last voxel's centre; see :class:`Resampling`.
        options: see :class:`Resampling`: ``mode``, ``value``, ``label_value``, the keys.

    Raises:
        ConfigError: not three lengths above 0.

    Example:
        >>> sample = {"image": torch.zeros(1, 5, 5, 5), "affine": torch.eye(4, dtype=torch.float64)}
        >>> Spacing((2.0, 1.0, 0.5)).draw(Draws(0, "0"), sample)["shape"]
        (3, 5, 9)
    """

    def __init__(self, spacing: Sequence[float], *, padding: str = "border", **options: Any) -> None:
        super().__init__(padding=padding, **options)
        if len(spacing) != 3 or not all(np.isfinite(step) and step > 0 for step in spacing):
            raise ConfigError([f"spacing is {spacing}; give three lengths in mm (D, H, W) above 0"], source="Spacing")
        self.spacing = tuple(float(step) for step in spacing)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the map; ``None`` where the spacing is right already.

        Raises:
            DataError: the sample has no affine, or one without a spacing.
        """
        if AFFINE not in sample:
            raise DataError("Spacing: the sample has no affine", hint=f"put it into the batch under '{AFFINE}'")
        size = size_of(self, sample)
        found = sample[AFFINE][:3, :3].double().norm(dim=0).flip(0).tolist()  # columns i, j, k are W, H, D
        if not all(np.isfinite(step) and step > 0 for step in found):
            raise DataError(f"Spacing: the affine's steps along D, H, W are {found} mm", allowed="lengths above 0")
        rates = [new / old for new, old in zip(self.spacing, found, strict=True)]
        if np.allclose(rates, 1, rtol=0, atol=1e-6):
            return None
        shape = tuple(int(np.floor((length - 1) / rate + 0.5)) + 1 for length, rate in zip(size, rates, strict=True))
        return _scaled(sample, size, shape, rates, [0.0, 0.0, 0.0])


class Resize(Resampling):
    """Resample to a size; the volume's outer edges stay where they are (``align_corners=False`` in torch's words).

    Args:
        size: D, H, W of the result.
        padding: of the outer half voxel; see :class:`Resampling`.
        options: see :class:`Resampling`.

    Raises:
        ConfigError: not sizes.

    Example:
        >>> resize = Resize((1, 1, 2))
        >>> image = torch.arange(4.0).reshape(1, 1, 1, 1, 4)
        >>> params = [resize.draw(Draws(0, "0"), {"image": image[0]})]
        >>> resize.apply({"image": image}, params)["image"].flatten().tolist()
        [0.5, 2.5]
    """

    def __init__(self, size: Sequence[int] | int, *, padding: str = "border", **options: Any) -> None:
        super().__init__(padding=padding, **options)
        self.size = sizes("Resize", size)

    def draw(self, draws: Draws, sample: Mapping[str, torch.Tensor]) -> Params | None:
        """Return the map; ``None`` where the size is right already."""
        size = size_of(self, sample)
        if size == self.size:
            return None
        rates = [old / new for old, new in zip(size, self.size, strict=True)]
        return _scaled(sample, size, self.size, rates, [rate / 2 - 0.5 for rate in rates])


def _scaled(
    sample: Mapping[str, torch.Tensor],
    source: Size,
    shape: Sequence[int],
    rates: Sequence[float],
    first: Sequence[float],
) -> Params:
    matrix = np.concatenate([np.diag(rates), np.array(first)[:, None]], 1)
    return {
        "matrix": matrix,
        "control": None,
        "shape": tuple(shape),
        "source": tuple(source),
        "affine": sample.get(AFFINE),
    }
