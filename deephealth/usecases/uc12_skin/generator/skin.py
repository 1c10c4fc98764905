"""Skin without a lesion: tone on the ITA scale, furrows, freckles, small vessels, and how a dermatoscope lights it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.usecases.uc12_skin.generator.draw import blots, cells, noise, rough, smooth_step

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from deephealth.usecases.uc12_skin.generator.draw import Map

    Colour: TypeAlias = npt.NDArray[np.float32]  # RGB from 0 to 1
    Picture: TypeAlias = npt.NDArray[np.float32]  # H x W x 3, RGB from 0 to 1

__all__ = ["Device", "absorb", "draw_device", "draw_skin", "draw_tone", "light"]

# Optical density in red, green and blue (rows) of one unit of melanin, blood and deep melanin (columns), set by eye:
# melanin absorbs blue most, blood green, and what lies deep looks blue.
_DENSITIES = np.array([[0.42, 0.10, 0.95], [0.86, 0.72, 0.78], [1.20, 0.55, 0.55]], np.float32)

_WHITE = np.array([0.95047, 1.0, 1.08883])
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])

# White balances and exposures that were met in HAM10000: red, green and blue gains.
_CASTS = (
    (1.10, 0.80, 0.82),
    (1.08, 0.90, 0.97),
    (1.02, 0.92, 1.10),
    (1.00, 0.97, 1.08),
    (1.04, 1.00, 1.03),
    (1.06, 1.05, 1.07),
    (0.97, 0.98, 1.00),
)


@dataclass(frozen=True, slots=True)
class Device:
    """A dermatoscope: its colour cast, and whether its round aperture shows."""

    gains: Colour
    aperture: float  # radius of the lit disc, part of the half diagonal; above 1 it does not show
    falloff: float


def draw_tone(rng: np.random.Generator) -> Colour:
    """Return a skin colour (RGB, 0 to 1) drawn on the scale of individual typology angles (ITA).

    ITA = atan((L* - 50) / b*) in degrees: above 55 very light, 41 light, 28 intermediate, 10 tan, -30 brown. Public
    dermoscopy is mostly of light skin, and so is this draw; one image in eight is below 28 degrees.
    """
    ita = rng.normal(50, 8) if rng.random() < 0.85 else rng.uniform(-35, 35)
    b_star, a_star = rng.normal(13, 2.5), rng.normal(10, 3)
    lightness = np.clip(50 + b_star * np.tan(np.radians(ita)), 22, 84)
    return np.clip(_lab_to_rgb(lightness, a_star, b_star), 0.05, 0.97).astype(np.float32)


def _lab_to_rgb(lightness: float, a_star: float, b_star: float) -> npt.NDArray[np.float64]:
    """Return sRGB from 0 to 1 (IEC 61966-2-1, white D65); OpenCV takes milliseconds to convert one colour."""
    middle = (lightness + 16) / 116
    f = np.array([middle + a_star / 500, middle, middle - b_star / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _WHITE
    linear = np.clip(_XYZ_TO_RGB @ xyz, 0, 1)
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def draw_device(rng: np.random.Generator, tone: Colour) -> Device:
    """Draw the device of a photograph; it exposes for the skin, which it brings most of the way to a light grey.

    Args:
        rng: where the numbers come from.
        tone: the skin's colour.
    """
    cast = np.array(_CASTS[rng.integers(len(_CASTS))]) * rng.normal(1, 0.025, 3)
    exposure = (rng.uniform(0.7, 0.92) / float(tone.mean())) ** 0.7
    aperture = rng.uniform(0.78, 1.0) if rng.random() < 0.12 else 2.0
    return Device((cast * exposure).astype(np.float32), float(aperture), float(rng.uniform(0.0, 0.35)))


def draw_skin(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Map, Map]:
    """Return how melanin and blood vary over bare skin, as optical densities around 0.

    Args:
        rng: where the numbers come from.
        shape: height and width, pixels.
    """
    short = min(shape)
    mottled = np.float32(rng.uniform(0.01, 0.05)) * rough(rng, shape, short * 0.3)
    furrow = smooth_step(cells(rng, shape, short * rng.uniform(0.025, 0.06), 0.7), 0.6, 1.2)
    grain = np.float32(rng.uniform(0.005, 0.02)) * noise(rng, shape, 4)
    melanin = mottled + np.float32(rng.uniform(0, 0.08)) * furrow + grain + _freckles(rng, shape)
    blood = np.float32(rng.uniform(0.015, 0.07)) * rough(rng, shape, short * 0.2, 4) + _small_vessels(rng, shape)
    return melanin, blood


def absorb(colour: Colour, melanin: Map, blood: Map, deep: Map) -> Picture:
    """Return a colour seen through pigment, by the law of Beer and Lambert.

    Args:
        colour: RGB from 0 to 1.
        melanin: optical density map, as the next two.
        blood: haemoglobin.
        deep: melanin deep in the skin, blue-grey.
    """
    density = cv2.transform(cv2.merge((melanin, blood, deep)), _DENSITIES)
    return cv2.exp(-density) * colour


def _freckles(rng: np.random.Generator, shape: tuple[int, int]) -> Map:
    count = int(rng.poisson(1.2) + (rng.poisson(14) if rng.random() < 0.15 else 0))
    if not count:
        return np.zeros(shape, np.float32)
    short = min(shape)
    centres = [(float(x), float(y)) for x, y in rng.uniform((0, 0), shape[::-1], (count, 2))]
    spots = blots(rng, shape, centres, (short * 0.012, short * 0.045))
    return np.float32(rng.uniform(0.1, 0.35)) * cv2.GaussianBlur(spots, (0, 0), short * 0.015)


def _small_vessels(rng: np.random.Generator, shape: tuple[int, int]) -> Map:
    if rng.random() < 0.6:
        return np.zeros(shape, np.float32)
    wavy = np.abs(rough(rng, shape, min(shape) * 0.12))
    return np.float32(rng.uniform(0.08, 0.25)) * smooth_step(wavy, 0.08, 0.0) * smooth_step(noise(rng, shape, 60), 0, 1)


def light(rng: np.random.Generator, image: Picture, device: Device) -> Picture:
    """Return the picture as the device sees it: uneven light, colour cast, round aperture."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    tilt = rng.normal(0, 0.05, 2).astype(np.float32)
    distance = cv2.magnitude(x * np.float32(width), y * np.float32(height)) * np.float32(1 / np.hypot(width, height))
    level = 1 + tilt[0] * x + tilt[1] * y - np.float32(device.falloff) * distance * distance * distance
    if device.aperture < 1:
        level *= np.float32(0.08) + np.float32(0.92) * smooth_step(
            distance, device.aperture + 0.015, device.aperture - 0.03
        )
    return image * level[..., None] * device.gains
