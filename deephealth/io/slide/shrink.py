"""A whole level, shrunk to a given size, without ever holding more than a band of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.io.slide.reader import best_level

if TYPE_CHECKING:
    from deephealth.io.slide.slide import Slide

__all__ = ["shrink_level"]

_BAND_PIXELS = 16_000_000


def shrink_level(slide: Slide, size: tuple[int, int]) -> np.ndarray:
    """Return the whole slide at ``size`` (width, height), each pixel the mean of those it stands for.

    Args:
        slide: an open slide.
        size: pixels; not larger than the slide.
    """
    width, height = slide.dimensions
    number = best_level(slide.levels, min(width / size[0], height / size[1]) * 1.001)
    level = slide.levels[number]
    factor = max(1, min(level.width // size[0], level.height // size[1]))
    slide.limits.check_array((-(-level.height // factor), -(-level.width // factor), 3), 1, slide.name)
    step = max(1, _BAND_PIXELS // max(level.width, 1) // factor) * factor
    if level.tile is not None and step >= level.tile[1]:
        step -= step % _common(level.tile[1], factor)
    bands = []
    for top in range(0, level.height, step):
        rows = min(step, level.height - top)
        band = slide.read_region(number, 0, round(top * level.downsample), level.width, rows)
        bands.append(_mean(band, factor))
    whole = np.concatenate(bands) if len(bands) > 1 else bands[0]
    if (whole.shape[1], whole.shape[0]) == size:
        return whole
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))


def _common(high: int, factor: int) -> int:
    """Bands that end where rows of tiles end decode each tile once; they must also hold whole blocks."""
    both = int(np.lcm(high, factor))
    return both if both < 4096 else factor


def _mean(band: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return band
    height, width = band.shape[:2]
    size = (-(-width // factor), -(-height // factor))
    down, across = size[1] * factor - height, size[0] * factor - width
    if down or across:  # repeat the last pixels: the last block is the mean of what there is, nearly
        band = cv2.copyMakeBorder(band, 0, down, 0, across, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(band, size, interpolation=cv2.INTER_AREA))
