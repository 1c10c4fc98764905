"""Trivial masks that any segmentation must beat: the whole image, and the mean training mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deephealth.io.raster import read_mask

if TYPE_CHECKING:
    from deephealth.core.types import MaskHW
    from deephealth.data.sample import Sample

__all__ = ["mean_mask", "trivial_masks"]

_SIDE = 64
# The mean shape of a few hundred lesions no longer moves; reading thousands of masks would only take time.
_MOST_MASKS = 400


def mean_mask(samples: Sequence[Sample], *, side: int = _SIDE) -> MaskHW | None:
    """Return where at least half of the training masks are foreground.

    Args:
        samples: training samples; those without a mask are left out, and of many an evenly spaced part is read.
        side: height and width of the result, pixels; every mask is squeezed to it.

    Returns:
        ``side`` x ``side``, 0 or 1; ``None`` when there is no mask.
    """
    sources = [sample.mask for sample in samples if sample.mask is not None]
    if not sources:
        return None
    chosen = np.unique(np.linspace(0, len(sources) - 1, min(_MOST_MASKS, len(sources))).round().astype(int))
    total = np.zeros((side, side), dtype=np.float64)
    for index in chosen:
        total += cv2.resize(read_mask(sources[index]).astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return (total / len(chosen) >= 0.5).astype(np.uint8)


def trivial_masks(size: tuple[int, int], mean: MaskHW | None) -> dict[str, MaskHW]:
    """Return the baselines' masks for an image of ``size`` (height, width).

    Example:
        >>> trivial_masks((2, 3), None)["whole_image"].tolist()
        [[1, 1, 1], [1, 1, 1]]
    """
    masks = {"whole_image": np.ones(size, dtype=np.uint8)}
    if mean is not None:
        masks["mean_training_mask"] = np.asarray(cv2.resize(mean, size[::-1], interpolation=cv2.INTER_NEAREST))
    return masks
