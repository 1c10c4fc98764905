"""Completing lines: what goes on along a line that was read is painted with it, though the reader lost it there.

Over patterns, across edges of the anatomy and at a tilt the detector ends a line too early, or breaks it in two.
Strokes as strong as the own ones of the line that follow it at a distance of a letter belong to it, and so does what
lies between two pieces.

Source: top-hat transform (Serra, Image Analysis and Mathematical Morphology, 1982) for strokes of both polarities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

__all__ = ["extended", "gaps_between"]

Rectangle: TypeAlias = tuple[int, int, int, int]

_LETTERS = 6  # a line goes on for at most so many heights of a letter; speckle has strokes everywhere
_GAP = 1.1  # heights of a letter without a stroke after which a line is over
_INK = 0.5  # of the strength of the line's own strokes
_FRAMED = 1.6  # height of a box that was read, in heights of its letters
_ACROSS = 0.25  # heights of a letter by which what was added is higher than the line: it may be tilted
_APART = 2.0  # heights of a box between two pieces of one line
_SIMILAR = 2.5  # between the heights of two pieces of one line


def extended(picture: np.ndarray, box: Rectangle) -> list[Rectangle]:
    """Return what has to be added to a line's box at its ends: none to two boxes.

    Args:
        picture: (H, W) values.
        box: x0, y0, x1, y1 of a line that was read; its longer side is the direction of the line.

    Example:
        >>> import cv2
        >>> picture = cv2.putText(np.zeros((64, 256), np.uint8), "DOE JANE", (10, 40), 0, 1, 255, 2)
        >>> [(x0, y0, y1) for x0, y0, x1, y1 in extended(picture, (5, 12, 100, 46))]
        [(99, 7, 51)]
    """
    x0, y0, x1, y1 = box
    if x1 - x0 < y1 - y0:
        return [(a, b, c, d) for b, a, d, c in extended(picture.T, (y0, x0, y1, x1))]
    letter = (y1 - y0) / _FRAMED
    if letter < 3:
        return []
    reach, margin = round(_LETTERS * letter), round(_ACROSS * letter)
    left, right = max(0, x0 - reach), min(picture.shape[1], x1 + reach)
    columns = _inked(picture[y0:y1, left:right], (x0 - left, x1 - left), letter)
    top, bottom = max(0, y0 - margin), min(picture.shape[0], y1 + margin)
    found: list[Rectangle] = []
    gap = max(2, round(_GAP * letter))
    after = _run(columns[x1 - left :], gap)
    if after:
        found.append((x1 - 1, top, min(right, x1 + after + margin + 1), bottom))
    before = _run(columns[: x0 - left][::-1], gap)
    if before:
        found.append((max(left, x0 - before - margin - 1), top, x0 + 1, bottom))
    return found


def _inked(strip: np.ndarray, inner: tuple[int, int], letter: float) -> np.ndarray:
    """Say of each column of a strip whether it holds strokes as strong as those of its inner part."""
    import cv2

    values = np.nan_to_num(strip.astype(np.float32))
    pen = max(5, round(0.45 * letter)) | 1
    kernel = np.ones((pen, pen), np.uint8)
    best, strength = np.zeros_like(values), 0.0
    for polarity in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        strokes = cv2.morphologyEx(values, polarity, kernel)
        strong = float(np.percentile(strokes[:, inner[0] : inner[1]], 95))
        if strong > strength:
            best, strength = strokes, strong
    if strength <= 0:
        return np.zeros(values.shape[1], bool)
    ink = best > _INK * strength
    least = max(1, round(0.06 * values.shape[0]))
    return np.asarray(ink.sum(0) >= least)


def _run(columns: np.ndarray, gap: int) -> int:
    """Return how many columns a line goes on for."""
    last = -1
    for at in np.flatnonzero(columns):
        if at - last > gap:
            break
        last = int(at)
    return last + 1


def gaps_between(boxes: Sequence[Rectangle]) -> list[Rectangle]:
    """Return what lies between pieces of the same line.

    Example:
        >>> gaps_between([(0, 0, 50, 20), (60, 2, 90, 22), (0, 60, 50, 80)])
        [(49, 0, 61, 22)]
    """
    found = [between for first in boxes for second in boxes if (between := _between(first, second))]
    for first in (_turned(box) for box in boxes):
        for second in (_turned(box) for box in boxes):
            if between := _between(first, second):
                found.append(_turned(between))
    return list(dict.fromkeys(found))


def _turned(box: Rectangle) -> Rectangle:
    return box[1], box[0], box[3], box[2]


def _between(first: Rectangle, second: Rectangle) -> Rectangle | None:
    """Return what lies between a box and one on its right, if they stand in a row and at least one is long."""
    heights = (first[3] - first[1], second[3] - second[1])
    low, high = min(heights), max(heights)
    long = any(box[2] - box[0] >= 1.5 * (box[3] - box[1]) for box in (first, second))
    if low <= 0 or high > _SIMILAR * low or not long:
        return None
    shared = min(first[3], second[3]) - max(first[1], second[1])
    gap = second[0] - first[2]
    if shared < 0.5 * low or not 0 < gap <= _APART * low:
        return None
    return first[2] - 1, min(first[1], second[1]), second[0] + 1, max(first[3], second[3])
