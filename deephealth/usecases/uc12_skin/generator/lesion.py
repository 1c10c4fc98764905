"""One lesion in its own frame: a contour, and maps of pigment, blood and surface inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.usecases.uc12_skin.generator.draw import blots, cells, noise, rough, smooth_step, strokes
from deephealth.usecases.uc12_skin.generator.looks import Look

if TYPE_CHECKING:
    import numpy.typing as npt

    from deephealth.usecases.uc12_skin.generator.draw import Map

__all__ = ["REACH", "Lesion", "draw_lesion"]

REACH = 1.7  # the frame's half side, in lesion radii: room for lobes and soft borders
_DIRECTIONS = 1024


@dataclass(slots=True)
class Lesion:
    """Maps of one side length; the lesion's radius is the side / (2 * REACH).

    Args:
        rho: distance from the centre in units of the contour: below 1 is lesion.
        melanin: brown pigment, optical density.
        blood: haemoglobin, optical density.
        deep: pigment deep in the skin, which looks blue-grey.
        white: how far the colour goes towards scar white.
        yellow: how far it goes towards waxy yellow.
    """

    rho: Map
    melanin: Map
    blood: Map
    deep: Map
    white: Map
    yellow: Map


@dataclass(slots=True)
class _Frame:
    """The stage a lesion is drawn on: coordinates in radii, and the contour."""

    rng: np.random.Generator
    shape: tuple[int, int]
    x: Map
    y: Map
    rho: Map
    angle: npt.NDArray[np.int64]
    inside: Map  # 1 in the lesion, 0 outside, ramp at the border

    @property
    def radius(self) -> float:
        return self.shape[0] / (2 * REACH)

    def spots(self, count: int, reach: float = 0.85) -> list[tuple[float, float]]:
        """Draw points in the lesion, as (x, y) in pixels."""
        found: list[tuple[float, float]] = []
        side = self.shape[0]
        for x, y in self.rng.integers(0, side, (count * 6 + 8, 2)):
            if self.rho[y, x] < reach and len(found) < count:
                found.append((float(x), float(y)))
        return found


def draw_lesion(rng: np.random.Generator, look: Look, side: int) -> Lesion:
    """Draw a lesion on a square of ``side`` pixels.

    Args:
        rng: where the numbers come from.
        look: its appearance.
        side: pixels.
    """
    frame = _frame(rng, look, side)
    lesion = _pigment(frame, look)
    _add_melanocytic(frame, look, lesion)
    _add_keratosis(frame, look, lesion)
    _add_carcinoma(frame, look, lesion)
    _add_scar(frame, look, lesion)
    _add_lacunae(frame, look, lesion)
    for name in ("melanin", "blood", "deep", "white", "yellow"):
        setattr(lesion, name, np.maximum(getattr(lesion, name), 0) * frame.inside)
    return lesion


def _frame(rng: np.random.Generator, look: Look, side: int) -> _Frame:
    shape = (side, side)
    axis = np.linspace(-REACH, REACH, side, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    wander = np.float32(look.jags)
    cell = side / (2 * REACH) * 0.28
    bent_x = x * np.float32(look.stretch**-0.5) + wander * rough(rng, shape, cell, 4)
    bent_y = y * np.float32(look.stretch**0.5) + wander * rough(rng, shape, cell, 4)
    angle = ((np.arctan2(bent_y, bent_x) + np.pi) * (_DIRECTIONS / (2 * np.pi))).astype(np.int64) % _DIRECTIONS
    rho: Map = (np.hypot(bent_x, bent_y) / _contour(rng, look)[angle]).astype(np.float32, copy=False)
    # The border is not equally sharp all round.
    sharp = np.float32(look.softness) * np.exp(np.float32(0.5) * noise(rng, shape, side * 0.3))
    inside = smooth_step((rho - np.float32(1)) / np.maximum(sharp, np.float32(0.02)), 1, -1)
    return _Frame(rng, shape, x, y, rho, angle, inside)


def _contour(rng: np.random.Generator, look: Look) -> npt.NDArray[np.float32]:
    """Return the radius for every direction: 1 and random harmonics, weaker the finer they are."""
    theta = np.linspace(-np.pi, np.pi, _DIRECTIONS, endpoint=False)
    radius = np.ones(_DIRECTIONS)
    for order in range(1, 8):
        amplitude = look.lobes * rng.normal(0, 0.8) / max(order - 1, 1) ** 0.7
        radius += amplitude * np.cos(order * theta + rng.uniform(0, 2 * np.pi))
    return np.clip(radius, 0.55, 1.5).astype(np.float32)


def _pigment(frame: _Frame, look: Look) -> Lesion:
    rng, shape = frame.rng, frame.shape
    direction = rng.uniform(0, 2 * np.pi)
    across = frame.x * np.float32(np.cos(direction)) + frame.y * np.float32(np.sin(direction))
    patches = rough(rng, shape, frame.radius * 0.5, 4)
    level = np.exp(np.float32(look.variegation) * patches + np.float32(look.asymmetry) * across)
    depth = np.clip(1 - frame.rho, 0, 1)
    centre = np.float32(rng.uniform(0.0, 0.7))
    melanin = np.float32(look.melanin) * level * (np.float32(0.8) + centre * depth)
    redness = np.float32(look.blood) * (1 + np.float32(0.35) * rough(rng, shape, frame.radius * 0.4))
    none = np.zeros(shape, np.float32)
    return Lesion(frame.rho, melanin, redness, none.copy(), none.copy(), none.copy())


def _add_melanocytic(frame: _Frame, look: Look, lesion: Lesion) -> None:
    rng, shape, radius = frame.rng, frame.shape, frame.radius
    if look.network > 0.03:
        spacing = max(radius * rng.uniform(0.06, 0.11), 4.5)
        lines = smooth_step(cells(rng, shape, spacing, 0.6), 0.4, 1.1) - np.float32(0.4)
        where = smooth_step(noise(rng, shape, radius * 0.6), -0.9, 0.5)
        border = 1 - np.float32(look.rim) * (1 - smooth_step(frame.rho, 0.35, 0.75))
        lesion.melanin *= 1 + np.float32(1.3 * look.network) * lines * where * border
    if look.globules > 0.05:
        size = (radius * 0.02, radius * 0.04)
        globules = blots(rng, shape, frame.spots(int(70 * look.globules), 0.95), size)
        lesion.melanin += np.float32(0.5 * look.globules + 0.1) * globules
    if look.dots > 0.05:
        centres = [spot for spot in frame.spots(int(60 * look.dots), 1.05) if rng.random() < 0.7]
        lesion.melanin += np.float32(1.3) * blots(rng, shape, centres, (radius * 0.012, radius * 0.035))
    if look.streaks > 0.05:
        rays = cv2.GaussianBlur(rng.standard_normal((1, _DIRECTIONS)).astype(np.float32), (31, 1), 6)[0] * 4
        band = smooth_step(frame.rho, 0.6, 0.95)
        lesion.melanin += np.float32(1.2 * look.streaks) * smooth_step(rays, 0.1, 0.8)[frame.angle] * band
    if look.veil > 0.05:
        veil = smooth_step(rough(rng, shape, radius * 0.6, 4), -0.3, 1.4) * smooth_step(frame.rho, 1.0, 0.5)
        lesion.deep += np.float32(look.veil) * veil
        lesion.white += np.float32(0.2 * min(look.veil, 1)) * veil
    if look.regression > 0.15:
        patch = smooth_step(rough(rng, shape, radius * 0.5, 4), 0.0, 1.6)
        pepper = smooth_step(noise(rng, shape, max(radius * 0.03, 2.0)), 0.8, 1.6)
        lesion.melanin *= 1 - np.float32(0.7 * look.regression) * patch
        lesion.white += np.float32(0.22 * look.regression) * patch
        lesion.deep += np.float32(0.6 * look.regression) * patch * pepper


def _add_keratosis(frame: _Frame, look: Look, lesion: Lesion) -> None:
    rng, shape, radius = frame.rng, frame.shape, frame.radius
    lesion.yellow += np.float32(look.waxy) * (1 + np.float32(0.3) * rough(rng, shape, radius * 0.3))
    if look.milia > 0.05:
        dots = blots(rng, shape, frame.spots(int(22 * look.milia)), (radius * 0.025, radius * 0.06))
        lesion.white += np.float32(0.55) * dots
        lesion.melanin *= 1 - np.float32(0.7) * dots
    if look.plugs > 0.05:
        plugs = blots(rng, shape, frame.spots(int(24 * look.plugs)), (radius * 0.03, radius * 0.075))
        lesion.melanin += np.float32(0.9) * plugs
        ridges = smooth_step(np.abs(rough(rng, shape, radius * 0.25, 2)), 0.3, 0.0)
        lesion.melanin *= 1 + np.float32(0.6 * look.plugs) * (ridges - np.float32(0.25))
    if look.follicles > 0.05:
        spacing = max(radius * rng.uniform(0.13, 0.24), 6.0)
        wall = cells(rng, shape, spacing, 0.5)
        fade = smooth_step(noise(rng, shape, radius * 0.5), -1.0, 0.3)
        lesion.white += np.float32(0.35 * look.follicles) * smooth_step(wall, 0.6, 0.2) * fade
        lesion.blood += np.float32(0.4 * look.follicles) * (smooth_step(wall, 0.4, 0.95) - np.float32(0.3)) * fade
    if look.scale > 0.1:
        flakes = smooth_step(rough(rng, shape, radius * 0.2, 4), 0.5, 1.8)
        lesion.white += np.float32(0.5 * look.scale) * flakes
        lesion.yellow += np.float32(0.45 * look.scale) * flakes


def _add_carcinoma(frame: _Frame, look: Look, lesion: Lesion) -> None:
    rng, shape, radius = frame.rng, frame.shape, frame.radius
    if look.vessels > 0.05:
        tree = strokes(shape, _branches(frame, int(2 + 4 * look.vessels)))
        soft = cv2.GaussianBlur(tree, (0, 0), max(radius * 0.008, 0.7))
        lesion.blood += np.float32(0.3 + 0.7 * look.vessels) * soft
    if look.nests > 0.1:
        centres = frame.spots(int(1 + 9 * look.nests), 0.9)
        nests = cv2.GaussianBlur(blots(rng, shape, centres, (radius * 0.04, radius * 0.2)), (0, 0), radius * 0.05)
        nests = smooth_step(nests + np.float32(0.12) * rough(rng, shape, radius * 0.12), 0.15, 0.9)
        lesion.deep += np.float32(0.3 + 0.6 * look.nests) * nests
        lesion.melanin += np.float32(rng.uniform(0.1, 0.6)) * nests
    if look.ulcer > 0.35:
        hollow = blots(rng, shape, frame.spots(int(rng.integers(1, 4)), 0.6), (radius * 0.06, radius * 0.2))
        hollow = cv2.GaussianBlur(hollow, (0, 0), radius * 0.025) * (1 + np.float32(0.3) * noise(rng, shape, 4))
        lesion.blood += np.float32(1.0 * look.ulcer) * hollow
        lesion.melanin += np.float32(0.5 * look.ulcer) * hollow


def _branches(frame: _Frame, count: int) -> list[tuple[npt.NDArray[np.float64], float]]:
    """Return vessels that enter from the border, wind inwards and fork, thinner at every fork."""
    rng, radius = frame.rng, frame.radius
    middle = frame.shape[0] / 2
    lines: list[tuple[npt.NDArray[np.float64], float]] = []
    for _ in range(count):
        towards = rng.uniform(0, 2 * np.pi)
        start = middle + radius * 0.95 * np.array([np.cos(towards), np.sin(towards)])
        waiting = [
            (
                start,
                towards + np.pi + rng.normal(0, 0.5),
                radius * rng.uniform(0.5, 0.9),
                radius * rng.uniform(0.012, 0.028),
            )
        ]
        while waiting and len(lines) < 90:
            point, heading, length, width = waiting.pop()
            path = _winding(rng, point, heading, length)
            lines.append((path, width))
            if length > radius * 0.18:
                for at in rng.integers(2, len(path), 2):
                    turn = rng.choice((-1, 1)) * rng.uniform(0.4, 1.1)
                    waiting.append((path[at], heading + turn, length * rng.uniform(0.4, 0.65), width * 0.7))
    return lines


def _winding(
    rng: np.random.Generator, start: npt.NDArray[np.float64], heading: float, length: float
) -> npt.NDArray[np.float64]:
    headings = heading + np.cumsum(rng.normal(0, 0.28, 10))
    steps = np.stack([np.cos(headings), np.sin(headings)], 1) * (length / 10)
    return np.concatenate([start[None], start + np.cumsum(steps, 0)])


def _add_scar(frame: _Frame, look: Look, lesion: Lesion) -> None:
    if look.scar < 0.05:
        return
    rng, shape, radius = frame.rng, frame.shape, frame.radius
    wavy = frame.rho + np.float32(0.12) * rough(rng, shape, radius * 0.3, 4)
    patch = smooth_step(wavy, rng.uniform(0.5, 0.8), 0.0)
    net = smooth_step(cells(rng, shape, max(radius * 0.14, 5.0), 0.5), 0.9, 0.4)
    lesion.white += np.float32(0.42 * look.scar) * patch * (np.float32(0.7) + np.float32(0.3) * net)
    lesion.melanin *= 1 - np.float32(0.8 * look.scar) * patch
    lesion.blood *= 1 - np.float32(0.4 * look.scar) * patch


def _add_lacunae(frame: _Frame, look: Look, lesion: Lesion) -> None:
    if look.lacunae < 0.05:
        return
    rng, shape, radius = frame.rng, frame.shape, frame.radius
    wall = cells(rng, shape, max(radius * rng.uniform(0.4, 0.75), 8.0), 0.6)
    lagoon = smooth_step(wall, 1.05, 0.6)
    lesion.blood += np.float32(look.lacunae) * (np.float32(0.25) + np.float32(1.1) * lagoon)
    dark = smooth_step(noise(rng, shape, radius * 0.5), 0.8, -0.6)
    lesion.deep += np.float32(0.6 * look.purple * look.lacunae) * (np.float32(0.3) + lagoon * dark)
    lesion.white += np.float32(0.16 * look.lacunae) * (1 - lagoon)
