"""Pictures: smooth bodies with noise, and text burned into them with its box and its mask."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

__all__ = ["Burned", "body", "burn", "overlay_bits"]

_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf", "DejaVuSansMono-Bold.ttf")


@dataclass
class Burned:
    """One line of text in the picture: box (x0, y0, x1, y1), the text, the mask of its strokes in the box."""

    box: tuple[int, int, int, int]
    text: str
    mask: np.ndarray


def body(rng: random.Random, rows: int, columns: int, *, kind: str = "body") -> np.ndarray:
    """Return a text-free picture in 0..1: ellipses of several tones, smoothed, with noise."""
    generator = np.random.default_rng(rng.getrandbits(32))
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    picture = np.zeros((rows, columns), np.float32)
    if kind == "screen":
        return np.full((rows, columns), rng.choice((0.05, 0.12, 0.9)), np.float32)
    for index in range(rng.randint(4, 9)):
        cy, cx = rows * rng.uniform(0.3, 0.7), columns * rng.uniform(0.3, 0.7)
        ry, rx = rows * rng.uniform(0.05, 0.42 / (1 + index / 4)), columns * rng.uniform(0.05, 0.42 / (1 + index / 4))
        inside = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
        picture[inside] = rng.uniform(0.15, 0.8)
    smooth = Image.fromarray((picture * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(1, 4)))
    picture = np.asarray(smooth, np.float32) / 255
    if kind == "sector":
        angle = np.abs(np.arctan2(x - columns / 2, y - rows * 0.02))
        picture = (picture + generator.gamma(1.2, 0.15, picture.shape).astype(np.float32)) * (angle < 0.7) * 0.7
    picture = picture + generator.normal(0, rng.uniform(0.005, 0.03), picture.shape).astype(np.float32) * (
        picture > 0.01
    )
    return np.clip(picture, 0, 1)


def burn(picture: np.ndarray, lines: list[str], rng: random.Random, *, size: int | None = None) -> list[Burned]:
    """Write lines into a corner of the picture (in place, tone 0..1) and return their boxes and masks."""
    rows, columns = picture.shape[:2]
    size = size or rng.randint(max(12, rows // 36), max(14, rows // 20))
    name = rng.choice(_FONTS)
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)
    widest = max(font.getlength(line) for line in lines)
    while widest > columns - 8 and size > 8:
        size -= 1
        font = ImageFont.truetype(font.path, size)
        widest = max(font.getlength(line) for line in lines)
    height = int(size * 1.35)
    right, bottom = rng.random() < 0.3, rng.random() < 0.3
    x = columns - int(widest) - 4 if right else 4
    y = rows - height * len(lines) - 3 if bottom else 3
    written = []
    for index, line in enumerate(lines):
        written.append(_line(picture, (x, y + index * height), line, font, rng))
    return written


def _line(
    picture: np.ndarray, at: tuple[int, int], line: str, font: ImageFont.FreeTypeFont, rng: random.Random
) -> Burned:
    rows, columns = picture.shape[:2]
    canvas = Image.new("L", (columns, rows), 0)
    ImageDraw.Draw(canvas).text(at, line, font=font, fill=255)
    strokes = np.asarray(canvas, np.float32) / 255
    found = np.argwhere(strokes > 0.3)
    (y0, x0), (y1, x1) = found.min(0), found.max(0) + 1
    bright = float(picture[y0:y1, x0:x1].mean()) < 0.6
    tone = rng.uniform(0.9, 1.0) if bright else rng.uniform(0.0, 0.1)
    weight = strokes if picture.ndim == 2 else strokes[..., None]
    picture[...] = picture * (1 - weight) + tone * weight
    return Burned((int(x0), int(y0), int(x1), int(y1)), line, strokes[y0:y1, x0:x1] > 0.5)


def overlay_bits(rows: int, columns: int, text: str, rng: random.Random) -> bytes:
    """Return packed overlay bits with the text written in them."""
    picture = np.zeros((rows, columns), np.float32)
    burn(picture, [text], rng)
    bits = np.packbits((picture > 0.5).astype(np.uint8).ravel(), bitorder="little").tobytes()
    return bits + b"\0" * (len(bits) % 2)
