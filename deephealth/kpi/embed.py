"""Pictures of single cases, made small enough to be part of a report."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deephealth.core.errors import DataError
from deephealth.core.files import below

__all__ = ["Tile", "embed_image", "tiles"]

_MOST_TILES = 12
_SIDE = 300


@dataclass(frozen=True, slots=True)
class Tile:
    """One drawn case.

    Args:
        image: data URI; empty when the picture is missing.
        name: id of the sample.
        caption: what was said and what was true.
    """

    image: str
    name: str
    caption: str


def embed_image(path: Path, *, side: int = _SIDE) -> str:
    """Return a picture as a JPEG data URI, at most ``side`` pixels wide; empty when it can't be read."""
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG")) as opened:
            picture = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
    picture.thumbnail((side, side * 2), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=86)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def tiles(cases: Sequence[Mapping[str, Any]], folder: Path) -> list[Tile]:
    """Return the drawn cases of an evaluation; pictures outside its folder are not opened."""
    found = []
    for case in cases[:_MOST_TILES]:
        try:
            image = embed_image(below(folder, str(case.get("overlay", ""))))
        except DataError:
            image = ""
        found.append(Tile(image, str(case.get("id", "")), _caption(case)))
    return found


def _caption(case: Mapping[str, Any]) -> str:
    if "jaccard" in case:
        value = case["jaccard"]
        return "Jaccard undefined" if value is None else f"Jaccard {float(value):.3f}"
    probability = case.get("probability")
    sure = f" ({float(probability):.2f})" if isinstance(probability, (int, float)) else ""
    return f"said {case.get('label')}{sure}, true {case.get('target')}"
