"""What lies over the skin: hairs, gel bubbles, glints and ruler marks; none of them depends on the diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.usecases.uc12_skin.generator.draw import blots, strokes

if TYPE_CHECKING:
    import numpy.typing as npt

    from deephealth.usecases.uc12_skin.generator.skin import Picture

__all__ = ["add_overlays"]


def add_overlays(rng: np.random.Generator, image: Picture) -> Picture:
    """Return the image with hairs, bubbles, glints and marks, each in some of the images."""
    shape = (image.shape[0], image.shape[1])
    if rng.random() < 0.5:
        image = _hairs(rng, image, shape)
    if rng.random() < 0.08:
        image = _bubbles(rng, image, shape)
    if rng.random() < 0.3:
        image = _glints(rng, image, shape)
    if rng.random() < 0.06:
        image = _ruler(rng, image, shape)
    return image


def _hairs(rng: np.random.Generator, image: Picture, shape: tuple[int, int]) -> Picture:
    count = int(rng.integers(1, 9) if rng.random() < 0.75 else rng.integers(10, 35))
    long = rng.random() < 0.5
    direction, spread = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.7)
    thickness = min(shape) / 300 * rng.uniform(0.6, 1.6)
    lines = []
    for _ in range(count):
        reach = min(shape) * (rng.uniform(0.5, 1.4) if long else rng.uniform(0.05, 0.2))
        lines.append((_arc(rng, shape, direction + rng.normal(0, spread), reach), thickness))
    cover = cv2.GaussianBlur(strokes(shape, lines), (0, 0), 0.6)[..., None] * np.float32(rng.uniform(0.65, 0.95))
    shade = rng.uniform(0.03, 0.25) if rng.random() < 0.85 else rng.uniform(0.7, 0.9)
    colour = np.array([1.15, 0.9, 0.75], np.float32) * np.float32(shade)
    return image + cover * (colour - image)


def _arc(rng: np.random.Generator, shape: tuple[int, int], heading: float, reach: float) -> npt.NDArray[np.float64]:
    """Return a hair as the points of a quadratic Bezier curve."""
    start = rng.uniform((0, 0), shape[::-1])
    along = np.array([np.cos(heading), np.sin(heading)])
    bow = np.array([-along[1], along[0]]) * reach * rng.normal(0, 0.18)
    middle, end = start + along * reach / 2 + bow, start + along * reach
    t = np.linspace(0, 1, 16)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end


def _bubbles(rng: np.random.Generator, image: Picture, shape: tuple[int, int]) -> Picture:
    ring, glare = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        x, y = (int(value) for value in rng.uniform((0, 0), shape[::-1]))
        radius = int(min(shape) * rng.uniform(0.015, 0.07)) + 2
        cv2.circle(ring, (x, y), radius, 255, max(radius // 8, 1), cv2.LINE_AA)
        cv2.circle(glare, (x - radius // 2, y - radius // 2), max(radius // 5, 1), 255, -1, cv2.LINE_AA)
    rim = cv2.GaussianBlur(ring, (0, 0), 1).astype(np.float32)[..., None] / np.float32(255)
    spot = glare.astype(np.float32)[..., None] / np.float32(255)
    image = image * (1 - np.float32(0.45) * rim)
    return image + np.float32(0.75) * spot * (1 - image)


def _glints(rng: np.random.Generator, image: Picture, shape: tuple[int, int]) -> Picture:
    centres = [(float(x), float(y)) for x, y in rng.uniform((0, 0), shape[::-1], (int(rng.integers(4, 40)), 2))]
    spots = blots(rng, shape, centres, (0.5, 0.6 + min(shape) * 0.004))[..., None]
    return image + np.float32(rng.uniform(0.2, 0.6)) * spots * (1 - image)


def _ruler(rng: np.random.Generator, image: Picture, shape: tuple[int, int]) -> Picture:
    height, width = shape
    step, offset = min(shape) * rng.uniform(0.04, 0.09), min(shape) * rng.uniform(0.0, 0.06)
    lines = []
    for number, x in enumerate(np.arange(offset, width, step)):
        length = min(shape) * (0.07 if number % 5 == 0 else 0.04)
        lines.append((np.array([[x, height - offset - length], [x, height - offset]]), 2.0))
    if rng.random() < 0.5:
        lines = [(np.stack([line[:, 0], height - line[:, 1]], 1), thickness) for line, thickness in lines]
    marks = strokes(shape, lines)[..., None]
    return image + np.float32(0.85) * marks * (np.float32(0.05) - image)
