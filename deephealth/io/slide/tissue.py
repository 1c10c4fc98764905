"""Where a slide holds tissue: Otsu's threshold on saturation, marks of a pen taken out, small things cleaned up."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["tissue_mask"]

# (least and greatest hue in OpenCV's half degrees, least saturation): haematoxylin and eosin lie above these hues, but
# for the palest haematoxylin, which is never as saturated as blue ink
_PENS = ((35, 112, 60), (112, 124, 150))
_LEAST_SATURATION = 10  # below, paper and glass differ from tissue in noise only
_SMALLEST_MM2, _LARGEST_HOLE_MM2 = 0.05, 0.02


def tissue_mask(
    picture: np.ndarray,
    *,
    mpp: float = 10.0,
    pen: bool = True,
    smallest_mm2: float = _SMALLEST_MM2,
    largest_hole_mm2: float = _LARGEST_HOLE_MM2,
) -> np.ndarray:
    """Return where a shrunken slide shows tissue.

    Glass is grey, stained tissue is not: the threshold on HSV saturation is Otsu's, taken over the smoothed picture.
    Near-black pixels (scanner borders, shadows) have no meaningful saturation and count as background. Pieces smaller
    than ``smallest_mm2`` go, holes smaller than ``largest_hole_mm2`` are filled.

    Args:
        picture: height x width x 3 RGB, uint8.
        mpp: its resolution, micrometres per pixel.
        pen: take out green, cyan and blue of high saturation, as marker pens leave it.
        smallest_mm2: smallest piece of tissue, mm2.
        largest_hole_mm2: largest hole to fill, mm2.

    Returns:
        height x width, bool.

    Source:
        N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 (1979).

    Example:
        >>> picture = np.full((60, 60, 3), 240, np.uint8)
        >>> picture[20:40, 20:40] = (200, 90, 160)
        >>> bool(tissue_mask(picture, mpp=50)[30, 30])
        True
    """
    hsv = cv2.cvtColor(cv2.medianBlur(np.ascontiguousarray(picture), 3), cv2.COLOR_RGB2HSV)
    hue, saturation, value = cv2.split(hsv)
    saturation = cv2.GaussianBlur(saturation, (5, 5), 0)
    usable = value > 40
    if pen:
        marks = np.zeros_like(usable)
        for low, high, least in _PENS:
            marks |= (hue >= low) & (hue <= high) & (saturation >= least)
        usable &= cv2.dilate(marks.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    if not usable.any():
        return np.zeros(picture.shape[:2], bool)
    threshold, _ = cv2.threshold(saturation[usable].reshape(1, -1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    found = (saturation > max(threshold, _LEAST_SATURATION)) & usable
    pixel_mm2 = (mpp / 1000) ** 2
    found = _without_small(found, smallest_mm2 / pixel_mm2)
    return ~_without_small(~found, largest_hole_mm2 / pixel_mm2)


def _without_small(mask: np.ndarray, least: float) -> np.ndarray:
    """Drop connected pieces (8 neighbours) of fewer than ``least`` pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False
    return np.asarray(keep[labels]) if count > 1 else np.zeros_like(mask)
