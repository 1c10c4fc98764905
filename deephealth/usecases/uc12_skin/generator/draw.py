"""The few shapes that everything else is drawn with: smooth noise, cells, blots and strokes, all as float32 maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Map: TypeAlias = npt.NDArray[np.float32]  # H x W

__all__ = ["blots", "cells", "noise", "rough", "smooth_step", "strokes"]

_SUBPIXEL = 4  # binary places of a pixel that OpenCV draws with


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Map:
    """Return smooth noise of standard deviation near 1.

    Args:
        rng: where the numbers come from.
        shape: height and width, pixels.
        cell: size of its bumps, pixels.
    """
    return rough(rng, shape, cell, 1)


def rough(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3) -> Map:
    """Return fractal noise of standard deviation near 1: bumps of ``cell`` pixels, with finer ones on them.

    The octaves are added on coarse grids, and only their sum is brought to full size: that is most of the time saved.
    """
    height, width = shape
    cell = max(cell, 1.5)
    rows, columns = int(height / cell) + 4, int(width / cell) + 4
    grid = rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(1.4)
    spacing, strength = cell, 0.7
    for _ in range(octaves - 1):
        if spacing < 3:
            break
        grid = cv2.resize(grid, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        grid += rng.standard_normal(grid.shape, dtype=np.float32) * np.float32(strength)
        spacing, strength = spacing / 2, strength / 2
    fine = cv2.resize(grid, (int(columns * cell), int(rows * cell)), interpolation=cv2.INTER_CUBIC)
    top, left = (rng.random(2) * (fine.shape[0] - height, fine.shape[1] - width)).astype(int)
    return fine[top : top + height, left : left + width] * np.float32(1 if octaves == 1 else 0.85)


def smooth_step(values: Map, low: float, high: float) -> Map:
    """Return 0 below ``low``, 1 above ``high`` (the other way round where ``low > high``) and a smooth ramp between."""
    ramp = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return ramp * ramp * (np.float32(3) - np.float32(2) * ramp)


def cells(rng: np.random.Generator, shape: tuple[int, int], spacing: float, jitter: float = 0.28) -> Map:
    """Return the distance to the nearest centre of an irregular honeycomb: 0 at centres, about 1 on the walls.

    Args:
        rng: where the numbers come from.
        shape: height and width, pixels.
        spacing: distance of neighbouring centres, pixels.
        jitter: how irregular, as a fraction of the spacing.
    """
    height, width = shape
    rows = np.arange(-spacing, height + spacing, spacing * 0.87)
    columns = np.arange(-spacing, width + spacing, spacing)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    x = x + (np.arange(len(rows)) % 2 * spacing / 2)[:, None]
    points = np.stack([y, x]) + rng.normal(0, jitter * spacing * 0.5, (2, *y.shape))
    rounded = np.rint(points).astype(np.int64).reshape(2, -1)
    inside = (rounded[0] >= 0) & (rounded[0] < height) & (rounded[1] >= 0) & (rounded[1] < width)
    seeds = np.ones(shape, np.uint8)
    seeds[rounded[0, inside], rounded[1, inside]] = 0
    return cv2.distanceTransform(seeds, cv2.DIST_L2, 5) * np.float32(1 / (0.55 * spacing))


def blots(
    rng: np.random.Generator,
    shape: tuple[int, int],
    centres: Sequence[tuple[float, float]],
    radius: tuple[float, float],
) -> Map:
    """Return filled ellipses as a map from 0 to 1.

    Args:
        rng: draws their size, shape and direction.
        shape: height and width, pixels.
        centres: (x, y) of each, pixels.
        radius: smallest and largest, pixels.
    """
    canvas = np.zeros(shape, np.uint8)
    one = 1 << _SUBPIXEL
    for x, y in centres:
        size = rng.uniform(*radius)
        axes = (round(size * one), round(size * rng.uniform(0.6, 1.0) * one))
        angle, level = rng.uniform(0, 180), int(rng.integers(150, 256))
        cv2.ellipse(canvas, (round(x * one), round(y * one)), axes, angle, 0, 360, level, -1, cv2.LINE_AA, _SUBPIXEL)
    return canvas.astype(np.float32) * np.float32(1 / 255)


def strokes(shape: tuple[int, int], lines: Sequence[tuple[npt.NDArray[np.float64], float]]) -> Map:
    """Return lines as a map from 0 to 1.

    Args:
        shape: height and width, pixels.
        lines: points N x 2 as (x, y), and thickness, pixels; below 1 a line is one pixel wide and paler.
    """
    canvas = np.zeros(shape, np.uint8)
    for points, thickness in lines:
        fixed = np.rint(points * (1 << _SUBPIXEL)).astype(np.int32).reshape(-1, 1, 2)
        level = int(255 * min(thickness, 1.0))
        cv2.polylines(canvas, [fixed], False, level, max(round(thickness), 1), cv2.LINE_AA, _SUBPIXEL)
    return canvas.astype(np.float32) * np.float32(1 / 255)
