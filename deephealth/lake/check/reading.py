"""What is written in a picture: rapidocr by its public interface, in overlapping tiles of a large picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from deephealth.core.optional import require

__all__ = ["Line", "picture_reader"]

_TILE, _OVERLAP = 1024, 128  # the network makes larger pictures smaller, and small writing is lost
_LEAST_SIDE = 12
_FLAT = 6  # grey levels: nothing can be read in less


@dataclass(frozen=True, slots=True)
class Line:
    """One line of writing.

    Args:
        text: what was read; never stored, logged or shown.
        score: how sure the network is, 0 to 1.
        x: first column.
        y: first row.
    """

    text: str
    score: float
    x: int
    y: int


class PictureReader:
    """Reads pictures on one thread.

    Args:
        least: lines of which the network is less sure are left out.
    """

    def __init__(self, least: float = 0.5) -> None:
        rapidocr = require("rapidocr", purpose="reading released pictures once more")
        require("onnxruntime", purpose="reading released pictures once more")
        self._engine: Any = rapidocr.RapidOCR(
            params={
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "Global.log_level": "error",
                "Global.text_score": least,
            }
        )

    def read(self, picture: np.ndarray) -> list[Line]:
        """Return the lines of a picture.

        Args:
            picture: (H, W) or (H, W, 3), 8 bits.
        """
        lines = []
        for top, left, tile in _tiles(picture):
            if min(tile.shape[:2]) < _LEAST_SIDE or int(tile.max()) - int(tile.min()) < _FLAT:
                continue
            whole = np.repeat(tile[..., None], 3, 2) if tile.ndim == 2 else tile
            found = self._engine(np.ascontiguousarray(whole))
            for text, score, box in zip(found.txts or (), found.scores or (), _corners(found.boxes), strict=False):
                lines.append(Line(str(text), float(score), left + int(box[0]), top + int(box[1])))
        return lines


@cache
def picture_reader() -> PictureReader:
    """Return the reader of this process."""
    return PictureReader()


def _corners(boxes: Any) -> list[np.ndarray]:
    return [] if boxes is None else [np.asarray(box).min(0) for box in boxes]


def _tiles(picture: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    height, width = picture.shape[:2]
    for top in _starts(height):
        for left in _starts(width):
            yield top, left, picture[top : top + _TILE, left : left + _TILE]


def _starts(length: int) -> list[int]:
    if length <= _TILE + _OVERLAP:
        return [0]
    return [*range(0, length - _TILE, _TILE - _OVERLAP), length - _TILE]
