"""Turn, mirror, zoom, shear and shift as one affine map from the source to the output size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch

from deephealth.transforms.resize import resize_mask, resize_rgb

__all__ = ["Geometry", "reduce_first"]

_BORDER = cv2.BORDER_REFLECT_101
_LARGEST_REDUCTION = 2.0  # bilinear without antialias reads every source pixel up to here


@dataclass(frozen=True)
class Geometry:
    """Ranges of the draws; meanings as in :func:`deephealth.transforms.augment.dermoscopy`."""

    rotation: float
    zoom: float
    aspect: float
    shear: float
    translate: float
    flip: float

    def matrix(self, draws: np.ndarray, source: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
        """Return the 2×3 map from source pixels (x, y) to output pixels.

        Args:
            draws: eight numbers in [0, 1).
            source: height and width of the source, pixels.
            size: height and width of the output, pixels.
        """
        turn, grow, stretch, slant, right, down, mirror, _ = draws
        angle = math.radians(_between(turn, self.rotation))
        scale = math.exp(_between(grow, self._log_zoom))
        ratio = math.exp(_between(stretch, self._log_aspect))
        sign = -1.0 if mirror < self.flip else 1.0
        cos, sin = math.cos(angle), math.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1.0, _between(slant, self.shear)], [0.0, 1.0]])
        linear = linear @ np.diag([scale * ratio * sign, scale / ratio])
        # The turn happens in source pixels, then the frame is fitted: circles stay as round as resize leaves them
        linear = np.diag([size[1] / source[1], size[0] / source[0]]) @ linear
        shift = np.array([_between(right, self.translate) * size[1], _between(down, self.translate) * size[0]])
        centre_of_source = np.array([source[1] - 1, source[0] - 1]) / 2
        centre_of_output = np.array([size[1] - 1, size[0] - 1]) / 2
        return np.column_stack([linear, centre_of_output + shift - linear @ centre_of_source])

    @staticmethod
    def warp(raster: np.ndarray, matrix: np.ndarray, size: tuple[int, int], *, nearest: bool = False) -> np.ndarray:
        """Resample a raster H×W or H×W×C; what lies outside is the mirrored inside.

        Args:
            raster: uint8.
            matrix: from :meth:`matrix`.
            size: height and width of the output, pixels.
            nearest: take the nearest pixel instead of interpolating, for masks.
        """
        flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
        return cv2.warpAffine(raster, matrix, (size[1], size[0]), flags=flags, borderMode=_BORDER)

    @cached_property
    def _log_zoom(self) -> float:
        return math.log(self.zoom)

    @cached_property
    def _log_aspect(self) -> float:
        return math.log(self.aspect)


def reduce_first(
    image: torch.Tensor, mask: torch.Tensor | None, size: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Bring a much larger source to ``size`` with antialias, since the affine resample has none; leave others alone.

    Args:
        image: uint8 3×H×W.
        mask: uint8 1×H×W, or none.
        size: height and width of the output, pixels.
    """
    height, width = image.shape[-2:]
    if max(height / size[0], width / size[1]) <= _LARGEST_REDUCTION:
        return image, mask
    return resize_rgb(image, size), None if mask is None else resize_mask(mask, size)


def _between(draw: float, limit: float) -> float:
    return (2 * float(draw) - 1) * limit
