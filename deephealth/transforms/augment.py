"""Augmentation of one image and its mask: every draw is a function of a seed, and geometry is a single resample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from deephealth.core.errors import ConfigError
from deephealth.transforms.colour import Colour
from deephealth.transforms.geometry import Geometry, reduce_first
from deephealth.transforms.resize import resize_mask, resize_rgb

__all__ = ["Augment", "Chain", "Flips", "dermoscopy", "flips", "none", "upright"]

Pair = tuple[torch.Tensor, torch.Tensor | None]


class Augment(Protocol):
    """What the data set calls on each training sample."""

    def __call__(
        self, image: torch.Tensor, mask: torch.Tensor | None = None, *, seed: int, size: tuple[int, int]
    ) -> Pair:
        """Return the augmented image and mask at ``size``.

        Args:
            image: uint8 3×H×W.
            mask: uint8 1×H×W, 0 or 1; goes through the same geometry.
            seed: decides every draw; see :func:`deephealth.core.seeds.counter_seed`.
            size: height and width of the result, pixels.
        """
        ...


@dataclass(frozen=True, slots=True)
class Flips:
    """Mirror images with given probabilities, after the resize of the project."""

    horizontal: float
    vertical: float

    def __call__(
        self, image: torch.Tensor, mask: torch.Tensor | None = None, *, seed: int, size: tuple[int, int]
    ) -> Pair:
        """See :class:`Augment`."""
        draws = _draws(seed)
        axes = [axis for axis, chance in ((-1, self.horizontal), (-2, self.vertical)) if draws[axis] < chance]
        image = resize_rgb(image, size).flip(axes)
        return image, None if mask is None else resize_mask(mask, size).flip(axes)


@dataclass(frozen=True, slots=True)
class Chain:
    """Geometry in one affine resample with mirrored borders, then light and colour, then at times an erased box."""

    geometry: Geometry
    colour: Colour
    erase: float
    erase_area: tuple[float, float]

    def __call__(
        self, image: torch.Tensor, mask: torch.Tensor | None = None, *, seed: int, size: tuple[int, int]
    ) -> Pair:
        """See :class:`Augment`."""
        draws = _draws(seed)
        image, mask = reduce_first(image, mask, size)
        hwc = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
        matrix = self.geometry.matrix(draws[:8], hwc.shape[:2], size)
        hwc = self.colour.apply(self.geometry.warp(hwc, matrix, size), draws[8:16])
        if draws[16] < self.erase:
            _erase(hwc, draws[17:21], self.erase_area)
        result = torch.from_numpy(hwc).permute(2, 0, 1)
        if mask is None:
            return result, None
        hw = np.ascontiguousarray(mask[0].numpy())
        return result, torch.from_numpy(self.geometry.warp(hw, matrix, size, nearest=True))[None]


def none() -> Augment:
    """Resize only."""
    return Flips(0.0, 0.0)


def flips(*, horizontal: float = 0.5, vertical: float = 0.5) -> Augment:
    """Mirror images.

    Args:
        horizontal: probability of left to right, 0 to 1.
        vertical: probability of top to bottom, 0 to 1.
    """
    _check("flips", shares={"horizontal": horizontal, "vertical": vertical})
    return Flips(horizontal, vertical)


def dermoscopy(  # noqa: PLR0913  # one keyword per range that a config may set
    *,
    rotation: float = 180.0,
    zoom: float = 1.22,
    aspect: float = 1.1,
    shear: float = 0.1,
    translate: float = 0.08,
    flip: float = 0.5,
    brightness: float = 0.15,
    contrast: float = 0.15,
    contrast_level: float | None = None,
    saturation: float = 0.3,
    colour_cast: float = 0.05,
    erase: float = 0.0,
    erase_area: tuple[float, float] = (0.02, 0.15),
) -> Augment:
    """Skin lesions under a dermatoscope: no up and no down, lamps and cameras differ.

    Args:
        rotation: largest turn either way, degrees.
        zoom: largest factor of size; drawn log-uniformly from ``1/zoom`` to ``zoom``.
        aspect: largest factor of width against height.
        shear: largest sideways shift per pixel of height.
        translate: largest shift, as a share of the width and of the height.
        flip: probability of a mirror image (with any turn, one axis is enough).
        brightness: light is scaled by a factor from ``exp(-brightness)`` to ``exp(brightness)``.
        contrast: distance from a grey level, likewise.
        contrast_level: that level, 0 to 255; null takes the image's own mean.
        saturation: distance from grey, scaled by ``1 - saturation`` to ``1 + saturation``.
        colour_cast: each of red, green, blue is scaled by ``exp(-colour_cast)`` to ``exp(colour_cast)``.
        erase: probability that a box is painted in the image's mean colour.
        erase_area: smallest and largest area of that box, as a share of the image.
    """
    _check(
        "dermoscopy",
        shares={"flip": flip, "erase": erase, "translate": translate},
        factors={"zoom": zoom, "aspect": aspect},
    )
    geometry = Geometry(rotation, zoom, aspect, shear, translate, flip)
    return Chain(
        geometry,
        Colour(brightness, contrast, saturation, colour_cast, contrast_level),
        erase,
        (float(erase_area[0]), float(erase_area[1])),
    )


def upright(
    *,
    rotation: float = 10.0,
    zoom: float = 1.1,
    translate: float = 0.05,
    flip: float = 0.0,
    brightness: float = 0.1,
    contrast: float = 0.1,
) -> Augment:
    """Images that keep their up and down, such as radiographs; parameters as in :func:`dermoscopy`."""
    _check("upright", shares={"flip": flip, "translate": translate}, factors={"zoom": zoom})
    return Chain(
        Geometry(rotation, zoom, 1.0, 0.0, translate, flip), Colour(brightness, contrast, 0.0, 0.0), 0.0, (0.0, 0.0)
    )


def _draws(seed: int) -> np.ndarray:
    # One block of draws with fixed places: changing one parameter leaves all other draws as they were.
    return np.random.Generator(np.random.Philox(key=seed)).random(24)


def _erase(hwc: np.ndarray, draws: np.ndarray, area: tuple[float, float]) -> None:
    height, width = hwc.shape[:2]
    share = area[0] + draws[0] * (area[1] - area[0])
    ratio = 3.0 ** (draws[1] - 0.5)
    box_height = min(height, max(1, round(height * (share * ratio) ** 0.5)))
    box_width = min(width, max(1, round(width * (share / ratio) ** 0.5)))
    top = int(draws[2] * (height - box_height + 1))
    left = int(draws[3] * (width - box_width + 1))
    hwc[top : top + box_height, left : left + box_width] = hwc.mean((0, 1)).round()


def _check(name: str, *, shares: dict[str, float], factors: dict[str, float] | None = None) -> None:
    problems = [f"{key}: {value:g} is not between 0 and 1" for key, value in shares.items() if not 0 <= value <= 1]
    problems += [f"{key}: {value:g} is below 1" for key, value in (factors or {}).items() if value < 1]
    if problems:
        raise ConfigError(problems, source=f"the augmentation '{name}'")
