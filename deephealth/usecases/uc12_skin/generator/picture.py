"""A dermoscopy image with its mask: one view of one lesion, a function of the seed and the two ids alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.core.errors import DataError
from deephealth.core.seeds import counter_seed
from deephealth.usecases.uc12_skin.classes import CLASSES
from deephealth.usecases.uc12_skin.generator.hair import add_overlays
from deephealth.usecases.uc12_skin.generator.lesion import REACH, Lesion, draw_lesion
from deephealth.usecases.uc12_skin.generator.looks import draw_look
from deephealth.usecases.uc12_skin.generator.skin import absorb, draw_device, draw_skin, draw_tone, light

if TYPE_CHECKING:
    from deephealth.core.types import ImageHWC, MaskHW
    from deephealth.usecases.uc12_skin.generator.draw import Map
    from deephealth.usecases.uc12_skin.generator.skin import Colour, Picture

__all__ = ["draw_image"]

_FINE = 300  # shorter side up to which an image is drawn half as large again, so that fine structures are smooth
_SIDES = (64, 384)  # smallest and largest frame a lesion is drawn in, pixels
_SCAR_WHITE = np.array([0.9, 0.8, 0.82], np.float32)
_WAXY = np.array([0.7, 0.54, 0.36], np.float32)


def draw_image(
    label: str, *, seed: int, lesion_id: str, image_id: str, size: tuple[int, int] = (150, 200), hardness: float = 0.5
) -> tuple[ImageHWC, MaskHW]:
    """Draw one image of a lesion, and its mask.

    Images of the same ``lesion_id`` show the same lesion, turned, shifted, nearer or farther, on another photograph.

    Args:
        label: class code, one of the seven of HAM10000.
        seed: of the data set.
        lesion_id: decides what the lesion looks like and the skin's tone.
        image_id: decides the view, the light, hairs and so on.
        size: height and width, pixels.
        hardness: 0 (every lesion is typical) to 1 (many look half like another class).

    Returns:
        Image H x W x 3, uint8 RGB; mask H x W, uint8, 1 inside the contour.

    Raises:
        DataError: no such class.

    Example:
        >>> image, mask = draw_image("mel", seed=0, lesion_id="a", image_id="b", size=(48, 64))
        >>> image.shape, mask.shape, bool(mask.any())
        ((48, 64, 3), (48, 64), True)
    """
    if label not in CLASSES:
        raise DataError(f"the generator draws no '{label}'", allowed=", ".join(CLASSES))
    factor = 1.5 if min(size) <= _FINE else 1
    shape = (round(size[0] * factor), round(size[1] * factor))
    of_lesion = np.random.default_rng(counter_seed(seed, "lesion", lesion_id))
    of_view = np.random.default_rng(counter_seed(seed, "view", image_id))
    look = draw_look(of_lesion, label, hardness)
    tone = draw_tone(of_lesion)
    radius = look.size * min(shape)
    side = int(np.clip(2 * REACH * radius, *_SIDES))
    drawn = _place(of_view, draw_lesion(of_lesion, look, side), radius, shape)
    image = _paint(of_view, tone, drawn)
    image = add_overlays(of_view, image)
    image = light(of_view, image, draw_device(of_view, tone))
    return _photograph(of_view, image, size), _mask(drawn.rho, size)


def _place(rng: np.random.Generator, lesion: Lesion, radius: float, shape: tuple[int, int]) -> Lesion:
    """Turn, zoom and shift a lesion into the picture; at least half of its centre square stays inside."""
    side = lesion.rho.shape[0]
    zoom = radius * 2 * REACH / side * rng.uniform(0.88, 1.14)
    angle = rng.uniform(0, 360)
    height, width = shape
    slack = np.maximum(np.array([width, height]) / 2 - radius, 0.12 * min(shape)) * 0.55
    shift = np.clip(rng.normal(0, 0.4, 2), -1, 1) * slack
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, zoom)
    matrix[:, 2] += np.array([width / 2, height / 2]) + shift - side / 2

    def turned(values: Map, outside: float) -> Map:
        return cv2.warpAffine(
            values, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
        )

    return Lesion(
        rho=turned(lesion.rho, 9.0),
        melanin=turned(lesion.melanin, 0),
        blood=turned(lesion.blood, 0),
        deep=turned(lesion.deep, 0),
        white=turned(lesion.white, 0),
        yellow=turned(lesion.yellow, 0),
    )


def _paint(rng: np.random.Generator, tone: Colour, lesion: Lesion) -> Picture:
    melanin, blood = draw_skin(rng, (lesion.rho.shape[0], lesion.rho.shape[1]))
    image = absorb(tone, lesion.melanin + melanin, lesion.blood + blood, lesion.deep)
    lightest = np.minimum(tone * np.float32(1.35), 1)  # a scar can be whiter than the skin, not than the light on it
    for amount, colour in ((lesion.yellow, _WAXY), (lesion.white, _SCAR_WHITE)):
        if amount.any():
            image += np.clip(amount, 0, 0.9)[..., None] * (colour * lightest.max() - image)
    return image


def _photograph(rng: np.random.Generator, image: Picture, size: tuple[int, int]) -> ImageHWC:
    """Focus, sample, and add the sensor's noise."""
    blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.3))
    small = cv2.resize(blurred, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    small = small + rng.standard_normal(small.shape, dtype=np.float32) * np.float32(rng.uniform(0.002, 0.009))
    return (np.clip(small, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def _mask(rho: Map, size: tuple[int, int]) -> MaskHW:
    """Return where the contour's inside covers more than half of a pixel."""
    inside = (rho < 1).astype(np.float32)
    covered = cv2.resize(inside, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return (covered > 0.5).astype(np.uint8)
