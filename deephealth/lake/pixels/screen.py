"""The screen: says within a few milliseconds that a picture holds no writing, and where it may hold some.

Every slice of every series passes here. A small convolutional network (50 KB, trained on generated pictures and texts
only) sees the stored values after their local mean and contrast are taken out, so that no window has to be chosen, on
copies of half the size each, so that large letters are found too; a small picture is enlarged first, for its letters
are small. Where it fires, strokes are found by morphology, and
their outlines are joined to lines. A false alarm costs a look by the reader there and nothing else.

Source: local contrast normalisation as in Jarrett et al., What is the best multi-stage architecture for object
recognition, ICCV 2009; top-hat transform (Serra, Image Analysis and Mathematical Morphology, 1982); grouping of
connected components to lines as in document analysis (O'Gorman, The Document Spectrum, IEEE PAMI 15, 1993).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from deephealth.core.errors import StorageError
from deephealth.core.optional import require
from deephealth.lake.pixels.lines import Line, in_picture, lines_of

__all__ = [
    "SCREEN",
    "HotZone",
    "ScreenSettings",
    "find_lines",
    "fired",
    "hot_zones",
    "levels_of",
    "logits",
    "network",
    "normalised",
]

Zone: TypeAlias = tuple[int, int, int, int, float]
HotZone: TypeAlias = tuple[int, int, int, int, float, float]
CELL = 8
_RUN = 5
_CLIP = 4.0
_PEN = 9  # strokes are thinner than this, pixels of a level
_KEPT = 4_000_000  # values of a picture whose memory is kept for the next
_scratch = threading.local()
_WEIGHTS = Path(__file__).with_name("screen.onnx")


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """How sensitive the screen is.

    Args:
        least: logit from which five cells of 8 x 8 pixels count as writing.
        least_contrast: of 8-bit values; scaled to the range of others.
        large: added to ``least`` on copies of a quarter of the size and below: folds and vertebrae are as large as
            letters there, and large letters are seen well.
        smallest_side: copies are halved until their shorter side would fall below this.
        small: pictures with a shorter side below this are enlarged by a half.
        tiny: those below this are not: the edges of a thumbnail, enlarged, look like letters.
    """

    least: float = 1.0
    large: float = 1.0
    least_contrast: float = 8.0
    smallest_side: int = 48
    small: int = 320
    tiny: int = 96


SCREEN = ScreenSettings()


def find_lines(picture: np.ndarray, settings: ScreenSettings = SCREEN) -> list[Line]:
    """Return what may be lines of writing.

    Args:
        picture: (H, W) stored values of any type.
        settings: how sensitive.

    Example:
        >>> import cv2
        >>> blank = np.zeros((128, 256), np.uint8)
        >>> len(find_lines(blank))
        0
        >>> written = cv2.putText(blank.copy(), "DOE^JANE 4711", (20, 60), 0, 0.5, 255)
        >>> len(find_lines(written)) >= 1
        True
    """
    found: list[Line] = []
    for scale, level, least, quarter in levels_of(picture, settings):
        for zone in fired(level, least, settings, scale, quarter):
            found += _lines_in(level, zone, scale, least)
    return found


def hot_zones(picture: np.ndarray, least: float) -> list[HotZone]:
    """Return where the network is surest, surest first: x0, y0, x1, y1 in the picture, logit, scale of the copy."""
    found = []
    for scale, level, contrast, quarter in levels_of(picture):
        for x0, y0, x1, y1, heat in fired(level, contrast, SCREEN, scale, quarter):
            if heat >= least:
                found.append((*in_picture((x0, y0, x1, y1), scale), heat, scale))
    return sorted(found, key=lambda zone: -zone[4])


def levels_of(
    picture: np.ndarray, settings: ScreenSettings = SCREEN
) -> Iterator[tuple[float, np.ndarray, float, np.ndarray | None]]:
    """Yield the picture and copies of half the size each: scale, values, least contrast of writing, quarter of it.

    The scale says how many pixels of the picture one of the copy is wide; it begins below one if the picture is small.
    The copy that is half as large twice is the local mean of a level: it is made once and used for both.
    """
    import cv2

    first = _ready(picture)
    least = _least_contrast(first, settings)
    if first.dtype != np.float32:
        memory = _memory("first", first.shape)
        np.copyto(memory, first)
        first = memory
    scale = 1.0
    if settings.tiny <= min(first.shape) < settings.small:
        height, width = first.shape
        first = cv2.resize(first, (width * 3 // 2, height * 3 // 2), interpolation=cv2.INTER_CUBIC)
        scale = 2 / 3
    levels = [first]
    while min(levels[-1].shape) >= settings.smallest_side:
        height, width = levels[-1].shape
        levels.append(cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    for number, level in enumerate(levels):
        if min(level.shape) >= (CELL if number == 0 else settings.smallest_side):
            yield scale * 2**number, level, least, levels[number + 2] if number + 2 < len(levels) else None


def fired(
    level: np.ndarray,
    least: float,
    settings: ScreenSettings = SCREEN,
    scale: float = 1.0,
    quarter: np.ndarray | None = None,
) -> list[Zone]:
    """Return the boxes of one level in which the network sees writing: x0, y0, x1, y1, highest logit."""
    import cv2

    hot = along_lines(logits(level, least, quarter))
    over = (hot > settings.least + (settings.large if scale >= 4 else 0.0)).astype(np.uint8)
    if not over.any():
        return []
    joined = cv2.dilate(over, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    highest = np.full(count, -np.inf)
    np.maximum.at(highest, labels[over > 0], hot[over > 0])
    height, width = level.shape
    found: list[Zone] = []
    for number in range(1, count):
        x, y, w, h = (int(value) * CELL for value in stats[number, :4])
        box = (max(0, x - 2 * CELL), max(0, y - CELL), min(width, x + w + 2 * CELL), min(height, y + h + CELL))
        found.append((*box, float(highest[number])))
    return found


def along_lines(cells: np.ndarray) -> np.ndarray:
    """Return the mean of five cells in a row or one above the other, whichever is higher: writing is long."""
    import cv2

    across = cv2.blur(cells, (_RUN, 1), borderType=cv2.BORDER_REPLICATE)
    return np.maximum(across, cv2.blur(cells, (1, _RUN), borderType=cv2.BORDER_REPLICATE))


def logits(level: np.ndarray, least: float, quarter: np.ndarray | None = None) -> np.ndarray:
    """Return what the network says for each cell of 8 x 8 pixels.

    Args:
        level: (H, W) values of a type that OpenCV knows.
        least: contrast below which nothing counts.
        quarter: the same picture at a quarter of the size, if there is one.
    """
    import cv2

    height, width = level.shape
    values = _normalised(level, least, quarter)
    if height % CELL or width % CELL:
        values = cv2.copyMakeBorder(values, 0, -height % CELL, 0, -width % CELL, cv2.BORDER_CONSTANT, value=0.0)
    out: np.ndarray = network().run(None, {"picture": values[None, None]})[0]
    return out[0, 0]


def normalised(level: np.ndarray, least: float | None = None) -> np.ndarray:
    """Return values as the network wants them: the local mean taken away, divided by the local mean deviation.

    Args:
        level: (H, W) values of a type that OpenCV knows.
        least: contrast below which nothing counts; by default a share of the range.
    """
    return _normalised(level, _least_contrast(level, SCREEN) if least is None else least).copy()


def _normalised(level: np.ndarray, least: float, quarter: np.ndarray | None = None) -> np.ndarray:
    """Return the same in memory that the next call of this thread writes over: fresh pages take half the time.

    Every other row is enough for the local deviation, and a copy of a quarter of the size for the local mean.
    """
    import cv2

    height, width = level.shape
    small = (max(1, width // 4), max(1, height // 4))
    values, other = _memory("values", level.shape), _memory("other", level.shape)
    if level.dtype != np.float32:
        np.copyto(values, level)
        level = values
    if quarter is None:
        quarter = cv2.resize(level, small, interpolation=cv2.INTER_AREA)
    mean = cv2.blur(quarter, (9, 9))
    cv2.subtract(level, cv2.resize(mean, (width, height), dst=other), dst=values)
    rows = _memory("rows", ((height + 1) // 2, width))
    np.abs(values[::2], out=rows)
    spread = cv2.blur(cv2.resize(rows, small, interpolation=cv2.INTER_AREA), (9, 9))
    np.divide(1.0, spread * 1.5 + least / 4, out=spread)
    cv2.multiply(values, cv2.resize(spread, (width, height), dst=other), dst=values)
    return np.clip(values, -_CLIP, _CLIP, out=values)


def _memory(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return memory of this thread for as many values; large pictures get their own."""
    size = shape[0] * shape[1]
    if size > _KEPT:
        return np.empty(shape, np.float32)
    held: dict[str, np.ndarray] = _scratch.__dict__
    if name not in held or held[name].size < size:
        held[name] = np.empty(size, np.float32)
    return held[name][:size].reshape(shape)


