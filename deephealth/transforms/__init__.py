"""Floor 2: resize, augmentation and test-time augmentation, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deephealth.core.lazy import lazy_exports

if TYPE_CHECKING:
    from deephealth.transforms.augment import Augment
    from deephealth.transforms.catalogue import AUGMENTATIONS, TTA
    from deephealth.transforms.resize import resize_float, resize_levels, resize_mask, resize_rgb
    from deephealth.transforms.tta import View, views

__all__ = [
    "AUGMENTATIONS",
    "TTA",
    "Augment",
    "View",
    "resize_float",
    "resize_levels",
    "resize_mask",
    "resize_rgb",
    "views",
]

_HOMES = {
    "AUGMENTATIONS": "catalogue",
    "TTA": "catalogue",
    "Augment": "augment",
    "View": "tta",
    "resize_float": "resize",
    "resize_levels": "resize",
    "resize_mask": "resize",
    "resize_rgb": "resize",
    "views": "tta",
}

__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
