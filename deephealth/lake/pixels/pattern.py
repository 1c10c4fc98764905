"""Telling a pattern of sharp edges, such as a grid of bars or dots, from tissue: letters over it can't be read."""

from __future__ import annotations

import numpy as np

from deephealth.lake.pixels.finder import grey_of, to_8_bits

__all__ = ["is_pattern"]

_BLOCK = 24  # pixels
_STEEP = 64  # difference of next neighbours but one, of 255
_EDGES = 0.12  # share of a block's pixels on steep edges; tissue has fewer
_COVERED = 0.8  # share of blocks; real pictures have at most about 0.4
_STEP = 4  # every fourth block each way tells nearly all pictures apart


def is_pattern(picture: np.ndarray) -> bool:
    """Return whether sharp edges cover nearly all of a picture.

    Args:
        picture: (H, W) stored values, or (H, W, 3) RGB.

    Example:
        >>> lines = np.arange(96) % 8 < 4
        >>> is_pattern((lines[:, None] ^ lines).astype(np.uint8) * 255), is_pattern(np.zeros((96, 96), np.uint8))
        (True, False)
    """
    grey = grey_of(picture)
    return _covered(grey, _STEP) >= _COVERED / 2 and _covered(grey, 1) >= _COVERED


def _covered(grey: np.ndarray, step: int) -> float:
    """Return the share of blocks with many steep edges, of every ``step``-th block each way."""
    import cv2

    down, across = (side // _BLOCK for side in grey.shape)
    if not down or not across:
        return 0.0
    blocks = grey[: down * _BLOCK, : across * _BLOCK].reshape(down, _BLOCK, across, _BLOCK)[::step, :, ::step]
    rows, _, columns, _ = blocks.shape
    shown = to_8_bits(np.ascontiguousarray(blocks).reshape(rows * _BLOCK, columns * _BLOCK))
    values = cv2.medianBlur(shown, 3).reshape(rows, _BLOCK, columns, _BLOCK).astype(np.int16)
    flat = np.abs(values[:, 1:-1, :, 2:] - values[:, 1:-1, :, :-2])
    high = np.abs(values[:, 2:, :, 1:-1] - values[:, :-2, :, 1:-1])
    return float(((np.maximum(flat, high) > _STEEP).mean((1, 3)) > _EDGES).mean())
