"""Light, contrast, saturation and colour cast as one 3×4 matrix on the colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Colour"]

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in torchvision and OpenCV


@dataclass(frozen=True, slots=True)
class Colour:
    """Ranges of the draws; meanings as in :func:`deephealth.transforms.augment.dermoscopy`."""

    brightness: float
    contrast: float
    saturation: float
    colour_cast: float
    contrast_level: float | None = None

    def apply(self, image: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """Return the recoloured image.

        Args:
            image: uint8 H×W×3, RGB.
            draws: eight numbers in [0, 1).
        """
        light, steep, vivid, red, green, blue, *_ = (2 * draws - 1).tolist()
        cast = [math.exp(value * self.colour_cast) for value in (red, green, blue)]
        keep = 1 + vivid * self.saturation
        matrix = keep * np.eye(3) + (1 - keep) * np.outer(np.ones(3), _LUMA)
        matrix = math.exp(light * self.brightness) * np.diag(cast) @ matrix
        factor = math.exp(steep * self.contrast)
        pivot = self.contrast_level
        if pivot is None:
            pivot = float(_LUMA @ (matrix @ np.array(cv2.mean(image)[:3])))
        return cv2.transform(image, np.column_stack([factor * matrix, np.full(3, (1 - factor) * pivot)]))
