"""Pixels: bit-equal where nothing was written, and no strokes of the text left where something was."""

from __future__ import annotations

import functools
import hashlib
import re
from typing import Any

import numpy as np

__all__ = ["digest_of", "hidden", "kept", "pixels_of"]

_MARGIN = 40  # pixels round a text that may be painted over with it
_STROKES = 0.2  # correlation of the box with the strokes below which the text is gone


def pixels_of(ds: Any) -> np.ndarray | None:
    """Return the decoded pixels, or None."""
    try:
        return ds.pixel_array
    except Exception:  # unreadable pixels are no pixels
        return None


def digest_of(ds: Any) -> str:
    """Return what names the decoded pixels (empty where there are none)."""
    if "PixelData" not in ds:
        return ""
    pixels = pixels_of(ds)
    if pixels is None:
        return ""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.astype("<i8").tobytes()).hexdigest()[:32]


def _frames(pixels: np.ndarray, ds: Any) -> np.ndarray:
    """Return grey frames (n, rows, columns)."""
    grey = pixels.astype(np.float32)
    if int(ds.get("SamplesPerPixel", 1)) == 3:
        grey = grey.mean(axis=-1)
    return grey if grey.ndim == 3 else grey[None]


def kept(original: Any, found: Any, digest: str, boxes: list[list[int]]) -> bool:
    """Tell whether the pixels are equal; round burned-in text (40 pixels) they may differ, and 10 % elsewhere."""
    if not boxes:
        return digest_of(found) == digest
    old, new = pixels_of(original), pixels_of(found)
    if old is None or new is None or old.shape != new.shape:
        return False
    first, second = _frames(old, original), _frames(new, found)
    far = np.ones(first.shape[1:], bool)
    for x0, y0, x1, y1 in boxes:
        far[max(0, y0 - _MARGIN) : y1 + _MARGIN, max(0, x0 - _MARGIN) : x1 + _MARGIN] = False
    if not far.any():
        return True
    return float((np.abs(first - second) <= 3)[:, far].mean()) >= 0.9


def hidden(found: Any, box: list[int], mask: np.ndarray, text: str) -> bool:
    """Tell whether no frame shows the strokes of the text any more, to arithmetic and to a reader."""
    pixels = pixels_of(found)
    if pixels is None:
        return True
    x0, y0, x1, y1 = box
    for frame in _frames(pixels, found):
        crop = frame[y0:y1, x0:x1]
        if crop.shape != mask.shape:
            return False
        if float(crop.std()) < 1e-6:
            continue
        if abs(_correlation(crop, mask)) >= _STROKES or _read(frame, box, text):
            return False
    return True


def _correlation(crop: np.ndarray, mask: np.ndarray) -> float:
    if mask.all() or not mask.any():
        return 0.0
    return float(np.corrcoef(crop.ravel(), mask.ravel().astype(np.float32))[0, 1])


@functools.cache
def _reader() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError:
        return None
    return RapidOCR(params={"Global.log_level": "error"})


def _read(frame: np.ndarray, box: list[int], text: str) -> bool:
    """Tell whether a reader finds a word of the text in the box."""
    reader = _reader()
    if reader is None:
        return False
    x0, y0, x1, y1 = box
    crop = frame[max(0, y0 - 6) : y1 + 6, max(0, x0 - 6) : x1 + 6]
    low, high = float(crop.min()), float(crop.max())
    grey = ((crop - low) / max(high - low, 1e-6) * 255).astype(np.uint8)
    picture = np.repeat(np.repeat(np.stack([grey] * 3, axis=-1), 2, axis=0), 2, axis=1)
    seen = " ".join(getattr(reader(picture), "txts", None) or ()).lower()
    return any(word.lower() in seen for word in re.findall(r"\w{4,}", text))
