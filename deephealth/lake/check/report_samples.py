"""Small pictures for the report: released objects, with the boxes that were painted outlined."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deephealth.lake.check.rendering import Render, renders

__all__ = ["Painted", "Tile", "tiles"]

_WIDTH, _QUALITY = 360, 82
_LINE, _HALO = (255, 140, 0), (0, 0, 0)
_BEST = ("color", "header", "middle", "full")


@dataclass(frozen=True, slots=True)
class Painted:
    """One released object in which something was painted over.

    Args:
        path: relative to the lake.
        key: pseudonym of the object.
        modality: such as ``US``.
        boxes: as the journal keeps them.
    """

    path: str
    key: str
    modality: str
    boxes: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of the report.

    Args:
        modality: such as ``US``.
        key: pseudonym of the object.
        caption: what was painted.
        image: a data URI; empty where the object could not be drawn.
    """

    modality: str
    key: str
    caption: str
    image: str


def tiles(root: Path, painted: Iterable[Painted]) -> list[Tile]:
    """Draw objects; one that can't be rendered is named without a picture.

    Args:
        root: the lake.
        painted: which.
    """
    drawn = []
    for one in painted:
        frame = max(0, int(one.boxes[0]["frame"]))
        here = [box for box in one.boxes if box["frame"] in (-1, frame)]
        try:
            image = _uri(_outlined(_view(root / one.path, frame), here))
        except Exception:  # decoders raise anything, and what they say may quote the file
            image = ""
        read = sum(box["why"] == "read" for box in here)
        parts = [f"{len(here)} box{'es' if len(here) != 1 else ''}"]
        parts += [f"{len(here) - read} of them only seen"] if read < len(here) else []
        parts += [f"frame {frame}"] if any(box["frame"] >= 0 for box in one.boxes) else []
        drawn.append(Tile(one.modality, one.key, " · ".join(parts), image))
    return drawn


def _view(path: Path, frame: int) -> np.ndarray:
    views: dict[str, Render] = {
        view.window: view for view in renders(path, "dicom", inverted=False, only=frame) if view.window != "overlay"
    }
    best = next(name for name in (*_BEST, *views) if name in views)
    picture = views[best].picture
    return np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture


def _outlined(picture: np.ndarray, boxes: Iterable[dict[str, Any]]) -> Any:
    from PIL import Image, ImageDraw

    scale = _WIDTH / picture.shape[1]
    image = Image.fromarray(np.ascontiguousarray(picture)).resize(
        (_WIDTH, max(1, round(picture.shape[0] * scale))), Image.Resampling.LANCZOS
    )
    draw = ImageDraw.Draw(image)
    for box in boxes:
        x0, y0, x1, y1 = (round(box[name] * scale) for name in ("x0", "y0", "x1", "y1"))
        draw.rectangle((x0 - 3, y0 - 3, x1 + 3, y1 + 3), outline=_HALO, width=1)
        draw.rectangle((x0 - 2, y0 - 2, x1 + 2, y1 + 2), outline=_LINE, width=2)
    return image


def _uri(image: Any) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
