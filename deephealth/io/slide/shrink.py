"""A whole level, shrunk to a given size, without ever holding more than a block of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.io.slide.mosaic import tiles_under
from deephealth.io.slide.reader import Level, best_level

if TYPE_CHECKING:
    from deephealth.io.slide.slide import Slide

__all__ = ["shrink_level"]

_BLOCK_PIXELS, _WHOLE_PIXELS = 4_000_000, 16_000_000
_SIDE = 2048
_FINER = 8  # the last mean of a row stands for fewer pixels; among many small ones that shifts nothing one could see
_MOST_FACTOR = 512  # a block must hold whole means; what is missing to the wanted size is made up for at the end


def shrink_level(slide: Slide, size: tuple[int, int]) -> np.ndarray:
    """Return the whole slide at ``size`` (width, height), each pixel the mean of those it stands for.

    Args:
        slide: an open slide.
        size: pixels; not larger than the slide.
    """
    width, height = slide.dimensions
    number = best_level(slide.levels, min(width / size[0], height / size[1]) * 1.001)
    level = slide.levels[number]
    finer = min(_FINER, max(1, math.isqrt(_WHOLE_PIXELS // (size[0] * size[1]))))
    across = min(max(1, level.width // (size[0] * finer)), _MOST_FACTOR)
    down = min(max(1, level.height // (size[1] * finer)), _MOST_FACTOR)
    shape = (-(-level.height // down), -(-level.width // across), 3)
    slide.limits.check_array(shape, 1, slide.name)
    stored = slide.reader.stored(number)
    whole = np.full(shape, slide.background, np.uint8)
    wide, high = _block(level, across, down)
    for top in range(0, level.height, high):
        for left in range(0, level.width, wide):
            part = min(wide, level.width - left), min(high, level.height - top)
            if stored is not None and not stored[tiles_under(level, (left, top), part)].any():
                continue
            corner = round(left * level.downsample), round(top * level.downsample)
            mean = _mean(slide.read_region(number, *corner, *part), across, down)
            row, column = top // down, left // across
            whole[row : row + mean.shape[0], column : column + mean.shape[1]] = mean
    if (whole.shape[1], whole.shape[0]) == size:
        return whole
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))


def _block(level: Level, across: int, down: int) -> tuple[int, int]:
    """Return (width, height) of the blocks to read: whole means, and whole tiles where that is possible."""
    tile = level.tile or (1, 1)
    high = _whole(max(_SIDE, _BLOCK_PIXELS // level.width), tile[1], down)
    wide = _whole(max(_SIDE, _BLOCK_PIXELS // min(high, level.height)), tile[0], across)
    return wide, high


def _whole(side: int, tile: int, factor: int) -> int:
    """Blocks that end where tiles end decode each tile once; they must also hold whole means."""
    both = math.lcm(tile, factor)
    step = both if both <= side else factor
    return side - side % step


def _mean(block: np.ndarray, across: int, down: int) -> np.ndarray:
    if across == down == 1:
        return block
    height, width = block.shape[:2]
    size = (-(-width // across), -(-height // down))
    below, beside = size[1] * down - height, size[0] * across - width
    if below or beside:  # repeat the last pixels: the last block is the mean of what there is, nearly
        block = cv2.copyMakeBorder(block, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(block, size, interpolation=cv2.INTER_AREA))
