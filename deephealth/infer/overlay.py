"""Pictures for people: the outline of a mask on its image, and an image with a caption. OpenCV and Pillow only.

Colours are from Okabe and Ito's palette: told apart by colour-blind readers, and by their brightness in print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.core.errors import DataError

if TYPE_CHECKING:
    from deephealth.core.types import ImageHWC, MaskHW

__all__ = ["PREDICTED", "REFERENCE", "caption_tile", "draw_overlay"]

PREDICTED = (230, 159, 0)  # orange
REFERENCE = (86, 180, 233)  # sky blue
_HALO = (0, 0, 0)
_CAPTION = ((24, 24, 27), (244, 244, 245))  # background, text


def draw_overlay(
    image_hwc: ImageHWC,
    predicted_hw: MaskHW | None,
    reference_hw: MaskHW | None = None,
    *,
    side: int | None = None,
) -> ImageHWC:
    """Draw outlines on a copy of an image: orange for the prediction, blue for the reference.

    Args:
        image_hwc: RGB.
        predicted_hw: in the image's size, non-zero is foreground.
        reference_hw: likewise.
        side: pixels of the result's longer side; ``None`` keeps the size.

    Returns:
        RGB, uint8.

    Raises:
        DataError: a mask has another size than the image.
    """
    for name, mask in (("predicted", predicted_hw), ("reference", reference_hw)):
        if mask is not None and mask.shape != image_hwc.shape[:2]:
            raise DataError(f"the {name} mask is {mask.shape} and the image {image_hwc.shape[:2]} (height, width)")
    canvas = _scaled(image_hwc, side).copy()
    width = max(2, round(max(canvas.shape[:2]) / 120))
    for mask, colour in ((reference_hw, REFERENCE), (predicted_hw, PREDICTED)):
        if mask is not None:
            region = (_scaled((mask > 0).astype(np.uint8) * np.uint8(255), side) > 127).astype(np.uint8)
            contours, _ = cv2.findContours(region, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(canvas, contours, -1, _HALO, width + 2, cv2.LINE_AA)
            cv2.drawContours(canvas, contours, -1, colour, width, cv2.LINE_AA)
    return canvas


def caption_tile(image_hwc: ImageHWC, lines: list[str], *, side: int = 240) -> ImageHWC:
    """Fit an image into a square and write lines of text below it.

    Args:
        image_hwc: RGB.
        lines: text, cut off where it gets too long.
        side: of the square, pixels.

    Returns:
        RGB, uint8, ``side`` wide.
    """
    from PIL import Image, ImageDraw, ImageFont

    line_height = round(side / 13)
    dark, light = _CAPTION
    tile = Image.new("RGB", (side, side + line_height * len(lines) + line_height // 2), dark)
    picture = Image.fromarray(image_hwc)
    picture = picture.resize(_fitting(picture.size, side), Image.Resampling.LANCZOS)
    tile.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    pen, font = ImageDraw.Draw(tile), ImageFont.load_default(size=round(line_height * 0.72))
    for number, line in enumerate(lines):
        text = "".join(letter if letter.isprintable() else "?" for letter in line)
        while len(text) > 1 and pen.textlength(text, font=font) > side - 12:
            text = text[:-2] + "…"
        pen.text((6, side + 3 + number * line_height), text, fill=light, font=font)
    return np.asarray(tile)


def _fitting(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _scaled(raster: np.ndarray, side: int | None) -> np.ndarray:
    height, width = raster.shape[:2]
    if side is None or side == max(height, width):
        return raster
    method = cv2.INTER_AREA if side < max(height, width) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(raster, _fitting((width, height), side), interpolation=method))
