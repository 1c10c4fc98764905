"""Floor 2: resize, augmentation and test-time augmentation, by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
