"""The conversion to float32 at the end of a chain of augmentations, done while pixels are written into the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deephealth.ecvl.augmentations.factory import SequentialAugmentationContainer
from deephealth.ecvl.augmentations.geometry import AugCenterCrop, AugResizeDim, AugResizeScale
from deephealth.ecvl.augmentations.intensity import AugDivBy255, AugNormalize, AugScaleFromTo, AugScaleTo, AugToFloat32
from deephealth.ecvl.strictness import is_strict

__all__ = ["Fused", "fuse"]

_NOT_RANDOM = (
    AugCenterCrop,
    AugDivBy255,
    AugNormalize,
    AugResizeDim,
    AugResizeScale,
    AugScaleFromTo,
    AugScaleTo,
    AugToFloat32,
)


@dataclass(frozen=True, slots=True)
class Fused:
    """A chain of augmentations without the division at its end.

    Args:
        aug: what is left to apply, or ``None``.
        divisor: of the image.
        divisor_gt: of the ground truth.
        random: whether it draws numbers; a stream of its own for each sample takes time to set up.
    """

    aug: Any
    divisor: float = 1.0
    divisor_gt: float = 1.0
    random: bool = True


def fuse(aug: Any) -> Fused:
    """Take ``AugToFloat32`` off the end of a chain, where dividing later gives the same numbers.

    Args:
        aug: augmentation, container, or ``None``.

    Example:
        >>> fuse(AugToFloat32(255))
        Fused(aug=None, divisor=255.0, divisor_gt=1.0, random=False)
    """
    chain = list(aug.augs_) if type(aug) is SequentialAugmentationContainer else [aug]
    random = not all(type(entry) in _NOT_RANDOM for entry in chain)
    last = chain[-1] if chain else None
    if type(last) is not AugToFloat32 or is_strict() or not (_exact(last.divisor_) and _exact(last.divisor_gt_)):
        return Fused(aug, random=random)
    rest = SequentialAugmentationContainer(chain[:-1]) if len(chain) > 1 else None
    return Fused(rest, last.divisor_, last.divisor_gt_, random)


def _exact(divisor: float) -> bool:
    """Return whether single precision holds a divisor, so that one rounding gives what two would."""
    return divisor != 0 and float(np.float32(divisor)) == divisor
