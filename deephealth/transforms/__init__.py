"""Floor 2: resize, augmentation and test-time augmentation, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.transforms.augment import Augment
    from deephealth.transforms.bands import EEG_BANDS, BandPower
    from deephealth.transforms.catalogue import AUGMENTATIONS, TTA
    from deephealth.transforms.resize import resize_float, resize_levels, resize_mask, resize_rgb
    from deephealth.transforms.stain import MacenkoNormalizer, StainAugmentation, tissue_mask
    from deephealth.transforms.tta import View, views

__all__ = [
    "AUGMENTATIONS",
    "EEG_BANDS",
    "TTA",
    "Augment",
    "BandPower",
    "MacenkoNormalizer",
    "StainAugmentation",
    "View",
    "resize_float",
    "resize_levels",
    "resize_mask",
    "resize_rgb",
    "tissue_mask",
    "views",
]

_HOMES = {
    "AUGMENTATIONS": "catalogue",
    "EEG_BANDS": "bands",
    "TTA": "catalogue",
    "Augment": "augment",
    "BandPower": "bands",
    "MacenkoNormalizer": "stain",
    "StainAugmentation": "stain",
    "View": "tta",
    "resize_float": "resize",
    "resize_levels": "resize",
    "resize_mask": "resize",
    "resize_rgb": "resize",
    "tissue_mask": "stain",
    "views": "tta",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
