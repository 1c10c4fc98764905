"""The reader: finds and reads writing in 8-bit pictures, through rapidocr's networks on one thread."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from deephealth.core.optional import require

__all__ = ["LARGEST", "Found", "Reader", "give_back", "reader"]

_STEP = 32  # the detector's sides are multiples of this
LARGEST = 1_600_000  # pixels that the detector gets at a time: about 1.7 s on one core
_OVERLAP = 96
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Found:
    """A box in which the detector sees writing.

    Args:
        x0, y0, x1, y1: box in pixels of the picture.
        corners: (4, 2) its corners, clockwise from the upper left of the writing.
        score: of the detector.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    corners: np.ndarray
    score: float


class Reader:
    """Detector and recogniser.

    Source: Liao et al., Real-Time Scene Text Detection with Differentiable Binarization, AAAI 2020; the networks are
    PP-OCR's, as the package rapidocr brings them.
    """

    def __init__(self) -> None:
        rapidocr = require("rapidocr", purpose="reading text that is burned into pixels")
        require("onnxruntime", purpose="reading text that is burned into pixels")
        engine = rapidocr.RapidOCR(
            params={
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Det.limit_side_len": _STEP,
                "Det.box_thresh": 0.45,
                "Rec.rec_batch_num": 1,  # a batch is padded to its longest line: slower, and readings change with it
            }
        )
        self._detector: Any = engine._load_det_model()
        give_back()  # loading takes three times what stays
        self._recogniser: Any = engine._load_rec_model()
        give_back()

    def detect(self, picture: np.ndarray, scale: float = 1.0) -> list[Found]:
        """Return where writing seems to be.

        Args:
            picture: (H, W) or (H, W, 3), 8 bits.
            scale: the picture is enlarged by this before the detector sees it.
        """
        import cv2

        height, width = (max(_STEP, round(side * scale)) for side in picture.shape[:2])
        if (height, width) != picture.shape[:2]:
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            picture = cv2.resize(picture, (width, height), interpolation=how)
        found = []
        for top, left, tile in _tiles(picture):
            for corners, score in self._detect_tile(tile):
                found.append(_back(corners + np.array((left, top)), score, scale))
        return found

    def _detect_tile(self, tile: np.ndarray) -> list[tuple[np.ndarray, float]]:
        with _lock:
            out = self._detector(_three(tile))
        if out.boxes is None:
            return []
        return [(np.asarray(box, np.float64), float(score)) for box, score in zip(out.boxes, out.scores, strict=True)]

    def read(self, pictures: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        """Read lines of writing, each in a picture of its own: the text and how sure it is, 0 to 1."""
        if not pictures:
            return []
        from rapidocr.ch_ppocr_rec import TextRecInput

        with _lock:
            out = self._recogniser(TextRecInput(img=[_three(picture) for picture in pictures]))
        return [(str(text), float(score)) for text, score in zip(out.txts, out.scores, strict=True)]


@cache
def reader() -> Reader:
    """Return the reader of this process; its networks take a third of a second to load."""
    return Reader()


def give_back() -> None:
    """Give the memory that the networks took for a picture, up to a hundred megabytes, back to the system."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    """Return glibc's ``malloc_trim``; ``None`` on a system with another C library."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def _three(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture)


def _tiles(picture: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Cut a large picture in bands that overlap, so that memory and time of one look are bounded."""
    height, width = picture.shape[:2]
    if height * width <= LARGEST:
        return [(0, 0, picture)]
    side = int(LARGEST**0.5)
    (tops, tall), (lefts, wide) = _starts(height, side), _starts(width, side)
    return [(top, left, picture[top : top + tall, left : left + wide]) for top in tops for left in lefts]


def _starts(length: int, most: int) -> tuple[list[int], int]:
    """Return where pieces of equal length begin that overlap and cover everything, and that length."""
    if length <= most:
        return [0], length
    count = -(-(length - _OVERLAP) // (most - _OVERLAP))
    piece = -(-(length + (count - 1) * _OVERLAP) // count)
    return [round(number * (length - piece) / (count - 1)) for number in range(count)], piece


def _back(corners: np.ndarray, score: float, scale: float) -> Found:
    corners = corners / scale
    (x0, y0), (x1, y1) = np.floor(corners.min(0)), np.ceil(corners.max(0))
    return Found(int(x0), int(y0), int(x1), int(y1), corners, score)
