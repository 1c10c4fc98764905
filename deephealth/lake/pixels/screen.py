"""The screen: says within a millisecond or two that a picture holds no writing, and where it may hold some.

Every slice of every series passes here, so nothing is read and nothing is windowed: morphology on the stored values
finds strokes (what is thinner than a pen and differs from its surroundings by several times the local texture), and
only where strokes stand close together are their outlines looked at: writing is a row of outlines of one height and
one contrast. What looks like a row goes to the reader; a false alarm costs a look there and nothing else.

Source: top-hat transform (Serra, Image Analysis and Mathematical Morphology, 1982); grouping of connected components
to lines as in document analysis (O'Gorman, The Document Spectrum, IEEE PAMI 15, 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deephealth.lake.pixels.lines import Line, lines_of

__all__ = ["SCREEN", "ScreenSettings", "find_lines"]


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """How sensitive the screen is.

    Args:
        stroke: strokes are thinner than this, in pixels of each level; larger letters are found on smaller copies.
        over_texture: how many times the mean stroke response of its neighbourhood a stroke has to be.
        density: share of a cell's neighbourhood that must be strokes.
        least_contrast: of 8-bit values; scaled to the range of others.
        smallest_side: copies are halved until their shorter side would fall below this.
    """

    stroke: int = 7
    over_texture: float = 2.0
    density: float = 0.075
    least_contrast: float = 8.0
    smallest_side: int = 48


SCREEN = ScreenSettings()
_CELL = 4


def find_lines(picture: np.ndarray, settings: ScreenSettings = SCREEN) -> list[Line]:
    """Return what may be lines of writing.

    Args:
        picture: (H, W) stored values of any type; a colour picture gives one plane after the other.
        settings: how sensitive.

    Example:
        >>> import cv2
        >>> blank = np.zeros((128, 256), np.uint8)
        >>> len(find_lines(blank))
        0
        >>> written = cv2.putText(blank.copy(), "DOE JANE", (20, 60), 0, 0.5, 255)
        >>> len(find_lines(written)) >= 1
        True
    """
    import cv2

    level, scale, found = _ready(picture), 1, []
    least = _least_contrast(level, settings)
    while min(level.shape) >= (12 if scale == 1 else settings.smallest_side):
        for polarity in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            found += _of_level(level, polarity, scale, least, settings)
        level = cv2.resize(level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA)
        scale *= 2
    return found


def _ready(picture: np.ndarray) -> np.ndarray:
    """Give the values a type that morphology knows; the order of values stays."""
    kind, size = picture.dtype.kind, picture.dtype.itemsize
    if kind == "b":
        picture = picture.astype(np.uint8)
    elif kind == "f" or size > 2:
        picture = np.nan_to_num(picture.astype(np.float32), posinf=0.0, neginf=0.0)
    elif kind == "i" and size == 1:
        picture = picture.astype(np.int16)
    return np.ascontiguousarray(picture)


def _least_contrast(picture: np.ndarray, settings: ScreenSettings) -> float:
    """Return the least contrast of a stroke: a share of the range that most values keep to."""
    if picture.dtype == np.uint8:
        return settings.least_contrast
    sample = picture[::8, ::8]
    low, high = np.percentile(sample, (2, 98))
    span = float(high) - float(low) or float(sample.max()) - float(sample.min())
    return max(span / 255 * settings.least_contrast, 1e-6 if picture.dtype.kind == "f" else 4.0)


def _of_level(level: np.ndarray, polarity: int, scale: int, least: float, settings: ScreenSettings) -> list[Line]:
    """Return the lines of one polarity on one copy."""
    import cv2

    kernel = np.ones((settings.stroke, settings.stroke), np.uint8)
    strokes = cv2.morphologyEx(level, polarity, kernel)
    zone = _dense(strokes, least, settings)
    if zone is None:
        return []
    return lines_of(strokes, zone, least, scale, dark=polarity == cv2.MORPH_BLACKHAT)


def _dense(strokes: np.ndarray, least: float, settings: ScreenSettings) -> np.ndarray | None:
    """Return where strokes stand close together, on a grid of 4 x 4 pixels; ``None`` if nowhere."""
    import cv2

    height, width = strokes.shape
    size = (-(-width // _CELL), -(-height // _CELL))
    coarse = cv2.resize(strokes, size, interpolation=cv2.INTER_AREA)
    if coarse.dtype != np.float32:
        coarse = coarse.astype(np.float32)
    floor = np.maximum(cv2.blur(coarse, (9, 9)) * settings.over_texture, least)
    limit = cv2.resize(floor, (width, height), interpolation=cv2.INTER_NEAREST)
    ink = cv2.compare(strokes, limit.astype(strokes.dtype), cv2.CMP_GT)
    share = cv2.blur(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), (5, 2))
    dense = share > settings.density * 255
    if not dense.any():
        return None
    grown = cv2.dilate(dense.view(np.uint8), np.ones((5, 9), np.uint8))
    return cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST)