@cache
def network() -> Any:
    """Load the network when the first picture is looked at.

    Raises:
        OptionalDependencyError: onnxruntime is not installed.
        StorageError: the file of the network is missing or damaged: no picture can be looked at, so nothing may go on.
    """
    runtime = require("onnxruntime", purpose="finding text that is burned into pixels")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(_WEIGHTS.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no base class of its own for what it raises
        raise StorageError(
            "the network that looks for text in pixels can't be loaded", hint="install the package again"
        ) from error


def _lines_in(level: np.ndarray, zone: Zone, scale: float, least: float) -> list[Line]:
    """Return the lines of both polarities in one box of a level."""
    import cv2

    x0, y0, x1, y1, heat = zone
    part = np.ascontiguousarray(level[y0:y1, x0:x1])
    kernel = np.ones((_PEN, _PEN), np.uint8)
    found = []
    for polarity in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        strokes = cv2.morphologyEx(part, polarity, kernel)
        found += lines_of(strokes, least, (x0, y0), scale, heat=heat, dark=polarity == cv2.MORPH_BLACKHAT)
    return found


def _ready(picture: np.ndarray) -> np.ndarray:
    """Give the values a type that morphology knows; the order of values stays."""
    kind, size = picture.dtype.kind, picture.dtype.itemsize
    if kind == "b":
        picture = picture.astype(np.uint8) * 255
    elif kind == "f" or size > 2:
        picture = np.nan_to_num(picture.astype(np.float32), posinf=0.0, neginf=0.0)
    elif kind == "i" and size == 1:
        picture = picture.astype(np.int16)
    return np.ascontiguousarray(picture)


def _least_contrast(picture: np.ndarray, settings: ScreenSettings) -> float:
    """Return the least contrast of a stroke: a share of the range that most values keep to."""
    if picture.dtype == np.uint8:
        return settings.least_contrast
    sample = np.sort(picture[::8, ::8], axis=None)
    low, high = float(sample[len(sample) // 50]), float(sample[-1 - len(sample) // 50])
    span = high - low or float(sample[-1]) - float(sample[0])
    return max(span / 255 * settings.least_contrast, 1e-6 if picture.dtype.kind == "f" else 4.0)
