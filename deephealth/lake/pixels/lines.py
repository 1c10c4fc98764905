"""Rows of outlines that look like lines of writing."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TypeAlias

import numpy as np

__all__ = ["Line", "in_picture", "lines_of"]

_LOWEST, _HIGHEST = 4, 40  # height of a letter on its level, pixels
_INK = 0.45  # of the strongest stroke nearby
Row: TypeAlias = tuple[int, int, int, int, float, float, float]  # box, letters, height, score
_AROUND = np.ones((9, 9), np.uint8)
_MOST = 6000  # outlines on one level: above it is texture, and only the most contrasty are looked at


@dataclass(frozen=True, slots=True)
class Line:
    """What may be a line of writing.

    Args:
        x0, y0, x1, y1: box, in pixels of the whole picture.
        letters: how many letters it seems to have.
        height: of a letter, pixels.
        score: how much it looks like writing, 0 to 1.
        upright: whether letters stand side by side rather than one above the other.
        dark: whether the letters are darker than what is around them.
        heat: how sure the network is of the place, a logit.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    letters: float
    height: float
    score: float
    upright: bool
    dark: bool
    heat: float = 0.0


@dataclass(slots=True)
class _Outlines:
    """Connected strokes: boxes and contrast, one entry each."""

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    h: np.ndarray
    fill: np.ndarray
    contrast: np.ndarray


def lines_of(
    strokes: np.ndarray, least: float, corner: tuple[int, int], scale: float, *, heat: float, dark: bool
) -> list[Line]:
    """Return the lines among strokes.

    Args:
        strokes: (H, W) response of a top-hat.
        least: contrast below which nothing is a stroke.
        corner: (x, y) of the strokes in their level.
        scale: how many pixels of the picture one pixel of this level is wide.
        heat: goes into the lines.
        dark: goes into the lines.
    """
    outlines = _outlines(strokes, least)
    if outlines is None:
        return []
    shape = strokes.shape
    return [
        _placed(line, corner, scale, upright=upright, heat=heat, dark=dark)
        for upright in (True, False)
        for line in _grouped(outlines, shape, upright=upright)
    ]


def in_picture(box: tuple[int, int, int, int], scale: float) -> tuple[int, int, int, int]:
    """Return the pixels of the picture that a box of a copy covers, if one of its pixels is ``scale`` wide."""
    x0, y0, x1, y1 = box
    return floor(x0 * scale), floor(y0 * scale), ceil(x1 * scale), ceil(y1 * scale)


def _outlines(strokes: np.ndarray, least: float) -> _Outlines | None:
    import cv2

    near = cv2.dilate(strokes, _AROUND).astype(np.float32)
    limit = np.maximum(near * _INK, least).astype(strokes.dtype)
    ink = cv2.compare(strokes, limit, cv2.CMP_GT)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    if count < 3:
        return None
    x, y, w, h, area = (stats[1:, column] for column in range(5))
    longest = np.maximum(w, h)
    keep = (longest >= _LOWEST) & (np.minimum(w, h) <= _HIGHEST) & (longest <= 12 * _HIGHEST) & (area >= 4)
    if np.count_nonzero(keep) < 2:
        return None
    at = np.flatnonzero(ink)
    contrast = np.bincount(labels.ravel()[at], weights=strokes.ravel()[at], minlength=count)[1:] / area
    if np.count_nonzero(keep) > _MOST:
        keep &= contrast >= np.sort(contrast[keep])[-_MOST]
    fill = area / (w * h)
    return _Outlines(x[keep], y[keep], w[keep], h[keep], fill[keep], contrast[keep])


def _grouped(outlines: _Outlines, shape: tuple[int, ...], *, upright: bool) -> list[Row]:
    """Join outlines that stand in a row: their middle bands, drawn wider, touch."""
    import cv2

    o = (
        outlines
        if upright
        else _Outlines(outlines.y, outlines.x, outlines.h, outlines.w, outlines.fill, outlines.contrast)
    )
    tall = (o.h >= _LOWEST) & (o.h <= _HIGHEST) & (o.w <= 12 * o.h)
    if np.count_nonzero(tall) < 2:
        return []
    x, y, w, h = o.x[tall], o.y[tall], o.w[tall], o.h[tall]
    fill, contrast = o.fill[tall], o.contrast[tall]
    rows, columns = shape if upright else shape[::-1]
    band = np.zeros((rows, columns), np.uint8)
    reach = np.ceil(h * 0.55).astype(int)
    left, right = np.maximum(x - reach, 0), x + w + reach
    top, bottom = y + np.floor(h * 0.3).astype(int), y + np.ceil(h * 0.7).astype(int)
    for x0, x1, y0, y1 in zip(left.tolist(), right.tolist(), top.tolist(), bottom.tolist(), strict=True):
        band[y0:y1, x0:x1] = 1
    count, labels = cv2.connectedComponents(band, connectivity=8)
    row = labels[np.minimum((top + bottom) // 2, rows - 1), np.minimum(x + w // 2, columns - 1)]
    order = np.argsort(row, kind="stable")
    starts = np.searchsorted(row[order], np.arange(1, count + 1))
    found = []
    for number in range(count - 1):
        members = order[starts[number] : starts[number + 1]]
        if len(members):
            line = _line(x[members], y[members], w[members], h[members], fill[members], contrast[members])
            if line is not None:
                found.append(line)
    return found


def _line(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, h: np.ndarray, fill: np.ndarray, contrast: np.ndarray
) -> Row | None:
    """Judge one row; return its box, letters, height and score, or ``None``."""
    height = float(np.median(np.repeat(h, np.maximum(1, w // np.maximum(h, 1)))))
    regular = (h >= 0.55 * height) & (h <= 1.7 * height)
    per_letter = np.maximum(1.0, w / (0.75 * h))
    letters = float(per_letter[regular].sum())
    if letters < 2.6:
        return None
    length = int((x + w).max() - x.min())
    if length < 1.8 * height:
        return None
    even = float(np.count_nonzero(regular)) / len(h)
    strong = contrast[regular]
    spread = float(strong.std() / max(strong.mean(), 1e-9))
    inked = float(np.median(fill[regular]))
    score = even * max(0.0, 1 - spread) * (1.0 if 0.15 <= inked <= 0.85 else 0.6) * min(1.0, letters / 5)
    box = (int(x.min()), int(y.min()), int((x + w).max()), int((y + h).max()))
    return (*box, letters, height, score)


def _placed(line: Row, corner: tuple[int, int], scale: float, *, upright: bool, heat: float, dark: bool) -> Line:
    x0, y0, x1, y1, letters, height, score = line
    if not upright:
        x0, y0, x1, y1 = y0, x0, y1, x1
    dx, dy = corner
    box = in_picture((x0 + dx, y0 + dy, x1 + dx, y1 + dy), scale)
    return Line(*box, letters=letters, height=height * scale, score=score, upright=upright, dark=dark, heat=heat)
